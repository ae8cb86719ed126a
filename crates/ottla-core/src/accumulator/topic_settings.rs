//! The settings that may differ from topic to topic.

use std::time::Duration;

use super::Partitioner;
use crate::compress::Codec;
use crate::config::Acks;

/// The properties of a topic, in the engine's units: those of the producer, with the topic's overrides. Names as in
/// CONFIGURATION.md.
#[derive(Clone)]
pub struct TopicSettings {
    pub acks: Acks,
    /// Batches get sequence numbers. Requires `acks=all` and an idempotent producer.
    pub idempotence: bool,
    pub linger: Duration,
    pub delivery_timeout: Duration,
    pub request_timeout: Duration,
    /// How long records wait for the topic's metadata: `delivery.timeout.ms`, or `max.block.ms` if shorter and not 0.
    pub topic_timeout: Duration,
    pub codec: Codec,
    pub compression_level: i32,
    pub partitioner: Partitioner,
}

impl Default for TopicSettings {
    /// Java's defaults.
    fn default() -> Self {
        TopicSettings {
            acks: Acks::All,
            idempotence: true,
            linger: Duration::from_millis(5),
            delivery_timeout: Duration::from_secs(120),
            request_timeout: Duration::from_secs(30),
            topic_timeout: Duration::from_secs(60),
            codec: Codec::None,
            compression_level: 0,
            partitioner: Partitioner::default(),
        }
    }
}

impl TopicSettings {
    /// The properties in which two topics differ.
    pub fn differences(&self, other: &TopicSettings) -> Vec<&'static str> {
        // Without `..`: a new field does not compile until it is compared here.
        let TopicSettings {
            acks,
            idempotence,
            linger,
            delivery_timeout,
            request_timeout,
            topic_timeout: _, // Follows from the delivery timeout and a property of the producer.
            codec,
            compression_level,
            partitioner,
        } = self;
        let differs = [
            ("acks", (*acks, *idempotence) != (other.acks, other.idempotence)),
            ("linger.ms", *linger != other.linger),
            ("delivery.timeout.ms", *delivery_timeout != other.delivery_timeout),
            ("request.timeout.ms", *request_timeout != other.request_timeout),
            ("compression", (*codec, *compression_level) != (other.codec, other.compression_level)),
            ("partitioner", !partitioner.is_same(&other.partitioner)),
        ];
        differs.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect()
    }
}
