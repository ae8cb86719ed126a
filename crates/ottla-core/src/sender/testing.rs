//! Lets tests begin in states that otherwise take long to reach.

use super::Sender;
use super::index::PartitionIndex;

impl Sender {
    /// Sets the sequence number of a known partition's next batch.
    pub fn set_sequence(&mut self, topic: &str, partition: usize, next: i32) {
        let index = self.index_of(topic, partition);
        self.partition(index).sequence.set_next(next);
    }

    /// Sets the epoch of a partition.
    pub fn set_epoch(&mut self, topic: &str, partition: usize, epoch: i16) {
        let index = self.index_of(topic, partition);
        self.partition(index).sequence.set_epoch(epoch);
    }

    fn index_of(&self, topic: &str, partition: usize) -> PartitionIndex {
        let topic = self.topic_by_name[topic];
        self.topics[topic].partitions[partition]
    }
}
