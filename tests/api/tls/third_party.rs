//! TLS with curl, openssl and the service's own health check.

use std::process::{Command, Output, Stdio};

use super::authority::{CertificateAuthority, Files};
use crate::packages::skipped;
use crate::process::run;
use crate::support::TestApp;

/// Runs a program off the runtime's threads. `None`: it is not installed.
async fn run_tool(program: &'static str, arguments: Vec<String>) -> Option<Output> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null());
    match tokio::task::spawn_blocking(move || command.output()).await.unwrap() {
        Ok(output) => Some(output),
        Err(error) => {
            skipped(&format!("{program} does not run: {error}"));
            None
        }
    }
}

fn output_text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn curl_uses_both_versions_of_http_and_openssl_both_of_tls() {
    let (ca, clients) = (CertificateAuthority::new("ca"), CertificateAuthority::new("clients"));
    let files = Files::of(&ca.server(90));
    let app = TestApp::with(&files.mutual(&clients)).await;
    let trusted = files.write("server-ca.crt", &ca.certificate);
    let client = clients.client("curl", 1, 30);
    let (certificate, key) = (files.write("client.crt", &client.certificate), files.write("client.key", &client.key));
    for (option, version) in [("--http2", "2"), ("--http1.1", "1.1")] {
        let mut arguments: Vec<String> =
            ["-sS", option, "-w", " %{http_version} %{http_code}", "--cacert"].map(str::to_owned).to_vec();
        arguments.push(trusted.display().to_string());
        let mut bare = arguments.clone();
        arguments.extend(["--cert".to_owned(), certificate.display().to_string()]);
        arguments.extend(["--key".to_owned(), key.display().to_string()]);
        arguments.extend(["-H".to_owned(), format!("Authorization: Bearer {}", app.bearer("alice"))]);
        arguments.push(app.https("/v1/token"));
        let Some(output) = run_tool("curl", arguments).await else { return };
        assert!(output_text(&output).ends_with(&format!("}} {version} 200")), "{}", output_text(&output));
        bare.push(app.https("/livez"));
        let output = run_tool("curl", bare).await.unwrap();
        assert!(!output.status.success(), "without a certificate: {}", output_text(&output));
    }
    for (option, words) in
        [("-tls1_3", "Protocol  : TLSv1.3"), ("-tls1_2", "Protocol  : TLSv1.2"), ("-tls1_1", "alert")]
    {
        let mut arguments = vec!["s_client".to_owned(), option.to_owned(), "-verify_return_error".to_owned()];
        arguments.extend(["-CAfile".to_owned(), trusted.display().to_string()]);
        arguments.extend(["-cert".to_owned(), certificate.display().to_string()]);
        arguments.extend(["-key".to_owned(), key.display().to_string()]);
        arguments.extend(["-connect".to_owned(), app.service.public_address().to_string()]);
        arguments.extend(["-alpn".to_owned(), "h2".to_owned(), "-cipher".to_owned(), "ALL:@SECLEVEL=0".to_owned()]);
        let Some(output) = run_tool("openssl", arguments).await else { return };
        let said = output_text(&output);
        let is_refused = option == "-tls1_1";
        assert_eq!(output.status.success(), !is_refused, "{option}: {said}");
        assert!(is_refused || said.contains("Verify return code: 0 (ok)"), "{option}: {said}");
        assert!(is_refused || said.contains("ALPN protocol: h2"), "{option}: {said}");
        assert!(said.contains(words) || said.contains(&words.replace("Protocol  : ", "New, ")), "{option}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn openssl_formats_the_subject_of_a_certificate_as_the_service_does() {
    let files = Files::new();
    let (name, written) = ("/C=CH/O=Example, Inc.+OU=a/CN=\\#edge \"1\" <x>;=", "openssl");
    let key = files.path("key.pem").display().to_string();
    let certificate = files.path("certificate.pem").display().to_string();
    let arguments = [
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-multivalue-rdn",
        "-keyout",
        &key,
        "-out",
        &certificate,
        "-subj",
        name,
    ];
    let Some(made) = run_tool(written, arguments.map(str::to_owned).to_vec()).await else { return };
    assert!(made.status.success(), "{}", output_text(&made));
    let show = ["x509", "-noout", "-subject", "-nameopt", "RFC2253", "-in", &certificate];
    let shown = output_text(&run_tool("openssl", show.map(str::to_owned).to_vec()).await.unwrap());
    let shown = shown.trim().trim_start_matches("subject=").to_owned();
    let pem = std::fs::read(&certificate).unwrap();
    use rustls::pki_types::pem::PemObject as _;
    let der = rustls::pki_types::CertificateDer::from_pem_slice(&pem).unwrap();
    assert_eq!(tokenvend::tls::PeerCertificate::read(&der).unwrap().subject, shown);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_health_check_connects_over_tls_by_the_name_in_the_certificate() {
    let ca = CertificateAuthority::new("ca");
    let files = Files::of(&ca.server(90));
    let app = TestApp::with(&files.configuration()).await;
    let trusted = files.write("server-ca.crt", &ca.certificate).display().to_string();
    let port = app.service.public_address().port();
    let (by_name, elsewhere) =
        (format!("https://localhost:{port}/livez"), format!("https://other.example:{port}/livez"));
    let ask = async |url: &str, more: &[&str]| {
        let arguments: Vec<String> =
            ["healthcheck", "--url", url].iter().chain(more).map(|argument| (*argument).to_owned()).collect();
        let run = move || run(&arguments.iter().map(String::as_str).collect::<Vec<_>>(), &[]);
        tokio::task::spawn_blocking(run).await.unwrap()
    };
    let (code, _, error) = ask(&by_name, &["--ca-file", &trusted, "--connect-to", "127.0.0.1"]).await;
    assert_eq!(code, Some(0), "{error}");
    for (url, more, words) in [
        (&by_name, &[][..], "UnknownIssuer"),
        (&elsewhere, &["--ca-file", &trusted, "--connect-to", "127.0.0.1"], "not valid for name"),
    ] {
        let (code, _, error) = ask(url, more).await;
        assert_eq!(code, Some(69), "{error}");
        assert!(error.contains(words), "{error}");
    }
    let (code, _, error) = ask(&by_name, &["--ca-file", "/nowhere.pem"]).await;
    assert_eq!(code, Some(64), "{error}");
    assert!(error.contains("/nowhere.pem"), "{error}");
}
