//! Translates the configuration into the settings of each part. A new property is passed on here.

use std::hash::{BuildHasher, Hasher};
use std::time::Duration;

use crate::event_loop::SocketSettings;
use ottla_core::accumulator::{AccumulatorSettings, Keyless, Partitioner, TopicSettings};
use ottla_core::compress;
use ottla_core::config::{self, DnsLookup, Facilities, Recovery};
use ottla_core::partition::hash::Hash;
use ottla_core::protocol::record_batch;
use ottla_core::sender::{Backoff, DebugSwitch, Level, Settings};
use ottla_core::sync::Arc;

/// A different number for every producer. The keys of std's hash come from the system's randomness.
pub fn random_seed() -> u64 {
    std::hash::RandomState::new().build_hasher().finish()
}

/// The largest batch that brokers accept by default (`message.max.bytes`), except for its last bytes.
const BROKERS_LIMIT: usize = 1 << 20;

pub fn accumulator(config: &config::Settings, seed: u64) -> AccumulatorSettings {
    AccumulatorSettings {
        buffer_memory: config.buffer_memory,
        batch_size: config.batch_size,
        batch_limit: config
            .max_request_size
            .min(BROKERS_LIMIT)
            .saturating_sub(record_batch::HEADER_LEN + 1024)
            .max(config.batch_size.min(config.max_request_size)),
        topic: topic(config),
        seed,
    }
}

fn partitioner(config: &config::Settings) -> Partitioner {
    let hashed = |hash, keyless| Partitioner::Hashed { hash, keyless, adaptive: config.adaptive };
    match config.partitioner {
        config::Partitioner::Sticky if config.ignore_keys => hashed(Hash::Murmur2, Keyless::Always),
        config::Partitioner::Sticky => hashed(Hash::Murmur2, Keyless::Null),
        config::Partitioner::RoundRobin => Partitioner::RoundRobin,
        config::Partitioner::Random => Partitioner::Random,
        config::Partitioner::Consistent => hashed(Hash::Crc32, Keyless::Never),
        config::Partitioner::ConsistentRandom => hashed(Hash::Crc32, Keyless::NullOrEmpty),
        config::Partitioner::Murmur2 => hashed(Hash::Murmur2, Keyless::Never),
        config::Partitioner::Fnv1a => hashed(Hash::Fnv1a, Keyless::Never),
        config::Partitioner::Fnv1aRandom => hashed(Hash::Fnv1a, Keyless::Null),
    }
}

/// The settings of a topic with this configuration.
pub fn topic(config: &config::Settings) -> TopicSettings {
    TopicSettings {
        acks: config.acks,
        idempotence: config.idempotence,
        linger: config.linger,
        delivery_timeout: config.delivery_timeout,
        request_timeout: config.request_timeout,
        topic_timeout: match config.max_block {
            Duration::ZERO => config.delivery_timeout,
            max_block => max_block.min(config.delivery_timeout),
        },
        codec: match config.codec {
            config::Codec::None => compress::Codec::None,
            config::Codec::Gzip => compress::Codec::Gzip,
            config::Codec::Snappy => compress::Codec::Snappy,
            config::Codec::Lz4 => compress::Codec::Lz4,
            config::Codec::Zstd => compress::Codec::Zstd,
        },
        compression_level: config.level,
        partitioner: partitioner(config),
    }
}

pub fn sender(config: &config::Settings, seed: u64, log_level: Level) -> Settings {
    // The log level debug includes all facilities.
    let facilities = if log_level == Level::Debug { Facilities::ALL } else { config.debug };
    Settings {
        bootstrap_servers: config.bootstrap.iter().map(|at| (at.host.as_str().into(), at.port)).collect(),
        canonical_bootstrap: config.dns_lookup == DnsLookup::ResolveCanonicalBootstrapOnly,
        client_id: config.client_id.clone(),
        idempotence: config.idempotence,
        transaction: config.transaction.clone(),
        retries: config.retries,
        max_in_flight: config.max_in_flight as usize,
        max_request_size: config.max_request_size,
        request_timeout: config.request_timeout,
        retry_backoff: Backoff { initial: config.retry_backoff, max: config.retry_backoff_max },
        reconnect_backoff: Backoff { initial: config.reconnect_backoff, max: config.reconnect_backoff_max },
        setup_backoff: Backoff { initial: config.connection_setup_timeout, max: config.connection_setup_timeout_max },
        connections_max_idle: config.connections_max_idle,
        metadata_max_age: config.metadata_max_age,
        metadata_max_idle: config.metadata_max_idle,
        rebootstrap: config.recovery == Recovery::Rebootstrap,
        rebootstrap_trigger: config.rebootstrap_trigger,
        allow_auto_create_topics: config.auto_create_topics,
        availability_timeout: config.availability_timeout,
        log_level,
        debug: Arc::new(DebugSwitch::new(facilities)),
        seed,
        first_sequence: 0,
    }
}

pub fn sockets(config: &config::Settings) -> SocketSettings {
    SocketSettings {
        send_buffer: config.send_buffer,
        receive_buffer: config.receive_buffer,
        receive_message_max: config.receive_message_max,
    }
}

#[cfg(all(test, not(ottla_loom)))]
mod tests {
    use super::*;
    use ottla_core::config::Config;

    fn batch_limit(properties: &[(&str, &str)]) -> usize {
        let mut config = Config::new();
        for (name, value) in properties.iter().chain(&[("bootstrap.servers", "localhost:9092")]) {
            config.set(name, value).expect("valid");
        }
        accumulator(&config.resolve().expect("valid"), 1).batch_limit
    }

    #[test]
    fn batches_grow_to_what_brokers_take_or_to_their_own_size() {
        let limit = (1 << 20) - record_batch::HEADER_LEN - 1024;
        assert_eq!(batch_limit(&[]), limit);
        assert_eq!(batch_limit(&[("max.request.size", "8388608")]), limit, "brokers would refuse more");
        assert_eq!(batch_limit(&[("max.request.size", "100000")]), 100_000 - record_batch::HEADER_LEN - 1024);
        let larger = [("max.request.size", "8388608"), ("batch.size", "4000000")];
        assert_eq!(batch_limit(&larger), 4_000_000, "the application asked for it");
        assert_eq!(batch_limit(&[("max.request.size", "100"), ("batch.size", "200")]), 100);
    }
}
