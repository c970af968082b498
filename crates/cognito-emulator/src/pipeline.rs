//! The pipeline of one request: operation, injected faults, signature check, handler, call counts.

use std::sync::Arc;

use fastrand::Rng;

use crate::call_counts::{self, CallCounts};
use crate::dispatch;
use crate::emulator::Emulator;
use crate::faults::{FaultInjector, InjectedFault};
use crate::operations::Operation;
use crate::operations::context::OperationContext;
use crate::protocol::{ErrorType, OperationError, OperationResult, Response};
use crate::sigv4::{SignedRequest, Verifier};
use crate::token::MintOptions;

pub(crate) struct Pipeline {
    pub(crate) emulator: Arc<Emulator>,
    pub(crate) faults: FaultInjector,
    pub(crate) calls: CallCounts,
}

/// The result of one request.
pub(crate) enum CallResult {
    Response(Response),
    /// The connection is closed without a response.
    Dropped,
}

impl Pipeline {
    /// A pipeline without faults; `rng` decides which requests a fault affects.
    pub(crate) fn new(emulator: Arc<Emulator>, rng: Rng) -> Self {
        Self { emulator, faults: FaultInjector::new(rng), calls: CallCounts::default() }
    }

    /// Executes one request. Faults apply before the signature is checked and before any change.
    pub(crate) async fn call(&self, request: &SignedRequest<'_>) -> CallResult {
        let service = dispatch::detect_service(request);
        let (operation, input) = match dispatch::resolve_operation(service, request) {
            Ok(resolved) => resolved,
            Err(error) => {
                self.calls.record_request(call_counts::UNKNOWN);
                return self.respond(Response { service, operation: call_counts::UNKNOWN, result: Err(error) });
            }
        };
        self.calls.record_request(operation.name);
        let decision = self.faults.decide(operation.name);
        if !decision.latency.is_zero() {
            self.emulator.wait_clock.sleep(decision.latency).await;
        }
        let result = match decision.fault {
            Some(InjectedFault::Dropped) => {
                self.calls.record_response(operation.name, call_counts::DROPPED);
                return CallResult::Dropped;
            }
            Some(InjectedFault::Throttled) => Err(OperationError::new(ErrorType::TooManyRequests, "Rate exceeded")),
            Some(InjectedFault::Failed) => Err(OperationError::internal()),
            None => self.execute(operation, request, input, decision.mint_options),
        };
        self.respond(Response { service, operation: operation.name, result })
    }

    fn respond(&self, response: Response) -> CallResult {
        let outcome = response.error_name().unwrap_or(call_counts::OK);
        self.calls.record_response(response.operation, outcome);
        tracing::debug!(operation = response.operation, outcome, "request completed");
        CallResult::Response(response)
    }

    fn execute(
        &self,
        operation: &Operation,
        request: &SignedRequest<'_>,
        input: &[u8],
        mint_options: MintOptions,
    ) -> OperationResult {
        let emulator = &*self.emulator;
        let now = emulator.clock.now();
        let signer = if operation.signed {
            let verifier = Verifier {
                access_keys: &emulator.access_keys,
                sessions: &emulator.temporary_credentials,
                regions: &emulator.regions,
            };
            Some(verifier.verify(request, operation.service, now)?)
        } else {
            None
        };
        (operation.handler)(&OperationContext { emulator, input, now, signer, mint_options })
    }
}
