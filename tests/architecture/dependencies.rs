//! Where a library may be used, and which module may know which. Crate borders are the compiler's; these are the borders
//! inside the service.

use crate::sources::production_code;

/// A text that may be in these files and folders of `src/` only.
struct Fence {
    text: &'static str,
    within: &'static [&'static str],
}

const FENCES: &[Fence] = &[
    Fence { text: "actix_web::", within: &["http", "http.rs", "admin", "admin.rs", "dev/demo_sign_in.rs"] },
    Fence { text: "actix_cors::", within: &["http"] },
    Fence { text: "actix_http::", within: &["http"] },
    Fence { text: "actix_server::", within: &["http/door.rs", "http/listener.rs"] },
    Fence { text: "h2::server", within: &["http/h2.rs"] },
    Fence { text: "rustls::", within: &["tls", "tls.rs", "http/handshake.rs", "http/socket.rs"] },
    Fence { text: "x509_parser::", within: &["tls"] },
    Fence { text: "aws_sdk_", within: &["issuer"] },
    Fence { text: "aws_config::", within: &["issuer"] },
    Fence { text: "aws_types::", within: &["issuer"] },
    Fence { text: "aws_sigv4::", within: &["issuer"] },
    Fence { text: "aws_smithy_http_client::", within: &["issuer"] },
    // HTTP clients come from bounded-http, which keeps plain http off the proxies of the environment.
    Fence { text: "Client::builder()", within: &[] },
    Fence { text: "reqwest::Client::new()", within: &[] },
    Fence { text: "reqwest::get(", within: &[] },
    Fence { text: "ipnet::", within: &["client_address.rs", "auth", "config"] },
    Fence { text: "moka::", within: &["vending", "auth"] },
    // A comparison of secrets takes as long for a guess that is nearly right as for any other.
    Fence {
        text: "constant_time::verify_slices_are_equal",
        within: &["admin/authenticate.rs", "auth/gateway.rs", "auth/static_key.rs"],
    },
    Fence { text: "quick_cache::", within: &["auth/credential_cache.rs", "vending/user_quota.rs"] },
    Fence { text: "prometheus::", within: &["metrics", "metrics.rs"] },
    Fence { text: "std::env::", within: &["config/environment.rs", "cli.rs"] },
    Fence { text: "tracing_subscriber::", within: &["telemetry.rs"] },
    Fence { text: "cognito_emulator", within: &["cli", "cli.rs", "dev.rs"] },
    Fence { text: "aws_cli_compat", within: &["cli", "cli.rs"] },
];

/// The files of the service, by their path in `src/`.
fn service() -> Vec<(String, String)> {
    let files = production_code().into_iter();
    files.filter_map(|file| Some((file.path.strip_prefix("src/")?.to_owned(), file.text))).collect()
}

fn is_within(file: &str, places: &[&str]) -> bool {
    places.iter().any(|place| file == *place || file.starts_with(&format!("{place}/")))
}

#[test]
fn every_library_and_every_import_stays_within_its_modules() {
    let service = service();
    assert!(service.len() > 30);
    for Fence { text, within } in FENCES {
        for (file, source) in &service {
            assert!(!source.contains(text) || is_within(file, within), "{text} in src/{file}");
        }
        let is_used =
            |place: &&&str| service.iter().any(|(file, source)| is_within(file, &[place]) && source.contains(text));
        let unused: Vec<_> = within.iter().filter(|place| !is_used(place)).collect();
        assert!(unused.is_empty(), "{text} is allowed and not used in {unused:?}");
    }
}

/// The other comparisons end at the first byte that differs.
#[test]
fn no_secret_is_compared_except_in_constant_time() {
    for file in production_code() {
        for line in file.text.lines().filter(|line| line.contains("expose()")) {
            let early = ["==", "!=", ".eq(", ".cmp(", "_with("].iter().find(|early| line.contains(**early));
            assert_eq!(early, None, "{}: {line}", file.path);
        }
        assert!(!file.text.contains("PartialEq for Secret"), "{}", file.path);
    }
}

#[test]
fn no_file_has_more_than_four_hundred_lines() {
    for file in production_code() {
        let lines = file.text.lines().count();
        assert!(lines <= 400, "{} has {lines} lines: which two ideas are in it?", file.path);
    }
}
