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
        let of = |settings: &TopicSettings| (settings.codec, settings.compression_level);
        let differs = [
            ("acks", (self.acks, self.idempotence) != (other.acks, other.idempotence)),
            ("linger.ms", self.linger != other.linger),
            ("delivery.timeout.ms", self.delivery_timeout != other.delivery_timeout),
            ("request.timeout.ms", self.request_timeout != other.request_timeout),
            ("compression", of(self) != of(other)),
            ("partitioner", !self.partitioner.is_same(&other.partitioner)),
        ];
        differs.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect()
    }
}
