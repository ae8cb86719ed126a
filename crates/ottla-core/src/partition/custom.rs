//! Custom partitioners: those of the application.

use crate::config::Plugin;
use crate::error::{Error, ErrorKind};
use crate::serialize::Objects;
use crate::text::partitions;

/// Chooses the partitions of records that name none. Called without a lock, concurrently, on threads that send. For
/// records that waited for their topic's partitions it is called on the sender's thread.
pub trait CustomPartitioner: Plugin {
    /// Returns a partition, or why the record has none.
    fn choose(&self, choice: &Choice<'_>) -> Result<u32, String>;

    /// Whether it needs the objects. A record that has objects then waits for its topic's partitions in the call of
    /// send.
    fn needs_objects(&self) -> bool;
}

/// A record without a partition.
pub struct Choice<'a> {
    pub topic: &'a str,
    pub key: Option<&'a [u8]>,
    pub value: Option<&'a [u8]>,
    /// None if the record was sent as bytes, or if it waited for its topic's partitions.
    pub objects: Objects,
    pub partitions: &'a dyn Partitions,
}

/// A topic's partitions at present.
pub trait Partitions {
    fn count(&self) -> u32;

    /// The id of the partition's leader; `None` without a leader or without such a partition.
    fn leader(&self, partition: u32) -> Option<i32>;

    /// Whether the partition has a leader that takes records.
    fn is_available(&self, partition: u32) -> bool;

    /// Bytes of records that wait to be sent to the partition.
    fn queued_bytes(&self, partition: u32) -> usize;
}

/// Calls the partitioner and checks that the topic has the partition.
pub fn ask(partitioner: &dyn CustomPartitioner, choice: &Choice<'_>) -> Result<u32, Error> {
    let (topic, count) = (choice.topic, choice.partitions.count());
    match partitioner.choose(choice) {
        Ok(partition) if partition < count => Ok(partition),
        Ok(partition) => Err(Error::new(
            ErrorKind::UnknownPartition,
            format!(
                "topic {topic} has {}, and the application's partitioner chose partition {partition}",
                partitions(count as usize)
            ),
        )),
        Err(why) => {
            let message = format!("the application's partitioner failed for a record of topic {topic}: {why}");
            Err(Error::new(ErrorKind::PartitionerFailed, message))
        }
    }
}
