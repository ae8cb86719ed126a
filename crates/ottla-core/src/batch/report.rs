//! A report: a decided batch on its way to the application. It is the unit of completion.

use std::time::Duration;

use super::chunk::Chunks;
use super::entries::{Entries, read_narrow};
use super::shape::Shape;
use super::{Batch, Waiter};
use crate::error::{Error, ErrorKind};
use crate::loan::LentValue;
use crate::record::Fate;
use crate::sync::{Arc, Time};
use crate::text::partition_name;

/// What became of a batch. Its numbers are as in a delivery, which is made from them for each record: -1 instead of an
/// `Option` spares a conversion there.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub fate: Fate,
    /// The offset of the first record; -1 if unknown.
    pub base_offset: i64,
    /// The broker's timestamp if the topic uses LogAppendTime, otherwise -1.
    pub log_append_time: i64,
    pub error: Option<Error>,
    pub latency: Duration,
}

impl Outcome {
    /// A failure. The fate covers all attempts: it is unknown if the outcome of any attempt is unknown.
    pub fn failed(batch: &Batch, error: Error, now: Time) -> Self {
        let fate = if batch.sealed.outcome_unknown { Fate::Unknown } else { Fate::NotWritten };
        Outcome { fate, base_offset: -1, log_append_time: -1, error: Some(error), latency: batch.age(now) }
    }
}

/// A decided batch, owned by the sink. Dropping it ends the completion of its records, and releases what it retains.
pub struct Report(Option<Box<Batch>>);

/// The fate of one record, read from a report.
#[derive(Clone, Copy, Debug)]
pub struct Delivery<'a> {
    /// What the completion of the record named at `send`: the callback (0: the default) and the tag.
    pub call: u64,
    pub tag: u64,
    pub topic: &'a str,
    pub partition: i32,
    /// -1 if unknown.
    pub offset: i64,
    /// The record's timestamp, or the broker's if the topic uses LogAppendTime.
    pub timestamp: i64,
    pub fate: Fate,
    pub error: Option<&'a Error>,
    pub attempts: u32,
    /// The value, if it was lent.
    pub lent: Option<LentValue>,
    /// From the batch's first append until it was decided.
    pub latency: Duration,
}

impl Batch {
    /// Decides the batch. Its data is released here, before any sink runs, unless a request still shares
    /// it, or the producer retains records.
    pub fn decide(mut self: Box<Self>, outcome: Outcome) -> Report {
        self.forget_wanted();
        if self.memory.retains() {
            self.retain_records();
        } else {
            self.splices.clear();
            self.memory.clone().release(self.chunks.drain());
            self.release_payload();
        }
        self.outcome = Some(outcome);
        Report::new(self)
    }

    /// Ends a batch whose records were moved to other batches. Nothing is reported.
    pub fn dissolve(mut self: Box<Self>) {
        self.clear();
        let memory = self.memory.clone();
        memory.recycle(self);
    }
}

/// Makes a report of an undecided batch that is being dropped. The event loop delivers it.
pub(super) fn adopt(batch: &mut Batch) {
    let memory = batch.memory.clone();
    let partition = partition_name(&batch.topic, batch.partition);
    let error =
        Error::new(ErrorKind::Internal, format!("the engine dropped a batch of {partition} before its fate was known"));
    let outcome = batch.outcome.take().unwrap_or_else(|| {
        // A request carried it and its end was not noted, so a byte may have been written.
        batch.sealed.outcome_unknown |= batch.sealed.attempts > 0;
        Outcome::failed(batch, error, batch.created)
    });
    let mut orphan = Box::new(Batch {
        topic: batch.topic.clone(),
        partition: batch.partition,
        created: batch.created,
        deadline: batch.deadline,
        custom_timeout: batch.custom_timeout,
        base_timestamp: batch.base_timestamp,
        max_timestamp: batch.max_timestamp,
        entries: std::mem::take(&mut batch.entries),
        chunks: Chunks::default(),
        splices: Vec::new(),
        bytes: 0,
        lent_bytes: 0,
        first_size_class: 0,
        shape: Shape::default(),
        wanted: Vec::new(),
        memory: memory.clone(),
        sealed: batch.sealed,
        payload: super::Payload::shared(&memory),
        plain: None,
        moved: batch.moved,
        outcome: Some(outcome),
    });
    if memory.retains() {
        std::mem::swap(&mut orphan.chunks, &mut batch.chunks);
        std::mem::swap(&mut orphan.splices, &mut batch.splices);
        std::mem::swap(&mut orphan.payload, &mut batch.payload);
        std::mem::swap(&mut orphan.plain, &mut batch.plain);
        orphan.retain_records();
    }
    memory.orphan(Report::new(orphan));
}

impl Report {
    /// `batch` is decided. It holds only its entries, and its records if these are retained.
    fn new(batch: Box<Batch>) -> Self {
        batch.memory.begin_report(batch.entries.charged() + batch.retained_bytes());
        Report(Some(batch))
    }

    pub(super) fn batch(&self) -> &Batch {
        self.0.as_ref().expect("a report holds its batch until it is dropped")
    }

    pub fn outcome(&self) -> &Outcome {
        self.batch().outcome.as_ref().expect("a report's batch is decided")
    }

    pub fn topic(&self) -> &str {
        &self.batch().topic
    }

    pub fn partition(&self) -> i32 {
        self.batch().partition
    }

    /// The number of records.
    pub fn count(&self) -> u32 {
        self.batch().count()
    }

    pub fn attempts(&self) -> u32 {
        self.batch().sealed.attempts
    }

    pub fn entries(&self) -> &Entries {
        &self.batch().entries
    }

    pub fn waiters(&self) -> &[(u32, Arc<Waiter>)] {
        self.batch().entries.waiters()
    }

    /// The timestamp of the first record. Entries hold the difference to it.
    pub fn base_timestamp(&self) -> i64 {
        self.batch().base_timestamp
    }

    /// The deliveries of its records, in order.
    pub fn deliveries(&self) -> impl Iterator<Item = Delivery<'_>> + '_ {
        let batch = self.batch();
        let outcome = self.outcome();
        let mut lent = batch.entries.lent();
        batch.entries.iter().zip(0i64..).map(move |(entry, index)| Delivery {
            call: entry.call,
            tag: entry.tag,
            topic: &batch.topic,
            partition: batch.partition,
            offset: if outcome.base_offset < 0 { -1 } else { outcome.base_offset + index },
            timestamp: if outcome.log_append_time >= 0 {
                outcome.log_append_time
            } else {
                batch.base_timestamp.wrapping_add(entry.timestamp_delta)
            },
            fate: outcome.fate,
            error: outcome.error.as_ref(),
            attempts: batch.sealed.attempts,
            lent: next_lent(&mut lent, index),
            latency: outcome.latency,
        })
    }

    /// Tag, offset and timestamp of each record, in runs. `None` unless these describe all records.
    #[inline(always)]
    pub fn plain_runs(&self) -> Option<impl Iterator<Item = impl Iterator<Item = (u64, i64, i64)>>> {
        let (batch, outcome) = (self.batch(), self.outcome());
        let (appended, base) = (outcome.log_append_time, batch.base_timestamp);
        let mut next = outcome.base_offset;
        Some(batch.entries.plain_runs()?.map(move |run| {
            let first = next;
            next = if first < 0 { first } else { first + run.len() as i64 };
            run.iter().zip(0i64..).map(move |(entry, index)| {
                let entry = read_narrow(entry);
                let offset = if first < 0 { -1 } else { first + index };
                let timestamp = if appended >= 0 { appended } else { base.wrapping_add(entry.timestamp_delta) };
                (entry.tag, offset, timestamp)
            })
        }))
    }

    /// Passes their results to threads that wait for a record of this report. Sinks call it once.
    pub fn notify_waiters(&self) {
        if !self.batch().entries.has_waiters() {
            return;
        }
        let mut waiters = self.waiters().iter().peekable();
        for (delivery, index) in self.deliveries().zip(0u32..) {
            if let Some((_, waiter)) = waiters.next_if(|(at, _)| *at == index) {
                waiter.notify(&delivery);
            }
        }
    }
}

/// The value that was lent for the record at `index`. Removes it from `rest`, which is in order.
#[inline]
fn next_lent(rest: &mut &[(u32, LentValue)], index: i64) -> Option<LentValue> {
    let [(at, value), later @ ..] = *rest else { return None };
    if i64::from(*at) != index {
        return None;
    }
    *rest = later;
    Some(*value)
}

impl Drop for Report {
    fn drop(&mut self) {
        if let Some(mut batch) = self.0.take() {
            let memory = batch.memory.clone();
            memory.end_report(batch.entries.charged() + batch.retained_bytes());
            let holds_loans = batch.holds_loans();
            batch.clear();
            memory.recycle(batch);
            if holds_loans {
                memory.note_loans_ended();
            }
        }
    }
}
