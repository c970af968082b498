//! The context of one operation: the emulator, the input, the time and the signer.

use std::sync::MutexGuard;

use crate::emulator::Emulator;
use crate::protocol::OperationError;
use crate::sigv4::Signer;
use crate::state::State;
use crate::token::MintOptions;
use clock::Timestamp;

pub(crate) struct OperationContext<'a> {
    pub(crate) emulator: &'a Emulator,
    /// JSON for Cognito, a form for STS and IAM.
    pub(crate) input: &'a [u8],
    pub(crate) now: Timestamp,
    /// `None` for an unsigned operation.
    pub(crate) signer: Option<Signer<'a>>,
    pub(crate) mint_options: MintOptions,
}

impl OperationContext<'_> {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.emulator.lock_state()
    }

    /// The signer of a signed operation.
    pub(super) fn signer(&self) -> Result<&Signer<'_>, OperationError> {
        self.signer.as_ref().ok_or_else(OperationError::internal)
    }
}
