//! `[http.tls]` and `[admin.tls]`: the files, and whether they are valid.

use super::{DAY, SECOND};
use crate::config::reader::Section;
use crate::tls::{self, ClientDemand, ClientSettings, MinimumVersion, TlsSettings};

/// Reads a listener's TLS settings. The files are validated here, so that errors in them are reported with all others.
pub(super) fn read_tls(section: &mut Section<'_, '_>) -> Option<TlsSettings> {
    const FILE: &str = "the path of a PEM file";
    let certificate_file = section.read_optional_path("certificate_file", FILE);
    let key_file = section.read_optional_path("key_file", FILE);
    let ca_file = section.read_optional_path("client_ca_file", FILE);
    let crl_file = section.read_optional_path("client_crl_file", FILE);
    let demands = [("required", ClientDemand::Required), ("optional", ClientDemand::Optional)];
    let demand = section.read_choice("client_auth", demands);
    let versions = [("1.2", MinimumVersion::Tls12), ("1.3", MinimumVersion::Tls13)];
    let minimum_version = section.read_choice("minimum_version", versions);
    let reload_interval = section.read_duration("reload_interval", SECOND..=DAY);

    // An incomplete configuration must not start without TLS.
    for (key, required) in [
        ("certificate_file", "key_file"),
        ("key_file", "certificate_file"),
        ("client_ca_file", "certificate_file"),
        ("client_crl_file", "client_ca_file"),
    ] {
        if section.has(key) && !section.has(required) {
            let needed_by = format!("a path, because {} is set", section.key_path(key));
            section.reject(required, "nothing", needed_by);
        }
    }
    let settings = TlsSettings {
        certificate_file: certificate_file?,
        key_file: key_file?,
        clients: ca_file.map(|ca_file| ClientSettings { ca_file, crl_file, demand }),
        minimum_version,
        reload_interval,
    };
    check_files(section, &settings);
    Some(settings)
}

fn check_files(section: &mut Section<'_, '_>, settings: &TlsSettings) {
    if tls::is_open_to_others(&settings.key_file) {
        section.warn(format!(
            "{} {} is readable by every user of this machine: each of them can impersonate this service.",
            section.key_path("key_file"),
            settings.key_file.display(),
        ));
    }
    if let Err(errors) = tls::check(settings) {
        for error in errors.0 {
            section.reject(error.key, error.found, error.allowed);
        }
    }
}
