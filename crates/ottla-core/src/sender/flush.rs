//! Flush: waits for everything that was accepted before it, and ends linger for it.

use super::index::PartitionIndex;
use super::outstanding::Outstanding;
use super::{Answer, Place, Sender};
use crate::planted::{Fault, planted};

/// The flushes that have not ended.
#[derive(Default)]
pub struct Flushes {
    waiting: Vec<Flush>,
}

struct Flush {
    waiter: Waiter,
    /// Batches before this serial must be decided.
    upto: u64,
    /// Queues of topics whose partitions were not known. Their records get serials later.
    queues: Vec<PartitionIndex>,
}

/// What continues when a flush has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiter {
    /// The application's call, by its ticket.
    Call(u64),
    TransactionEnd,
}

impl Flushes {
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub fn is_asked_for(&self, ticket: u64) -> bool {
        self.waiting.iter().any(|flush| flush.waiter == Waiter::Call(ticket))
    }

    pub fn add(&mut self, waiter: Waiter, upto: u64, queues: Vec<PartitionIndex>) {
        self.waiting.push(Flush { waiter, upto, queues });
    }

    pub fn wait_for_queue(&self, queue: PartitionIndex) -> bool {
        self.waiting.iter().any(|flush| flush.queues.contains(&queue))
    }

    /// The records of a topic's queue now have serials before `upto`, or are decided.
    pub fn queue_resolved(&mut self, queue: PartitionIndex, upto: u64) {
        let forgets_moved = planted(Fault::FlushForgetsMoved);
        for flush in &mut self.waiting {
            if let Some(at) = flush.queues.iter().position(|&waiting| waiting == queue) {
                flush.queues.swap_remove(at);
                flush.upto = if forgets_moved { flush.upto } else { upto };
            }
        }
    }

    /// Removes a flush that has ended.
    pub fn take_ended(&mut self, outstanding: &Outstanding) -> Option<Waiter> {
        let has_ended = |flush: &Flush| flush.queues.is_empty() && outstanding.all_ended_before(flush.upto);
        let at = self.waiting.iter().position(has_ended)?;
        Some(self.waiting.swap_remove(at).waiter)
    }

    /// Removes all flushes, whatever they wait for.
    pub fn take_all(&mut self) -> Vec<Waiter> {
        self.waiting.drain(..).map(|flush| flush.waiter).collect()
    }
}

impl Sender {
    pub(super) fn flush(&mut self, waiter: Waiter) {
        let mut queues = Vec::new();
        for index in self.partitions.active().to_vec() {
            if self.partition(index).is_topic_queue() {
                queues.push(index);
            } else {
                self.take_all(index);
            }
        }
        self.flushes.add(waiter, self.outstanding.next(), queues);
    }

    /// Takes all batches from a slot, so that later records are not part of the flush.
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

    /// A topic's queue was assigned, or failed. Flushes that waited for it now wait for its partitions.
    pub(super) fn queue_resolved(&mut self, queue: PartitionIndex) {
        if !self.flushes.wait_for_queue(queue) {
            return;
        }
        let topic = self.partition(queue).topic;
        for index in self.topics[topic].partitions.clone() {
            self.take_all(index);
        }
        self.flushes.queue_resolved(queue, self.outstanding.next());
    }

    /// Ends flushes for which everything is decided.
    pub(super) fn settle_flushes(&mut self) {
        while let Some(waiter) = self.flushes.take_ended(&self.outstanding) {
            match waiter {
                Waiter::Call(ticket) => self.answer(ticket, Ok(Answer::Done)),
                Waiter::TransactionEnd => self.transaction_drained(),
            }
        }
    }

    /// The producer has ended, so nothing is left to wait for.
    pub(super) fn end_flushes(&mut self) {
        for waiter in self.flushes.take_all() {
            if let Waiter::Call(ticket) = waiter {
                self.answer(ticket, Ok(Answer::Done));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Waiter = Waiter::Call(1);
    const SECOND: Waiter = Waiter::Call(2);

    fn queue(index: u32) -> PartitionIndex {
        PartitionIndex::of_slot(index)
    }

    #[test]
    fn a_flush_ends_when_all_before_it_is_decided() {
        let (mut flushes, mut outstanding) = (Flushes::default(), Outstanding::default());
        let before = outstanding.begin();
        flushes.add(FIRST, outstanding.next(), Vec::new());
        let between = outstanding.begin();
        flushes.add(SECOND, outstanding.next(), Vec::new());
        outstanding.begin();
        outstanding.end(between);
        assert_eq!(flushes.take_ended(&outstanding), None);
        outstanding.end(before);
        assert_eq!([(); 3].map(|()| flushes.take_ended(&outstanding)), [Some(FIRST), Some(SECOND), None]);
        assert!(flushes.is_empty());
    }

    #[test]
    fn a_flush_waits_for_what_leaves_a_topics_queue() {
        let (mut flushes, mut outstanding) = (Flushes::default(), Outstanding::default());
        flushes.add(FIRST, outstanding.next(), vec![queue(4), queue(5)]);
        assert_eq!(flushes.take_ended(&outstanding), None);
        let moved = outstanding.begin();
        flushes.queue_resolved(queue(4), outstanding.next());
        assert!(!flushes.wait_for_queue(queue(4)) && flushes.wait_for_queue(queue(5)));
        outstanding.end(moved);
        assert_eq!(flushes.take_ended(&outstanding), None, "there is another queue");
        let moved = outstanding.begin();
        flushes.queue_resolved(queue(5), outstanding.next());
        assert_eq!(flushes.take_ended(&outstanding), None, "what was in the queue is not decided");
        outstanding.end(moved);
        assert_eq!(flushes.take_ended(&outstanding), Some(FIRST));
    }

    #[test]
    fn a_transactions_end_is_no_call() {
        let mut flushes = Flushes::default();
        flushes.add(Waiter::TransactionEnd, 0, Vec::new());
        flushes.add(SECOND, 0, Vec::new());
        assert!(flushes.is_asked_for(2) && !flushes.is_asked_for(1));
    }
}
