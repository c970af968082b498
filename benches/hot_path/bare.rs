//! The floor: an actix-web handler that looks at nothing and sends the same head and body each time, those that
//! tokenvend once sent. What it costs is HTTP. With many answers it sends one of them at random: the floor of whoever
//! keeps as many, since an answer that was not sent lately is in no cache of the processor.

use std::path::Path;

use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{App, HttpResponse, HttpServer, web};
use bytes::Bytes;

use crate::Outcome;

/// Written by the server itself, on every answer.
const THE_SERVERS_OWN: [&str; 3] = ["date", "content-length", "connection"];

/// An answer as it stood on the wire, with as many copies of its body as there are users.
#[derive(Clone)]
struct Answer {
    headers: Vec<(HeaderName, HeaderValue)>,
    bodies: Vec<Bytes>,
}

impl Answer {
    fn parse(text: &str, users: usize) -> Outcome<Self> {
        let (head, body) = text.split_once("\r\n\r\n").ok_or("no HTTP answer")?;
        let mut headers = Vec::new();
        for line in head.lines().skip(1) {
            let (name, value) = line.split_once(": ").ok_or("no header")?;
            if !THE_SERVERS_OWN.contains(&name.to_ascii_lowercase().as_str()) {
                headers.push((name.parse()?, value.parse()?));
            }
        }
        let bodies = (0..users).map(|_| Bytes::copy_from_slice(body.as_bytes())).collect();
        Ok(Self { headers, bodies })
    }
}

async fn handle(answer: web::Data<Answer>) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    for (name, value) in &answer.headers {
        response.insert_header((name.clone(), value.clone()));
    }
    response.body(fastrand::choice(&answer.bodies).cloned().unwrap_or_default())
}

/// Serves on a free port, which it prints, until it is killed.
pub fn serve(answer: &Path, users: usize) -> Outcome<()> {
    let answer = web::Data::new(Answer::parse(&std::fs::read_to_string(answer)?, users)?);
    actix_web::rt::System::new().block_on(async {
        let server = HttpServer::new(move || {
            App::new().app_data(answer.clone()).route("/v1/token", web::post().to(handle))
        });
        let server = server.workers(1).bind("127.0.0.1:0")?;
        println!("{}", server.addrs()[0]);
        Ok(server.run().await?)
    })
}
