//! The settings that a world begins with.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use ottla_core::Level;
use ottla_core::accumulator::{AccumulatorSettings, Partitioner, TopicSettings};
use ottla_core::compress::Codec;
use ottla_core::config::Facilities;
use ottla_core::sender::{Acks, Backoff, DebugSwitch, Settings};

use super::{World, ms};

/// The settings that a world begins with. `Setup::default()` has Java's defaults, three brokers and linger 0.
pub struct Setup {
    pub sender: Properties,
    pub accumulator: AccumulatorSettings,
    pub brokers: i32,
}

/// Settings of the producer, and of all topics without overrides.
pub struct Properties {
    pub sender: Settings,
    pub acks: Acks,
    pub linger: Duration,
    pub delivery_timeout: Duration,
    pub topic_timeout: Duration,
    pub codec: Codec,
    pub compression_level: i32,
}

impl Properties {
    /// The topic settings that the producer derives from its configuration.
    pub fn topic(&self) -> TopicSettings {
        TopicSettings {
            acks: self.acks,
            idempotence: self.sender.idempotence && self.acks == Acks::All,
            linger: self.linger,
            delivery_timeout: self.delivery_timeout,
            request_timeout: self.sender.request_timeout,
            topic_timeout: self.topic_timeout,
            codec: self.codec,
            compression_level: self.compression_level,
            partitioner: Partitioner::default(),
        }
    }
}

impl Deref for Properties {
    type Target = Settings;

    fn deref(&self) -> &Settings {
        &self.sender
    }
}

impl DerefMut for Properties {
    fn deref_mut(&mut self) -> &mut Settings {
        &mut self.sender
    }
}

impl Default for Setup {
    fn default() -> Self {
        let backoff = |initial, max| Backoff { initial: ms(initial), max: ms(max) };
        let sender = Settings {
            bootstrap_servers: vec![("first".into(), 9093)],
            canonical_bootstrap: false,
            client_id: "world".into(),
            idempotence: true,
            transaction: None,
            retries: i32::MAX as u32,
            max_in_flight: 5,
            max_request_size: 1 << 20,
            request_timeout: ms(30_000),
            retry_backoff: backoff(100, 1000),
            reconnect_backoff: backoff(50, 1000),
            setup_backoff: backoff(10_000, 30_000),
            connections_max_idle: Some(ms(540_000)),
            metadata_max_age: ms(300_000),
            metadata_max_idle: ms(300_000),
            rebootstrap: true,
            rebootstrap_trigger: ms(300_000),
            allow_auto_create_topics: true,
            availability_timeout: None,
            log_level: Level::Debug,
            debug: Arc::new(DebugSwitch::new(Facilities::ALL)),
            seed: 1,
            helpers: 0,
            smallest_for_helpers: None,
            first_sequence: 0,
        };
        let topic = TopicSettings { linger: Duration::ZERO, ..TopicSettings::default() };
        Setup {
            sender: Properties {
                sender,
                acks: topic.acks,
                linger: topic.linger,
                delivery_timeout: topic.delivery_timeout,
                topic_timeout: topic.topic_timeout,
                codec: topic.codec,
                compression_level: topic.compression_level,
            },
            accumulator: AccumulatorSettings {
                buffer_memory: 32 << 20,
                retain: false,
                batch_size: 16384,
                batch_limit: 1 << 20,
                topic,
                seed: 1,
            },
            brokers: 3,
        }
    }
}

impl Setup {
    pub fn with(change: impl FnOnce(&mut Properties)) -> Setup {
        let mut setup = Setup::default();
        change(&mut setup.sender);
        setup
    }

    pub fn batch_size(mut self, bytes: usize) -> Setup {
        self.accumulator.batch_size = bytes;
        self
    }

    /// Each batch has one record.
    pub fn single_records(mut self) -> Setup {
        self.accumulator.batch_limit = 1;
        self.accumulator.batch_size = 1;
        self
    }

    /// Each batch is compressed by helpers.
    pub fn helpers(mut self, count: usize) -> Setup {
        (self.sender.codec, self.sender.compression_level) = (Codec::Gzip, 1);
        (self.sender.helpers, self.sender.smallest_for_helpers) = (count, Some(0));
        self
    }

    pub fn start(self) -> World {
        World::new(self)
    }
}
