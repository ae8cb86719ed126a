//! The accumulator: what application threads touch. Topics, a slot for each partition, the memory budget, the gate and
//! the inbox.
//!
//! Lock order: a slot's lock, then the gate's, the inbox's or the memory's. No two of these three are held together. No
//! lock is held while the sender is woken or a partitioner runs.

mod assign;
mod choose;
mod fast_path;
mod gate;
mod inbox;
mod slot;
mod sticky;
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
pub use topic_settings::TopicSettings;
pub use topics::{Topic, Topics};
pub use transaction::{GroupMetadata, Offset, OffsetCommit, TransactionCall, TransactionState};
pub use wake_coalescing::WakeCoalescing;

use crate::batch::{Charge, Completion, Memory, NoRoom, PlainRecord, Room, WaitEnded};
use crate::error::Error;
use crate::record::Record;
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

/// What an application thread asks of the sender besides records.
#[derive(Debug, PartialEq, Eq)]
pub enum Command {
    /// Send everything that was accepted before; the ticket is done when its reports were handed over.
    Flush { ticket: u64 },
    /// Find out about the cluster or a topic, until the deadline.
    Inquire { ticket: u64, about: About, asked_at: Time, deadline: Time },
    /// Give records up; the ticket is done when their reports were handed over.
    Purge { ticket: u64, what: Purge },
    /// Nothing more is accepted. Send what is here until the deadline, then complete the rest.
    Close { deadline: Time },
    /// A call of transactions; its answer goes to the ticket.
    Transaction { ticket: u64, call: TransactionCall },
    /// Nothing joins the transaction any more, and everything that did is in the mail before this.
    DrainTransaction,
    /// Say what is being waited for.
    Explain { ticket: u64, of: Waiting },
}

/// Who waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// A call that waits for the answer to this ticket.
    Call(u64),
    /// The records of one topic, or of all.
    Records(Option<Arc<str>>),
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// Does a broker answer?
    Cluster,
    /// Which partitions does the topic have? With `led`, each must have a leader to which there is a connection.
    Topic { name: Arc<str>, led: bool },
}

/// Which records are given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Purge {
    /// Those that wait in slots and queues.
    pub queued: bool,
    /// Those that a request carries.
    pub in_flight: bool,
    /// Those of one topic, or all.
    pub topic: Option<Arc<str>>,
}

/// What the accumulator is made with.
#[derive(Clone)]
pub struct AccumulatorSettings {
    pub buffer_memory: usize,
    pub batch_size: usize,
    /// Encoded bytes that an open batch may reach while it is not taken.
    pub batch_limit: usize,
    /// What topics have of which nothing else was said.
    pub topic: TopicSettings,
    /// Where the partitioners' randomness starts.
    pub seed: u64,
}

/// How a record is accepted, beyond what is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lingering {
    /// May linger.
    Allowed,
    /// Somebody waits for it: its batch does not linger.
    Skipped,
}

/// Why a record was not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotAccepted {
    /// The gate is closed, or shut for now.
    Barred(Barred),
    /// No room for this many bytes in `buffer.memory`.
    NoRoom(usize),
    /// The system has no memory for this many bytes.
    OutOfMemory(usize),
    /// The record names a partition outside the topic's `count`.
    UnknownPartition { count: usize },
    /// The application's partitioner failed, or chose a partition outside the topic's range.
    NotChosen(Error),
}

impl Accumulator {
    pub fn new(settings: &AccumulatorSettings) -> Self {
        Accumulator {
            memory: Arc::new(Memory::new(settings.buffer_memory)),
            gate: Gate::new(),
            inbox: Inbox::new(),
            topics: Topics::new(settings.batch_limit, settings.topic.clone()),
            batch_size: settings.batch_size.max(1),
            seed: settings.seed,
        }
    }

    /// Accepts a record if there is room for it; never waits.
    #[inline(always)]
    pub fn accept<C: Clock>(
        &self,
        topic: &Topic,
        record: &Record<'_>,
        completion: &Completion,
        lingering: Lingering,
        clock: &C,
        room: &mut Room,
    ) -> Result<(), NotAccepted> {
        if lingering == Lingering::Allowed
            && let Some(usual) = PlainRecord::from_record(record, completion, clock)
            && self.accept_fast_outlined(topic, &usual).is_some()
        {
            return Ok(());
        }
        self.accept_any(topic, record, completion, lingering, clock, room)
    }

    /// The thorough way, for any record.
    #[inline(always)]
    fn accept_any<C: Clock>(
        &self,
        topic: &Topic,
        record: &Record<'_>,
        completion: &Completion,
        lingering: Lingering,
        clock: &C,
        room: &mut Room,
    ) -> Result<(), NotAccepted> {
        let mut append = Append {
            record,
            charge: Charge::Ask,
            clock,
            sticky: false,
            no_linger: lingering == Lingering::Skipped,
            wanted: record.partition.unwrap_or(-1),
        };
        loop {
            let attempt = match topic.partitions() {
                Some(partitions) => self.append(topic, partitions, &mut append, completion, room)?,
                None => topic.queue.append(self, &append, completion, room),
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

    /// Waits for room; open batches are sent at once meanwhile, since their memory is what is waited for.
    pub fn wait_for_room(&self, bytes: usize, deadline: Option<Instant>) -> Result<Room, WaitEnded> {
        self.inbox.request_room();
        self.memory.budget().wait(bytes, deadline)?;
        Ok(Room { charged: bytes })
    }

    /// Somebody who does not wait was refused room. Open batches are sent at once; the sender tells when there is room.
    pub fn refuse(&self, bytes: usize) {
        self.memory.budget().refuse(bytes);
        self.inbox.request_room();
    }

    /// Gives back what is left of room that was waited for.
    pub fn give_back(&self, room: Room) {
        if room.charged > 0 {
            self.memory.budget().release(room.charged);
        }
    }

    /// Appends to one of a topic's partitions.
    #[inline(always)]
    fn append<C: Clock>(
        &self,
        topic: &Topic,
        partitions: &[Arc<Slot>],
        append: &mut Append<'_, C>,
        completion: &Completion,
        room: &mut Room,
    ) -> Result<Result<Appended, Refused>, NotAccepted> {
        let partitioner = &topic.settings.partitioner;
        let index = self.partition_of(partitioner, topic, partitions, append)?;
        let attempt = partitions[index].append(self, append, completion, room);
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
