//! One call from its HTTP headers to its outcome: which operation, what fate, who signs, what answer.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::AccessKey;
use super::call_counts::{self, Calls};
use super::dispatch;
use super::faults::{FaultInjector, Minting, Misfortune};
use super::keys::KeyRing;
use super::operations::{Call, Operation};
use super::protocol::{Answer, ApiError, ErrorType, Reply};
use super::sigv4::{SignedRequest, Verifier};
use super::state::State;
use super::temporary_credentials::Sessions;
use clock::SharedClock;

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
    pub(super) sessions: Sessions,
    pub(super) faults: FaultInjector,
    pub(super) calls: Calls,
}

/// What becomes of a call.
pub(super) enum Outcome {
    Answered(Reply),
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
        let api = dispatch::api_of(request);
        let (operation, input) = match dispatch::operation_of(api, request) {
            Ok(asked) => asked,
            Err(fault) => {
                self.calls.arrived(call_counts::UNKNOWN);
                return self.answered(Reply { api, operation: call_counts::UNKNOWN, answer: Err(fault) });
            }
        };
        self.calls.arrived(operation.name);
        let fate = self.faults.fate_of(operation.name);
        if !fate.latency.is_zero() {
            self.wait_clock.sleep(fate.latency).await;
        }
        let answer = match fate.misfortune {
            Some(Misfortune::Dropped) => {
                self.calls.answered(operation.name, call_counts::DROPPED);
                return Outcome::Dropped;
            }
            Some(Misfortune::Throttled) => Err(ApiError::new(ErrorType::TooManyRequests, "Rate exceeded")),
            Some(Misfortune::Failed) => Err(ApiError::internal()),
            None => self.perform(operation, request, input, fate.minting),
        };
        self.answered(Reply { api, operation: operation.name, answer })
    }

    fn answered(&self, reply: Reply) -> Outcome {
        let outcome = reply.error_name().unwrap_or(call_counts::OK);
        self.calls.answered(reply.operation, outcome);
        tracing::debug!(operation = reply.operation, outcome, "call answered");
        Outcome::Answered(reply)
    }

    fn perform(
        &self,
        operation: &Operation,
        request: &SignedRequest<'_>,
        input: &[u8],
        minting: Minting,
    ) -> Answer {
        let now = self.clock.now();
        let signer = if operation.signed {
            Some(Verifier { service: self, api: operation.api, now }.verify(request)?)
        } else {
            None
        };
        (operation.handler)(&Call { service: self, input, now, signer, minting })
    }
}
