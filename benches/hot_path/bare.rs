//! Bare handler, the floor: an actix-web handler that ignores the request and always sends the same head and body, as
//! recorded from tokenvend. Its cost is that of HTTP.
//!
//! With many responses it sends one of them at random. That is the floor of a service that stores as many, because a
//! response that was not sent recently is in no cache of the processor.

use std::path::Path;

use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{App, HttpResponse, HttpServer, web};
use bytes::Bytes;

use crate::Outcome;

/// Headers that the server adds to every response.
const SERVER_HEADERS: [&str; 3] = ["date", "content-length", "connection"];

/// A recorded response, with a copy of its body for each user.
#[derive(Clone)]
struct RecordedResponse {
    headers: Vec<(HeaderName, HeaderValue)>,
    bodies: Vec<Bytes>,
}

impl RecordedResponse {
    fn parse(text: &str, users: usize) -> Outcome<Self> {
        let (head, body) = text.split_once("\r\n\r\n").ok_or("not an HTTP response")?;
        let mut headers = Vec::new();
        for line in head.lines().skip(1) {
            let (name, value) = line.split_once(": ").ok_or("not a header")?;
            if !SERVER_HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
                headers.push((name.parse()?, value.parse()?));
            }
        }
        let bodies = (0..users).map(|_| Bytes::copy_from_slice(body.as_bytes())).collect();
        Ok(Self { headers, bodies })
    }
}

async fn handle(recorded: web::Data<RecordedResponse>) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    for (name, value) in &recorded.headers {
        response.insert_header((name.clone(), value.clone()));
    }
    response.body(fastrand::choice(&recorded.bodies).cloned().unwrap_or_default())
}

/// Serves on a free port, which it prints, until the process is killed.
pub fn serve(file: &Path, users: usize) -> Outcome<()> {
    let recorded = web::Data::new(RecordedResponse::parse(&std::fs::read_to_string(file)?, users)?);
    actix_web::rt::System::new().block_on(async {
        let server =
            HttpServer::new(move || App::new().app_data(recorded.clone()).route("/v1/token", web::post().to(handle)));
        let server = server.workers(1).bind("127.0.0.1:0")?;
        println!("{}", server.addrs()[0]);
        Ok(server.run().await?)
    })
}
