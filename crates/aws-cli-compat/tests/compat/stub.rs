//! Server with scripted replies, which records the requests.

use std::io::{BufReader, Read as _, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// Reply to a request.
#[derive(Debug, Clone)]
pub enum Reply {
    /// Status and body.
    Response(u16, &'static str),
    /// Closes the connection.
    Close,
    /// Sends nothing until the client closes the connection.
    Hang,
}

const FORM: &str = "application/x-www-form-urlencoded";

/// The compared parts of a request, as lines.
pub type Recorded = String;

pub struct Stub {
    pub url: String,
    recorded: Arc<Mutex<Vec<Recorded>>>,
    is_stopped: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Stub {
    /// Starts a server, with TLS if there is a configuration for it. The last reply is repeated.
    pub fn start(replies: Vec<Reply>, tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (recorded, is_stopped) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let scheme = if tls.is_some() { "https" } else { "http" };
        let (records, stopped) = (recorded.clone(), is_stopped.clone());
        let thread = std::thread::spawn(move || {
            for connection in listener.incoming() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                let connection = connection.unwrap();
                connection.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
                let (replies, records, tls) = (replies.clone(), records.clone(), tls.clone());
                std::thread::spawn(move || match tls {
                    None => serve(connection, &replies, &records),
                    Some(tls) => {
                        let session = ServerConnection::new(tls).unwrap();
                        serve(StreamOwned::new(session, connection), &replies, &records);
                    }
                });
            }
        });
        Self { url: format!("{scheme}://{address}"), recorded, is_stopped, thread: Some(thread) }
    }

    pub fn recorded(&self) -> Vec<Recorded> {
        self.recorded.lock().unwrap().clone()
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.is_stopped.store(true, Ordering::SeqCst);
        let address = self.url.rsplit('/').next().unwrap();
        drop(TcpStream::connect(address));
        drop(self.thread.take().map(JoinHandle::join));
    }
}

fn serve(stream: impl std::io::Read + Write, replies: &[Reply], recorded: &Mutex<Vec<Recorded>>) {
    let mut stream = BufReader::new(Connection(stream));
    while let Some(request) = read(&mut stream) {
        let count = {
            let mut recorded = recorded.lock().unwrap();
            recorded.push(request);
            recorded.len()
        };
        match &replies[(count - 1).min(replies.len() - 1)] {
            Reply::Close => return,
            Reply::Hang => {
                let _ = stream.read(&mut [0]);
                return;
            }
            Reply::Response(status, body) => {
                let head = format!(
                    "HTTP/1.1 {status} X\r\ncontent-type: application/x-amz-json-1.1\r\n\
                     x-aws-ec2-metadata-token-ttl-seconds: 21600\r\ncontent-length: {}\r\n\r\n",
                    body.len()
                );
                let out = &mut stream.get_mut().0;
                if out.write_all(format!("{head}{body}").as_bytes()).and_then(|()| out.flush()).is_err() {
                    return;
                }
            }
        }
    }
}

struct Connection<S>(S);

impl<S: std::io::Read> std::io::Read for Connection<S> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(into)
    }
}

/// Reads a request; `None` at the end of the connection.
fn read(stream: &mut impl std::io::BufRead) -> Option<Recorded> {
    let mut line = String::new();
    stream.read_line(&mut line).ok().filter(|length| *length > 0)?;
    let mut lines = vec![line.trim().to_owned()];
    let mut length = 0;
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim().split_once(": ") else { break };
        match name.to_lowercase().as_str() {
            "content-length" => length = value.parse().unwrap(),
            // The charset is irrelevant: a form has ASCII only.
            "content-type" if value.starts_with(FORM) => lines.push(format!("content-type: {FORM}")),
            name @ ("content-type" | "x-amz-target" | "x-amz-security-token") => {
                lines.push(format!("{name}: {value}"));
            }
            // Headers of credential endpoints.
            "x-aws-ec2-metadata-token" | "x-amz-sso_bearer_token" => lines.push(format!("{name}: {value}")),
            "authorization" if !value.contains("Credential=") => lines.push(format!("authorization: {value}")),
            // The access key, region and service. The time differs, and the emulator verifies the signature in other
            // tests.
            "authorization" => {
                let scope = value.split_once("Credential=").map_or(value, |(_, scope)| scope);
                let scope: Vec<_> = scope.split(',').next().unwrap().split('/').collect();
                lines.push(format!("signed by {} for {} of {}", scope[0], scope[3], scope[2]));
            }
            _ => {}
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    lines[1..].sort();
    let body = String::from_utf8(body).unwrap();
    lines.push(if body.contains("Action=") { form(&body) } else { body });
    Some(lines.join("\n"))
}

/// The parameters of a form, sorted, one on each line. Generated session names are replaced, since the programs generate
/// different ones.
fn form(body: &str) -> String {
    let url = reqwest::Url::parse(&format!("http://form/?{body}")).unwrap();
    let mut parameters: Vec<_> = url.query_pairs().into_owned().collect();
    for (name, value) in &mut parameters {
        if name == "RoleSessionName" && value != "chosen" {
            "(generated)".clone_into(value);
        }
    }
    parameters.sort();
    parameters.iter().map(|(name, value)| format!("{name}={value}\n")).collect()
}
