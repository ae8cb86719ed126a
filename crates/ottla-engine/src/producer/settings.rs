//! Translates the configuration into the settings of each part. A new property is passed on here.

use std::hash::{BuildHasher, Hasher};
use std::time::Duration;

use crate::event_loop::SocketSettings;
use ottla_core::accumulator::{AccumulatorSettings, Keyless, Partitioner, TopicSettings};
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
        retain: config.retain,
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
        codec: config.codec,
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
        helpers: config.compression_threads.unwrap_or_else(threads_by_processors),
        smallest_for_helpers: None,
        first_sequence: 0,
    }
}

/// One for each processor: the sender thread and the application's threads compete with them, but with fewer, two processors
/// would compress no faster than the sender thread alone. More than eight would outrun the sender.
fn threads_by_processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(8)
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
    use ottla_core::config::{Config, Kind, Property};

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

    /// Properties that no function of this file passes on, and where the engine reads them.
    const READ_ELSEWHERE: [(&str, &str); 3] = [
        ("key.serializer", "producer/objects.rs"),
        ("value.serializer", "producer/objects.rs"),
        ("enable.metrics.push", "a note in the log"),
    ];

    const TLS: (&str, &str) = ("security.protocol", "SSL");

    /// Without these, the property makes no difference.
    fn needed_for(property: &str) -> &'static [(&'static str, &'static str)] {
        match property {
            "compression.gzip.level" => &[("compression.type", "gzip")],
            "compression.lz4.level" => &[("compression.type", "lz4")],
            "compression.zstd.level" => &[("compression.type", "zstd")],
            "transaction.timeout.ms" => &[("transactional.id", "t")],
            "ssl.keystore.type" | "ssl.keystore.password" | "ssl.key.password" => {
                &[TLS, ("ssl.keystore.location", "/k")]
            }
            "ssl.keystore.key" => &[TLS, ("ssl.certificate.location", "/c")],
            "ssl.keystore.certificate.chain" => &[TLS, ("ssl.key.location", "/k")],
            "ssl.truststore.type" | "ssl.truststore.password" => &[TLS, ("ssl.truststore.location", "/t")],
            name if name.starts_with("ssl.") || name.starts_with("enable.ssl.") => &[TLS],
            _ => &[],
        }
    }

    /// A valid value that is not the default.
    fn another_value(property: &Property) -> String {
        let default = property.default.unwrap_or_default();
        match property.name {
            "security.protocol" => return "SSL".into(),
            "ssl.protocol" | "ssl.enabled.protocols" => return "TLSv1.2".into(),
            "ssl.cipher.suites" => return "TLS_AES_128_GCM_SHA256".into(),
            "ssl.endpoint.identification.algorithm" => return String::new(),
            "ssl.keystore.type" | "ssl.truststore.type" => return "PEM".into(),
            _ => {}
        }
        match property.kind {
            Kind::Bool => (default != "true").to_string(),
            Kind::Short(range) | Kind::Int(range) | Kind::Long(range) => {
                let number: i64 = default.parse().expect("a number");
                let near = [number.saturating_sub(1), number.saturating_add(1), range.min];
                let valid = near.into_iter().find(|near| (range.min..=range.max).contains(near) && *near != number);
                valid.expect("a range has more than one number").to_string()
            }
            Kind::Double { min, .. } => min.to_string(),
            Kind::Enum { values, .. } => (*values.last().expect("words")).to_owned(),
            Kind::Class(choices) => choices.last().expect("classes").short.to_owned(),
            Kind::Facilities => "all".to_owned(),
            Kind::Servers => "another:9092".to_owned(),
            Kind::String | Kind::Name | Kind::List | Kind::Password => "another".to_owned(),
        }
    }

    fn working_properties() -> impl Iterator<Item = &'static Property> {
        config::properties().iter().filter(|property| property.state == config::State::Implemented)
    }

    /// A configuration in which the property makes a difference once it is set.
    fn config_before(property: &Property) -> Config {
        let mut config = Config::new();
        let always = [("bootstrap.servers", "localhost:9092"), ("client.id", "test")];
        for (name, value) in always.iter().chain(needed_for(property.name)) {
            config.set(name, value).expect("valid");
        }
        config
    }

    /// Whether some part of the engine is given something else.
    fn differ(one: &config::Settings, other: &config::Settings) -> bool {
        let given = |settings: &config::Settings| {
            let AccumulatorSettings { buffer_memory, batch_size, batch_limit, retain, topic, seed } =
                accumulator(settings, 1);
            let accumulator = (buffer_memory, batch_size, batch_limit, retain, topic.topic_timeout, seed);
            format!("{accumulator:?} {:?} {:?}", sender(settings, 1, Level::Info), (sockets(settings), &settings.tls))
        };
        given(one) != given(other) || !topic(one).differences(&topic(other)).is_empty()
    }

    #[test]
    fn every_property_that_works_changes_what_a_part_is_given() {
        for property in working_properties() {
            let mut config = config_before(property);
            let before = config.resolve().expect("valid");
            config.set(property.name, &another_value(property)).expect("valid");
            let after = config.resolve().expect("valid");
            let read_elsewhere = READ_ELSEWHERE.iter().any(|(name, _)| *name == property.name);
            let is_read = if read_elsewhere { before != after } else { differ(&before, &after) };
            assert!(is_read, "{} is in the table and changes nothing", property.name);
        }
    }

    #[test]
    fn every_property_of_topics_changes_what_its_topic_works_with() {
        for property in working_properties().filter(|property| property.scope == config::Scope::Topic) {
            let config = config_before(property);
            let producer = config.resolve().expect("valid");
            let mut overrides = Config::new();
            overrides.set(property.name, &another_value(property)).expect("valid");
            let own = config.resolve_topic("t", &overrides, &producer).expect("valid");
            let differences = topic(&own).differences(&topic(&producer));
            assert!(!differences.is_empty(), "{} of a single topic changes nothing", property.name);
        }
    }
}
