//! The configuration as the engine uses it: typed, complete and without contradictions.

use super::{Config, Dialect, Facilities, HostPort, PluginSettings, Tls, invalid, servers, tls};
use crate::Result;
use crate::compress::Codec;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What [`Config::resolve`] makes. Each field is a property; where its name or unit differs, the comment says so.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Settings {
    /// Empty if brokers are added later.
    pub bootstrap: Vec<HostPort>,
    /// Never absent: `ottla-<n>` unless set.
    pub client_id: String,
    pub acks: Acks,
    pub idempotence: bool,
    /// `transactional.id` and `transaction.timeout.ms`.
    pub transaction: Option<(String, i32)>,
    pub retries: u32,
    pub max_in_flight: u32,
    pub delivery_timeout: Duration,
    pub request_timeout: Duration,
    /// Zero: a send does not wait.
    pub max_block: Duration,
    pub retry_backoff: Duration,
    /// At least `retry_backoff`.
    pub retry_backoff_max: Duration,
    pub linger: Duration,
    /// At least 1.
    pub batch_size: usize,
    pub buffer_memory: usize,
    /// `retain.records`.
    pub retain: bool,
    pub max_request_size: usize,
    pub codec: Codec,
    /// The level of `codec`; 0 where it has none.
    pub level: i32,
    /// The level of each codec, for topics that use another.
    pub levels: Levels,
    /// `None`: as many as there are processors, within reason.
    pub compression_threads: Option<usize>,
    pub partitioner: Partitioner,
    pub ignore_keys: bool,
    pub adaptive: bool,
    /// `None`: slow brokers are not passed over.
    pub availability_timeout: Option<Duration>,
    pub key_serializer: Option<Serializer>,
    pub value_serializer: Option<Serializer>,
    pub dns_lookup: DnsLookup,
    pub metadata_max_age: Duration,
    pub metadata_max_idle: Duration,
    pub recovery: Recovery,
    pub rebootstrap_trigger: Duration,
    pub auto_create_topics: bool,
    pub reconnect_backoff: Duration,
    /// At least `reconnect_backoff`.
    pub reconnect_backoff_max: Duration,
    pub connection_setup_timeout: Duration,
    /// At least `connection_setup_timeout`.
    pub connection_setup_timeout_max: Duration,
    /// `None`: idle connections stay open.
    pub connections_max_idle: Option<Duration>,
    /// `None`: the operating system's choice.
    pub send_buffer: Option<usize>,
    pub receive_buffer: Option<usize>,
    pub receive_message_max: usize,
    /// `security.protocol` and `ssl.*`. None: connections are not encrypted.
    pub tls: Option<Tls>,
    /// What tells its lines at level debug.
    pub debug: Facilities,
    /// What begins with `ottla.plugin.`, under its whole name.
    pub plugin: PluginSettings,
    /// Lines for the log: what was adjusted without being an error.
    pub notes: Vec<String>,
}

/// When a broker answers a Produce request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Acks {
    /// Never: a record is done when it was handed to the socket.
    None,
    /// When its leader has it.
    Leader,
    /// When all in-sync replicas have it.
    All,
}

impl Acks {
    /// As it stands in a Produce request.
    pub fn wire(self) -> i16 {
        match self {
            Acks::None => 0,
            Acks::Leader => 1,
            Acks::All => -1,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Levels {
    pub gzip: i32,
    pub lz4: i32,
    pub zstd: i32,
}

impl Levels {
    pub fn of(self, codec: Codec) -> i32 {
        match codec {
            Codec::Gzip => self.gzip,
            Codec::Lz4 => self.lz4,
            Codec::Zstd => self.zstd,
            Codec::None | Codec::Snappy => 0,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Partitioner {
    /// Keyed by murmur2, else one partition after the other (KIP-794).
    Sticky,
    RoundRobin,
    /// The rest are librdkafka's.
    Random,
    Consistent,
    ConsistentRandom,
    Murmur2,
    Fnv1a,
    Fnv1aRandom,
}

/// What the application says that its keys or values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Serializer {
    Bytes,
    String,
    Short,
    Integer,
    Long,
    Float,
    Double,
    Uuid,
    Boolean,
    Void,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DnsLookup {
    UseAllIps,
    ResolveCanonicalBootstrapOnly,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovery {
    Rebootstrap,
    None,
}

const INT_MAX: u64 = i32::MAX as u64;
const IDEMPOTENT_IN_FLIGHT: u32 = 5;

pub(super) fn resolve(config: &Config) -> Result<Settings> {
    let reader = Reader(config);
    if !config.is_set("bootstrap.servers") && config.dialect() == Dialect::Java {
        return Err(invalid("bootstrap.servers is not set: it says where the first brokers are, as in localhost:9092"));
    }
    let mut notes = Vec::new();
    let idempotence = idempotence(&reader, &mut notes)?;
    let transaction = transaction(&reader, idempotence)?;
    let timeouts = timeouts(&reader, &mut notes)?;
    if reader.is_set("enable.metrics.push") && reader.bool("enable.metrics.push") {
        notes.push("enable.metrics.push=true: metrics are not pushed to the brokers in this release".into());
    }
    let retry = backoff(&reader, "retry.backoff.ms", "retry.backoff.max.ms", &mut notes);
    let reconnect = reconnect(&reader, &mut notes);
    let setup =
        backoff(&reader, "socket.connection.setup.timeout.ms", "socket.connection.setup.timeout.max.ms", &mut notes);
    let (partitioner, class_ignores_keys) = partitioner(&reader);
    let codec = Codec::from_name(&reader.text("compression.type")).unwrap_or(Codec::None);
    let levels = levels(&reader);
    Ok(Settings {
        bootstrap: match config.get("bootstrap.servers") {
            Some(listed) => servers::parse("bootstrap.servers", &listed)?,
            None => Vec::new(),
        },
        client_id: client_id(&reader)?,
        acks: acks(&reader),
        idempotence,
        transaction,
        retries: reader.unsigned("retries"),
        max_in_flight: max_in_flight(&reader, idempotence),
        delivery_timeout: Duration::from_millis(timeouts.delivery),
        request_timeout: Duration::from_millis(timeouts.request),
        max_block: reader.millis("max.block.ms"),
        retry_backoff: retry.0,
        retry_backoff_max: retry.1,
        linger: Duration::from_millis(timeouts.linger),
        batch_size: reader.size("batch.size").max(1),
        buffer_memory: reader.size("buffer.memory"),
        retain: reader.bool("retain.records"),
        max_request_size: reader.size("max.request.size"),
        codec,
        level: levels.of(codec),
        levels,
        partitioner,
        ignore_keys: class_ignores_keys || reader.bool("partitioner.ignore.keys"),
        adaptive: reader.bool("partitioner.adaptive.partitioning.enable"),
        compression_threads: usize::try_from(reader.int("ottla.compression.threads")).ok(),
        availability_timeout: Some(reader.millis("partitioner.availability.timeout.ms")).filter(|time| !time.is_zero()),
        key_serializer: serializer(&reader, "key.serializer"),
        value_serializer: serializer(&reader, "value.serializer"),
        dns_lookup: match reader.text("client.dns.lookup").as_str() {
            "use_all_dns_ips" => DnsLookup::UseAllIps,
            _ => DnsLookup::ResolveCanonicalBootstrapOnly,
        },
        metadata_max_age: reader.millis("metadata.max.age.ms"),
        metadata_max_idle: reader.millis("metadata.max.idle.ms"),
        recovery: match reader.text("metadata.recovery.strategy").as_str() {
            "rebootstrap" => Recovery::Rebootstrap,
            _ => Recovery::None,
        },
        rebootstrap_trigger: reader.millis("metadata.recovery.rebootstrap.trigger.ms"),
        auto_create_topics: reader.bool("allow.auto.create.topics"),
        reconnect_backoff: reconnect.0,
        reconnect_backoff_max: reconnect.1,
        connection_setup_timeout: setup.0,
        connection_setup_timeout_max: setup.1,
        connections_max_idle: u64::try_from(reader.long("connections.max.idle.ms")).ok().map(Duration::from_millis),
        send_buffer: usize::try_from(reader.long("send.buffer.bytes")).ok(),
        receive_buffer: usize::try_from(reader.long("receive.buffer.bytes")).ok(),
        receive_message_max: reader.size("receive.message.max.bytes"),
        tls: tls::resolve(&reader, &mut notes)?,
        debug: Facilities::parse(&reader.text("debug")).unwrap_or_default(),
        plugin: config.plugin().clone(),
        notes,
    })
}

/// What a topic works with whose properties are those of `config`; what is not a topic's is the producer's. Notes are
/// those that the producer has not.
///
/// `..producer.clone()` hides a property of topics that is forgotten here. A test of the engine finds it
/// (`every_property_of_topics_changes_what_its_topic_works_with`).
pub(super) fn resolve_topic(config: &Config, producer: &Settings) -> Result<Settings> {
    let reader = Reader(config);
    let mut notes = Vec::new();
    let idempotence = producer.idempotence && idempotence(&reader, &mut notes)?;
    let transaction = transaction(&reader, idempotence)?;
    let timeouts = timeouts(&reader, &mut notes)?;
    let (partitioner, class_ignores_keys) = partitioner(&reader);
    let codec = Codec::from_name(&reader.text("compression.type")).unwrap_or(Codec::None);
    let levels = levels(&reader);
    notes.retain(|note| !producer.notes.contains(note));
    Ok(Settings {
        acks: acks(&reader),
        idempotence,
        transaction,
        delivery_timeout: Duration::from_millis(timeouts.delivery),
        request_timeout: Duration::from_millis(timeouts.request),
        linger: Duration::from_millis(timeouts.linger),
        codec,
        level: levels.of(codec),
        levels,
        partitioner,
        ignore_keys: class_ignores_keys || reader.bool("partitioner.ignore.keys"),
        notes,
        ..producer.clone()
    })
}

/// Whether idempotence ends up on. What was left to the default gives way, what was written contradicts.
fn idempotence(reader: &Reader, notes: &mut Vec<String>) -> Result<bool> {
    if !reader.bool("enable.idempotence") {
        return Ok(false);
    }
    let written = reader.is_set("enable.idempotence");
    let mut on = true;
    let acks = reader.text("acks");
    let obstacles = [
        (acks == "0" || acks == "1").then(|| format!("acks={acks}")),
        (reader.unsigned("retries") == 0).then(|| "retries=0".to_owned()),
    ];
    for obstacle in obstacles.into_iter().flatten() {
        if written {
            return Err(invalid(format!(
                "enable.idempotence=true contradicts {obstacle}: idempotence needs acks=all and retries above 0; leave \
                 out one of the two"
            )));
        }
        notes.push(format!("idempotence is switched off by {obstacle}: a retry may write a record twice"));
        on = false;
    }
    let in_flight = reader.unsigned("max.in.flight.requests.per.connection");
    if on && in_flight > IDEMPOTENT_IN_FLIGHT && reader.is_set("max.in.flight.requests.per.connection") {
        return Err(invalid(format!(
            "max.in.flight.requests.per.connection={in_flight} contradicts idempotence{}, which allows at most 5: lower \
             it, or set enable.idempotence=false",
            if written { "" } else { " (on by default)" }
        )));
    }
    Ok(on)
}

/// A default that does not go with idempotence gives way.
fn max_in_flight(reader: &Reader, idempotence: bool) -> u32 {
    let configured = reader.unsigned("max.in.flight.requests.per.connection");
    if idempotence { configured.min(IDEMPOTENT_IN_FLIGHT) } else { configured }
}

/// Transactions need idempotence, however it came to be off.
fn transaction(reader: &Reader, idempotence: bool) -> Result<Option<(String, i32)>> {
    if !reader.is_set("transactional.id") {
        return Ok(None);
    }
    if !idempotence {
        return Err(invalid(
            "transactional.id needs idempotence: leave enable.idempotence, acks and retries at their defaults",
        ));
    }
    let timeout_ms = reader.int("transaction.timeout.ms");
    if timeout_ms <= 0 {
        return Err(invalid(format!("transaction.timeout.ms='{timeout_ms}' is not valid: expected 1 or more")));
    }
    Ok(Some((short_text(reader, "transactional.id")?, timeout_ms)))
}

struct Timeouts {
    linger: u64,
    request: u64,
    delivery: u64,
}

/// In milliseconds. A record must be able to linger and to be tried once within its delivery timeout.
fn timeouts(reader: &Reader, notes: &mut Vec<String>) -> Result<Timeouts> {
    let mut linger = reader.long("linger.ms").unsigned_abs();
    if linger > INT_MAX {
        notes.push(format!("linger.ms={linger} is lowered to {INT_MAX}, the longest there is"));
        linger = INT_MAX;
    }
    let request = u64::from(reader.unsigned("request.timeout.ms"));
    let delivery = u64::from(reader.unsigned("delivery.timeout.ms"));
    let least = (linger + request).min(INT_MAX);
    if delivery >= least {
        return Ok(Timeouts { linger, request, delivery });
    }
    if !reader.is_set("delivery.timeout.ms") {
        notes.push(format!(
            "delivery.timeout.ms is raised from its default {delivery} to {least}, for linger.ms={linger} and \
             request.timeout.ms={request} to fit"
        ));
        return Ok(Timeouts { linger, request, delivery: least });
    }
    if reader.is_set("request.timeout.ms") {
        return Err(invalid(format!(
            "delivery.timeout.ms={delivery} is less than linger.ms={linger} plus request.timeout.ms={request}: raise \
             it to {least}, or lower the others"
        )));
    }
    if linger >= delivery {
        return Err(invalid(format!(
            "delivery.timeout.ms={delivery} leaves no time for a request after linger.ms={linger}: raise it, or lower \
             linger.ms"
        )));
    }
    let fitting = delivery - linger;
    notes.push(format!(
        "request.timeout.ms is lowered from its default {request} to {fitting}, to fit in \
         delivery.timeout.ms={delivery} after linger.ms={linger}"
    ));
    Ok(Timeouts { linger, request: fitting, delivery })
}

/// First and longest pause. As in Java, a first one above the longest makes every pause the longest.
fn backoff(reader: &Reader, first: &str, longest: &str, notes: &mut Vec<String>) -> (Duration, Duration) {
    let (start, max) = (reader.millis(first), reader.millis(longest));
    if start > max {
        notes.push(format!(
            "{first}={} is above {longest}={max}: it is {max} each time",
            start.as_millis(),
            max = max.as_millis()
        ));
    }
    (start.min(max), max)
}

/// Like [`backoff`], but if only the first pause is set, every pause is that long.
fn reconnect(reader: &Reader, notes: &mut Vec<String>) -> (Duration, Duration) {
    let (first, longest) = ("reconnect.backoff.ms", "reconnect.backoff.max.ms");
    if !reader.is_set(first) || reader.is_set(longest) {
        return backoff(reader, first, longest, notes);
    }
    let pause = reader.millis(first);
    notes.push(format!("{longest} is not set and becomes {first}={}: the pause does not grow", pause.as_millis()));
    (pause, pause)
}

fn acks(reader: &Reader) -> Acks {
    match reader.text("acks").as_str() {
        "0" => Acks::None,
        "1" => Acks::Leader,
        _ => Acks::All,
    }
}

fn levels(reader: &Reader) -> Levels {
    Levels {
        gzip: reader.int("compression.gzip.level"),
        lz4: reader.int("compression.lz4.level"),
        zstd: reader.int("compression.zstd.level"),
    }
}

/// The partitioner, and whether its class says to ignore keys.
fn partitioner(reader: &Reader) -> (Partitioner, bool) {
    match reader.class("partitioner.class") {
        Some("roundrobin") => (Partitioner::RoundRobin, false),
        Some("uniformsticky") => (Partitioner::Sticky, true),
        Some("random") => (Partitioner::Random, false),
        Some("consistent") => (Partitioner::Consistent, false),
        Some("consistent_random") => (Partitioner::ConsistentRandom, false),
        Some("murmur2") => (Partitioner::Murmur2, false),
        Some("fnv1a") => (Partitioner::Fnv1a, false),
        Some("fnv1a_random") => (Partitioner::Fnv1aRandom, false),
        _ => (Partitioner::Sticky, false),
    }
}

fn serializer(reader: &Reader, name: &str) -> Option<Serializer> {
    Some(match reader.class(name)? {
        "string" => Serializer::String,
        "short" => Serializer::Short,
        "integer" => Serializer::Integer,
        "long" => Serializer::Long,
        "float" => Serializer::Float,
        "double" => Serializer::Double,
        "uuid" => Serializer::Uuid,
        "boolean" => Serializer::Boolean,
        "void" => Serializer::Void,
        _ => Serializer::Bytes,
    })
}

fn client_id(reader: &Reader) -> Result<String> {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    if !reader.is_set("client.id") && reader.text("client.id").is_empty() {
        return Ok(format!("ottla-{}", NEXT.fetch_add(1, Ordering::Relaxed)));
    }
    short_text(reader, "client.id")
}

/// A text of requests: the protocol has two bytes for its length.
fn short_text(reader: &Reader, name: &str) -> Result<String> {
    let text = reader.text(name);
    if text.len() > i16::MAX as usize {
        return Err(invalid(format!("{name} has {} bytes; requests have room for {}", text.len(), i16::MAX)));
    }
    Ok(text)
}

/// Values by type. They were checked against the table when they were set, so that reading them cannot fail.
pub(super) struct Reader<'a>(pub &'a Config);

impl Reader<'_> {
    fn is_set(&self, name: &str) -> bool {
        self.0.is_set(name)
    }

    pub fn text(&self, name: &str) -> String {
        self.0.get(name).expect("the property is in the table and has a value")
    }

    pub fn bool(&self, name: &str) -> bool {
        self.text(name) == "true"
    }

    fn long(&self, name: &str) -> i64 {
        self.text(name).parse().expect("a number, by the table")
    }

    fn int(&self, name: &str) -> i32 {
        self.text(name).parse().expect("a 32-bit number, by the table")
    }

    fn unsigned(&self, name: &str) -> u32 {
        self.text(name).parse().expect("a 32-bit number that is not negative, by the table")
    }

    /// Where addresses are shorter than the number, as much as there can be.
    fn size(&self, name: &str) -> usize {
        usize::try_from(self.long(name)).unwrap_or(usize::MAX)
    }

    fn millis(&self, name: &str) -> Duration {
        Duration::from_millis(self.long(name).unsigned_abs())
    }

    /// Ottla's word for a class.
    fn class(&self, name: &str) -> Option<&'static str> {
        let value = self.0.get(name)?;
        let super::Kind::Class(choices) = super::find(name)?.kind else { return None };
        choices.iter().find(|choice| choice.short == value || choice.java == value).map(|choice| choice.short)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(pairs: &[(&str, &str)]) -> Config {
        let mut config = Config::new();
        config.set("bootstrap.servers", "localhost:9092").unwrap();
        for (name, value) in pairs {
            config.set(name, value).unwrap();
        }
        config
    }

    fn librdkafka(pairs: &[(&str, &str)]) -> Result<Settings> {
        let mut config = Config::for_dialect(Dialect::Librdkafka);
        pairs.iter().for_each(|(name, value)| config.set(name, value).unwrap());
        config.resolve()
    }

    #[test]
    fn librdkafka_s_dialect_has_its_defaults() {
        let it = librdkafka(&[]).unwrap();
        assert_eq!((it.client_id.as_str(), it.acks, it.idempotence), ("rdkafka", Acks::All, false));
        assert_eq!((it.max_in_flight, it.batch_size, it.buffer_memory), (1_000_000, 1_000_000, 1 << 30));
        assert_eq!((it.partitioner, it.retain), (Partitioner::ConsistentRandom, true));
        assert_eq!((it.delivery_timeout.as_secs(), it.connections_max_idle), (300, None));
        assert_eq!((it.notes, it.bootstrap), (vec![], vec![]));
        assert_eq!(librdkafka(&[("client.id", "me"), ("enable.metrics.push", "false")]).unwrap().client_id, "me");
    }

    #[test]
    fn default_of_librdkafka_s_dialect_gives_way_to_idempotence() {
        let in_flight = "max.in.flight.requests.per.connection";
        assert_eq!(librdkafka(&[("enable.idempotence", "true")]).unwrap().max_in_flight, 5);
        assert_eq!(librdkafka(&[("enable.idempotence", "true"), (in_flight, "3")]).unwrap().max_in_flight, 3);
        assert!(librdkafka(&[("enable.idempotence", "true"), (in_flight, "6")]).is_err());
    }

    #[test]
    fn topic_of_librdkafka_s_dialect_has_its_defaults() {
        let mut config = Config::for_dialect(Dialect::Librdkafka);
        config.set("ottla.topic.t.linger.ms", "7").unwrap();
        assert_eq!(config.get("ottla.topic.t.partitioner.class").as_deref(), Some("consistent_random"));
        let it = config.resolve_topic("t", &Config::new(), &config.resolve().unwrap()).unwrap();
        assert_eq!((it.partitioner, it.linger.as_millis()), (Partitioner::ConsistentRandom, 7));
        assert_eq!(it.delivery_timeout.as_secs(), 300);
    }

    fn settings(pairs: &[(&str, &str)]) -> Settings {
        config(pairs).resolve().unwrap()
    }

    fn refusal(pairs: &[(&str, &str)]) -> String {
        config(pairs).resolve().unwrap_err().message().to_owned()
    }

    fn notes(pairs: &[(&str, &str)]) -> Vec<String> {
        settings(pairs).notes
    }

    const MS: fn(u64) -> Duration = Duration::from_millis;

    #[test]
    fn transactions_need_a_name_and_idempotence() {
        assert_eq!(settings(&[]).transaction, None);
        assert_eq!(settings(&[("transaction.timeout.ms", "5000")]).transaction, None);
        let named = ("transactional.id", "copier-1");
        assert_eq!(settings(&[named]).transaction, Some(("copier-1".into(), 60_000)));
        assert_eq!(settings(&[named, ("transaction.timeout.ms", "5000")]).transaction, Some(("copier-1".into(), 5000)));
        for off in [("enable.idempotence", "false"), ("acks", "1"), ("retries", "0")] {
            assert_eq!(
                refusal(&[named, off]),
                "transactional.id needs idempotence: leave enable.idempotence, acks and retries at their defaults"
            );
        }
        let longest = "x".repeat(32_767);
        assert_eq!(settings(&[("transactional.id", &longest)]).transaction, Some((longest.clone(), 60_000)));
        assert_eq!(
            refusal(&[("transactional.id", &(longest + "x"))]),
            "transactional.id has 32768 bytes; requests have room for 32767"
        );
        assert_eq!(
            refusal(&[named, ("transaction.timeout.ms", "0")]),
            "transaction.timeout.ms='0' is not valid: expected 1 or more"
        );
    }

    #[test]
    fn defaults_are_java_s() {
        let settings = settings(&[("client.id", "x")]);
        let expected = Settings {
            bootstrap: vec![HostPort { host: "localhost".into(), port: 9092 }],
            client_id: "x".into(),
            acks: Acks::All,
            idempotence: true,
            transaction: None,
            retries: 2147483647,
            max_in_flight: 5,
            delivery_timeout: MS(120_000),
            request_timeout: MS(30_000),
            max_block: MS(60_000),
            retry_backoff: MS(100),
            retry_backoff_max: MS(1000),
            linger: MS(5),
            batch_size: 16384,
            buffer_memory: 33_554_432,
            retain: false,
            max_request_size: 1_048_576,
            codec: Codec::None,
            level: 0,
            levels: Levels { gzip: -1, lz4: 9, zstd: 3 },
            compression_threads: None,
            partitioner: Partitioner::Sticky,
            ignore_keys: false,
            adaptive: true,
            availability_timeout: None,
            key_serializer: None,
            value_serializer: None,
            dns_lookup: DnsLookup::UseAllIps,
            metadata_max_age: MS(300_000),
            metadata_max_idle: MS(300_000),
            recovery: Recovery::Rebootstrap,
            rebootstrap_trigger: MS(300_000),
            auto_create_topics: true,
            reconnect_backoff: MS(50),
            reconnect_backoff_max: MS(1000),
            connection_setup_timeout: MS(10_000),
            connection_setup_timeout_max: MS(30_000),
            connections_max_idle: Some(MS(540_000)),
            send_buffer: None,
            receive_buffer: None,
            receive_message_max: 100_000_000,
            tls: None,
            debug: Facilities::NONE,
            plugin: PluginSettings::new(),
            notes: vec![],
        };
        assert_eq!(settings, expected);
    }

    #[test]
    fn values_reach_their_fields_in_the_units_of_the_engine() {
        let it = settings(&[
            ("acks", "0"),
            ("retries", "3"),
            ("max.in.flight.requests.per.connection", "9"),
            ("max.block.ms", "0"),
            ("batch.size", "0"),
            ("buffer.memory", "99"),
            ("max.request.size", "98"),
            ("compression.type", "zstd"),
            ("compression.zstd.level", "-7"),
            ("compression.lz4.level", "2"),
            ("compression.gzip.level", "1"),
            ("ottla.compression.threads", "0"),
            ("partitioner.class", "org.apache.kafka.clients.producer.RoundRobinPartitioner"),
            ("partitioner.ignore.keys", "true"),
            ("partitioner.adaptive.partitioning.enable", "false"),
            ("partitioner.availability.timeout.ms", "7"),
            ("key.serializer", "uuid"),
            ("value.serializer", "org.apache.kafka.common.serialization.LongSerializer"),
            ("client.dns.lookup", "resolve_canonical_bootstrap_servers_only"),
            ("metadata.max.age.ms", "11"),
            ("metadata.max.idle.ms", "5012"),
            ("metadata.recovery.strategy", "NONE"),
            ("metadata.recovery.rebootstrap.trigger.ms", "13"),
            ("allow.auto.create.topics", "false"),
            ("retry.backoff.ms", "14"),
            ("retry.backoff.max.ms", "15"),
            ("reconnect.backoff.ms", "16"),
            ("reconnect.backoff.max.ms", "17"),
            ("socket.connection.setup.timeout.ms", "18"),
            ("socket.connection.setup.timeout.max.ms", "19"),
            ("connections.max.idle.ms", "-1"),
            ("send.buffer.bytes", "20"),
            ("receive.buffer.bytes", "0"),
            ("receive.message.max.bytes", "1000"),
            ("ottla.plugin.mine", "22"),
        ]);
        assert_eq!((it.acks, it.acks.wire(), it.retries, it.max_in_flight), (Acks::None, 0, 3, 9));
        assert_eq!((it.max_block, it.batch_size, it.buffer_memory), (MS(0), 1, 99));
        assert_eq!((it.max_request_size, it.codec, it.level), (98, Codec::Zstd, -7));
        assert_eq!(it.levels, Levels { gzip: 1, lz4: 2, zstd: -7 });
        assert_eq!(it.compression_threads, Some(0));
        assert_eq!((it.partitioner, it.ignore_keys, it.adaptive), (Partitioner::RoundRobin, true, false));
        assert_eq!(it.availability_timeout, Some(MS(7)));
        assert_eq!((it.key_serializer, it.value_serializer), (Some(Serializer::Uuid), Some(Serializer::Long)));
        assert_eq!(it.dns_lookup, DnsLookup::ResolveCanonicalBootstrapOnly);
        assert_eq!((it.metadata_max_age, it.metadata_max_idle), (MS(11), MS(5012)));
        assert_eq!((it.recovery, it.rebootstrap_trigger), (Recovery::None, MS(13)));
        assert!(!it.auto_create_topics);
        assert_eq!((it.retry_backoff, it.retry_backoff_max), (MS(14), MS(15)));
        assert_eq!((it.reconnect_backoff, it.reconnect_backoff_max), (MS(16), MS(17)));
        assert_eq!((it.connection_setup_timeout, it.connection_setup_timeout_max), (MS(18), MS(19)));
        assert_eq!((it.connections_max_idle, it.send_buffer, it.receive_buffer), (None, Some(20), Some(0)));
        assert_eq!(it.receive_message_max, 1000);
        assert_eq!(it.plugin["ottla.plugin.mine"], "22");
    }

    #[test]
    fn all_and_minus_one_are_the_same_acks() {
        for acks in ["all", "-1"] {
            let settings = settings(&[("acks", acks), ("enable.idempotence", "true")]);
            assert_eq!((settings.acks, settings.acks.wire(), settings.idempotence), (Acks::All, -1, true));
        }
    }

    #[test]
    fn servers_have_to_be_set() {
        assert_eq!(
            Config::new().resolve().unwrap_err().message(),
            "bootstrap.servers is not set: it says where the first brokers are, as in localhost:9092"
        );
    }

    #[test]
    fn weaker_acks_or_no_retries_switch_idempotence_off_with_a_note() {
        for (name, value) in [("acks", "1"), ("acks", "0"), ("retries", "0")] {
            let settings = settings(&[(name, value)]);
            assert!(!settings.idempotence);
            assert_eq!(
                settings.notes,
                [format!("idempotence is switched off by {name}={value}: a retry may write a record twice")]
            );
        }
        assert_eq!(notes(&[("acks", "1"), ("retries", "0")]).len(), 2);
        assert!(settings(&[]).idempotence);
    }

    #[test]
    fn idempotence_switched_off_by_name_needs_no_note() {
        let settings = settings(&[
            ("enable.idempotence", "false"),
            ("acks", "1"),
            ("retries", "0"),
            ("max.in.flight.requests.per.connection", "100"),
        ]);
        assert!(!settings.idempotence);
        assert_eq!(settings.notes, [""; 0]);
    }

    #[test]
    fn idempotence_asked_for_contradicts_what_excludes_it() {
        for (name, value) in [("acks", "1"), ("acks", "0"), ("retries", "0")] {
            assert_eq!(
                refusal(&[("enable.idempotence", "true"), (name, value)]),
                format!(
                    "enable.idempotence=true contradicts {name}={value}: idempotence needs acks=all and retries above \
                     0; leave out one of the two"
                )
            );
        }
    }

    #[test]
    fn more_than_five_in_flight_contradicts_idempotence_even_by_default() {
        let six = ("max.in.flight.requests.per.connection", "6");
        assert_eq!(
            refusal(&[six]),
            "max.in.flight.requests.per.connection=6 contradicts idempotence (on by default), which allows at most 5: \
             lower it, or set enable.idempotence=false"
        );
        assert_eq!(
            refusal(&[six, ("enable.idempotence", "true")]),
            "max.in.flight.requests.per.connection=6 contradicts idempotence, which allows at most 5: lower it, or \
             set enable.idempotence=false"
        );
        // Unlike in Java, where it is refused although idempotence is off already.
        assert_eq!(settings(&[six, ("acks", "1")]).max_in_flight, 6);
        assert!(settings(&[("max.in.flight.requests.per.connection", "5")]).idempotence);
    }

    #[test]
    fn delivery_and_request_timeouts_that_were_both_set_must_fit() {
        assert_eq!(
            refusal(&[("delivery.timeout.ms", "1000"), ("request.timeout.ms", "1000")]),
            "delivery.timeout.ms=1000 is less than linger.ms=5 plus request.timeout.ms=1000: raise it to 1005, or \
             lower the others"
        );
        let settings = settings(&[("delivery.timeout.ms", "1005"), ("request.timeout.ms", "1000")]);
        assert_eq!((settings.notes.len(), settings.delivery_timeout), (0, MS(1005)));
    }

    #[test]
    fn the_request_timeout_is_lowered_to_fit_a_short_delivery() {
        let settings = settings(&[
            ("acks", "1"),
            ("linger.ms", "20"),
            ("retry.backoff.ms", "1000"),
            ("delivery.timeout.ms", "5000"),
        ]);
        assert_eq!((settings.request_timeout, settings.delivery_timeout), (MS(4980), MS(5000)));
        assert_eq!((settings.retry_backoff, settings.retry_backoff_max), (MS(1000), MS(1000)));
        assert_eq!(
            settings.notes[1..],
            ["request.timeout.ms is lowered from its default 30000 to 4980, to fit in delivery.timeout.ms=5000 after \
              linger.ms=20"]
        );
    }

    #[test]
    fn a_linger_that_fills_the_delivery_timeout_is_an_error() {
        for delivery in ["20", "19", "0"] {
            assert_eq!(
                refusal(&[("linger.ms", "20"), ("delivery.timeout.ms", delivery)]),
                format!(
                    "delivery.timeout.ms={delivery} leaves no time for a request after linger.ms=20: raise it, or \
                     lower linger.ms"
                )
            );
        }
        assert_eq!(settings(&[("linger.ms", "20"), ("delivery.timeout.ms", "21")]).request_timeout, MS(1));
    }

    #[test]
    fn the_delivery_timeout_is_raised_for_a_long_linger_or_request() {
        let it = settings(&[("linger.ms", "200000")]);
        assert_eq!((it.delivery_timeout, it.request_timeout, it.linger), (MS(230_000), MS(30_000), MS(200_000)));
        assert_eq!(
            it.notes,
            ["delivery.timeout.ms is raised from its default 120000 to 230000, for linger.ms=200000 and \
              request.timeout.ms=30000 to fit"]
        );
        let it = settings(&[("request.timeout.ms", "2147483647")]);
        assert_eq!(it.delivery_timeout, MS(2_147_483_647));
    }

    #[test]
    fn a_linger_beyond_an_int_is_lowered() {
        let it = settings(&[("linger.ms", "9223372036854775807")]);
        assert_eq!((it.linger, it.delivery_timeout), (MS(2_147_483_647), MS(2_147_483_647)));
        assert_eq!(it.notes[0], "linger.ms=9223372036854775807 is lowered to 2147483647, the longest there is");
    }

    #[test]
    fn a_first_pause_above_the_longest_is_the_longest() {
        for (first, longest) in [
            ("retry.backoff.ms", "retry.backoff.max.ms"),
            ("reconnect.backoff.ms", "reconnect.backoff.max.ms"),
            ("socket.connection.setup.timeout.ms", "socket.connection.setup.timeout.max.ms"),
        ] {
            let it = settings(&[(first, "5000"), (longest, "3000")]);
            assert_eq!(it.notes, [format!("{first}=5000 is above {longest}=3000: it is 3000 each time")]);
            let pauses = match first {
                "retry.backoff.ms" => (it.retry_backoff, it.retry_backoff_max),
                "reconnect.backoff.ms" => (it.reconnect_backoff, it.reconnect_backoff_max),
                _ => (it.connection_setup_timeout, it.connection_setup_timeout_max),
            };
            assert_eq!(pauses, (MS(3000), MS(3000)));
        }
        assert_eq!(settings(&[("retry.backoff.ms", "5000")]).retry_backoff, MS(1000));
    }

    #[test]
    fn a_reconnect_pause_without_longest_does_not_grow() {
        for (first, pause) in [("20", 20), ("4000", 4000)] {
            let it = settings(&[("reconnect.backoff.ms", first)]);
            assert_eq!((it.reconnect_backoff, it.reconnect_backoff_max), (MS(pause), MS(pause)));
            assert_eq!(
                it.notes,
                [format!(
                    "reconnect.backoff.max.ms is not set and becomes reconnect.backoff.ms={pause}: the pause does not \
                     grow"
                )]
            );
        }
    }

    #[test]
    fn a_client_without_name_gets_one_of_its_own() {
        let config = config(&[]);
        let (first, second) = (config.resolve().unwrap().client_id, config.resolve().unwrap().client_id);
        let number = |name: &str| name.strip_prefix("ottla-").unwrap().parse::<u64>().unwrap();
        assert!(number(&first) < number(&second));
        assert_eq!(settings(&[("client.id", "")]).client_id, "");
        let mut config = Config::new();
        config.set("bootstrap.servers", "localhost:9092").unwrap();
        config.set("client.id", &"x".repeat(40_000)).unwrap();
        assert!(config.resolve().unwrap_err().message().contains("40000 bytes"));
    }

    #[test]
    fn partitioner_classes_map_to_ours() {
        for (class, partitioner, ignore_keys) in [
            ("default", Partitioner::Sticky, false),
            ("murmur2_random", Partitioner::Sticky, false),
            ("roundrobin", Partitioner::RoundRobin, false),
            ("random", Partitioner::Random, false),
            ("consistent", Partitioner::Consistent, false),
            ("consistent_random", Partitioner::ConsistentRandom, false),
            ("murmur2", Partitioner::Murmur2, false),
            ("fnv1a", Partitioner::Fnv1a, false),
            ("fnv1a_random", Partitioner::Fnv1aRandom, false),
            ("uniformsticky", Partitioner::Sticky, true),
            ("org.apache.kafka.clients.producer.internals.DefaultPartitioner", Partitioner::Sticky, false),
            ("org.apache.kafka.clients.producer.RoundRobinPartitioner", Partitioner::RoundRobin, false),
            ("org.apache.kafka.clients.producer.UniformStickyPartitioner", Partitioner::Sticky, true),
            ("org.apache.kafka.clients.producer.internals.UniformStickyPartitioner", Partitioner::Sticky, true),
        ] {
            let it = settings(&[("partitioner.class", class)]);
            assert_eq!((it.partitioner, it.ignore_keys), (partitioner, ignore_keys), "{class}");
        }
    }

    #[test]
    fn serializer_classes_map_to_ours() {
        for (class, serializer) in [
            ("ByteArray", Serializer::Bytes),
            ("ByteBuffer", Serializer::Bytes),
            ("Bytes", Serializer::Bytes),
            ("String", Serializer::String),
            ("Short", Serializer::Short),
            ("Integer", Serializer::Integer),
            ("Long", Serializer::Long),
            ("Float", Serializer::Float),
            ("Double", Serializer::Double),
            ("UUID", Serializer::Uuid),
            ("Boolean", Serializer::Boolean),
            ("Void", Serializer::Void),
        ] {
            let class = format!("org.apache.kafka.common.serialization.{class}Serializer");
            assert_eq!(settings(&[("value.serializer", &class)]).value_serializer, Some(serializer), "{class}");
        }
    }

    #[test]
    fn socket_buffers_are_the_systems_unless_they_are_set() {
        for name in ["send.buffer.bytes", "receive.buffer.bytes"] {
            let of = |settings: Settings| match name {
                "send.buffer.bytes" => settings.send_buffer,
                _ => settings.receive_buffer,
            };
            assert_eq!(of(settings(&[])), None);
            assert_eq!(of(settings(&[(name, "-1")])), None);
            assert_eq!(of(settings(&[(name, "65536")])), Some(65536));
            assert!(Config::new().set(name, "-2").is_err());
        }
    }

    #[test]
    fn each_codec_has_its_level() {
        for (name, codec, level) in [
            ("none", Codec::None, 0),
            ("gzip", Codec::Gzip, -1),
            ("snappy", Codec::Snappy, 0),
            ("lz4", Codec::Lz4, 9),
            ("zstd", Codec::Zstd, 3),
        ] {
            let it = settings(&[("compression.type", name)]);
            assert_eq!((it.codec, it.level), (codec, level));
        }
    }
}
