//! Planted faults: faults built in on purpose. A simulation that does not find them proves nothing. The feature
//! `planted` builds the engine with all of them, and a test chooses one at a time. Without the feature, `planted` is a
//! constant, and the library contains nothing of this.
#![forbid(unsafe_code)]

macro_rules! faults {
    ($($(#[doc = $what:literal])+ $name:ident,)+) => {
        /// What the engine does wrong while the fault is planted. "While" and "after" introduce a second event that
        /// must coincide with the first.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Fault { $($(#[doc = $what])+ $name,)+ }

        #[cfg(feature = "planted")]
        impl Fault {
            pub const ALL: &[Fault] = &[$(Fault::$name),+];
        }
    };
}

faults! {
    /// A retried batch gets a new sequence number.
    RetryNumberedAnew,
    /// A sequence begins again in the same epoch.
    EpochKept,
    /// All parts of a split begin at the same sequence number.
    PartsNumberedAlike,
    /// The records of a batch that was split are completed twice, the second time as those of the whole batch.
    WholeAlsoTold,
    /// A retried batch is queued behind batches that were taken after it.
    RetryQueuedLast,
    /// A connection is lost, and the partitions that waited for its responses are not looked at again.
    LostWakeUp,
    /// A batch is decided while its request is in flight: the memory of the request stays charged.
    MemoryKept,
    /// After a retry that the broker recognised, every record is reported with the latest timestamp of its batch.
    DuplicateTimeBelieved,
    /// The fate is unknown although no byte reached a connection.
    UnknownWithoutAByte,
    /// A flush does not wait for records that moved to their partitions after it began.
    FlushForgetsMoved,
    /// A response is lost. After another attempt is known as not written, the batch is reported as not written.
    LostAnswerForgotten,
    /// A batch expires while a part of its request is written: the request is recalled as if nothing were.
    BegunTakenForUntouched,
    /// A batch whose response was lost is sent again while others follow it.
    RetryNotAlone,
    /// The first batch of a sequence is refused while the second is in flight.
    FirstNotAlone,
    /// A batch that was appended expires while its response is lost, and the next batch takes over its sequence number.
    /// If that has as many records, the broker takes it for a repetition: it is reported as written, and is lost.
    SequenceTakenOver,
    /// A batch fails while the response for a later one is lost: the rest is numbered again without proof
    /// (KAFKA-14034).
    BumpWithoutProof,
    /// A request is recalled while it carries other partitions: their batches are dropped.
    RecallDropsOthers,
    /// A backoff configured as 0 does not pause at all.
    NoShortestPause,
    /// A topic that the metadata leaves out is not requested again.
    LeftOutForgotten,
    /// A topic is created again with fewer partitions, and keeps the others.
    PartitionsKept,
    /// A batch is being prepared: a later one that is ready goes ahead of it.
    PreparedOvertaken,
    /// A request is lost because of one of its batches: it is sent again with the others.
    SuspectsTogether,
    /// The gate stays open while the transaction ends.
    GateLeftOpen,
    /// A transaction ends with what the sender knew when the end was called, without the mail that had not been taken.
    MailLeftOut,
    /// A commit is reported before the records are decided.
    CommitBeforeDecided,
    /// An abort is reported while records are in flight.
    AbortBeforeAnswered,
    /// An abort is not reported.
    AbortUntold,
    /// A record fails while its transaction is being committed, and the commit goes on.
    CommitAfterFailure,
    /// No partition is added to the transaction, with the protocol generation that requires it.
    PartitionNotAdded,
    /// Offsets are committed after their transaction was aborted.
    OffsetsAfterAbort,
    /// The epoch in the response to the end of a transaction is ignored.
    EpochOfEndIgnored,
    /// The response to the end of a transaction is lost. After the coordinator refuses the repeated request, the
    /// transaction counts as ended.
    EndRefusedTakenForDone,
    /// The coordinator moved, and is not looked up again.
    CoordinatorNotForgotten,
}

#[cfg(not(feature = "planted"))]
#[inline(always)]
pub const fn planted(_: Fault) -> bool {
    false
}

#[cfg(feature = "planted")]
pub use switch::{plant, planted, times_met};

#[cfg(feature = "planted")]
mod switch {
    use std::cell::Cell;

    use super::Fault;

    thread_local! {
        static PLANTED: Cell<Option<Fault>> = const { Cell::new(None) };
        static MET: Cell<u64> = const { Cell::new(0) };
    }

    /// Plants a fault, or none, in the engines that run on this thread.
    pub fn plant(fault: Option<Fault>) {
        PLANTED.set(fault);
        MET.set(0);
    }

    pub fn planted(fault: Fault) -> bool {
        let is_planted = PLANTED.get() == Some(fault);
        MET.set(MET.get() + u64::from(is_planted));
        is_planted
    }

    /// How often the engine reached the planted fault.
    pub fn times_met() -> u64 {
        MET.get()
    }
}
