//! The configuration as the engine uses it: typed, complete and free of contradictions.

use super::{Config, HostPort, invalid, servers};
use crate::Result;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What [`Config::resolve`] makes. Each field is a property; where its name or unit differs, the comment says so.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Settings {
    pub bootstrap: Vec<HostPort>,
    /// Never absent: `ottla-<n>` unless set.
    pub client_id: String,
    pub acks: Acks,
    pub idempotence: bool,
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
    pub max_request_size: usize,
    pub codec: Codec,
    /// The level of `codec`; 0 where it has none.
    pub level: i32,
    /// The level of each codec, for topics that use another.
    pub levels: Levels,
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
    /// What begins with `ottla.plugin.`, under its whole name.
    pub plugin: BTreeMap<String, String>,
    /// Lines for the log: what was adjusted without being an error.
    pub notes: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Acks {
    None,
    Leader,
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

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Codec {
    None,
    Gzip,
    Snappy,
    Lz4,
    Zstd,
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
    if !config.is_set("bootstrap.servers") {
        return Err(invalid("bootstrap.servers is not set: it says where the first brokers are, as in localhost:9092"));
    }
    let mut notes = Vec::new();
    let idempotence = idempotence(&reader, &mut notes)?;
    let timeouts = timeouts(&reader, &mut notes)?;
    let retry = backoff(&reader, "retry.backoff.ms", "retry.backoff.max.ms", &mut notes);
    let reconnect = reconnect(&reader, &mut notes);
    let setup =
        backoff(&reader, "socket.connection.setup.timeout.ms", "socket.connection.setup.timeout.max.ms", &mut notes);
    let (partitioner, class_ignores_keys) = partitioner(&reader);
    let codec = codec(&reader);
    let levels = Levels {
        gzip: reader.int("compression.gzip.level"),
        lz4: reader.int("compression.lz4.level"),
        zstd: reader.int("compression.zstd.level"),
    };
    Ok(Settings {
        bootstrap: servers::parse("bootstrap.servers", &reader.text("bootstrap.servers"))?,
        client_id: client_id(&reader),
        acks: acks(&reader),
        idempotence,
        retries: reader.unsigned("retries"),
        max_in_flight: reader.unsigned("max.in.flight.requests.per.connection"),
        delivery_timeout: Duration::from_millis(timeouts.delivery),
        request_timeout: Duration::from_millis(timeouts.request),
        max_block: reader.millis("max.block.ms"),
        retry_backoff: retry.0,
        retry_backoff_max: retry.1,
        linger: Duration::from_millis(timeouts.linger),
        batch_size: reader.size("batch.size").max(1),
        buffer_memory: reader.size("buffer.memory"),
        max_request_size: reader.size("max.request.size"),
        codec,
        level: levels.of(codec),
        levels,
        partitioner,
        ignore_keys: class_ignores_keys || reader.bool("partitioner.ignore.keys"),
        adaptive: reader.bool("partitioner.adaptive.partitioning.enable"),
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
        plugin: config.plugin().clone(),
        notes,
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
    if on && in_flight > IDEMPOTENT_IN_FLIGHT {
        return Err(invalid(format!(
            "max.in.flight.requests.per.connection={in_flight} contradicts idempotence{}, which allows at most 5: lower \
             it, or set enable.idempotence=false",
            if written { "" } else { " (on by default)" }
        )));
    }
    Ok(on)
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

/// As [`backoff`], but whoever set only the first pause wants it each time.
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

fn codec(reader: &Reader) -> Codec {
    match reader.text("compression.type").as_str() {
        "gzip" => Codec::Gzip,
        "snappy" => Codec::Snappy,
        "lz4" => Codec::Lz4,
        "zstd" => Codec::Zstd,
        _ => Codec::None,
    }
}

/// The partitioner, and whether its class says to ignore keys.
fn partitioner(reader: &Reader) -> (Partitioner, bool) {
    match reader.class("partitioner.class") {
        Some("roundrobin") => (Partitioner::RoundRobin, false),
        Some("uniformsticky") => (Partitioner::Sticky, true),
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

fn client_id(reader: &Reader) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    if reader.is_set("client.id") {
        return reader.text("client.id");
    }
    format!("ottla-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Values by type. They were checked against the table when they were set, so that reading them cannot fail.
struct Reader<'a>(&'a Config);

impl Reader<'_> {
    fn is_set(&self, name: &str) -> bool {
        self.0.is_set(name)
    }

    fn text(&self, name: &str) -> String {
        self.0.get(name).expect("the property is in the table and has a value")
    }

    fn bool(&self, name: &str) -> bool {
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
mod tests {}
