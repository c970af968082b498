//! One call from its HTTP headers to its outcome: which operation, what fate, who signs, what answer.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::AccessKey;
use super::call_counts::{self, CallCounts};
use super::dispatch;
use super::faults::{FaultInjector, InjectedFault, MintOptions};
use super::keys::KeyRing;
use super::operations::{Operation, OperationContext};
use super::protocol::{ApiError, ErrorType, OperationResult, Response};
use super::sigv4::{SignedRequest, Verifier};
use super::state::State;
use super::temporary_credentials::TemporaryCredentialStore;
use clock::SharedClock;

/// Everything that a call may touch.
pub(super) struct Backend {
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
    pub(super) sessions: TemporaryCredentialStore,
    pub(super) faults: FaultInjector,
    pub(super) calls: CallCounts,
}

/// What becomes of a call.
pub(super) enum CallResult {
    Answered(Response),
    /// The connection is closed without a word.
    Dropped,
}

impl Backend {
    /// The state, for as long as the guard lives: never while a token is signed or a client waited for.
    pub(super) fn lock_state(&self) -> MutexGuard<'_, State> {
        // A handler that panicked has changed nothing by halves: changes are made last, and all at once.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers one call. Faults strike before the signature is looked at and before anything changes.
    pub(super) async fn call(&self, request: &SignedRequest<'_>) -> CallResult {
        let api = dispatch::api_of(request);
        let (operation, input) = match dispatch::operation_of(api, request) {
            Ok(asked) => asked,
            Err(fault) => {
                self.calls.arrived(call_counts::UNKNOWN);
                return self.answered(Response { api, operation: call_counts::UNKNOWN, answer: Err(fault) });
            }
        };
        self.calls.arrived(operation.name);
        let fate = self.faults.fate_of(operation.name);
        if !fate.latency.is_zero() {
            self.wait_clock.sleep(fate.latency).await;
        }
        let answer = match fate.misfortune {
            Some(InjectedFault::Dropped) => {
                self.calls.answered(operation.name, call_counts::DROPPED);
                return CallResult::Dropped;
            }
            Some(InjectedFault::Throttled) => Err(ApiError::new(ErrorType::TooManyRequests, "Rate exceeded")),
            Some(InjectedFault::Failed) => Err(ApiError::internal()),
            None => self.perform(operation, request, input, fate.minting),
        };
        self.answered(Response { api, operation: operation.name, answer })
    }

    fn answered(&self, reply: Response) -> CallResult {
        let outcome = reply.error_name().unwrap_or(call_counts::OK);
        self.calls.answered(reply.operation, outcome);
        tracing::debug!(operation = reply.operation, outcome, "call answered");
        CallResult::Answered(reply)
    }

    fn perform(
        &self,
        operation: &Operation,
        request: &SignedRequest<'_>,
        input: &[u8],
        minting: MintOptions,
    ) -> OperationResult {
        let now = self.clock.now();
        let signer = if operation.signed {
            Some(Verifier { service: self, api: operation.api, now }.verify(request)?)
        } else {
            None
        };
        (operation.handler)(&OperationContext { service: self, input, now, signer, minting })
    }
}
