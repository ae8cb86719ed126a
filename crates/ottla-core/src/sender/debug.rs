//! Debug lines, by facility. A facility that is off costs one comparison, and nothing is formatted.

use super::index::BrokerIndex;
use super::request::{InFlight, RequestKind};
use super::{Frame, Level, Output, Sender};
use crate::batch::{Batch, Outcome, ProducerEpoch};
use crate::config::{Facilities, Facility};
use crate::sync::{AtomicU32, Ordering};
use crate::text::{counted, partition_name};

/// The facilities whose debug lines are on. The sender reads them, and any thread may change them.
#[derive(Debug)]
pub struct DebugSwitch(AtomicU32);

impl DebugSwitch {
    pub fn new(facilities: Facilities) -> Self {
        DebugSwitch(AtomicU32::new(facilities.bits()))
    }

    pub fn get(&self) -> Facilities {
        Facilities::from_bits(self.0.load(Ordering::Relaxed))
    }

    pub fn set(&self, facilities: Facilities) {
        self.0.store(facilities.bits(), Ordering::Relaxed);
    }
}

/// The form of a line in the log.
pub fn line(facility: Facility, message: &str) -> String {
    format!("[{facility}] {message}")
}

impl Sender {
    #[inline]
    pub(super) fn tells(&self, facility: Facility) -> bool {
        self.settings.debug.get().has(facility)
    }

    #[inline]
    pub(super) fn debug(&mut self, facility: Facility, message: impl FnOnce() -> String) {
        if self.tells(facility) {
            self.debug_line(facility, &message());
        }
    }

    #[cold]
    fn debug_line(&mut self, facility: Facility, message: &str) {
        self.output(Output::Log(Level::Debug, line(facility, message)));
    }

    pub(super) fn debug_request(&mut self, index: BrokerIndex, frame: &Frame, version: i16, kind: &RequestKind) {
        if self.tells(Facility::Request) {
            let (name, api, correlation) = (self.brokers[index].name(), kind.api(), frame.correlation);
            let bytes = frame.bytes.len() + frame.inserted_len();
            let message = format!("{name}: {api:?} version {version}, request {correlation}, {bytes} bytes");
            self.debug_line(Facility::Request, &message);
        }
    }

    pub(super) fn debug_answer(&mut self, index: BrokerIndex, request: &InFlight, bytes: usize) {
        if self.tells(Facility::Request) {
            let (name, api, correlation) = (self.brokers[index].name(), request.kind.api(), request.correlation);
            let after = counted(self.now.since(request.sent).as_micros(), "microsecond");
            let message = format!("{name}: {api:?} answered, request {correlation}, {bytes} bytes after {after}");
            self.debug_line(Facility::Request, &message);
        }
    }

    /// A batch was put into a request.
    pub(super) fn debug_batch(&mut self, broker: BrokerIndex, batch: &Batch) {
        if self.tells(Facility::Batch) {
            let name = self.brokers[broker].name();
            let sealed = &batch.sealed;
            let numbers = sealed.base_sequence.map_or_else(String::new, |base| {
                let ProducerEpoch { id, epoch } = base.producer;
                format!(", producer id {id}, epoch {epoch}, sequence {}", base.number)
            });
            let message = format!(
                "{}: {} in {} bytes to {name}, attempt {}{numbers}",
                partition_name(&batch.topic, batch.partition),
                counted(batch.count(), "record"),
                batch.payload().len(),
                sealed.attempts
            );
            self.debug_line(Facility::Batch, &message);
        }
    }

    pub(super) fn debug_decided(&mut self, batch: &Batch, outcome: &Outcome) {
        if self.tells(Facility::Batch) {
            let (partition, records) =
                (partition_name(&batch.topic, batch.partition), counted(batch.count(), "record"));
            let latency = counted(outcome.latency.as_micros(), "microsecond");
            let how = match &outcome.error {
                None => format!("{:?} at offset {}", outcome.fate, outcome.base_offset),
                Some(error) => format!("{:?}: {error}", outcome.fate),
            };
            let message = format!("{partition}: {records} decided after {latency}: {how}");
            self.debug_line(Facility::Batch, &message);
        }
    }
}
