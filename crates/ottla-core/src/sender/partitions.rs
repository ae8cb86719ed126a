//! The table of partitions, and the list of active ones.

use super::Place;
use super::index::{PartitionIndex, Table};
use super::partition::Partition;

/// The partitions that the sender knows, by the index of their slots.
pub struct Partitions {
    /// A topic's slots get their indices before the sender knows them, so rows may be empty.
    rows: Table<PartitionIndex, Option<Box<Partition>>>,
    /// Partitions that have, or may have, something to send or in flight.
    active: Vec<PartitionIndex>,
}

impl Partitions {
    pub fn new() -> Self {
        Partitions { rows: Table::new(), active: Vec::new() }
    }

    pub fn get(&self, index: PartitionIndex) -> Option<&Partition> {
        self.rows.get(index)?.as_deref()
    }

    /// Adds a partition, unless it is there already.
    pub fn add(&mut self, index: PartitionIndex, partition: impl FnOnce() -> Partition) {
        self.rows.row_or_default(index).get_or_insert_with(|| Box::new(partition()));
    }

    pub fn iter(&self) -> impl Iterator<Item = &Partition> {
        self.rows.iter().flatten().map(|partition| &**partition)
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Partition> {
        self.rows.iter_mut().flatten().map(|partition| &mut **partition)
    }

    pub fn active(&self) -> &[PartitionIndex] {
        &self.active
    }

    pub fn activate(&mut self, index: PartitionIndex) {
        let position = self.active.len();
        let partition = &mut self[index];
        if partition.active_at.is_none() {
            partition.active_at = Some(position);
            self.active.push(index);
        }
    }

    /// Takes a partition off the active list if it has nothing to send and nothing in flight.
    pub fn deactivate_if_idle(&mut self, index: PartitionIndex) {
        let partition = &mut self[index];
        let idle = partition.place == Place::Idle && partition.in_flight == 0 && partition.queue.is_empty();
        if !idle {
            return;
        }
        let Some(position) = partition.active_at.take() else { return };
        self.active.swap_remove(position);
        if let Some(&moved) = self.active.get(position) {
            self[moved].active_at = Some(position);
        }
    }
}

const MADE: &str = "a partition's index is handed out after it was made";

impl std::ops::Index<PartitionIndex> for Partitions {
    type Output = Partition;

    fn index(&self, index: PartitionIndex) -> &Partition {
        self.rows[index].as_deref().expect(MADE)
    }
}

impl std::ops::IndexMut<PartitionIndex> for Partitions {
    fn index_mut(&mut self, index: PartitionIndex) -> &mut Partition {
        self.rows[index].as_deref_mut().expect(MADE)
    }
}
