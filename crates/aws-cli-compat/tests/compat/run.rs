//! Runs one case with the AWS CLI or with the command, in a folder and with a server of its own.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::{Value, json};

use super::cases::Case;
use super::stub::{Recorded, Stub};

const BINARY: &str = env!("CARGO_BIN_EXE_get-open-id-token-for-developer-identity");
pub const COMMAND: &str = "get-open-id-token-for-developer-identity";

/// Result of a run.
#[derive(Debug)]
pub struct Outcome {
    pub status: i64,
    pub stdout: String,
    pub stderr: String,
    pub requests: Vec<Recorded>,
}

/// A case with its placeholders replaced.
pub struct Prepared {
    pub arguments: Vec<String>,
    pub environment: BTreeMap<String, String>,
    pub folder: std::path::PathBuf,
    pub terminal: Option<(u16, u16)>,
}

/// An authority, and a server certificate for 127.0.0.1 that it issued.
pub struct Certificates {
    bundle: String,
    server: Arc<ServerConfig>,
}

impl Certificates {
    pub fn new() -> Self {
        let mut authority = CertificateParams::new(Vec::new()).unwrap();
        authority.distinguished_name.push(DnType::CommonName, "test authority");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority_key = KeyPair::generate().unwrap();
        let bundle = authority.self_signed(&authority_key).unwrap().pem();
        let issuer = Issuer::new(authority, authority_key);
        let key = KeyPair::generate().unwrap();
        let mut server = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        server.distinguished_name.push(DnType::CommonName, "test server");
        let certificate = server.signed_by(&key, &issuer).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let server = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        Self { bundle, server: Arc::new(server) }
    }
}

/// Creates the case's folder and server, and runs it.
pub fn prepare_and_run(
    case: &Case,
    certificates: &Certificates,
    run: impl FnOnce(&Prepared) -> (i64, String, String),
) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let tls = case.is_tls.then(|| certificates.server.clone());
    let stub = Stub::start(case.replies.clone(), tls);
    let home = folder.path().to_str().unwrap();
    let fill = |text: &str| text.replace("{url}", &stub.url).replace("{home}", home);
    fs::create_dir(folder.path().join(".aws")).unwrap();
    fs::write(folder.path().join("bundle.pem"), &certificates.bundle).unwrap();
    for (name, bytes) in &case.files {
        let bytes = String::from_utf8(bytes.clone()).map_or_else(|_| bytes.clone(), |text| fill(&text).into());
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    let environment = case.environment.iter().map(|(name, value)| (name.clone(), fill(value)));
    let mut environment: BTreeMap<_, _> = environment.collect();
    environment.insert("HOME".to_owned(), home.to_owned());
    let prepared = Prepared {
        arguments: split_line(&fill(&case.line)),
        environment,
        folder: folder.path().to_owned(),
        terminal: case.terminal,
    };
    let (status, stdout, stderr) = run(&prepared);
    let normalize = |text: String| {
        text.replace(&stub.url, "URL").replace(home, "HOME").replace(&stub.url.replace("://", ""), "URL")
    };
    Outcome {
        status,
        stdout: normalize(stdout),
        stderr: normalize(stderr),
        requests: stub.recorded().into_iter().map(normalize).collect(),
    }
}

/// Splits a line as a shell does: spaces, and quotes of both kinds.
fn split_line(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match character {
            ' ' => words.extend(word.take()),
            '\'' => word.get_or_insert_default().extend(characters.by_ref().take_while(|c| *c != '\'')),
            '"' => word.get_or_insert_default().extend(characters.by_ref().take_while(|c| *c != '"')),
            '\\' => word.get_or_insert_default().extend(characters.next()),
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    words
}

/// Runs cases. The AWS CLI is loaded in one Python process, which forks for each case.
pub struct Runner {
    /// The AWS CLI resolves the path of its cache once, when it is loaded. The path is a link to the folder of the case.
    home: tempfile::TempDir,
    process: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Runner {
    pub fn start(peers: &Path) -> Self {
        let script = crate::packages::sources().join("aws_cli_cases.py");
        let home = tempfile::tempdir().unwrap();
        let mut process = Command::new(peers.join("venv/bin/python"))
            .arg(script)
            .env("HOME", home.path().join("link"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (stdin, stdout) = (process.stdin.take(), process.stdout.take().unwrap());
        Self { home, process, stdin, stdout: BufReader::new(stdout) }
    }

    pub fn run_aws_cli(&mut self, prepared: &Prepared) -> (i64, String, String) {
        let Prepared { arguments, environment, folder, terminal } = prepared;
        let index = arguments.iter().position(|argument| argument == COMMAND);
        let mut arguments = arguments.clone();
        // `cognito-identity` may be present already, among global options.
        match index {
            None => drop(arguments.splice(0..0, ["cognito-identity".to_owned(), COMMAND.to_owned()])),
            Some(index) if !arguments.contains(&"cognito-identity".to_owned()) => {
                arguments.insert(index, "cognito-identity".to_owned());
            }
            Some(_) => {}
        }
        let link = self.home.path().join("link");
        let _ = fs::remove_file(&link);
        std::os::unix::fs::symlink(folder, link).unwrap();
        self.send(&json!({
            "arguments": arguments, "environment": environment, "folder": folder, "terminal": terminal,
        }))
    }

    /// Runs the command as a process. Cases on a terminal run under the Python process, which creates the terminal.
    pub fn run_command(&mut self, prepared: &Prepared) -> (i64, String, String) {
        let Prepared { arguments, environment, folder, terminal } = prepared;
        let command = (!arguments.iter().any(|argument| argument == COMMAND)).then(|| COMMAND.to_owned());
        let arguments: Vec<_> = command.iter().chain(arguments).collect();
        if terminal.is_some() {
            return self.send(&json!({
                "program": BINARY, "arguments": arguments, "environment": environment, "folder": folder,
                "terminal": terminal,
            }));
        }
        let mut command = Command::new(BINARY);
        let output = command.args(arguments).env_clear().envs(environment).current_dir(folder).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (i64::from(output.status.code().unwrap_or(-1)), text(output.stdout), text(output.stderr))
    }

    fn send(&mut self, case: &Value) -> (i64, String, String) {
        writeln!(self.stdin.as_mut().unwrap(), "{case}").unwrap();
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        let result: Value = serde_json::from_str(&line).unwrap();
        let text = |name: &str| result[name].as_str().unwrap().to_owned();
        (result["status"].as_i64().unwrap(), text("stdout"), text("stderr"))
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let _ = self.process.wait();
    }
}
