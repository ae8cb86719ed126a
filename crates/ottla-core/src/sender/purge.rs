//! Purge: fails records that the application gives up.

use super::Sender;
use super::index::PartitionIndex;
use super::retry::order_of;
use crate::accumulator::Purge;
use crate::batch::Batch;
use crate::error::{Error, ErrorKind};

impl Sender {
    /// Fails the records that are meant. Requests in flight go on, and the fate of their batches is never learned. The
    /// sequence is treated as for batches that expire.
    pub(super) fn purge(&mut self, what: &Purge) {
        for index in self.partitions.active().to_vec() {
            if what.topic.as_ref().is_some_and(|topic| **topic != *self.partition(index).slot.topic) {
                continue;
            }
            let error = purged(&self.partition(index).slot.topic);
            let mut batches: Vec<Box<Batch>> = Vec::new();
            if what.in_flight {
                batches = self.take_in_flight(index, |_| true);
            }
            if what.queued {
                batches.extend(self.partition(index).queue.drain(..));
            }
            batches.sort_by_key(|batch| order_of(batch));
            self.give_up_all(index, batches, &error);
            if what.queued {
                // The partition's queue is empty now. What is left are records that were not taken from the slot.
                self.fail_queued(index, &error);
            }
            if self.partition(index).is_topic_queue() {
                self.queue_emptied(index);
            } else {
                self.reconsider(index);
            }
        }
    }

    /// Fails batches, which are in their order. Sequence numbers are given back from the last batch on, until one is in
    /// doubt.
    fn give_up_all(&mut self, index: PartitionIndex, batches: Vec<Box<Batch>>, error: &Error) {
        for batch in batches.iter().rev() {
            self.return_numbers(index, batch);
        }
        for batch in batches {
            self.fail(batch, error.clone());
        }
    }
}

fn purged(topic: &str) -> Error {
    Error::new(ErrorKind::Purged, format!("a purge removed the record for topic {topic} before its fate was known"))
}
