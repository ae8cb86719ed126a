//! The producer id that idempotence needs (KIP-98), and the epochs that partitions raise by themselves (KIP-360).

use super::index::{BrokerIndex, PartitionIndex};
use super::request::RequestKind;
use super::{Event, EventKind, Level, Sender, Timer};
use crate::batch::ProducerEpoch;
use crate::config::Facility;
use crate::error::{Error, ErrorKind, Result};
use crate::protocol::messages::{InitProducerIdRequest, InitProducerIdResponse};
use crate::protocol::{ApiKey, Reader};
use crate::text::partition_name;

/// The state of the producer id.
pub struct ProducerId {
    state: State,
    failures: u32,
    not_before: crate::sync::Time,
    /// The error if a broker has refused to give one.
    pub refused: Option<Error>,
    /// Why the last attempt to get one failed.
    pub last_error: Option<Error>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Idempotence is off.
    Unneeded,
    Wanted,
    Requested,
    Has(ProducerEpoch),
}

impl ProducerId {
    pub fn new(idempotence: bool) -> Self {
        let state = if idempotence { State::Wanted } else { State::Unneeded };
        ProducerId { state, failures: 0, not_before: crate::sync::Time::ZERO, refused: None, last_error: None }
    }

    /// Whether records can get sequence numbers, or need none.
    pub fn is_settled(&self) -> bool {
        matches!(self.state, State::Unneeded | State::Has(_))
    }

    pub fn current(&self) -> Option<ProducerEpoch> {
        match self.state {
            State::Has(producer) => Some(producer),
            _ => None,
        }
    }
}

impl Sender {
    /// Requests a producer id if one is wanted. Any broker can give one.
    pub(super) fn request_producer_id(&mut self) {
        if self.producer_id.state != State::Wanted || self.closed || self.producer_id.refused.is_some() {
            return;
        }
        if self.producer_id.not_before > self.now {
            return self.timers.arm(Timer::ProducerId, self.producer_id.not_before);
        }
        let Some((broker, version)) = self.brokers.least_loaded(ApiKey::InitProducerId, self.now) else {
            return;
        };
        self.producer_id.state = State::Requested;
        let request = InitProducerIdRequest { transaction_timeout_ms: i32::MAX, ..Default::default() };
        self.send(broker, version, RequestKind::InitProducerId, |out| request.encode(version, out));
    }

    pub(super) fn producer_id_received(
        &mut self,
        broker: BrokerIndex,
        reader: &mut Reader<'_>,
        version: i16,
    ) -> Result<()> {
        let response = InitProducerIdResponse::decode(reader, version)?;
        self.throttle(broker, response.throttle_time_ms);
        let Some(kind) = ErrorKind::from_broker(response.error_code) else {
            let (id, epoch) = (response.producer_id, response.producer_epoch);
            if id < 0 || epoch < 0 {
                return Err(Error::new(ErrorKind::BadResponse, format!("producer id {id}, epoch {epoch}: not one")));
            }
            self.producer_id.state = State::Has(ProducerEpoch { id, epoch });
            self.statistics.producer.producer_id.set(id);
            self.producer_id.failures = 0;
            self.producer_id.last_error = None;
            self.debug(Facility::Idempotence, || format!("producer id {id}, epoch {epoch}"));
            self.wake_all_brokers();
            return Ok(());
        };
        let name = self.brokers[broker].name();
        let error = Error::new(kind, format!("{name} answered InitProducerId with {kind}"));
        if kind.is_retriable() {
            self.producer_id_failed(&error);
        } else {
            let advice = "idempotence needs the right to it (IdempotentWrite on the cluster for brokers before 2.8); \
                          or set enable.idempotence=false";
            let error = error.note(advice).passing();
            self.log(Level::Error, || error.to_string());
            self.report_event(Event::of_error(EventKind::Fatal, error.clone()));
            self.back_off_producer_id();
            self.producer_id.refused = Some(error);
            self.wake_all_brokers();
        }
        Ok(())
    }

    pub(super) fn producer_id_failed(&mut self, error: &Error) {
        self.producer_id.last_error = Some(error.clone());
        self.back_off_producer_id();
        self.log(Level::Info, || format!("no producer id yet: {error}"));
    }

    fn back_off_producer_id(&mut self) {
        self.producer_id.state = State::Wanted;
        self.producer_id.failures += 1;
        let wait = self.settings.retry_backoff.after(self.producer_id.failures, &mut self.random);
        self.producer_id.not_before = self.now.after(wait);
        self.timers.arm(Timer::ProducerId, self.producer_id.not_before);
    }

    /// Raises the epoch of a partition that has nothing in flight, and takes the numbers of its queued batches away. They
    /// are numbered again, from 0, as they are put on requests (`carry`).
    pub(super) fn renumber_queue(&mut self, index: PartitionIndex) {
        self.statistics.producer.epochs_bumped.add(1);
        let partition = self.partition(index);
        let spent = partition.sequence.raise_epoch();
        for batch in &mut partition.queue {
            batch.sealed.base_sequence = None;
        }
        let (topic, number) = (partition.slot.topic.clone(), partition.slot.partition);
        let epoch = partition.sequence.producer().map(|producer| producer.epoch);
        // A new producer id is for all partitions, but each changes to it when its own sequence begins again.
        if let Some(spent) = spent.filter(|&id| self.producer_id.current().is_some_and(|current| current.id == id)) {
            self.log(Level::Info, || format!("the epochs of producer id {spent} are used up"));
            // Requested after the request that is being built was written.
            self.producer_id.state = State::Wanted;
        }
        self.log(Level::Info, || {
            let epoch = epoch.map_or("another producer id".to_owned(), |epoch| format!("epoch {epoch}"));
            format!("{}: sequence started again with {epoch}", partition_name(&topic, number))
        });
    }
}
