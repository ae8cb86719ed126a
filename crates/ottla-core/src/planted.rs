//! Faults planted on purpose. A simulation that does not find them proves nothing. The feature `planted` builds the
//! engine with all of them, and a test chooses one at a time. Without the feature, `planted` is constant and nothing of
//! this is in the library.
#![forbid(unsafe_code)]

macro_rules! faults {
    ($($(#[doc = $what:literal])+ $name:ident,)+) => {
        /// What the engine does wrong while the fault is planted. "While" and "after" name a second event, which has to
        /// coincide with the first.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Fault { $($(#[doc = $what])+ $name,)+ }

        #[cfg(feature = "planted")]
        impl Fault {
            pub const ALL: &[Fault] = &[$(Fault::$name),+];
        }
    };
}

faults! {
    /// A retry gets a sequence number of its own.
    RetryNumberedAnew,
    /// A sequence starts again in the same epoch.
    EpochKept,
    /// The parts of a split begin at the same sequence number.
    PartsNumberedAlike,
    /// The records of a batch that was split are completed once more, as those of the whole.
    WholeAlsoTold,
    /// A retry goes behind what was taken after it.
    RetryQueuedLast,
    /// A connection is lost, and nobody looks again at the partitions that waited for its answers.
    LostWakeUp,
    /// A batch is decided while its request is on the way: what that held stays charged.
    MemoryKept,
    /// Every record is reported at the latest timestamp of its batch, after a retry that the broker recognised.
    DuplicateTimeBelieved,
    /// The fate is unknown, and no byte reached a connection.
    UnknownWithoutAByte,
    /// A flush does not wait for records that moved to their partitions after it began.
    FlushForgetsMoved,
    /// An attempt's answer is lost, after it another attempt is certainly not written: so is the batch, it says.
    LostAnswerForgotten,
    /// A batch expires while a part of its request is written: it is taken back as if none was.
    BegunTakenForUntouched,
    /// A batch whose answer was lost is sent again while others follow it.
    RetryNotAlone,
    /// The first batch of a sequence is refused while the second is on its way.
    FirstNotAlone,
    /// A batch that was appended expires while its answer is lost: the next batch takes over its sequence number. If that has
    /// as many records, the broker takes it for a repetition: it is reported written, and is lost.
    SequenceTakenOver,
    /// A batch fails while the answer to a later one is lost: the rest is numbered anew without proof (KAFKA-14034).
    BumpWithoutProof,
    /// A request is taken back while it carries other partitions: their batches are dropped.
    RecallDropsOthers,
    /// A pause that is configured as 0 is none.
    NoShortestPause,
    /// A topic that the metadata leaves out is not asked for again.
    LeftOutForgotten,
    /// A topic is created again with fewer partitions: it keeps the others.
    PartitionsKept,
    /// A request is lost because of one of its batches: it is sent again with the others.
    SuspectsTogether,
    /// The gate stays open while the transaction ends.
    GateLeftOpen,
    /// A transaction ends with what the sender knew of when it was called to.
    MailLeftOut,
    /// A commit is told before the records are decided.
    CommitBeforeDecided,
    /// An abort is told while records are in flight.
    AbortBeforeAnswered,
    /// An abort is not told.
    AbortUntold,
    /// A record fails while its transaction is being committed: the commit goes on.
    CommitAfterFailure,
    /// No partition is added to the transaction, in the generation of the protocol that needs it.
    PartitionNotAdded,
    /// Offsets are committed after their transaction was aborted.
    OffsetsAfterAbort,
    /// The epoch with which the end of a transaction was answered is not taken.
    EpochOfEndIgnored,
    /// The answer to the end of a transaction is lost, after it the coordinator refuses to repeat it: taken for done.
    EndRefusedTakenForDone,
    /// The coordinator moved, and is not looked for.
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

    /// Plants a fault, or none, into the engines that run on this thread.
    pub fn plant(fault: Option<Fault>) {
        PLANTED.set(fault);
        MET.set(0);
    }

    pub fn planted(fault: Fault) -> bool {
        let is_planted = PLANTED.get() == Some(fault);
        MET.set(MET.get() + u64::from(is_planted));
        is_planted
    }

    /// How often the engine came to where the planted fault lies.
    pub fn times_met() -> u64 {
        MET.get()
    }
}
