//! `[http.tls]` and `[admin.tls]`: the files, and whether they are valid.

use std::path::PathBuf;

use super::super::reader::Section;
use super::{HOUR, SECOND};
use crate::tls::{self, ClientDemand, ClientSettings, MinimumVersion, TlsSettings};

/// Reads a listener's TLS settings; `Some(None)` if it has none. The files are validated here, so that errors in them
/// are reported with all others.
pub(super) fn read_tls(section: &mut Section<'_, '_>) -> Option<Option<TlsSettings>> {
    let certificate_file = read_path(section, "certificate_file");
    let key_file = read_path(section, "key_file");
    let ca_file = read_path(section, "client_ca_file");
    let crl_file = read_path(section, "client_crl_file");
    let demand = section
        .read_choice("client_auth", &[("required", ClientDemand::Required), ("optional", ClientDemand::Optional)]);
    let minimum_version =
        section.read_choice("minimum_version", &[("1.2", MinimumVersion::Tls12), ("1.3", MinimumVersion::Tls13)]);
    let reload_interval = section.read_duration("reload_interval", SECOND..=24 * HOUR);

    // An incomplete configuration must not start without TLS.
    let mut is_incomplete = false;
    for (key, required) in [
        ("certificate_file", "key_file"),
        ("key_file", "certificate_file"),
        ("client_ca_file", "certificate_file"),
        ("client_crl_file", "client_ca_file"),
    ] {
        if section.has(key) && !section.has(required) {
            let needed_by = format!("a path, because {} is set", section.key_path(key));
            section.reject(required, "nothing", needed_by);
            is_incomplete = true;
        }
    }
    if is_incomplete {
        return None;
    }
    if !section.has("certificate_file") {
        return Some(None);
    }
    let clients = match ca_file {
        Some(ca_file) => Some(ClientSettings { ca_file, crl_file, demand: demand? }),
        None => None,
    };
    let settings = TlsSettings {
        certificate_file: certificate_file?,
        key_file: key_file?,
        clients,
        minimum_version: minimum_version?,
        reload_interval: reload_interval?,
    };
    check_files(section, &settings).then_some(Some(settings))
}

fn read_path(section: &mut Section<'_, '_>, key: &str) -> Option<PathBuf> {
    section.parse_optional(key, "the path of a PEM file", |text| match text.trim() {
        "" => Err("it is empty"),
        path => Ok(PathBuf::from(path)),
    })
}

fn check_files(section: &mut Section<'_, '_>, settings: &TlsSettings) -> bool {
    if tls::is_open_to_others(&settings.key_file) {
        section.warn(format!(
            "{} {} is readable by every user of this machine: each of them can impersonate this service.",
            section.key_path("key_file"),
            settings.key_file.display(),
        ));
    }
    match tls::check(settings) {
        Ok(_) => true,
        Err(errors) => {
            for error in errors.0 {
                section.reject(error.key, error.found, error.allowed);
            }
            false
        }
    }
}
