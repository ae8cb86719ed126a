//! The accumulator: the part that application threads touch. It has the topics, a slot for each partition, the memory
//! budget, the gate and the inbox.
//!
//! Lock order: first a slot's lock, then one of the gate's, the inbox's and the memory's. No two of these three are
//! held together. No lock is held while the sender is woken or a partitioner runs.

mod assign;
mod choose;
mod fast_path;
mod gate;
mod inbox;
mod slot;
mod sticky;
mod submission;
#[cfg(all(test, not(ottla_loom)))]
mod tests;
mod topic_settings;
mod topics;
mod transaction;
mod wake_coalescing;

use std::time::Instant;

pub use choose::{Keyless, Partitioner};
pub use gate::{Barred, Gate};
pub use inbox::{Inbox, Mail, Wake};
pub use slot::{Append, Appended, Refused, Slot, SlotStatus};
pub use submission::{Lingering, Submission};
pub use topic_settings::TopicSettings;
pub use topics::{Topic, Topics};
pub use transaction::{GroupMetadata, Offset, OffsetCommit, TransactionCall, TransactionState};
pub use wake_coalescing::WakeCoalescing;

use crate::batch::{Charge, Memory, NoRoom, Room, WaitEnded};
use crate::error::Error;
use crate::sync::{Arc, Clock, Time};

/// The accumulator of one producer.
pub struct Accumulator {
    pub memory: Arc<Memory>,
    pub gate: Gate,
    pub inbox: Inbox<Command>,
    pub topics: Topics,
    batch_size: usize,
    seed: u64,
}

/// A request of an application thread to the sender, other than a record.
#[derive(Debug, PartialEq, Eq)]
pub enum Command {
    /// Send all records that were accepted before. The ticket is done when their reports were handed over.
    Flush { ticket: u64 },
    /// Ask for metadata of the cluster or of a topic, until the deadline.
    Inquire { ticket: u64, about: About, asked_at: Time, deadline: Time },
    /// Fail records. The ticket is done when their reports were handed over.
    Purge { ticket: u64, what: Purge },
    /// Accept no more records. Send those that are here until the deadline, then fail the rest.
    Close { deadline: Time },
    /// A transactional call. Its result goes to the ticket.
    Transaction { ticket: u64, call: TransactionCall },
    /// Complete the records of the transaction. No record joins it any more, and all its records are in the mail before
    /// this command.
    DrainTransaction,
    /// More addresses to begin from, besides `bootstrap.servers`.
    AddBrokers { servers: Vec<(Arc<str>, u16)> },
    /// Report what a call or records wait for.
    Explain { ticket: u64, waiting: Waiting },
}

/// Whose waiting is to be explained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// A call that waits for this ticket.
    Call(u64),
    /// The records of one topic, or of all.
    Records(Option<Arc<str>>),
}

/// The subject of an inquiry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// Whether a broker responds.
    Cluster,
    /// The topic's partitions. With `led`, each must have a leader, and a connection to it must be ready.
    Topic { name: Arc<str>, led: bool },
}

/// Which records a purge fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Purge {
    /// Records that wait in slots and queues.
    pub queued: bool,
    /// Records that a request carries.
    pub in_flight: bool,
    /// Records of one topic; `None`: of all topics.
    pub topic: Option<Arc<str>>,
}

/// What an accumulator is created with.
#[derive(Clone)]
pub struct AccumulatorSettings {
    pub buffer_memory: usize,
    /// Reports show their records, which stay in `buffer_memory` until then.
    pub retain: bool,
    pub batch_size: usize,
    /// Encoded bytes to which an open batch may grow while the sender does not take it.
    pub batch_limit: usize,
    /// Settings of topics without overrides.
    pub topic: TopicSettings,
    /// Seed of the partitioners' random choices.
    pub seed: u64,
}

/// Why a record was not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotAccepted {
    /// The gate is closed, or shut for the time being.
    Barred(Barred),
    /// No room for this many bytes in `buffer.memory`.
    NoRoom(usize),
    /// The system has no memory for this many bytes.
    OutOfMemory(usize),
    /// The record names a partition outside the topic's range.
    UnknownPartition { count: usize },
    /// The application's partitioner failed, or chose a partition outside the topic's range.
    NotChosen(Error),
}

impl Accumulator {
    pub fn new(settings: &AccumulatorSettings) -> Self {
        Accumulator {
            memory: Arc::new(Memory::new(settings.buffer_memory, settings.retain)),
            gate: Gate::new(),
            inbox: Inbox::new(),
            topics: Topics::new(settings.batch_limit, settings.topic.clone()),
            batch_size: settings.batch_size.max(1),
            seed: settings.seed,
        }
    }

    /// Accepts a record if there is room for it. Never waits.
    ///
    /// Thread: any. Takes the slot's lock, and wakes the sender if it has to look before it would by itself.
    #[inline(always)]
    pub fn accept<C: Clock>(&self, submission: &Submission<'_, C>, room: &mut Room) -> Result<(), NotAccepted> {
        if let Some(plain) = submission.plain()
            && self.accept_fast_outlined(submission.topic, &plain).is_some()
        {
            return Ok(());
        }
        self.accept_any(submission, room)
    }

    /// The general path: takes any record.
    #[inline(always)]
    fn accept_any<C: Clock>(&self, submission: &Submission<'_, C>, room: &mut Room) -> Result<(), NotAccepted> {
        let Submission { topic, record, completion, lingering, clock } = *submission;
        let mut append = Append {
            record,
            completion,
            charge: Charge::Ask,
            clock,
            sticky: false,
            no_linger: lingering == Lingering::Skipped,
            wanted: record.partition.unwrap_or(-1),
        };
        loop {
            let attempt = match topic.partitions() {
                Some(partitions) => self.append(topic, partitions, &mut append, room)?,
                None => topic.queue.append(self, &append, room),
            };
            match attempt {
                Ok(appended) => {
                    self.inbox.wake(appended.wake);
                    return Ok(());
                }
                Err(Refused::Barred(barred)) => return Err(NotAccepted::Barred(barred)),
                Err(Refused::NoRoom(NoRoom::Buffer(bytes))) => return Err(NotAccepted::NoRoom(bytes)),
                Err(Refused::NoRoom(NoRoom::System(bytes))) => return Err(NotAccepted::OutOfMemory(bytes)),
                Err(Refused::Switch | Refused::Retired) => {}
            }
        }
    }

    /// Waits for room. Meanwhile open batches are sent at once, because they hold the memory that the call waits for.
    pub fn wait_for_room(&self, bytes: usize, deadline: Option<Instant>) -> Result<Room, WaitEnded> {
        self.inbox.request_room();
        self.memory.budget().wait(bytes, deadline)?;
        Ok(Room { charged: bytes })
    }

    /// Notes that a call which does not wait found no room. Open batches are sent at once, and the sender reports an
    /// event when there is room.
    pub fn refuse(&self, bytes: usize) {
        self.memory.budget().refuse(bytes);
        self.inbox.request_room();
    }

    /// Gives back the unused rest of room that was waited for.
    pub fn give_back(&self, room: Room) {
        if room.charged > 0 {
            self.memory.budget().release(room.charged);
        }
    }

    /// Appends to one of the topic's partitions.
    #[inline(always)]
    fn append<C: Clock>(
        &self,
        topic: &Topic,
        partitions: &[Arc<Slot>],
        append: &mut Append<'_, C>,
        room: &mut Room,
    ) -> Result<Result<Appended, Refused>, NotAccepted> {
        let partitioner = &topic.settings.partitioner;
        let index = self.partition_of(partitioner, topic, partitions, append)?;
        let attempt = partitions[index].append(self, append, room);
        let switch = match &attempt {
            Ok(appended) => appended.switch,
            Err(refused) => matches!(refused, Refused::Switch | Refused::Retired),
        };
        if switch {
            self.leave_sticky(partitioner, topic, partitions, index);
        }
        Ok(attempt)
    }
}
