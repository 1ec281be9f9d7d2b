//! The one place where the SDK's errors become ours.
//!
//! What matters of a failed request is what may be done next, so [`Failure`] says that first;
//! a [`RepositoryError`] is made of it only when nothing more can be tried.

use std::error::Error as StdError;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use vyapar_core::error::{RepositoryError, RepositoryErrorKind};

use crate::item::Attributes;

/// Why a request did not succeed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Conditions did not hold; nothing was written. Never tried again as it is.
    Refused(Refusals),
    /// Another transaction was in the way; nothing was written. Try again.
    Conflict(Cause),
    /// No capacity; nothing was written. Try again.
    Throttled(Cause),
    /// The server could not be reached at all; nothing was written. Try again.
    Unreachable(Cause),
    /// The request may have been done. Send it again under the same token.
    Lost(Cause),
    /// Trying again would fail again.
    Fatal(Cause),
}

/// What the SDK said, kept for the error's source.
pub(crate) type Cause = Box<dyn StdError + Send + Sync>;

/// Which conditions did not hold, by the position of their action.
#[derive(Debug, Default)]
pub(crate) struct Refusals(Vec<Option<Refused>>);

/// One condition that did not hold.
#[derive(Debug)]
pub(crate) struct Refused {
    /// The item as it stood, where the action asked for it; `None` where there is none.
    pub(crate) item: Option<Attributes>,
}

impl Refusals {
    /// The refusal of the action at `position`.
    pub(crate) fn at(&self, position: usize) -> Option<&Refused> {
        self.0.get(position)?.as_ref()
    }
}

impl Failure {
    /// The error of a read that will not be tried again.
    pub(crate) fn of_read(self, doing: &'static str) -> RepositoryError {
        match self {
            // Nothing is written by a read, so a lost answer leaves no doubt.
            Self::Lost(cause) | Self::Unreachable(cause) => {
                RepositoryError::new(RepositoryErrorKind::Unavailable, doing).with_source(cause)
            }
            other => other.of_write(doing),
        }
    }

    /// The error of a write that will not be tried again.
    pub(crate) fn of_write(self, doing: &'static str) -> RepositoryError {
        use RepositoryErrorKind as K;
        let (kind, cause) = match self {
            Self::Refused(_) => return RepositoryError::new(K::Conflict, doing),
            Self::Conflict(cause) | Self::Throttled(cause) => (K::Busy, cause),
            Self::Unreachable(cause) => (K::Unavailable, cause),
            Self::Lost(cause) => (K::OutcomeUnknown, cause),
            Self::Fatal(cause) => (K::Backend, cause),
        };
        RepositoryError::new(kind, doing).with_source(cause)
    }
}

/// What a failed transaction means, its reasons looked at one by one.
pub(crate) fn transaction(error: SdkError<TransactWriteItemsError>) -> Failure {
    let cancelled = match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => cancelled,
        Some(TransactWriteItemsError::TransactionInProgressException(_)) => {
            // The same token, still being worked on: ask again under it.
            return Failure::Lost(Box::new(error));
        }
        _ => return other(error),
    };
    let reasons = cancelled.cancellation_reasons();
    let code = |wanted: &[&str]| reasons.iter().any(|reason| reason.code().is_some_and(|code| wanted.contains(&code)));
    // A condition that did not hold decides, whatever else was in the way.
    if code(&["ConditionalCheckFailed"]) {
        let refused = reasons
            .iter()
            .map(|reason| {
                (reason.code() == Some("ConditionalCheckFailed")).then(|| Refused { item: reason.item().cloned() })
            })
            .collect();
        return Failure::Refused(Refusals(refused));
    }
    if code(&["ValidationError", "ItemCollectionSizeLimitExceeded"]) {
        return Failure::Fatal(Box::new(error));
    }
    if code(&["ThrottlingError", "ProvisionedThroughputExceeded", "RequestLimitExceeded"]) {
        return Failure::Throttled(Box::new(error));
    }
    if code(&["TransactionConflict"]) {
        return Failure::Conflict(Box::new(error));
    }
    Failure::Fatal(Box::new(error))
}

/// What any other failed request means.
pub(crate) fn other<E>(error: SdkError<E>) -> Failure
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    if let SdkError::ServiceError(service) = &error {
        let status = service.raw().status().as_u16();
        return match service.err().code().unwrap_or_default() {
            "ConditionalCheckFailedException" => Failure::Refused(Refusals(vec![Some(Refused { item: None })])),
            "TransactionConflictException" | "ReplicatedWriteConflictException" => Failure::Conflict(Box::new(error)),
            "ProvisionedThroughputExceededException"
            | "ThrottlingException"
            | "ThrottlingError"
            | "RequestLimitExceeded" => Failure::Throttled(Box::new(error)),
            // A server error says nothing about what was done before it.
            _ if status >= 500 => Failure::Lost(Box::new(error)),
            _ => Failure::Fatal(Box::new(error)),
        };
    }
    if matches!(error, SdkError::ConstructionFailure(_)) {
        return Failure::Fatal(Box::new(error));
    }
    if never_connected(&error) { Failure::Unreachable(Box::new(error)) } else { Failure::Lost(Box::new(error)) }
}

/// Whether the connection was refused: only then did the server certainly not see the request.
fn never_connected(error: &(dyn StdError + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(io) = error.downcast_ref::<std::io::Error>() {
            return io.kind() == std::io::ErrorKind::ConnectionRefused;
        }
        next = error.source();
    }
    false
}
