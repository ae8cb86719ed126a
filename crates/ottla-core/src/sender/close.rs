//! Close: waits until its deadline for everything that was accepted before.

use std::collections::HashMap;

use super::index::PartitionIndex;
use super::{Output, Place, Sender, Timer};
use crate::batch::Outcome;
use crate::error::Error;
use crate::sync::Time;

impl Sender {
    /// Ends the close when everything is decided.
    pub(super) fn settle_close(&mut self) {
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
                // Before the requests that they wait for are dropped.
                self.end_inquiries();
                self.fail_everything();
                self.finish_close();
            }
            _ => {}
        }
    }

    /// Fails every batch that the sender can reach. The error of each says what its partition waited for.
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

    /// Fails what waits in a partition's queue and slot with `error`.
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
            // No batch is in flight any more, but a metadata request may be.
            let unanswered = self.broker(broker).in_flight.drain(..).count();
            self.count_ended(broker, unanswered);
            self.drop_connection(broker);
        }
        self.end_flushes();
        self.output(Output::Closed);
    }
}
