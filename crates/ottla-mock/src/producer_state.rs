//! What a partition's leader remembers about idempotent producers, and which batches it accepts: the rules of KIP-98,
//! the five cached batches of KIP-185, and KIP-360's leniency towards producers that were forgotten.

use std::collections::{BTreeMap, VecDeque};

use kafka_protocol::ResponseError;

use super::Batch;

/// The number of batches remembered per producer.
const CACHED: usize = 5;

/// What is remembered about a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CachedBatch {
    pub first_sequence: i32,
    pub last_sequence: i32,
    pub first_offset: i64,
    pub last_offset: i64,
    /// The largest timestamp in the batch, or its append time.
    pub timestamp: i64,
}

/// What to do with an unknown producer whose first sequence is not 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnknownProducer {
    /// Its first batch sets the sequence (brokers from 2.5 on).
    #[default]
    Accepted,
    /// UNKNOWN_PRODUCER_ID (older brokers).
    Refused,
}

/// What to do with a batch that is in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Append,
    /// The batch is already in the log, at this place.
    Duplicate(CachedBatch),
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Producer {
    epoch: i16,
    /// The last batches of this epoch, oldest first.
    batches: VecDeque<CachedBatch>,
}

/// Batches of a transaction that arrived before any of it was appended (KIP-890). The coordinator may have refused the
/// first for now, and later ones must not overtake it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Verifying {
    epoch: i16,
    lowest_sequence: i32,
    own_epoch: bool,
}

/// The producers of one partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Producers {
    known: BTreeMap<i64, Producer>,
    verifying: BTreeMap<i64, Verifying>,
}

impl Producers {
    /// Decides about a batch that has a producer id.
    pub fn check(&self, batch: &Batch, unknown: UnknownProducer) -> Result<Verdict, ResponseError> {
        let (epoch, first) = (batch.producer_epoch, batch.base_sequence);
        let verifying = self.verifying.get(&batch.producer_id);
        let overtakes = verifying.is_some_and(|verifying| first > verifying.lowest_sequence);
        let Some(producer) = self.known.get(&batch.producer_id) else {
            return match unknown {
                _ if overtakes || first != 0 && verifying.is_some_and(|verifying| verifying.own_epoch) => {
                    Err(ResponseError::OutOfOrderSequenceNumber)
                }
                UnknownProducer::Refused if first != 0 => Err(ResponseError::UnknownProducerId),
                _ => Ok(Verdict::Append),
            };
        };
        if epoch < producer.epoch {
            return Err(ResponseError::InvalidProducerEpoch);
        }
        let expected = if epoch > producer.epoch { 0 } else { producer.next_sequence() };
        if epoch == producer.epoch
            && let Some(known) = producer.find(first, batch.last_sequence())
        {
            return Ok(Verdict::Duplicate(known));
        }
        if first != expected || overtakes {
            return Err(ResponseError::OutOfOrderSequenceNumber);
        }
        Ok(Verdict::Append)
    }

    /// Remembers a transactional batch that is about to be verified, unless its transaction already has one here.
    pub fn verifying(&mut self, batch: &Batch, own_epoch: bool) -> Result<(), ResponseError> {
        let (epoch, lowest_sequence) = (batch.producer_epoch, batch.base_sequence);
        if self.known.get(&batch.producer_id).is_some_and(|producer| epoch < producer.epoch) {
            return Err(ResponseError::InvalidProducerEpoch);
        }
        let fresh = Verifying { epoch, lowest_sequence, own_epoch };
        let verifying = self.verifying.entry(batch.producer_id).or_insert(fresh);
        if epoch > verifying.epoch || epoch == verifying.epoch && lowest_sequence < verifying.lowest_sequence {
            *verifying = fresh;
        }
        Ok(())
    }

    /// Remembers a batch that was appended.
    pub fn appended(&mut self, batch: &Batch, first_offset: i64, timestamp: i64) {
        if batch.is_transactional() {
            self.verifying.remove(&batch.producer_id);
        }
        let producer = self.known.entry(batch.producer_id).or_default();
        if batch.producer_epoch != producer.epoch {
            *producer = Producer { epoch: batch.producer_epoch, batches: VecDeque::new() };
        }
        if producer.batches.len() == CACHED {
            producer.batches.pop_front();
        }
        producer.batches.push_back(CachedBatch {
            first_sequence: batch.base_sequence,
            last_sequence: batch.last_sequence(),
            first_offset,
            last_offset: first_offset + i64::from(batch.last_offset_delta),
            timestamp,
        });
    }

    /// Applies the marker of a transaction, which may begin a later epoch.
    pub fn marked(&mut self, producer_id: i64, epoch: i16) {
        let producer = self.known.entry(producer_id).or_default();
        if epoch > producer.epoch {
            *producer = Producer { epoch, batches: VecDeque::new() };
        }
    }

    /// Forgets a producer, as expiry does.
    pub fn forget(&mut self, producer_id: i64) {
        self.known.remove(&producer_id);
    }

    /// Forgets all producers.
    pub fn forget_all(&mut self) {
        self.known.clear();
        self.verifying.clear();
    }

    /// The epoch and last sequence of a producer.
    pub fn last(&self, producer_id: i64) -> Option<(i16, i32)> {
        let producer = self.known.get(&producer_id)?;
        Some((producer.epoch, producer.batches.back().map_or(-1, |batch| batch.last_sequence)))
    }
}

impl Producer {
    fn find(&self, first: i32, last: i32) -> Option<CachedBatch> {
        self.batches.iter().copied().find(|batch| (batch.first_sequence, batch.last_sequence) == (first, last))
    }

    fn next_sequence(&self) -> i32 {
        self.batches.back().map_or(0, |batch| advance(batch.last_sequence, 1))
    }
}

/// The sequence `by` records later. Sequences run from 0 to 2^31-1 and start over.
pub(super) fn advance(sequence: i32, by: i32) -> i32 {
    ((i64::from(sequence) + i64::from(by)) & i64::from(i32::MAX)) as i32
}
