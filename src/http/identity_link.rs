//! `/v1/identity/link`: link a public login or a guest's identity to the caller's identity. No request contains an
//! identity id: see `linking`.

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
use crate::issuer::identity_registry::RegistryErrorKind;
use crate::issuer::{IssueErrorKind, LoginToken, MAX_PUBLIC_LOGINS};
use crate::linking::{GuestTokenError, LinkError, LinkRequest};
use crate::vending::VendError;

/// Tokens of public providers are long, and there may be nine of them.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// The expected body, for details. The parser's message is not used: it may repeat a token.
const TAKES: &str = "{\"logins\": {PROVIDER: TOKEN, …}} or {\"guestToken\": TOKEN}, with a \"pool\" or without";

/// Body of `POST /v1/identity/link`.
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

/// By provider, each once: two tokens of one provider would be ambiguous.
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
        f.write_str("tokens by login name of the provider")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Logins, A::Error> {
        let (mut logins, mut names) = (Vec::new(), BTreeSet::new());
        while let Some((name, Token(token))) = map.next_entry::<String, Token>()? {
            if !names.insert(name.clone()) || logins.len() == MAX_PUBLIC_LOGINS {
                return Err(A::Error::custom("a provider occurs twice, or there are too many"));
            }
            logins.push((name, token));
        }
        if logins.is_empty() { Err(A::Error::custom("there is no login")) } else { Ok(Logins(logins)) }
    }
}

pub(super) async fn post(
    request: HttpRequest,
    payload: web::Payload,
    app: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let caller = app.authenticate_user(&request).await?;
    if !request.query_string().is_empty() {
        return Err(Problem::invalid_request("this resource takes no query"));
    }
    let max_bytes = app.settings.max_body_bytes.max(MAX_BODY_BYTES);
    let body = body::read(payload, max_bytes, app.settings.request_body_timeout).await?;
    let params: LinkParams = body::json_with_secrets(&request, &body, TAKES)?;
    let link = match (params.logins, params.guest_token) {
        (Some(Logins(logins)), None) => LinkRequest::Logins(logins),
        (None, Some(Token(token))) => LinkRequest::Guest(token),
        _ => return Err(Problem::invalid_request(format!("this resource takes {TAKES}"))),
    };
    let token_request = app.authorize(&request, &caller, None, params.pool.as_deref())?;
    audit::record(&request, |context| {
        context.links = link.names(&token_request.pool).into_iter().map(Box::from).collect()
    });
    // A link cannot be undone here, so the intent is recorded first. The vended token is recorded at the end, like any
    // other.
    audit::record_intent(&app.audit, &request, Action::Link, app.clock.now()).await?;
    let vended = app.linker.link(token_request, link).await?;
    audit::record(&request, |context| context.token(&vended));
    let json = vended.entry.value().to_json(vended.remaining_life);
    Ok(token::vended_response(vended.source, json))
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
                "this pool does not link logins of one of the providers in the request",
            ),
            LinkError::InvalidGuestToken(GuestTokenError::Verification(TokenVerificationError::KeysUnavailable)) => {
                Self::new(ProblemType::AuthUnavailable, "the keys to verify the guest's token are not available now")
                    .retry_after(Duration::from_secs(5))
            }
            LinkError::InvalidGuestToken(why) => {
                Self::new(ProblemType::InvalidGuestToken, format!("the guest's token is not accepted: {why}"))
            }
            LinkError::GuestTaken | LinkError::RolledBack | LinkError::RollbackFailed => Self::new(
                ProblemType::GuestAlreadyLinked,
                "the guest's identity belongs to a user already; sign in as that user to use it",
            ),
            LinkError::IdentityChanged => unavailable("this user's identity has just changed", Duration::from_secs(1)),
            LinkError::OutcomeUnknown => unavailable("it is unknown whether it was linked", Duration::from_secs(2)),
            LinkError::Registry(error) => match error.kind {
                RegistryErrorKind::RateLimited(after) => unavailable("identities cannot be looked up now", after),
                RegistryErrorKind::Throttled | RegistryErrorKind::Unavailable => {
                    unavailable("identities cannot be looked up now", Duration::from_secs(2))
                }
                RegistryErrorKind::NotFound
                | RegistryErrorKind::Conflict
                | RegistryErrorKind::InvalidParameter
                | RegistryErrorKind::Denied { .. }
                | RegistryErrorKind::Misconfigured => Self::new(
                    ProblemType::Misconfigured,
                    "the service cannot look up identities; the cause is in its log",
                ),
            },
            LinkError::Vend(VendError::Issue(error)) if error.kind == IssueErrorKind::AlreadyRegistered => Self::new(
                ProblemType::AlreadyRegistered,
                "this user has an identity already, so it cannot take over the guest's; the app must copy what \
                     the guest has stored",
            ),
            LinkError::Vend(error) => error.into(),
        }
    }
}

fn unavailable(what: &str, retry_after: Duration) -> Problem {
    let detail = format!("{what}; try again: a repeated request links nothing twice");
    Problem::new(ProblemType::UpstreamUnavailable, detail).retry_after(retry_after)
}
