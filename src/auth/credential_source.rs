//! Where in a request a credential is: in `Authorization`, in a cookie, or in a header that a gateway sets.

use memchr::memchr2;

use super::caller::Declined;
use super::rejection::RejectionReason;
use super::request::AuthRequest;

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
    /// The credential. Without one that counts, the result of the authenticator.
    pub(super) fn credential<'r>(&self, request: &AuthRequest<'r>) -> Result<&'r str, Declined> {
        let credential = self.find(request).map_err(Declined::from_unread)?;
        credential.ok_or(Declined::NotApplicable(RejectionReason::Missing))
    }

    /// The credential, if there is one.
    ///
    /// # Errors
    /// It cannot be read, there are several, or it is a cookie of a request that may come from another origin's page.
    fn find<'r>(&self, request: &AuthRequest<'r>) -> Result<Option<&'r str>, RejectionReason> {
        match self {
            Self::Bearer => bearer(request),
            Self::Cookie(name) => match cookie(request, name)? {
                Some(_) if !request.is_from_allowed_page => Err(RejectionReason::CrossSite),
                found => Ok(found),
            },
            Self::Header(name) => {
                let value = request.header(name).map_err(|_| RejectionReason::Malformed)?;
                value.map(|value| text(value).map(|text| text.trim_matches(' '))).transpose()
            }
        }
    }
}

/// The only bearer token of a request. Two are rejected, because this service and a proxy in front of it could pick
/// different ones.
fn bearer<'r>(request: &AuthRequest<'r>) -> Result<Option<&'r str>, RejectionReason> {
    let Some(value) = request.header("authorization").map_err(|_| RejectionReason::Malformed)? else {
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
        // Another scheme (Basic, …) is not a credential for this service.
        _ => Ok(None),
    }
}

/// The only cookie of that name. Over HTTP/2 cookies may come in several headers (RFC 9113, 8.2.3).
pub(super) fn cookie<'r>(request: &AuthRequest<'r>, name: &str) -> Result<Option<&'r str>, RejectionReason> {
    let (mut found, mut is_malformed) = (None, false);
    request.headers.each_value("cookie", &mut |value| {
        let Ok(pairs) = text(value) else {
            is_malformed = true;
            return;
        };
        for (key, value) in pairs.split(';').filter_map(|pair| pair.split_once('=')) {
            // Browsers write no white space after a name, and only spaces before it. Some parsers ignore other white
            // space, and would read another cookie as this one.
            if key.trim() == name {
                is_malformed |= found.is_some() || key.trim_start_matches(' ') != name;
                found = Some(value.trim_matches(' '));
            }
        }
    });
    if is_malformed { Err(RejectionReason::Malformed) } else { Ok(found.filter(|value| !value.is_empty())) }
}

fn text(value: &[u8]) -> Result<&str, RejectionReason> {
    std::str::from_utf8(value).map_err(|_| RejectionReason::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::request::TestHeaders;

    fn find(
        source: &CredentialSource,
        headers: &'static [(&'static str, &'static str)],
        is_from_allowed_page: bool,
    ) -> Result<Option<&'static str>, RejectionReason> {
        let headers: &'static TestHeaders = Box::leak(Box::new(TestHeaders(headers)));
        source.find(&AuthRequest { headers, peer: None, certificate: None, is_from_allowed_page })
    }

    #[test]
    fn a_request_has_exactly_one_bearer_token_or_is_rejected() {
        let bearer = |headers| find(&CredentialSource::Bearer, headers, false);
        assert_eq!(bearer(&[("authorization", "Bearer a.b.c")]), Ok(Some("a.b.c")));
        assert_eq!(bearer(&[("authorization", "bearer  a.b.c ")]), Ok(Some("a.b.c")));
        assert_eq!(bearer(&[]), Ok(None));
        assert_eq!(bearer(&[("authorization", "Basic dXNlcg==")]), Ok(None));
        for bad in [
            &[("authorization", "Bearer a"), ("authorization", "Bearer a")][..],
            &[("authorization", "Basic a"), ("authorization", "Bearer a")],
            &[("authorization", "Bearer")],
            &[("authorization", "Bearer ")],
            &[("authorization", "Bearer a b")],
            &[("authorization", "Bearer a,b")],
        ] {
            assert_eq!(bearer(bad), Err(RejectionReason::Malformed), "{bad:?}");
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
        for bad in ["session=x; session=y", "session =x", "session\t=x", "a=b;\u{2000}session=x"] {
            let headers: &'static [(&str, &str)] = Box::leak(Box::new([("cookie", bad)]));
            assert_eq!(find(&session, headers, true), Err(RejectionReason::Malformed), "{bad}");
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
