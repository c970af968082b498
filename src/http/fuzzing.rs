//! The door by which `fuzz/` comes in, and what must hold behind it. Compiled for it (`--cfg fuzzing`) and for tests;
//! no part of the crate otherwise.

use actix_web::http::header::{self, HeaderValue};
use actix_web::test::TestRequest;

use super::{body as of_requests, identity_link, token};

/// Reads a body as the resources do that take one: the first line is its media type, and once again the whole is JSON.
///
/// # Panics
/// What is wrong with a body that may have secrets in it is told with a piece of the body.
pub fn body(bytes: &[u8]) {
    let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(0);
    let (media_type, rest) = bytes.split_at(end);
    read(media_type, rest);
    read(b"application/json", bytes);
}

fn read(media_type: &[u8], body: &[u8]) {
    let Ok(media_type) = HeaderValue::from_bytes(media_type) else { return };
    let request = TestRequest::post().insert_header((header::CONTENT_TYPE, media_type)).to_http_request();
    let _ = of_requests::json::<token::TokenParams>(&request, body);
    let Err(problem) =
        of_requests::json_with_secrets::<identity_link::LinkParams>(&request, body, "SOMETHING")
    else {
        return;
    };
    let Ok(text) = std::str::from_utf8(body) else { return };
    let told = problem.to_string();
    // Longer than any word of our own.
    for word in text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| word.len() > 16) {
        assert!(!told.contains(word), "repeats what it was given: {told}");
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_must_hold_of_any_body_holds_of_the_seeds() {
        for seed in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/seeds/bodies")).unwrap() {
            super::body(&std::fs::read(seed.unwrap().path()).unwrap());
        }
    }
}
