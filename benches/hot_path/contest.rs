//! Contestants and their setup: each as experienced users would run it, in one process with one worker on one core.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cognito_emulator::{AccessKey, DEFAULT_DEVELOPER_PROVIDER, DEFAULT_POOL};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::bearers::{AUDIENCE, App, ISSUER, SECRET};
use crate::load::{self, Target};
use crate::place::{MEASURED, OTHERS, Process};
use crate::{Arguments, Outcome};

/// A server that is measured.
pub struct Contestant {
    pub name: &'static str,
    pub target: Target,
    pub process: Process,
}

/// Configuration in which one tokenvend differs from another.
#[derive(Debug, Clone, Copy)]
pub struct Setup {
    pub name: &'static str,
    /// `auth.NAME.cache_ttl`.
    pub cache_ttl: &'static str,
    pub workers: usize,
    /// Whether bearers are HS256: signing RS256 for a million users takes too long.
    pub many_users: bool,
    pub tls: bool,
}

impl Setup {
    pub const USUAL: Self = Self { name: "tokenvend", cache_ttl: "5m", workers: 1, many_users: false, tls: false };
    pub const VERIFYING: Self = Self { name: "tokenvend, verifying each time", cache_ttl: "0s", ..Self::USUAL };
    pub const TWO_WORKERS: Self = Self { name: "tokenvend, 2 workers", workers: 2, ..Self::USUAL };
    pub const MANY_USERS: Self =
        Self { name: "tokenvend, many users", cache_ttl: "1h", many_users: true, ..Self::USUAL };
    pub const TLS: Self = Self { name: "tokenvend, TLS", tls: true, ..Self::USUAL };
}

/// What contestants share: the app, its keys, and a Cognito that responds at once.
pub struct Stage {
    pub app: App,
    pub upstream: SocketAddr,
    directory: PathBuf,
    binary: PathBuf,
    tls: TlsConnector,
    _upstream: Process,
}

impl Stage {
    pub fn start(arguments: &Arguments) -> Outcome<Self> {
        let directory = arguments.results.join("stage");
        fs::create_dir_all(&directory)?;
        let app = App::new()?;
        fs::write(directory.join("app.pem"), app.public_key()?)?;
        let (process, announced) = Process::start(OTHERS, &own("upstream")?, true, &directory.join("upstream.log"))?;
        let binary = arguments.binary.clone();
        let tls = write_certificate(&directory)?;
        Ok(Self { app, upstream: announced.parse()?, directory, binary, tls, _upstream: process })
    }

    /// The bare handler with the response of a hit.
    pub fn bare(&self, response: &str) -> Outcome<Contestant> {
        self.bare_under(None, MEASURED, response, 1)
    }

    /// The same, with a copy of the response in memory for each user.
    pub fn bare_of_many(&self, response: &str, users: usize) -> Outcome<Contestant> {
        let bare = self.bare_under(None, MEASURED, response, users)?;
        Ok(Contestant { name: "bare actix-web, an answer for each", ..bare })
    }

    /// The bare handler under a program such as valgrind, on these cores.
    pub fn bare_under(
        &self,
        wrapper: Option<Command>,
        cores: &str,
        response: &str,
        users: usize,
    ) -> Outcome<Contestant> {
        let file = self.directory.join("response.http");
        fs::write(&file, response)?;
        let mut command = run_under(wrapper, &std::env::current_exe()?);
        command.arg("bare").arg(file).arg(users.to_string());
        let (process, announced) = Process::start(cores, &command, true, &self.log_of("bare"))?;
        let target = Target { address: announced.parse()?, tls: None };
        Ok(Contestant { name: "bare actix-web", target, process })
    }

    /// tokenvend as users run it: authentication, metrics, rate limits and the log are on, with their defaults. Different
    /// are only the capacity for the load, and a token duration longer than the run.
    pub fn tokenvend(&self, setup: Setup) -> Outcome<Contestant> {
        self.tokenvend_under(None, if setup.workers == 1 { MEASURED } else { "0,1" }, setup)
    }

    /// The same under a program such as valgrind, on these cores.
    pub fn tokenvend_under(&self, wrapper: Option<Command>, cores: &str, setup: Setup) -> Outcome<Contestant> {
        let (address, admin) = (free_address()?, free_address()?);
        let key = if setup.many_users {
            format!("algorithms = [\"HS256\"]\nsecret = \"{SECRET}\"")
        } else {
            format!("algorithms = [\"RS256\"]\nkey_file = {:?}", self.directory.join("app.pem"))
        };
        let room =
            if setup.many_users { "[cache]\nmax_size = \"8GiB\"\n[auth.cache]\nmax_entries = 1500000" } else { "" };
        let configuration = format!(
            "[http]\nlisten = \"{address}\"\nworkers = {}\n[admin]\nlisten = \"{admin}\"\n\
             [upstream]\nendpoint_url = \"http://{}\"\n[upstream.rate_limit]\nrate = \"100000/s\"\nburst = 100000\n{room}\n\
             [limits.per_user]\nrate = \"1000000/s\"\n[drain]\ndelay = \"0s\"\n[pools.main]\nidentity_pool_id = \"{DEFAULT_POOL}\"\n\
             developer_provider = \"{DEFAULT_DEVELOPER_PROVIDER}\"\ntoken_duration = \"1h\"\n\
             [auth.app]\nissuer = \"{ISSUER}\"\naudience = [\"{AUDIENCE}\"]\ncache_ttl = \"{}\"\n{key}\n",
            setup.workers, self.upstream, setup.cache_ttl,
        );
        let tls = if setup.tls {
            let [certificate, key] = ["server.crt", "server.key"].map(|file| self.directory.join(file));
            format!("[http.tls]\ncertificate_file = {certificate:?}\nkey_file = {key:?}\n")
        } else {
            String::new()
        };
        let configuration = configuration + &tls;
        let file = self.directory.join(format!("{}.toml", file_name(setup.name)));
        fs::write(&file, configuration)?;
        let mut command = run_under(wrapper, &self.binary);
        command.arg("serve").arg("--config").arg(file).envs(aws_environment());
        let tls = setup.tls.then(|| self.tls.clone());
        self.start_contestant(setup.name, Target { address, tls }, cores, &command)
    }

    /// A peer, by the command that runs it. Its configuration is in the environment.
    pub fn peer(&self, name: &'static str, command: &mut Command) -> Outcome<Contestant> {
        let address = free_address()?;
        command.envs(aws_environment()).envs([
            ("PORT", address.port().to_string()),
            ("COGNITO_URL", format!("http://{}", self.upstream)),
            ("KEY_FILE", self.directory.join("app.pem").display().to_string()),
            ("ISSUER", ISSUER.to_owned()),
            ("AUDIENCE", AUDIENCE.to_owned()),
            ("POOL", DEFAULT_POOL.to_owned()),
            ("PROVIDER", DEFAULT_DEVELOPER_PROVIDER.to_owned()),
            ("NODE_ENV", "production".to_owned()),
        ]);
        self.start_contestant(name, Target { address, tls: None }, MEASURED, command)
    }

    fn start_contestant(
        &self,
        name: &'static str,
        target: Target,
        cores: &str,
        command: &Command,
    ) -> Outcome<Contestant> {
        let (process, _) = Process::start(cores, command, false, &self.log_of(name))?;
        let mut contestant = Contestant { name, target, process };
        let started = Instant::now();
        // Any response counts, because a peer may not have this path.
        while load::send_once(&contestant.target, b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n").is_err() {
            if contestant.process.has_ended() || started.elapsed() > Duration::from_secs(30) {
                let log = fs::read_to_string(self.log_of(name))?;
                return Err(format!("{name} does not respond on {}; its log:\n{log}", contestant.target.address).into());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(contestant)
    }

    /// Runs a part of this program alone on the measured core, and returns the figure that it prints.
    pub fn figure(&self, part: &str, arguments: &[String]) -> Outcome<f64> {
        let mut command = own(part)?;
        command.args(arguments);
        let (_, printed) = Process::start(MEASURED, &command, true, &self.log_of(part))?;
        printed.parse().map_err(|_| format!("{part} printed no figure: {printed}").into())
    }

    fn log_of(&self, name: &str) -> PathBuf {
        self.directory.join(format!("{}.log", file_name(name)))
    }

    pub fn binary(&self) -> &Path {
        &self.binary
    }

    /// The directory for files of the run.
    pub fn directory(&self) -> &Path {
        &self.directory
    }
}

/// Writes a certificate for this machine, which only the load generator trusts.
fn write_certificate(directory: &Path) -> Outcome<TlsConnector> {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()])?;
    fs::write(directory.join("server.crt"), made.cert.pem())?;
    fs::write(directory.join("server.key"), made.signing_key.serialize_pem())?;
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone())?;
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let config = config.with_safe_default_protocol_versions()?.with_root_certificates(roots);
    Ok(TlsConnector::from(Arc::new(config.with_no_client_auth())))
}

/// The request that all contestants answer, as an SDK's HTTP client writes it.
pub fn request(bearer: &str) -> Vec<u8> {
    format!(
        "POST /v1/token HTTP/1.1\r\nHost: tokens.app.example\r\nUser-Agent: bench/1.0\r\nAccept: */*\r\n\
         Authorization: Bearer {bearer}\r\nContent-Length: 0\r\n\r\n"
    )
    .into_bytes()
}

fn file_name(name: &str) -> String {
    name.replace(|c: char| !c.is_ascii_alphanumeric(), "-")
}

/// The command of a program, directly or under a wrapper.
fn run_under(wrapper: Option<Command>, program: &Path) -> Command {
    match wrapper {
        None => Command::new(program),
        Some(mut wrapper) => {
            wrapper.arg(program);
            wrapper
        }
    }
}

/// The command of another part of this program.
fn own(part: &str) -> Outcome<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(part);
    Ok(command)
}

/// Credentials that the emulator accepts, and no configuration of this machine's.
pub fn aws_environment() -> [(&'static str, String); 6] {
    let key = AccessKey::default();
    [
        ("AWS_ACCESS_KEY_ID", key.id),
        ("AWS_SECRET_ACCESS_KEY", key.secret),
        ("AWS_REGION", "us-east-1".to_owned()),
        // The name that the AWS CLI knows.
        ("AWS_DEFAULT_REGION", "us-east-1".to_owned()),
        ("AWS_CONFIG_FILE", "/dev/null".to_owned()),
        ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null".to_owned()),
    ]
}

/// A free address of this machine. Another process may take it before the contestant does; the contestant then fails, and
/// the run ends.
pub fn free_address() -> Outcome<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
