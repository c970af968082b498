//! A server that answers as it is told to, and remembers what it was asked.

use std::io::{BufReader, Read as _, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// What the stub does with a request.
#[derive(Debug, Clone)]
pub enum Reply {
    /// Status and body.
    Answer(u16, &'static str),
    /// Closes the connection.
    Drop,
    /// Says nothing until the caller has given up.
    Silence,
}

const FORM: &str = "application/x-www-form-urlencoded";

/// What of a request matters, in lines to compare.
pub type Recorded = String;

pub struct Stub {
    pub url: String,
    recorded: Arc<Mutex<Vec<Recorded>>>,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Stub {
    /// Starts one. The last reply is given again and again. With TLS if there is a configuration for it.
    pub fn start(replies: Vec<Reply>, tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (recorded, is_over) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let scheme = if tls.is_some() { "https" } else { "http" };
        let (records, ends) = (recorded.clone(), is_over.clone());
        let thread = std::thread::spawn(move || {
            for connection in listener.incoming() {
                if ends.load(Ordering::SeqCst) {
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
        Self { url: format!("{scheme}://{address}"), recorded, is_over, thread: Some(thread) }
    }

    pub fn recorded(&self) -> Vec<Recorded> {
        self.recorded.lock().unwrap().clone()
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        let address = self.url.rsplit('/').next().unwrap();
        drop(TcpStream::connect(address));
        drop(self.thread.take().map(JoinHandle::join));
    }
}

fn serve(stream: impl std::io::Read + Write, replies: &[Reply], recorded: &Mutex<Vec<Recorded>>) {
    let mut stream = BufReader::new(Both(stream));
    while let Some(request) = read(&mut stream) {
        let count = {
            let mut recorded = recorded.lock().unwrap();
            recorded.push(request);
            recorded.len()
        };
        match &replies[(count - 1).min(replies.len() - 1)] {
            Reply::Drop => return,
            Reply::Silence => {
                let _ = stream.read(&mut [0]);
                return;
            }
            Reply::Answer(status, body) => {
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

struct Both<S>(S);

impl<S: std::io::Read> std::io::Read for Both<S> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(into)
    }
}

/// Reads a request; `None` once there is none.
fn read(stream: &mut impl std::io::BufRead) -> Option<Recorded> {
    let mut line = String::new();
    stream.read_line(&mut line).ok().filter(|length| *length > 0)?;
    let mut told = vec![line.trim().to_owned()];
    let mut length = 0;
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim().split_once(": ") else { break };
        match name.to_lowercase().as_str() {
            "content-length" => length = value.parse().unwrap(),
            // Its charset says nothing: a form has no bytes beyond ASCII.
            "content-type" if value.starts_with(FORM) => told.push(format!("content-type: {FORM}")),
            name @ ("content-type" | "x-amz-target" | "x-amz-security-token") => {
                told.push(format!("{name}: {value}"));
            }
            // Of places that give out credentials.
            "x-aws-ec2-metadata-token" | "x-amz-sso_bearer_token" => told.push(format!("{name}: {value}")),
            "authorization" if !value.contains("Credential=") => told.push(format!("authorization: {value}")),
            // Who signs, for which region and service; not when, nor the signature itself, which other tests
            // have judged by the emulator.
            "authorization" => {
                let scope = value.split_once("Credential=").map_or(value, |(_, scope)| scope);
                let scope: Vec<_> = scope.split(',').next().unwrap().split('/').collect();
                told.push(format!("signed by {} for {} of {}", scope[0], scope[3], scope[2]));
            }
            _ => {}
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    told[1..].sort();
    let body = String::from_utf8(body).unwrap();
    told.push(if body.contains("Action=") { form(&body) } else { body });
    Some(told.join("\n"))
}

/// The parameters of a form, a line each, in an order of their own. A session's name that nobody chose is each
/// program's own.
fn form(body: &str) -> String {
    let url = reqwest::Url::parse(&format!("http://form/?{body}")).unwrap();
    let mut parameters: Vec<_> = url.query_pairs().into_owned().collect();
    for (name, value) in &mut parameters {
        if name == "RoleSessionName" && value != "chosen" {
            "(its own)".clone_into(value);
        }
    }
    parameters.sort();
    parameters.iter().map(|(name, value)| format!("{name}={value}\n")).collect()
}
