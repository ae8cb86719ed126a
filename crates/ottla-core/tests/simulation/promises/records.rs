//! All records of a run after its end: what was reported about them, and where they are in the logs.

use std::collections::{BTreeMap, BTreeSet};

use ottla_mock::{Cluster, StoredRecord};

use crate::coverage::Shared;
use crate::world::application::{Accepted, Outcome};
use crate::world::{World, id_of};

#[derive(Default)]
pub struct Records {
    pub accepted: BTreeMap<u64, Accepted>,
    pub outcomes: BTreeMap<u64, Outcome>,
    /// Records of which at least one byte may have been written.
    pub touched: BTreeSet<u64>,
    /// Records that their topics refuse.
    pub poisoned: BTreeSet<u64>,
    pub logs: Vec<PartitionLog>,
    places: BTreeMap<u64, Vec<(i32, i64)>>,
}

/// The log of a partition, and which promises hold for it.
pub struct PartitionLog {
    pub topic: String,
    pub partition: i32,
    pub records: Vec<StoredRecord>,
    /// What a read-committed consumer sees.
    pub committed: Vec<StoredRecord>,
    /// No record is written twice.
    pub once: bool,
    /// Committed records are in the order in which they were accepted.
    pub ordered: bool,
}

impl PartitionLog {
    pub fn read(cluster: &Cluster, topic: &str, partition: i32) -> PartitionLog {
        PartitionLog {
            topic: topic.to_owned(),
            partition,
            records: cluster.records(topic, partition),
            committed: cluster.committed(topic, partition),
            once: true,
            ordered: true,
        }
    }

    pub fn ids(&self) -> Vec<u64> {
        ids(&self.records)
    }

    pub fn committed_ids(&self) -> Vec<u64> {
        ids(&self.committed)
    }
}

fn ids(records: &[StoredRecord]) -> Vec<u64> {
    records.iter().map(|record| id_of(record.value.as_deref())).collect()
}

impl Records {
    /// Adds the records of a producer that has ended.
    pub fn add_producer(&mut self, world: &World) {
        let application = &world.application;
        self.accepted.extend(application.accepted.clone());
        self.outcomes.extend(application.outcomes.clone());
        self.poisoned.extend(&application.poisoned);
        self.touched.extend(&world.observer.touched);
    }

    pub fn add_log(&mut self, log: PartitionLog) {
        for (id, record) in log.ids().into_iter().zip(&log.records) {
            self.places.entry(id).or_default().push((log.partition, record.offset));
        }
        self.logs.push(log);
    }

    /// Partition and offset of each copy of a record.
    pub fn places(&self, id: u64) -> &[(i32, i64)] {
        self.places.get(&id).map_or(&[], Vec::as_slice)
    }

    /// Notes how often sequences and producer ids started over.
    pub fn note_coverage(&self, coverage: &Shared) {
        let mut producers = BTreeSet::new();
        for log in &self.logs {
            producers.extend(log.records.iter().map(|record| record.producer_id).filter(|id| *id >= 0));
            let of_one =
                |pair: &&[StoredRecord]| (pair[0].producer_id, pair[0].epoch) == (pair[1].producer_id, pair[1].epoch);
            let wraps = log.records.windows(2).filter(of_one).filter(|pair| pair[1].sequence < pair[0].sequence);
            coverage.count("sequence: wrapped", wraps.count() as u64);
        }
        coverage.count("producer id: another", producers.len().saturating_sub(1) as u64);
        for outcome in self.outcomes.values() {
            coverage.note(match outcome.fate {
                ottla_core::Fate::Written => "record: written",
                ottla_core::Fate::NotWritten => "record: not written",
                ottla_core::Fate::Unknown => "record: unknown",
            });
        }
    }
}
