//! What happens when a topic becomes known, or gets another number of partitions.

use std::cell::Cell;

use super::{Accumulator, Append, Appended, NotAccepted, Refused, Slot, Topic};
use crate::batch::{Batch, Charge, Completion, NoRoom, Outcome, Report, Room};
use crate::error::{Error, ErrorKind, Result};
use crate::record::Record;
use crate::sync::{Arc, Clock, Time};
use crate::text::partitions;

/// Records of a topic's queue that could not be moved to a partition: the topic does not have the partition that they
/// ask for, the application's partitioner failed, or there was no memory.
#[derive(Default)]
pub struct Rejected {
    /// Neighbours with the same reason share a batch.
    batches: Vec<(Box<Batch>, Error)>,
}

impl Accumulator {
    /// The slots of a topic's first `count` partitions. New ones are not visible to application threads yet. A
    /// partition that comes back gets its former slot.
    pub fn partitions_for(&self, topic: &Topic, count: usize) -> Vec<Arc<Slot>> {
        self.topics.partitions(topic, count)
    }

    /// Gives a known topic more or fewer partitions. When this returns, nothing can be appended to the partitions that
    /// are gone. Records appended before are in their slots. Thread: sender.
    ///
    /// Order matters: a thread that finds its partition retired reads the list again, and must find the new one.
    pub fn resize(&self, topic: &Topic, partitions: Vec<Arc<Slot>>) {
        let before = topic.partitions().unwrap_or_default();
        let count = partitions.len();
        partitions.iter().skip(before.len()).for_each(|slot| slot.reopen());
        topic.publish(partitions);
        before.iter().skip(count).for_each(|slot| slot.retire());
    }

    /// Moves the records of the topic's queue to its partitions. The topic becomes known when the queue is empty, so
    /// that no record overtakes another. Thread: sender. Locks: none while a partitioner runs.
    pub fn assign<C: Clock>(&self, topic: &Topic, partitions: Vec<Arc<Slot>>, clock: &C) -> Rejected {
        let mut rejected = Rejected::default();
        let mut finished = partitions.clone();
        while !topic.queue.retire_if_empty(|| topic.publish(std::mem::take(&mut finished))) {
            let (Some(batch), _) = topic.queue.take() else { continue };
            let created = CreatedAt { clock, created: batch.created };
            let mut moving = Moving { batch: Some(batch), moved: Cell::new(0) };
            let left = moving.all(|record, completion| {
                self.assign_record(topic, &partitions, record, completion, &created, &mut rejected)
            });
            rejected.batches.extend(left);
        }
        rejected
    }

    fn assign_record<C: Clock>(
        &self,
        topic: &Topic,
        partitions: &[Arc<Slot>],
        record: &Record<'_>,
        completion: Completion,
        clock: &C,
        rejected: &mut Rejected,
    ) -> Result<()> {
        let no_linger = matches!(&completion, Completion::Waiter(waiter) if !waiter.is_patient());
        let mut append = Append {
            record,
            completion: &completion,
            charge: Charge::Force,
            clock,
            sticky: false,
            no_linger,
            wanted: -1,
        };
        let mut room = Room::default();
        loop {
            match self.append(topic, partitions, &mut append, &mut room) {
                Ok(Ok(Appended { .. })) => return Ok(()),
                // The next round makes another sticky choice.
                Ok(Err(Refused::Switch)) => {}
                Ok(Err(Refused::NoRoom(refused))) => return Err(self.no_memory_to_move(topic, refused)),
                Ok(Err(refused)) => unreachable!("a record of the topic's queue was refused: {refused:?}"),
                Err(NotAccepted::UnknownPartition { count }) => {
                    let error = out_of_range(topic, count, record.partition.unwrap_or(-1));
                    return rejected.add(self, topic, record, completion, clock, error);
                }
                Err(NotAccepted::NotChosen(error)) => {
                    return rejected.add(self, topic, record, completion, clock, error);
                }
                Err(other) => unreachable!("choosing a partition failed: {other:?}"),
            }
        }
    }

    #[cold]
    fn no_memory_to_move(&self, topic: &Topic, refused: NoRoom) -> Error {
        let to_do_what = format!("to move records of topic {} to their partitions", topic.name);
        self.memory.out_of_memory(refused.bytes(), &to_do_what)
    }
}

/// A batch of the queue whose records are being moved. If a panic unwinds through it, the records already moved belong
/// to the partitions and must not be reported here too.
struct Moving {
    batch: Option<Box<Batch>>,
    moved: Cell<u32>,
}

impl Moving {
    /// Moves each record. Returns the records that could not be moved, and why.
    fn all(&mut self, mut each: impl FnMut(&Record<'_>, Completion) -> Result<()>) -> Option<(Box<Batch>, Error)> {
        let moved = self.batch.as_ref()?.for_each_record(|record, _, completion| {
            each(record, completion)?;
            self.moved.set(self.moved.get() + 1);
            Ok(())
        });
        let mut batch = self.batch.take()?;
        match moved {
            Ok(()) => {
                batch.dissolve();
                None
            }
            Err(error) => {
                batch.drop_moved(self.moved.get());
                Some((batch, error))
            }
        }
    }
}

impl Drop for Moving {
    fn drop(&mut self) {
        if let Some(mut batch) = self.batch.take() {
            // The others are reported like those of any batch that is dropped without a decision.
            batch.drop_moved(self.moved.get());
        }
    }
}

impl Rejected {
    fn add<C: Clock>(
        &mut self,
        accumulator: &Accumulator,
        topic: &Topic,
        record: &Record<'_>,
        completion: Completion,
        clock: &C,
        error: Error,
    ) -> Result<()> {
        let partition = record.partition.unwrap_or(-1);
        if self.batches.last().is_none_or(|(batch, why)| batch.partition != partition || *why != error) {
            let batch = Batch::new(&accumulator.memory, &topic.name, partition, clock.monotonic(), 0);
            self.batches.push((batch, error));
        }
        let (batch, _) = self.batches.last_mut().expect("pushed above");
        let timestamp = record.timestamp.unwrap_or_default();
        let appended = batch.append(record, timestamp, &completion, Charge::Force, &mut Room::default());
        if appended.is_err() && batch.count() == 0 {
            // The batch was created for this record.
            self.batches.pop().map(|(batch, _)| batch.dissolve()).unwrap_or_default();
        }
        appended.map_err(|refused| accumulator.no_memory_to_move(topic, refused))
    }

    /// The reports of these failures.
    pub fn into_reports(self, now: Time) -> impl Iterator<Item = Report> {
        self.batches.into_iter().map(move |(batch, error)| {
            let outcome = Outcome::failed(&batch, error, now);
            batch.decide(outcome)
        })
    }
}

fn out_of_range(topic: &Topic, count: usize, partition: i32) -> Error {
    let message =
        format!("topic {} has {}, and the record asked for partition {partition}", topic.name, partitions(count),);
    Error::new(ErrorKind::UnknownPartition, message)
}

/// A clock that gives batches the age of the queue's batch that their records come from, because the wait for metadata
/// counts towards linger and `delivery.timeout.ms`.
struct CreatedAt<'c, C> {
    clock: &'c C,
    created: Time,
}

impl<C: Clock> Clock for CreatedAt<'_, C> {
    fn monotonic(&self) -> Time {
        self.created
    }

    fn wall_ms(&self) -> i64 {
        self.clock.wall_ms()
    }
}
