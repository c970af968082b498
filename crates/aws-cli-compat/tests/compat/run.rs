//! One case, run: a folder of its own, a server of its own, and either the AWS CLI or ours in it.

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

/// What a run came to.
#[derive(Debug)]
pub struct Outcome {
    pub status: i64,
    pub stdout: String,
    pub stderr: String,
    pub requests: Vec<Recorded>,
}

/// A case with everything filled in.
pub struct Prepared {
    pub arguments: Vec<String>,
    pub environment: BTreeMap<String, String>,
    pub folder: std::path::PathBuf,
    pub terminal: Option<(u16, u16)>,
}

/// An authority and a server's certificate for 127.0.0.1, made for this run.
pub struct Certificates {
    bundle: String,
    server: Arc<ServerConfig>,
}

impl Certificates {
    pub fn new() -> Self {
        let mut authority = CertificateParams::new(Vec::new()).unwrap();
        authority.distinguished_name.push(DnType::CommonName, "an authority");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority_key = KeyPair::generate().unwrap();
        let bundle = authority.self_signed(&authority_key).unwrap().pem();
        let issuer = Issuer::new(authority, authority_key);
        let key = KeyPair::generate().unwrap();
        let mut server = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        server.distinguished_name.push(DnType::CommonName, "a server");
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

/// Makes the case's folder and server, and runs it.
pub fn prepared(
    case: &Case,
    certificates: &Certificates,
    run: impl FnOnce(&Prepared) -> (i64, String, String),
) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let tls = case.is_tls.then(|| certificates.server.clone());
    let stub = Stub::start(case.replies.clone(), tls);
    let home = folder.path().to_str().unwrap();
    let filled = |text: &str| text.replace("{url}", &stub.url).replace("{home}", home);
    fs::create_dir(folder.path().join(".aws")).unwrap();
    fs::write(folder.path().join("bundle.pem"), &certificates.bundle).unwrap();
    for (name, bytes) in &case.files {
        let bytes =
            String::from_utf8(bytes.clone()).map_or_else(|_| bytes.clone(), |text| filled(&text).into());
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    let environment = case.environment.iter().map(|(name, value)| (name.clone(), filled(value)));
    let mut environment: BTreeMap<_, _> = environment.collect();
    environment.insert("HOME".to_owned(), home.to_owned());
    let prepared = Prepared {
        arguments: words(&filled(&case.line)),
        environment,
        folder: folder.path().to_owned(),
        terminal: case.terminal,
    };
    let (status, stdout, stderr) = run(&prepared);
    let neutral = |text: String| {
        text.replace(&stub.url, "URL").replace(home, "HOME").replace(&stub.url.replace("://", ""), "URL")
    };
    Outcome {
        status,
        stdout: neutral(stdout),
        stderr: neutral(stderr),
        requests: stub.recorded().into_iter().map(neutral).collect(),
    }
}

/// Splits a line as a shell does: blanks, and quotes of both kinds.
fn words(line: &str) -> Vec<String> {
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

/// The AWS CLI, in a process that forks for each case.
pub struct Judge {
    /// The CLI decides once, when it is loaded, where it keeps what it remembers: behind a link to each case's folder.
    home: tempfile::TempDir,
    process: Child,
    asks: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Judge {
    pub fn start(place: &Path) -> Self {
        let script = crate::packages::sources().join("aws_cli_cases.py");
        let home = tempfile::tempdir().unwrap();
        let mut process = Command::new(place.join("venv/bin/python"))
            .arg(script)
            .env("HOME", home.path().join("link"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (asks, answers) = (process.stdin.take(), process.stdout.take().unwrap());
        Self { home, process, asks, answers: BufReader::new(answers) }
    }

    pub fn run(&mut self, prepared: &Prepared) -> (i64, String, String) {
        let Prepared { arguments, environment, folder, terminal } = prepared;
        let place = arguments.iter().position(|argument| argument == COMMAND);
        let mut arguments = arguments.clone();
        // `cognito-identity` may stand earlier already, among global options.
        match place {
            None => drop(arguments.splice(0..0, ["cognito-identity".to_owned(), COMMAND.to_owned()])),
            Some(place) if !arguments.contains(&"cognito-identity".to_owned()) => {
                arguments.insert(place, "cognito-identity".to_owned());
            }
            Some(_) => {}
        }
        let link = self.home.path().join("link");
        let _ = fs::remove_file(&link);
        std::os::unix::fs::symlink(folder, link).unwrap();
        self.ask(&json!({
            "arguments": arguments, "environment": environment, "folder": folder, "terminal": terminal,
        }))
    }

    /// Ours, as the process that users run. On a terminal it is the judge who makes both of them one.
    pub fn run_ours(&mut self, prepared: &Prepared) -> (i64, String, String) {
        let Prepared { arguments, environment, folder, terminal } = prepared;
        let command = (!arguments.iter().any(|argument| argument == COMMAND)).then(|| COMMAND.to_owned());
        let arguments: Vec<_> = command.iter().chain(arguments).collect();
        if terminal.is_some() {
            return self.ask(&json!({
                "program": BINARY, "arguments": arguments, "environment": environment, "folder": folder,
                "terminal": terminal,
            }));
        }
        let mut command = Command::new(BINARY);
        let output =
            command.args(arguments).env_clear().envs(environment).current_dir(folder).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (i64::from(output.status.code().unwrap_or(-1)), text(output.stdout), text(output.stderr))
    }

    fn ask(&mut self, case: &Value) -> (i64, String, String) {
        writeln!(self.asks.as_mut().unwrap(), "{case}").unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        let answer: Value = serde_json::from_str(&line).unwrap();
        let text = |name: &str| answer[name].as_str().unwrap().to_owned();
        (answer["status"].as_i64().unwrap(), text("stdout"), text("stderr"))
    }
}

impl Drop for Judge {
    fn drop(&mut self) {
        drop(self.asks.take());
        let _ = self.process.wait();
    }
}
