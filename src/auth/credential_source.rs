//! Where in a request a signed credential is: in `Authorization`, in a cookie, or in a header that a gateway sets.

use memchr::memchr2;

use super::request::AuthRequest;
use super::{RejectionReason, Verdict};

/// Where a credential is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CredentialSource {
    /// `Authorization: Bearer …`.
    Bearer,
    /// The cookie of this name.
    Cookie(String),
    /// The header of this name, in lower case.
    Header(String),
}

impl CredentialSource {
    pub(super) fn is_cookie(&self) -> bool {
        matches!(self, Self::Cookie(_))
    }

    /// The credential, or what is said of a request that has none that counts.
    pub(super) fn credential<'r>(&self, presented: &AuthRequest<'r>) -> Result<&'r str, Verdict> {
        match self.find(presented) {
            Ok(Some(credential)) => Ok(credential),
            Ok(None) => Err(Verdict::NotMine(RejectionReason::Missing)),
            Err(refusal) => Err(Verdict::of_unread(refusal)),
        }
    }

    /// The credential, if there is one.
    ///
    /// # Errors
    /// It cannot be read, there is more than one, or it is a cookie in a request that some other page may have sent.
    fn find<'r>(&self, presented: &AuthRequest<'r>) -> Result<Option<&'r str>, RejectionReason> {
        match self {
            Self::Bearer => bearer(presented),
            Self::Cookie(name) => match cookie(presented, name)? {
                Some(_) if !presented.is_from_allowed_page => Err(RejectionReason::CrossSite),
                found => Ok(found),
            },
            Self::Header(name) => {
                let value = presented.header(name).map_err(|_| RejectionReason::Malformed)?;
                value.map(|value| text(value).map(|text| text.trim_matches(' '))).transpose()
            }
        }
    }
}

/// The one bearer token of a request. Two are none: the service and whatever stands before it might not pick
/// the same one.
fn bearer<'r>(presented: &AuthRequest<'r>) -> Result<Option<&'r str>, RejectionReason> {
    let Some(value) = presented.header("authorization").map_err(|_| RejectionReason::Malformed)? else {
        return Ok(None);
    };
    let value = text(value)?;
    match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
            let token = token.trim_matches(' ');
            if token.is_empty() || memchr2(b' ', b',', token.as_bytes()).is_some() {
                Err(RejectionReason::Malformed)
            } else {
                Ok(Some(token))
            }
        }
        _ if value.eq_ignore_ascii_case("bearer") => Err(RejectionReason::Malformed),
        // Another scheme (Basic, …) is somebody else's credential.
        _ => Ok(None),
    }
}

/// The one cookie of that name. Over HTTP/2 cookies may come in several headers (RFC 9113, 8.2.3).
pub(super) fn cookie<'r>(
    presented: &AuthRequest<'r>,
    name: &str,
) -> Result<Option<&'r str>, RejectionReason> {
    let (mut found, mut is_odd) = (None, false);
    presented.headers.each_value("cookie", &mut |value| {
        let Ok(pairs) = text(value) else {
            is_odd = true;
            return;
        };
        for (key, value) in pairs.split(';').filter_map(|pair| pair.split_once('=')) {
            // No browser writes white space behind a name, or any but spaces before it; but there are readers who
            // overlook it, and would take another cookie for this one.
            if key.trim() == name {
                is_odd |= found.is_some() || key.trim_start_matches(' ') != name;
                found = Some(value.trim_matches(' '));
            }
        }
    });
    if is_odd { Err(RejectionReason::Malformed) } else { Ok(found.filter(|value| !value.is_empty())) }
}

fn text(value: &[u8]) -> Result<&str, RejectionReason> {
    std::str::from_utf8(value).map_err(|_| RejectionReason::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::request::Listed;

    fn find(
        carrier: &CredentialSource,
        headers: &'static [(&'static str, &'static str)],
        is_from_allowed_page: bool,
    ) -> Result<Option<&'static str>, RejectionReason> {
        let listed: &'static Listed = Box::leak(Box::new(Listed(headers)));
        carrier.find(&AuthRequest { headers: listed, peer: None, certificate: None, is_from_allowed_page })
    }

    #[test]
    fn a_request_has_exactly_one_bearer_token_or_none_that_counts() {
        let of = |headers| find(&CredentialSource::Bearer, headers, false);
        assert_eq!(of(&[("authorization", "Bearer a.b.c")]), Ok(Some("a.b.c")));
        assert_eq!(of(&[("authorization", "bearer  a.b.c ")]), Ok(Some("a.b.c")));
        assert_eq!(of(&[]), Ok(None));
        assert_eq!(of(&[("authorization", "Basic dXNlcg==")]), Ok(None));
        for bad in [
            &[("authorization", "Bearer a"), ("authorization", "Bearer a")][..],
            &[("authorization", "Basic a"), ("authorization", "Bearer a")],
            &[("authorization", "Bearer")],
            &[("authorization", "Bearer ")],
            &[("authorization", "Bearer a b")],
            &[("authorization", "Bearer a,b")],
        ] {
            assert_eq!(of(bad), Err(RejectionReason::Malformed), "{bad:?}");
        }
    }

    #[test]
    fn a_cookie_counts_once_and_only_from_an_allowed_page() {
        let session = CredentialSource::Cookie("session".to_owned());
        let one = &[("cookie", "a=b; session=x.y.z; theme=dark")];
        assert_eq!(find(&session, one, true), Ok(Some("x.y.z")));
        assert_eq!(find(&session, one, false), Err(RejectionReason::CrossSite));
        assert_eq!(find(&session, &[("cookie", "a=b"), ("cookie", "session=x")], true), Ok(Some("x")));
        for none in ["a=b", "Session=x", "xsession=x", "session=", "session"] {
            let headers: &'static [(&str, &str)] = Box::leak(Box::new([("cookie", none)]));
            assert_eq!(find(&session, headers, true), Ok(None), "{none}");
            assert_eq!(find(&session, headers, false), Ok(None), "{none}");
        }
        for odd in ["session=x; session=y", "session =x", "session\t=x", "a=b;\u{2000}session=x"] {
            let headers: &'static [(&str, &str)] = Box::leak(Box::new([("cookie", odd)]));
            assert_eq!(find(&session, headers, true), Err(RejectionReason::Malformed), "{odd}");
        }
    }

    #[test]
    fn a_header_counts_once() {
        let header = CredentialSource::Header("x-assertion".to_owned());
        assert_eq!(find(&header, &[("x-assertion", " x ")], false), Ok(Some("x")));
        assert_eq!(find(&header, &[], false), Ok(None));
        let twice = &[("x-assertion", "x"), ("x-assertion", "x")];
        assert_eq!(find(&header, twice, false), Err(RejectionReason::Malformed));
    }
}
