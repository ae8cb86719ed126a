//! A custom partitioner, brought by the application.

use crate::config::Plugin;
use crate::error::{Error, ErrorKind};
use crate::serialize::Objects;
use crate::text::partitions;

/// Chooses the partitions of records that name none. Asked with no lock held, concurrently, on the threads that send
/// and, for records that waited for their topic's partitions, on the sender thread.
pub trait CustomPartitioner: Plugin {
    /// A partition, or why there is none.
    fn choose(&self, choice: &Choice<'_>) -> Result<u32, String>;

    /// Wants to see objects: a record that has some waits for its topic's partitions in the call that sends it.
    fn needs_objects(&self) -> bool;
}

/// The record whose partition is to be chosen.
pub struct Choice<'a> {
    pub topic: &'a str,
    pub key: Option<&'a [u8]>,
    pub value: Option<&'a [u8]>,
    /// None if the record was sent as bytes, or waited for its topic's partitions.
    pub objects: Objects,
    pub partitions: &'a dyn Partitions,
}

/// A topic's partitions as they are at this moment.
pub trait Partitions {
    fn count(&self) -> u32;

    /// The id of the broker that leads it; `None` if none does, or there is no such partition.
    fn leader(&self, partition: u32) -> Option<i32>;

    /// It has a leader that takes records.
    fn is_available(&self, partition: u32) -> bool;

    /// Bytes of records that wait to be sent to it.
    fn queued_bytes(&self, partition: u32) -> usize;
}

/// Asks, and checks the answer.
pub fn ask(own: &dyn CustomPartitioner, choice: &Choice<'_>) -> Result<u32, Error> {
    let (topic, count) = (choice.topic, choice.partitions.count());
    match own.choose(choice) {
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
