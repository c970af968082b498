//! Entry point of `fuzz/`, with the property that it checks. Compiled only for fuzzing (`--cfg fuzzing`) and for tests.

use actix_web::http::header::{self, HeaderValue};
use actix_web::test::TestRequest;

use super::{body as request_body, identity_link, token};

/// Parses a body as the resources do: with its first line as media type, and as a whole as JSON.
///
/// # Panics
/// The detail of an invalid body with secrets repeats a part of the body.
pub fn body(bytes: &[u8]) {
    let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(0);
    let (media_type, rest) = bytes.split_at(end);
    parse(media_type, rest);
    parse(b"application/json", bytes);
}

fn parse(media_type: &[u8], body: &[u8]) {
    let Ok(media_type) = HeaderValue::from_bytes(media_type) else { return };
    let request = TestRequest::post().insert_header((header::CONTENT_TYPE, media_type)).to_http_request();
    let _ = request_body::json::<token::TokenParams>(&request, body);
    let Err(problem) = request_body::json_with_secrets::<identity_link::LinkParams>(&request, body, "SOMETHING") else {
        return;
    };
    let Ok(text) = std::str::from_utf8(body) else { return };
    let detail = problem.to_string();
    // Longer than any word of the details.
    for word in text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| word.len() > 16) {
        assert!(!detail.contains(word), "repeats a part of the body: {detail}");
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn no_seed_is_repeated_in_a_detail() {
        for seed in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/seeds/bodies")).unwrap() {
            super::body(&std::fs::read(seed.unwrap().path()).unwrap());
        }
    }
}
