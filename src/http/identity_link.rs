//! `/v1/identity/link`: link a public login, or the identity of a guest, to the caller's own identity. There is no
//! identity id in a request, anywhere: see `linking`.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};

use super::problem::{Problem, ProblemType};
use super::{AppState, audit, body, token};
use crate::audit::event::Action;
use crate::cognito_token_verifier::TokenVerificationError;
use crate::issuer::registry::RegistryErrorKind;
use crate::issuer::{IssueErrorKind, LoginToken, PublicLogins};
use crate::linking::{GuestTokenError, LinkError, LinkRequest};
use crate::vending::VendError;

/// Tokens of other people's making are long, and there may be nine of them.
const LONGEST_BODY: usize = 64 * 1024;

/// The detail for whatever else is sent. Not the parser's own words: they might repeat a token.
const TAKES: &str =
    "{\"logins\": {PROVIDER: TOKEN, …}} or {\"guestToken\": TOKEN}, with a \"pool\" or without";

/// What may be asked for.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct LinkParams {
    /// The name of a configured pool.
    pool: Option<String>,
    logins: Option<Logins>,
    guest_token: Option<Token>,
}

struct Token(LoginToken);

impl<'de> Deserialize<'de> for Token {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        LoginToken::parse(String::deserialize(from)?).map(Self).map_err(D::Error::custom)
    }
}

/// By provider, each once: of two tokens for the same one, nobody could say which is meant.
struct Logins(Vec<(String, LoginToken)>);

impl<'de> Deserialize<'de> for Logins {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(LoginsVisitor)
    }
}

struct LoginsVisitor;

impl<'de> Visitor<'de> for LoginsVisitor {
    type Value = Logins;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("tokens by their providers' login names")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Logins, A::Error> {
        let (mut logins, mut names) = (Vec::new(), BTreeSet::new());
        while let Some((name, Token(token))) = map.next_entry::<String, Token>()? {
            if !names.insert(name.clone()) || logins.len() == PublicLogins::MOST {
                return Err(A::Error::custom("a provider stands twice, or there are too many"));
            }
            logins.push((name, token));
        }
        if logins.is_empty() { Err(A::Error::custom("there is none")) } else { Ok(Logins(logins)) }
    }
}

pub(super) async fn post(
    request: HttpRequest,
    body: web::Payload,
    service: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let (caller, user) = service.user(&request).await?;
    if !request.query_string().is_empty() {
        return Err(Problem::new(ProblemType::InvalidRequest, "this resource takes no query"));
    }
    let settings = &service.settings;
    let most = settings.max_body_bytes.max(LONGEST_BODY);
    let body = body::read(body, most, settings.request_body_timeout).await?;
    let wish: LinkParams = body::json_with_secrets(&request, &body, TAKES)?;
    let link = match (wish.logins, wish.guest_token) {
        (Some(Logins(logins)), None) => LinkRequest::Logins(logins),
        (None, Some(Token(token))) => LinkRequest::Guest(token),
        _ => return Err(Problem::new(ProblemType::InvalidRequest, format!("this resource takes {TAKES}"))),
    };
    let wanted = service.token_request(&request, &caller, &user, wish.pool.as_deref())?;
    audit::note(&request, |facts| facts.links(link.names(&wanted.pool)));
    // Nothing can be unlinked here, so it is told of before it is done. That a token was handed out is told at the
    // end, like any other.
    audit::announce(&service.audit, &request, Action::Link, service.clock.now()).await?;
    let vended = service.linker.link(wanted, link).await?;
    audit::note(&request, |facts| facts.vended(&vended));
    let json = vended.token.answer().with_life_left(vended.life_left);
    Ok(token::handed_out(&vended, json))
}

impl From<LinkError> for Problem {
    fn from(error: LinkError) -> Self {
        match error {
            LinkError::LoginsDisabled => Self::new(
                ProblemType::LinkingDisabled,
                "this pool links no public logins (linking.providers in its configuration)",
            ),
            LinkError::GuestsDisabled => Self::new(
                ProblemType::LinkingDisabled,
                "this pool links no guests (linking.guests in its configuration)",
            ),
            LinkError::ProviderNotAllowed => Self::new(
                ProblemType::ProviderNotAllowed,
                "one of the providers in the request is none of those whose logins this pool links",
            ),
            LinkError::NoGuest(GuestTokenError::Unproven(TokenVerificationError::KeysUnavailable)) => {
                Self::new(
                    ProblemType::AuthUnavailable,
                    "the keys to check the guest's token with cannot be had now",
                )
                .retry_after(Duration::from_secs(5))
            }
            LinkError::NoGuest(why) => {
                Self::new(ProblemType::GuestTokenRefused, format!("the guest's token is not accepted: {why}"))
            }
            LinkError::GuestTaken | LinkError::Undone | LinkError::Shared => Self::new(
                ProblemType::GuestAlreadyLinked,
                "the guest's identity belongs to a user already; whoever it is signs in to have it",
            ),
            LinkError::Moved => unavailable("this user's identity has just changed", Duration::from_secs(1)),
            LinkError::Unconfirmed => {
                unavailable("it cannot be told now whether it was linked", Duration::from_secs(2))
            }
            LinkError::Registry(error) => match error.kind {
                RegistryErrorKind::HeldBack(after) => {
                    unavailable("identities cannot be looked at now", after)
                }
                RegistryErrorKind::Throttled | RegistryErrorKind::Unavailable => {
                    unavailable("identities cannot be looked at now", Duration::from_secs(2))
                }
                RegistryErrorKind::NotFound
                | RegistryErrorKind::Conflict
                | RegistryErrorKind::Unacceptable
                | RegistryErrorKind::Denied { .. }
                | RegistryErrorKind::Misconfigured => Self::new(
                    ProblemType::Misconfigured,
                    "the service cannot look at identities; its operator finds the cause in its log",
                ),
            },
            LinkError::Vend(VendError::Issue(error)) if error.kind == IssueErrorKind::AlreadyRegistered => {
                Self::new(
                    ProblemType::AlreadyRegistered,
                    "this user has an identity already, so the guest's cannot become it; what the guest has stored \
                     must be brought over by the app",
                )
            }
            LinkError::Vend(error) => error.into(),
        }
    }
}

fn unavailable(what: &str, after: Duration) -> Problem {
    let detail = format!("{what}; ask again: what is linked already is not linked twice");
    Problem::new(ProblemType::UpstreamUnavailable, detail).retry_after(after)
}
