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
                let value = request.header(name)?;
                value.map(|value| text(value).map(|text| text.trim_matches(' '))).transpose()
            }
        }
    }
}

/// The only bearer token of a request. Two are rejected, because this service and a proxy in front of it could pick
/// different ones.
fn bearer<'r>(request: &AuthRequest<'r>) -> Result<Option<&'r str>, RejectionReason> {
    let Some(value) = request.header("authorization")? else {
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
    use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

    use super::*;

    fn find(
        source: &CredentialSource,
        headers: &[(&'static str, &'static str)],
        is_from_allowed_page: bool,
    ) -> Result<Option<String>, RejectionReason> {
        let header = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_bytes(value.as_bytes()).unwrap())
        };
        let headers: HeaderMap = headers.iter().map(header).collect();
        let request = AuthRequest { headers: &headers, peer: None, certificate: None, is_from_allowed_page };
        source.find(&request).map(|found| found.map(str::to_owned))
    }

    #[test]
    fn a_bearer_or_header_counts_once() {
        let (bearer, header) = (CredentialSource::Bearer, CredentialSource::Header("x-assertion".to_owned()));
        let malformed = Err(RejectionReason::Malformed);
        for (source, headers, expected) in [
            (&bearer, &[("authorization", "Bearer a.b.c")][..], Ok(Some("a.b.c"))),
            (&bearer, &[("authorization", "bearer  a.b.c ")], Ok(Some("a.b.c"))),
            (&bearer, &[], Ok(None)),
            (&bearer, &[("authorization", "Basic dXNlcg==")], Ok(None)),
            (&bearer, &[("authorization", "Bearer a"), ("authorization", "Bearer a")], malformed),
            (&bearer, &[("authorization", "Basic a"), ("authorization", "Bearer a")], malformed),
            (&bearer, &[("authorization", "Bearer")], malformed),
            (&bearer, &[("authorization", "Bearer ")], malformed),
            (&bearer, &[("authorization", "Bearer a b")], malformed),
            (&bearer, &[("authorization", "Bearer a,b")], malformed),
            (&header, &[("x-assertion", " x ")], Ok(Some("x"))),
            (&header, &[], Ok(None)),
            (&header, &[("x-assertion", "x"), ("x-assertion", "x")], malformed),
        ] {
            assert_eq!(find(source, headers, false), expected.map(|found| found.map(str::to_owned)), "{headers:?}");
        }
    }

    #[test]
    fn a_cookie_counts_once_and_only_from_an_allowed_page() {
        let session = CredentialSource::Cookie("session".to_owned());
        let (malformed, cross_site) = (Err(RejectionReason::Malformed), Err(RejectionReason::CrossSite));
        for (cookies, from_allowed_page, from_other_page) in [
            (&["a=b; session=x.y.z; theme=dark"][..], Ok(Some("x.y.z")), cross_site),
            (&["a=b", "session=x"], Ok(Some("x")), cross_site),
            (&["a=b"], Ok(None), Ok(None)),
            (&["Session=x"], Ok(None), Ok(None)),
            (&["xsession=x"], Ok(None), Ok(None)),
            (&["session="], Ok(None), Ok(None)),
            (&["session"], Ok(None), Ok(None)),
            (&["session=x; session=y"], malformed, malformed),
            (&["session =x"], malformed, malformed),
            (&["session\t=x"], malformed, malformed),
            (&["a=b;\u{2000}session=x"], malformed, malformed),
        ] {
            let headers: Vec<_> = cookies.iter().map(|value| ("cookie", *value)).collect();
            for (is_allowed, expected) in [(true, from_allowed_page), (false, from_other_page)] {
                let expected = expected.map(|found: Option<&str>| found.map(str::to_owned));
                assert_eq!(find(&session, &headers, is_allowed), expected, "{cookies:?}");
            }
        }
    }
}
