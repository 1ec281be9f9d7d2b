//! The rules of the protocol that can be left out, one at a time.
//!
//! A check that cannot fail proves nothing. Each mutation leaves out one rule, and `broken.rs` shows
//! the interleaving that then goes wrong.

/// A rule, named by what it demands; the comment says what happens instead when it is left out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Mutation {
    // The saga.
    /// An undo also releases what is committed.
    UndoFromHeldOnly,
    /// A release closes the reservation at once.
    ReleasedStaysOpen,
    /// Abandoning an order that is not there leaves no marker.
    AbandonLeavesMarker,
    /// Who cancels performs the effects, but does not store them with the cancellation.
    CancelStoresEffects,
    /// An order may be confirmed while its reservation is only held.
    ConfirmOnlyCommitted,
    /// A success counts as applied from the start.
    SuccessStaysUnapplied,
    /// A repeated call that sees the order answers `placed` without looking at the reservation.
    ReplayResumes,
    /// A release that finds nothing leaves nothing.
    ReleaseLeavesTombstone,
    /// Reserve looks at the stock before it looks for a reservation of its key.
    ReserveFindsKeyFirst,
    /// A key whose attempt was abandoned is answered as failed, for ever.
    AbandonedStartsOver,

    // Dispatch.
    /// Who hands the order out performs the dispatch, but does not store it with the status.
    DispatchIsStored,
    /// The reservation is dispatched first, then the order goes out for delivery.
    OrderMovesFirst,
    /// Going out for delivery writes what was decided from an earlier read.
    StatusMoveIsConditional,

    // Partial cancel.
    /// Amend takes off a difference.
    AmendIsAbsolute,
    /// Amend sets its target whatever was set since.
    AmendIsVersioned,
    /// Who edits performs the effects, but does not store them with the edit.
    EditStoresEffects,
    /// An edit takes its units off whatever is there.
    EditNamesEdition,
    /// An order may be edited before it is paid.
    EditOnlyWhenPaid,
    /// A status move replaces effects that are still pending.
    MoveWaitsForEffects,
    /// Clearing removes whatever is pending.
    ClearNamesEffect,
    /// A repeated effect obliges a second refund.
    RefundIsKeyed,
    /// A cancellation refunds the total, not what edits have left of it.
    CancelRefundsRest,

    // Two payment attempts.
    /// Which attempt pays is decided by a read, then written.
    PaidByIsConditional,
    /// A second success is put down as applied without a refund.
    SecondSuccessIsRefunded,
    /// A failed attempt stays failed when the gateway captures late.
    LateCaptureCounts,
    /// A failure event that arrives late overwrites a success.
    FailureNeverOverwrites,
    /// Recovery asks the gateway about pending attempts only.
    FailedIsAskedAgain,
}

impl Mutation {
    pub(super) const OF_THE_SAGA: [Self; 10] = [
        Self::UndoFromHeldOnly,
        Self::ReleasedStaysOpen,
        Self::AbandonLeavesMarker,
        Self::CancelStoresEffects,
        Self::ConfirmOnlyCommitted,
        Self::SuccessStaysUnapplied,
        Self::ReplayResumes,
        Self::ReleaseLeavesTombstone,
        Self::ReserveFindsKeyFirst,
        Self::AbandonedStartsOver,
    ];
    pub(super) const OF_DISPATCH: [Self; 3] =
        [Self::DispatchIsStored, Self::OrderMovesFirst, Self::StatusMoveIsConditional];
    pub(super) const OF_EDITS: [Self; 9] = [
        Self::AmendIsAbsolute,
        Self::AmendIsVersioned,
        Self::EditStoresEffects,
        Self::EditNamesEdition,
        Self::EditOnlyWhenPaid,
        Self::MoveWaitsForEffects,
        Self::ClearNamesEffect,
        Self::RefundIsKeyed,
        Self::CancelRefundsRest,
    ];
    pub(super) const OF_PAYMENTS: [Self; 5] = [
        Self::PaidByIsConditional,
        Self::SecondSuccessIsRefunded,
        Self::LateCaptureCounts,
        Self::FailureNeverOverwrites,
        Self::FailedIsAskedAgain,
    ];
}
