//! What the plans of both kinds of random run have in common.

use std::time::Duration;

use ottla_core::compress::Codec;
use ottla_core::sender::Backoff;
use ottla_mock::Versions;

use crate::dice::Dice;
use crate::world::ms;
use crate::world::setup::Properties;

/// The Kafka release of all brokers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Release {
    Kafka2_1,
    Kafka2_8,
    Kafka3_9,
    Kafka4_3,
}

impl Release {
    pub fn versions(self) -> Versions {
        match self {
            Release::Kafka2_1 => Versions::kafka_2_1(),
            Release::Kafka2_8 => Versions::kafka_2_8(),
            Release::Kafka3_9 => Versions::kafka_3_9(),
            Release::Kafka4_3 => Versions::kafka_4_3(),
        }
    }
}

/// Pauses and intervals of a producer, from 0 upwards. `None` leaves the default.
#[derive(Clone, Debug, Default)]
pub struct Intervals {
    pub retry_backoff: Option<Duration>,
    pub retry_backoff_max: Option<Duration>,
    pub reconnect_backoff: Option<Duration>,
    pub reconnect_backoff_max: Option<Duration>,
    pub setup_timeout: Option<Duration>,
    pub metadata_max_age: Option<Duration>,
    pub metadata_max_idle: Option<Duration>,
    pub rebootstrap_trigger: Option<Duration>,
    pub connections_max_idle: Option<Duration>,
    pub availability_timeout: Option<Duration>,
    pub linger: Option<Duration>,
}

impl Intervals {
    /// Draws each from its own stream.
    pub fn draw(stream: impl Fn(&str) -> Dice) -> Intervals {
        let interval = |name| stream(name).one_of(&[Some(ms(0)), Some(ms(0)), Some(ms(1)), Some(ms(30)), None, None]);
        Intervals {
            retry_backoff: interval("interval: retry backoff"),
            retry_backoff_max: interval("interval: retry backoff, max"),
            reconnect_backoff: interval("interval: reconnect backoff"),
            reconnect_backoff_max: interval("interval: reconnect backoff, max"),
            setup_timeout: interval("interval: setup timeout"),
            metadata_max_age: interval("interval: metadata max age"),
            metadata_max_idle: interval("interval: metadata max idle"),
            rebootstrap_trigger: interval("interval: rebootstrap trigger"),
            connections_max_idle: interval("interval: connections max idle"),
            availability_timeout: interval("interval: availability timeout"),
            linger: interval("interval: linger"),
        }
    }

    pub fn apply(&self, sender: &mut Properties) {
        let backoff = |usual: Backoff, initial: Option<Duration>, max: Option<Duration>| {
            let max = max.unwrap_or(usual.max);
            Backoff { initial: initial.unwrap_or(usual.initial).min(max), max }
        };
        sender.retry_backoff = backoff(sender.retry_backoff, self.retry_backoff, self.retry_backoff_max);
        sender.reconnect_backoff =
            backoff(sender.reconnect_backoff, self.reconnect_backoff, self.reconnect_backoff_max);
        sender.setup_backoff.initial = self.setup_timeout.unwrap_or(sender.setup_backoff.initial).max(ms(1));
        sender.metadata_max_age = self.metadata_max_age.unwrap_or(sender.metadata_max_age);
        // The configuration has this minimum.
        sender.metadata_max_idle = self.metadata_max_idle.unwrap_or(sender.metadata_max_idle).max(ms(5_000));
        sender.rebootstrap_trigger = self.rebootstrap_trigger.unwrap_or(sender.rebootstrap_trigger);
        sender.connections_max_idle =
            sender.connections_max_idle.map(|usual| self.connections_max_idle.unwrap_or(usual));
        sender.availability_timeout =
            sender.availability_timeout.map(|usual| self.availability_timeout.unwrap_or(usual));
        sender.linger = self.linger.unwrap_or(sender.linger);
    }
}

/// Helper threads of a producer, and how it compresses.
#[derive(Clone, Debug)]
pub struct Helpers {
    pub count: usize,
    /// Smaller batches are compressed at once.
    pub smallest: usize,
    pub codec: Codec,
    /// Without trouble, preparations take so long.
    pub delay: Duration,
}

impl Helpers {
    /// Each from a stream of its own; one producer of three has some.
    pub fn draw(stream: impl Fn(&str) -> Dice) -> Option<Helpers> {
        stream("helpers").once_in(3).then(|| Helpers {
            count: stream("helpers: count").one_of(&[1, 1, 2, 4]),
            smallest: stream("helpers: smallest").one_of(&[0, 0, 100, 300]),
            codec: stream("helpers: codec").one_of(&[Codec::Gzip, Codec::Zstd, Codec::Lz4]),
            delay: stream("helpers: delay").one_of(&[ms(0), ms(1), ms(50)]),
        })
    }

    pub fn apply(&self, sender: &mut Properties) {
        (sender.helpers, sender.smallest_for_helpers) = (self.count, Some(self.smallest));
        (sender.codec, sender.compression_level) = (self.codec, level(self.codec));
    }
}

/// The level to compress with.
pub fn level(codec: Codec) -> i32 {
    match codec {
        Codec::Gzip => 1,
        Codec::Lz4 => 9,
        _ => 0,
    }
}
