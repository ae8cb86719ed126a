//! Flush and close: commands that apply to everything accepted before them.

use std::collections::HashMap;

use super::index::PartitionIndex;
use super::{Action, Answer, Core, Place, Timer};
use crate::batch::Outcome;
use crate::error::Error;
use crate::planted::{Fault, planted};
use crate::sync::Time;

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
            self.stage(index, batch);
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

    /// Ends flushes and the close once what they waited for is decided.
    pub(super) fn settle_waiting(&mut self) {
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
        let idle = self.partitions.active().is_empty() && self.outstanding.is_empty() && self.transaction_is_settled();
        if self.closing.is_some() && !self.closed && idle {
            self.finish_close();
        }
    }

    pub(super) fn close(&mut self, deadline: Time) {
        let deadline = self.closing.map_or(deadline, |earlier| earlier.min(deadline));
        self.closing = Some(deadline);
        self.close_transaction();
        self.timers.arm(Timer::Close, deadline);
        self.end_all_lingering();
        for index in self.partitions.active().to_vec() {
            self.reconsider(index);
        }
    }

    pub(super) fn close_due(&mut self) {
        match self.closing {
            Some(deadline) if deadline > self.now => self.timers.arm(Timer::Close, deadline),
            Some(_) if !self.closed => {
                // Before the requests go that they wait for.
                self.end_inquiries();
                self.fail_everything();
                self.finish_close();
            }
            _ => {}
        }
    }

    /// Completes every batch that the core can reach. The error of each says what its partition waited for.
    fn fail_everything(&mut self) {
        let active = self.partitions.active().to_vec();
        let errors: HashMap<PartitionIndex, Error> =
            active.iter().map(|&index| (index, self.closed_error(index))).collect();
        for broker in self.brokers.indices() {
            let untouched = self.withdraw(broker);
            let requests: Vec<_> = self.broker(broker).in_flight.drain(..).collect();
            self.count_ended(broker, requests.len());
            for request in requests {
                let touched = untouched != Some(request.correlation);
                self.abandon(request.kind, &errors, touched);
            }
        }
        for index in active {
            self.fail_queued(index, &errors[&index]);
            self.partition(index).place = Place::Idle;
            self.partitions.deactivate_if_idle(index);
        }
    }

    /// Completes what waits in a partition's queue and slot with `error`.
    pub(super) fn fail_queued(&mut self, index: PartitionIndex, error: &Error) {
        let now = self.now;
        while let Some(batch) = self.partition(index).queue.pop_front() {
            self.fail(batch, error.clone());
        }
        while let (Some(batch), _) = self.partition(index).slot.take() {
            let outcome = Outcome::failed(&batch, error.clone(), now);
            self.report(batch, outcome);
        }
    }

    fn finish_close(&mut self) {
        self.closed = true;
        self.end_inquiries();
        self.abandon_transaction();
        for broker in self.brokers.indices() {
            // No batch is on its way any more, but perhaps a question for metadata.
            let unanswered = self.broker(broker).in_flight.drain(..).count();
            self.count_ended(broker, unanswered);
            self.drop_connection(broker);
        }
        let flushes = std::mem::take(&mut self.flushes);
        for ticket in flushes.into_iter().filter_map(|flush| flush.ticket) {
            self.answer(ticket, Ok(Answer::Done));
        }
        self.act(Action::Closed);
    }
}
