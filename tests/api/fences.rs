//! Who may know what: each library in the rooms that it belongs to, and arrows that never turn back.

use std::path::{Path, PathBuf};

/// A text that may stand in these files and folders of `src/` only.
struct Fence {
    text: &'static str,
    within: &'static [&'static str],
}

const FENCES: &[Fence] = &[
    Fence {
        text: "actix_web::",
        within: &["http", "http.rs", "admin", "admin.rs", "emulator", "emulator.rs", "dev/sign_in.rs"],
    },
    Fence { text: "actix_cors::", within: &["http"] },
    Fence { text: "actix_http::", within: &["http"] },
    Fence { text: "actix_server::", within: &["http/door.rs", "http/listener.rs"] },
    Fence { text: "h2::server", within: &["http/h2.rs"] },
    Fence { text: "rustls::", within: &["tls", "tls.rs", "http/handshake.rs", "http/socket.rs"] },
    Fence { text: "x509_parser::", within: &["tls"] },
    Fence { text: "aws_sdk_", within: &["issuer", "cli/get_open_id_token/call.rs"] },
    Fence { text: "aws_config::", within: &["issuer", "cli/get_open_id_token/credentials.rs"] },
    Fence { text: "aws_types::", within: &["issuer"] },
    Fence { text: "aws_sigv4::", within: &["sigv4.rs"] },
    Fence { text: "governor::", within: &["limits"] },
    Fence { text: "ipnet::", within: &["hops.rs", "config"] },
    Fence { text: "moka::", within: &["vending/store.rs", "vending/refusals.rs", "auth/asked.rs"] },
    // Who compares secrets takes as long over a guess that is nearly right as over any other ...
    Fence {
        text: "constant_time::verify_slices_are_equal",
        within: &["admin/credential.rs", "auth/gateway.rs", "auth/static_key.rs", "emulator/signature.rs"],
    },
    Fence { text: "quick_cache::", within: &["auth/remembered.rs", "vending/rations.rs"] },
    Fence { text: "prometheus::", within: &["metrics", "metrics.rs"] },
    Fence { text: "std::env::", within: &["config.rs", "cli.rs", "cli/get_open_id_token/environment.rs"] },
    Fence { text: "SystemTime::now", within: &["clock.rs"] },
    Fence { text: "Instant::now", within: &["clock.rs"] },
    Fence { text: "tracing_subscriber::", within: &["telemetry.rs"] },
    // The arrows of docs/architecture.md. The heart knows nothing of its edges ...
    Fence { text: "crate::http", within: &["app.rs", "admin", "admin.rs", "cli.rs"] },
    // Rooms are imported one by one, so that the lines below see them.
    Fence { text: "use crate::{", within: &[] },
    Fence { text: "crate::app", within: &["cli", "dev.rs"] },
    Fence { text: "crate::admin", within: &["app.rs", "cli.rs"] },
    Fence { text: "crate::cli", within: &[] },
    Fence {
        text: "crate::tls",
        within: &[
            "app.rs",
            "admin.rs",
            "http",
            "http.rs",
            "config",
            "cli/check_config.rs",
            "audit/event.rs",
            "auth",
        ],
    },
    Fence { text: "crate::linking", within: &["app.rs", "http", "http.rs"] },
    Fence {
        text: "crate::auth",
        within: &["app.rs", "admin.rs", "http", "http.rs", "auth", "policy.rs", "doctor", "config"],
    },
    // ... and the emulator shares nothing with the service but names and time.
    Fence { text: "cognito_emulator", within: &["cli", "dev.rs", "emulator"] },
];

/// What the emulator may use of this crate.
const EMULATOR_MAY_USE: [&str; 3] = ["crate::identity", "crate::clock", "cognito_emulator"];

fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
                found.push((name, std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found
}

fn is_within(file: &str, rooms: &[&str]) -> bool {
    rooms.iter().any(|room| file == *room || file.starts_with(&format!("{room}/")))
}

#[test]
fn every_library_and_every_arrow_stays_within_its_fence() {
    let sources = sources();
    assert!(sources.len() > 30);
    for Fence { text, within } in FENCES {
        for (file, source) in &sources {
            assert!(!source.contains(text) || is_within(file, within), "{text} in src/{file}");
        }
        let is_used = |room: &&&str| {
            sources.iter().any(|(file, source)| is_within(file, &[room]) && source.contains(text))
        };
        let idle: Vec<_> = within.iter().filter(|room| !is_used(room)).collect();
        assert!(idle.is_empty(), "let through the fence around {text} without using it: {idle:?}");
    }
}

/// ... and nobody compares them otherwise: byte by byte, up to the first that differs.
#[test]
fn no_secret_is_compared_but_in_constant_time() {
    for (file, source) in sources() {
        for line in source.lines().filter(|line| line.contains("expose()")) {
            let hasty = ["==", "!=", ".eq(", ".cmp(", "_with("].iter().find(|hasty| line.contains(**hasty));
            assert_eq!(hasty, None, "src/{file}: {line}");
        }
        assert!(!source.contains("PartialEq for Secret"), "src/{file}");
    }
}

#[test]
fn the_emulator_uses_nothing_of_the_service() {
    for (file, source) in sources().iter().filter(|(file, _)| is_within(file, &["emulator", "emulator.rs"])) {
        for line in source.lines().filter(|line| line.contains("crate::")) {
            assert!(EMULATOR_MAY_USE.iter().any(|allowed| line.contains(allowed)), "src/{file}: {line}");
        }
    }
}

#[test]
fn no_file_has_grown_beyond_four_hundred_lines() {
    for (file, source) in sources() {
        let lines = source.lines().count();
        assert!(lines <= 400, "src/{file} has {lines} lines: which two ideas are in it?");
    }
}
