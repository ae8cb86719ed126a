//! Batches in flight that are decided before their response: they expire, are purged, or fail in a close.

use super::Sender;
use super::identity::recreated;
use super::index::PartitionIndex;
use super::request::{Carried, RequestKind};
use crate::batch::Batch;
use crate::planted::{Fault, planted};

impl Sender {
    /// The batches of a partition that are in flight; `None` for those that are decided already.
    pub(super) fn carried_batches(&mut self, index: PartitionIndex) -> impl Iterator<Item = &mut Option<Box<Batch>>> {
        let broker = self.partition(index).in_flight_broker;
        let requests =
            broker.map(|broker| &mut self.brokers[broker]).into_iter().flat_map(|broker| &mut broker.in_flight);
        requests
            .filter_map(|request| match &mut request.kind {
                RequestKind::Produce(produced) | RequestKind::ProduceUnanswered(produced) => Some(produced),
                _ => None,
            })
            .flatten()
            .filter(move |carried| carried.partition == index)
            .map(|carried| &mut carried.batch)
    }

    /// Takes batches of a partition out of their requests. The requests stay in flight and keep the bytes, so the fate
    /// of these batches is never learned. But a request without a written byte is recalled, and then its batch is
    /// returned unchanged.
    pub(super) fn take_in_flight(
        &mut self,
        index: PartitionIndex,
        is_meant: impl Fn(&Batch) -> bool,
    ) -> Vec<Box<Batch>> {
        if self.partition(index).in_flight == 0 {
            return Vec::new();
        }
        let recalled = if planted(Fault::UnknownWithoutAByte) { None } else { self.recall(index, &is_meant) };
        let mut taken: Vec<Box<Batch>> = self
            .carried_batches(index)
            .filter(|batch| batch.as_ref().is_some_and(|batch| is_meant(batch)))
            .filter_map(Option::take)
            .collect();
        for batch in &mut taken {
            batch.sealed.outcome_unknown = true;
        }
        taken.extend(recalled);
        taken
    }

    /// Recalls the request that waits to be written, if none of its bytes was written and it carries a batch that
    /// `is_meant`. Returns that batch; the others of the request are queued again.
    fn recall(&mut self, index: PartitionIndex, is_meant: &impl Fn(&Batch) -> bool) -> Option<Box<Batch>> {
        let broker = self.partition(index).in_flight_broker?;
        let meant = |carried: &Carried| {
            carried.partition == index && carried.batch.as_ref().is_some_and(|batch| is_meant(batch))
        };
        self.broker(broker).in_flight.back().filter(|request| request.kind.carried().iter().any(meant))?;
        self.withdraw(broker)?;
        let state = self.broker(broker);
        state.writing = false;
        let request = state.in_flight.pop_back()?;
        let (RequestKind::Produce(produced) | RequestKind::ProduceUnanswered(produced)) = request.kind else {
            unreachable!("nothing else carries batches");
        };
        self.count_ended(broker, 1);
        let mut found = None;
        for Carried { partition, batch, .. } in produced {
            self.partition(partition).in_flight -= 1;
            if let Some(mut batch) = batch {
                batch.sealed.attempts -= 1;
                if partition == index {
                    found = Some(batch);
                } else if !planted(Fault::RecallDropsOthers) {
                    self.queue_recalled(partition, batch);
                }
            }
            self.reconsider(partition);
        }
        self.may_write(broker);
        found
    }

    /// Queues a batch of a recalled request again, unless its topic was created again meanwhile.
    fn queue_recalled(&mut self, index: PartitionIndex, batch: Box<Batch>) {
        if batch.sealed.incarnation == self.partition(index).incarnation {
            self.requeue(index, batch);
        } else {
            let error = recreated(&batch.topic);
            self.give_up(index, batch, error);
        }
    }
}
