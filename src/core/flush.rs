//! Flush: waits for everything that was accepted before it, and lets nothing of it linger.

use super::index::PartitionIndex;
use super::{Answer, Core, Place};
use crate::planted::{Fault, planted};

/// A flush that is waited for.
pub struct Flush {
    /// `None`: the end of a transaction waits.
    ticket: Option<u64>,
    /// Batches before this serial must be decided.
    upto: u64,
    /// Queues of topics whose partitions were not known; what is in them gets its serials later.
    queues: Vec<PartitionIndex>,
}

impl Flush {
    pub fn is_asked_for(&self, ticket: u64) -> bool {
        self.ticket == Some(ticket)
    }
}

impl Core {
    pub(super) fn flush(&mut self, ticket: u64) {
        self.flush_for(Some(ticket));
    }

    pub(super) fn flush_transaction(&mut self) {
        self.flush_for(None);
    }

    fn flush_for(&mut self, ticket: Option<u64>) {
        let mut queues = Vec::new();
        for index in self.partitions.active().to_vec() {
            if self.partition(index).is_topic_queue() {
                queues.push(index);
            } else {
                self.take_all(index);
            }
        }
        self.flushes.push(Flush { ticket, upto: self.outstanding.next(), queues });
    }

    /// Takes everything out of a slot, so that what comes later is told apart from what was there.
    fn take_all(&mut self, index: PartitionIndex) {
        while let (Some(batch), _) = self.partition(index).slot.take() {
            let batch = self.stage(index, batch);
            self.partition(index).queue.push_back(batch);
        }
        if matches!(self.partition(index).place, Place::Idle | Place::Lingering) {
            self.partition(index).place = Place::Idle;
            self.make_ready(index);
        }
    }

    /// A topic's queue was assigned, or failed: flushes that wait for it go on to wait for its partitions.
    pub(super) fn queue_resolved(&mut self, queue: PartitionIndex) {
        if self.flushes.iter().all(|flush| !flush.queues.contains(&queue)) {
            return;
        }
        let topic = self.partition(queue).topic;
        for index in self.topics[topic].partitions.clone() {
            self.take_all(index);
        }
        let upto = self.outstanding.next();
        for flush in &mut self.flushes {
            if let Some(at) = flush.queues.iter().position(|&waiting| waiting == queue) {
                flush.queues.swap_remove(at);
                if !planted(Fault::FlushForgetsMoved) {
                    flush.upto = upto;
                }
            }
        }
    }

    /// Ends flushes once what they waited for is decided.
    pub(super) fn settle_flushes(&mut self) {
        let mut at = 0;
        while at < self.flushes.len() {
            let flush = &self.flushes[at];
            if flush.queues.is_empty() && self.outstanding.all_ended_before(flush.upto) {
                match self.flushes.swap_remove(at).ticket {
                    Some(ticket) => self.answer(ticket, Ok(Answer::Done)),
                    None => self.transaction_drained(),
                }
            } else {
                at += 1;
            }
        }
    }

    /// Ends all flushes: nothing is left to wait for.
    pub(super) fn end_flushes(&mut self) {
        let flushes = std::mem::take(&mut self.flushes);
        for ticket in flushes.into_iter().filter_map(|flush| flush.ticket) {
            self.answer(ticket, Ok(Answer::Done));
        }
    }
}
