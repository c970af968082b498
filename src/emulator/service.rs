//! One call from its HTTP headers to its outcome: which operation, what fate, who signs, what answer.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use actix_web::http::header::{CONTENT_TYPE, HeaderMap};

use super::AccessKey;
use super::calls::{self, Calls};
use super::faults::{FaultInjector, Minting, Misfortune};
use super::keys::KeyRing;
use super::operations::{self, Call, Operation};
use super::signature::{SignedRequest, Verifier};
use super::state::State;
use super::wire::{Answer, ApiError, ErrorType};
use crate::clock::SharedClock;

const TARGET_PREFIX: &str = "AWSCognitoIdentityService.";
const JSON_1_1: &str = "application/x-amz-json-1.1";

/// Everything that a call may touch.
pub(super) struct Service {
    pub(super) clock: SharedClock,
    pub(super) wait_clock: SharedClock,
    pub(super) account_id: String,
    pub(super) access_keys: Vec<AccessKey>,
    /// The regions that a signature may be scoped to.
    pub(super) regions: BTreeSet<String>,
    /// Where clients reach the emulator, if not where they say so in their `Host` header.
    pub(super) public_url: Option<String>,
    pub(super) keys: KeyRing,
    pub(super) state: Mutex<State>,
    pub(super) faults: FaultInjector,
    pub(super) calls: Calls,
}

/// What becomes of a call.
pub(super) enum Outcome {
    Answered(Answer),
    /// The connection is closed without a word.
    Dropped,
}

impl Service {
    /// The state, for as long as the guard lives: never while a token is signed or a client waited for.
    pub(super) fn lock_state(&self) -> MutexGuard<'_, State> {
        // A handler that panicked has changed nothing by halves: changes are made last, and all at once.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers one call. Faults strike before the signature is looked at and before anything changes.
    pub(super) async fn call(&self, request: &SignedRequest<'_>) -> Outcome {
        let operation = match operation_of(request.headers) {
            Ok(operation) => operation,
            Err(fault) => {
                self.calls.arrived(calls::UNKNOWN);
                self.calls.answered(calls::UNKNOWN, fault.error_type.name());
                return Outcome::Answered(Err(fault));
            }
        };
        self.calls.arrived(operation.name);
        let fate = self.faults.fate_of(operation.name);
        if !fate.latency.is_zero() {
            self.wait_clock.sleep(fate.latency).await;
        }
        let answer = match fate.misfortune {
            Some(Misfortune::Dropped) => {
                self.calls.answered(operation.name, calls::DROPPED);
                return Outcome::Dropped;
            }
            Some(Misfortune::Throttled) => Err(ApiError::new(ErrorType::TooManyRequests, "Rate exceeded")),
            Some(Misfortune::Failed) => Err(ApiError::internal()),
            None => self.perform(operation, request, fate.minting),
        };
        let outcome = answer.as_ref().err().map_or(calls::OK, |fault| fault.error_type.name());
        self.calls.answered(operation.name, outcome);
        tracing::debug!(operation = operation.name, outcome, "call answered");
        Outcome::Answered(answer)
    }

    fn perform(&self, operation: &Operation, request: &SignedRequest<'_>, minting: Minting) -> Answer {
        let now = self.clock.now();
        let region = if operation.signed {
            let verifier = Verifier { access_keys: &self.access_keys, regions: &self.regions, now };
            Some(verifier.verify(request)?)
        } else {
            None
        };
        (operation.handler)(&Call { service: self, body: request.body, now, region, minting })
    }
}

fn operation_of(headers: &HeaderMap) -> Result<&'static Operation, ApiError> {
    let unknown = |message: &str| ApiError::new(ErrorType::UnknownOperation, message);
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let content_type = text(CONTENT_TYPE.as_str()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case(JSON_1_1) {
        return Err(unknown("The Content-Type is not application/x-amz-json-1.1."));
    }
    let target = text("x-amz-target").ok_or_else(|| unknown("The header X-Amz-Target is missing."))?;
    target
        .strip_prefix(TARGET_PREFIX)
        .and_then(operations::find)
        .ok_or_else(|| unknown("X-Amz-Target names no operation that this emulator knows."))
}
