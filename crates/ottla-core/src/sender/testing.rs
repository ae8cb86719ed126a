//! Lets tests begin in states that otherwise take a long life to reach.

use super::Sender;
use super::index::PartitionIndex;

impl Sender {
    /// The next batch of a partition that is known gets this sequence number.
    pub fn set_sequence(&mut self, topic: &str, partition: usize, next: i32) {
        let index = self.index_of(topic, partition);
        self.partition(index).sequence.set_next(next);
    }

    /// The partition's batches have this epoch from now on.
    pub fn set_epoch(&mut self, topic: &str, partition: usize, epoch: i16) {
        let index = self.index_of(topic, partition);
        self.partition(index).sequence.set_epoch(epoch);
    }

    fn index_of(&self, topic: &str, partition: usize) -> PartitionIndex {
        let topic = self.topic_by_name[topic];
        self.topics[topic].partitions[partition]
    }
}
