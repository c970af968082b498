//! `[http.tls]` and `[admin.tls]`: which files, and whether they hold.

use std::path::PathBuf;

use super::super::reader::Section;
use super::{HOUR, SECOND};
use crate::tls::{self, ClientDemand, ClientSettings, MinimumVersion, TlsSettings};

/// A listener's TLS; `Some(None)` where it has none. The files are read and proved here, so that what is wrong
/// with them is told with everything else.
pub(super) fn tls(section: &mut Section<'_, '_>) -> Option<Option<TlsSettings>> {
    let certificate_file = path(section, "certificate_file");
    let key_file = path(section, "key_file");
    let ca_file = path(section, "client_ca_file");
    let crl_file = path(section, "client_crl_file");
    let demand = section.choice(
        "client_certificates",
        &[("required", ClientDemand::Required), ("optional", ClientDemand::Optional)],
    );
    let minimum_version =
        section.choice("minimum_version", &[("1.2", MinimumVersion::Tls12), ("1.3", MinimumVersion::Tls13)]);
    let reload_interval = section.duration("reload_interval", SECOND..=24 * HOUR);

    // Half of it is no TLS at all, and must not pass for it.
    let mut is_half = false;
    for (key, needs) in [
        ("certificate_file", "key_file"),
        ("key_file", "certificate_file"),
        ("client_ca_file", "certificate_file"),
        ("client_crl_file", "client_ca_file"),
    ] {
        if section.has(key) && !section.has(needs) {
            let needed_by = format!("a path, because {} is set", section.path_of(key));
            section.fault(needs, "nothing", needed_by);
            is_half = true;
        }
    }
    if is_half {
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
    prove(section, &settings).then_some(Some(settings))
}

fn path(section: &mut Section<'_, '_>, key: &str) -> Option<PathBuf> {
    section.optional(key, "the path of a PEM file", |text| match text.trim() {
        "" => Err("it is empty"),
        path => Ok(PathBuf::from(path)),
    })
}

fn prove(section: &mut Section<'_, '_>, settings: &TlsSettings) -> bool {
    if tls::is_open_to_others(&settings.key_file) {
        section.warn(format!(
            "{} {} can be read by every user of this machine: whoever reads it can pass for this service.",
            section.path_of("key_file"),
            settings.key_file.display(),
        ));
    }
    match tls::check(settings) {
        Ok(()) => true,
        Err(faults) => {
            for fault in faults.0 {
                section.fault(fault.key, fault.found, fault.allowed);
            }
            false
        }
    }
}
