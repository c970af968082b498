//! Verification of AWS Signature Version 4: the canonical request is rebuilt from the received one, signed with the
//! secret of the access key, and compared in constant time.
//!
//! Errors have the texts of AWS. A mismatch includes the expected canonical request and string to sign, for authors of
//! signers. Temporary credentials that the emulator issued are valid with their session token until they expire.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::HeaderMap;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::{digest, hmac};
use time::{Date, Month, PrimitiveDateTime, Time};

use crate::principal::Principal;
use crate::protocol::{AwsService, ErrorType, OperationError};
use crate::settings::AccessKey;
use crate::temporary_credentials::TemporaryCredentialStore;
use clock::Timestamp;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const SCOPE_TERMINATOR: &str = "aws4_request";
/// The largest difference between a signature's date and the clock, in either direction.
const MAX_CLOCK_SKEW: Duration = Duration::from_secs(5 * 60);
/// Headers that must be signed if they are sent. Signing others is optional.
const MUST_BE_SIGNED: [&str; 4] = ["host", "x-amz-date", "x-amz-security-token", "x-amz-target"];

/// The parts of a request that a signature covers.
pub(crate) struct SignedRequest<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a [u8],
}

/// The principal of a valid signature, and the region in its scope.
pub(crate) struct Signer<'a> {
    pub(crate) principal: Principal,
    pub(crate) region: &'a str,
}

/// Verifies signatures by these access keys, temporary credentials and regions.
pub(crate) struct Verifier<'a> {
    pub(crate) access_keys: &'a [AccessKey],
    pub(crate) sessions: &'a TemporaryCredentialStore,
    pub(crate) regions: &'a BTreeSet<String>,
}

impl Verifier<'_> {
    /// Verifies the signature of a request to one service.
    pub(crate) fn verify<'r>(
        &self,
        request: &SignedRequest<'r>,
        service: AwsService,
        now: Timestamp,
    ) -> Result<Signer<'r>, OperationError> {
        let Some(header) = header_text(request.headers, "authorization") else {
            return Err(OperationError::new(ErrorType::MissingAuthenticationToken, "Missing Authentication Token"));
        };
        let authorization = Authorization::parse(header)?;
        let date = check_date(request.headers, now)?;
        let (secret, principal) = self.find_secret(authorization.access_key_id, request.headers, now)?;
        self.check_scope(&authorization, service, date)?;
        check_signed_headers(&authorization, request.headers)?;

        let canonical = canonical_request(request, authorization.signed_headers);
        let scope = authorization.scope();
        let to_sign = format!("{ALGORITHM}\n{date}\n{scope}\n{}", hex::encode(sha256(canonical.as_bytes()).as_ref()));
        let key = signing_key(&secret, authorization.date, authorization.region, service.signing_name());
        let expected = hex::encode(hmac::sign(&key, to_sign.as_bytes()).as_ref());
        verify_slices_are_equal(expected.as_bytes(), authorization.signature.as_bytes()).map_err(|_| {
            invalid(format!(
                "The request signature we calculated does not match the signature you provided. Check your AWS \
                 Secret Access Key and signing method. Consult the service documentation for details.\n\n\
                 The Canonical String for this request should have been\n'{canonical}'\n\n\
                 The String-to-Sign should have been\n'{to_sign}'\n"
            ))
        })?;
        Ok(Signer { principal, region: authorization.region })
    }

    /// The secret and the principal of an access key.
    ///
    /// A key of the settings is valid with any session token, so that it can replace credentials that have one.
    /// Temporary credentials need the session token that they were issued with.
    fn find_secret(
        &self,
        id: &str,
        headers: &HeaderMap,
        now: Timestamp,
    ) -> Result<(String, Principal), OperationError> {
        if let Some(key) = self.access_keys.iter().find(|key| key.id == id) {
            return Ok((key.secret.clone(), Principal::User { access_key_id: id.to_owned() }));
        }
        let unknown = || {
            OperationError::new(ErrorType::UnrecognizedClient, "The security token included in the request is invalid.")
        };
        let credentials = self.sessions.find(id).ok_or_else(unknown)?;
        let token = header_text(headers, "x-amz-security-token").unwrap_or_default();
        verify_slices_are_equal(token.as_bytes(), credentials.session_token.as_bytes()).map_err(|_| unknown())?;
        if now >= credentials.expires {
            return Err(OperationError::new(
                ErrorType::ExpiredCredentials,
                "The security token included in the request is expired",
            ));
        }
        Ok((credentials.secret.clone(), Principal::Session(Arc::clone(&credentials.session))))
    }

    fn check_scope(
        &self,
        authorization: &Authorization<'_>,
        service: AwsService,
        date: &str,
    ) -> Result<(), OperationError> {
        let day = date.get(..8).unwrap_or_default();
        if authorization.date != day {
            return Err(invalid(format!(
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: \
                 '{}' != '{day}', from '{date}'.",
                authorization.date
            )));
        }
        // STS and IAM have no pools and accept every region.
        if service == AwsService::CognitoIdentity && !self.regions.contains(authorization.region) {
            let regions: Vec<_> = self.regions.iter().map(String::as_str).collect();
            return Err(invalid(format!(
                "Credential should be scoped to a valid region, not '{}'; this emulator has pools in {}.",
                authorization.region,
                regions.join(", ")
            )));
        }
        let service = service.signing_name();
        if authorization.service != service {
            return Err(invalid(format!("Credential should be scoped to correct service: '{service}'.")));
        }
        if authorization.terminator != SCOPE_TERMINATOR {
            return Err(invalid(format!(
                "Credential should be scoped with a valid terminator: '{SCOPE_TERMINATOR}', not '{}'.",
                authorization.terminator
            )));
        }
        Ok(())
    }
}

/// The date of the request, if it is within [`MAX_CLOCK_SKEW`] of now.
fn check_date(headers: &HeaderMap, now: Timestamp) -> Result<&str, OperationError> {
    let date = header_text(headers, "x-amz-date").ok_or_else(|| {
        incomplete("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
    })?;
    let signed_at = parse_basic_date(date)
        .ok_or_else(|| incomplete("Date must be in ISO-8601 'basic format', YYYYMMDD'T'HHMMSS'Z'."))?;
    let formatted_now = format_basic_date(now);
    if now.since(signed_at) > MAX_CLOCK_SKEW {
        let limit = format_basic_date(now.before(MAX_CLOCK_SKEW));
        return Err(invalid(format!(
            "Signature expired: {date} is now earlier than {limit} ({formatted_now} - 5 min.)"
        )));
    }
    if signed_at.since(now) > MAX_CLOCK_SKEW {
        let limit = format_basic_date(now + MAX_CLOCK_SKEW);
        return Err(invalid(format!(
            "Signature not yet current: {date} is still later than {limit} ({formatted_now} + 5 min.)"
        )));
    }
    Ok(date)
}

/// The parts of `AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…`.
struct Authorization<'a> {
    access_key_id: &'a str,
    date: &'a str,
    region: &'a str,
    service: &'a str,
    terminator: &'a str,
    signed_headers: &'a str,
    signature: &'a str,
}

impl<'a> Authorization<'a> {
    fn parse(header: &'a str) -> Result<Self, OperationError> {
        let (algorithm, parameters) = header.split_once(' ').unwrap_or((header, ""));
        if algorithm != ALGORITHM {
            return Err(incomplete("Unsupported AWS 'algorithm'; only AWS4-HMAC-SHA256 is known here."));
        }
        let parameter = |name: &str| {
            parameters
                .split(',')
                .filter_map(|part| part.trim().split_once('='))
                .find_map(|(key, value)| (key == name).then_some(value))
                .ok_or_else(|| incomplete(format!("Authorization header requires '{name}' parameter.")))
        };
        let credential = parameter("Credential")?;
        let parts: Vec<_> = credential.split('/').collect();
        let [access_key_id, date, region, service, terminator] = parts[..] else {
            return Err(incomplete(
                "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term.",
            ));
        };
        Ok(Self {
            access_key_id,
            date,
            region,
            service,
            terminator,
            signed_headers: parameter("SignedHeaders")?,
            signature: parameter("Signature")?,
        })
    }

    fn scope(&self) -> String {
        format!("{}/{}/{}/{}", self.date, self.region, self.service, self.terminator)
    }
}

fn check_signed_headers(authorization: &Authorization<'_>, headers: &HeaderMap) -> Result<(), OperationError> {
    for name in MUST_BE_SIGNED {
        if headers.contains_key(name) && !authorization.signed_headers.split(';').any(|signed| signed == name) {
            return Err(invalid(format!("'{name}' must be a 'SignedHeader' in the AWS Authorization header.")));
        }
    }
    Ok(())
}

fn canonical_request(request: &SignedRequest<'_>, signed_headers: &str) -> String {
    let mut query: Vec<_> = request.query.split('&').filter(|pair| !pair.is_empty()).collect();
    query.sort_unstable();
    let mut canonical = format!("{}\n{}\n{}\n", request.method, request.path, query.join("&"));
    for name in signed_headers.split(';') {
        let values: Vec<_> = request
            .headers
            .get_all(name)
            .filter_map(|value| value.to_str().ok())
            .map(|value| value.split_ascii_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        // Writing to a String cannot fail.
        let _ = writeln!(canonical, "{name}:{}", values.join(","));
    }
    let _ = write!(canonical, "\n{signed_headers}\n{}", hex::encode(sha256(request.body).as_ref()));
    canonical
}

fn signing_key(secret: &str, date: &str, region: &str, service: &str) -> hmac::Key {
    let start = hmac::Key::new(hmac::HMAC_SHA256, format!("AWS4{secret}").as_bytes());
    [date, region, service, SCOPE_TERMINATOR]
        .iter()
        .fold(start, |key, part| hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&key, part.as_bytes()).as_ref()))
}

fn header_text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn invalid(message: impl Into<String>) -> OperationError {
    OperationError::new(ErrorType::InvalidSignature, message)
}

fn incomplete(message: impl Into<String>) -> OperationError {
    OperationError::new(ErrorType::IncompleteSignature, message)
}

fn sha256(bytes: &[u8]) -> digest::Digest {
    digest::digest(&digest::SHA256, bytes)
}

/// Reads `YYYYMMDD'T'HHMMSS'Z'`.
fn parse_basic_date(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    if bytes.len() != 16 || bytes[8] != b'T' || bytes[15] != b'Z' {
        return None;
    }
    let number = |from: usize, to: usize| -> Option<u8> { text.get(from..to)?.parse().ok() };
    let year = text.get(0..4)?.parse().ok()?;
    let date = Date::from_calendar_date(year, Month::try_from(number(4, 6)?).ok()?, number(6, 8)?).ok()?;
    let time = Time::from_hms(number(9, 11)?, number(11, 13)?, number(13, 15)?).ok()?;
    Some(Timestamp::from_secs(PrimitiveDateTime::new(date, time).assume_utc().unix_timestamp()))
}

/// Writes `YYYYMMDD'T'HHMMSS'Z'`, which is RFC 3339 without its dashes and colons.
fn format_basic_date(timestamp: Timestamp) -> String {
    timestamp.to_rfc3339().replace(['-', ':'], "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signing_key_matches_the_example_of_the_aws_documentation() {
        let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
        let key = signing_key(secret, "20150830", "us-east-1", "iam");
        let to_sign = "AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/iam/aws4_request\n\
                       f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59";
        assert_eq!(
            hex::encode(hmac::sign(&key, to_sign.as_bytes()).as_ref()),
            "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
        );
    }

    #[test]
    fn a_date_is_the_same_after_parsing_and_formatting() {
        let timestamp = parse_basic_date("20260131T081500Z").unwrap();
        assert_eq!(timestamp.to_rfc3339(), "2026-01-31T08:15:00Z");
        assert_eq!(format_basic_date(timestamp), "20260131T081500Z");
        for bad in ["", "2026-01-31T08:15", "20261331T081500Z", "20260131T081500+", "20260131 081500Z"] {
            assert_eq!(parse_basic_date(bad), None, "{bad:?} must be rejected");
        }
    }

    #[test]
    fn an_authorization_header_with_missing_parts_is_incomplete() {
        for bad in [
            "Bearer abc",
            "AWS4-HMAC-SHA256",
            "AWS4-HMAC-SHA256 Credential=a/b/c, SignedHeaders=host, Signature=0",
            "AWS4-HMAC-SHA256 Credential=a/b/c/d/e/f, SignedHeaders=host, Signature=0",
            "AWS4-HMAC-SHA256 Credential=a/b/c/d/e, Signature=0",
            "AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=host",
        ] {
            let error = Authorization::parse(bad).map(|_| ()).unwrap_err();
            assert_eq!(error.error_type, ErrorType::IncompleteSignature, "{bad:?}");
        }
    }
}
