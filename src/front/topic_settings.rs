//! What may differ from topic to topic.

use std::time::Duration;

use crate::compress::Codec;
use crate::config::Acks;

/// The properties of a topic, in the units that the engine uses: the producer's, but for what was said of this topic.
/// Named as in CONFIGURATION.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopicSettings {
    pub acks: Acks,
    /// Its batches are numbered. Only with `acks=all`, and if the producer is idempotent.
    pub idempotence: bool,
    pub linger: Duration,
    pub delivery_timeout: Duration,
    pub request_timeout: Duration,
    /// How long records wait for the topic's metadata: `delivery.timeout.ms`, or `max.block.ms` if shorter and not 0.
    pub topic_timeout: Duration,
    pub codec: Codec,
    pub compression_level: i32,
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
        }
    }
}
