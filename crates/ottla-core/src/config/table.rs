//! The table of properties: all properties of the Java producer 4.3.1, and Ottla's own. A new property begins here.
//!
//! Types, ranges, defaults and importance are Java's. `every_property_of_java_is_here_with_its_type_default_and_range`
//! compares them with its `ConfigDef`; `DIFFERENT` lists the differences, which the property's text explains, and
//! `OTTLAS_OWN` the properties that Java does not have. A row has librdkafka's default too where that differs.
//!
//! A row works (`State::Implemented`) unless it says `.later(..)` or `.jvm(..)`. A row that works and changes nothing fails
//! a test of the engine (`every_property_that_works_changes_what_a_part_is_given`).

use super::property::{Choice, Group, Importance, Kind, Property, Range, Scope, State};
use Group::*;
use Importance::*;

/// All properties, in the order of the documentation.
pub fn properties() -> &'static [Property] {
    PROPERTIES
}

/// The property of this name; librdkafka's names are in [`super::foreign_names`].
pub fn find(name: &str) -> Option<&'static Property> {
    PROPERTIES.iter().find(|property| property.name == name)
}

const NO_TWO_PHASES: &str = "two-phase commit is not in this release";
const NO_SASL: &str = "SASL is not in this release";
const CALLBACKS: &str = "Java classes cannot be loaded here; the hook will be a function pointer";

const fn up_from(min: i64) -> Range {
    Range { min, max: i64::MAX, also: None }
}

const fn within(min: i64, max: i64) -> Range {
    Range { min, max, also: None }
}

const INT_MAX: i64 = i32::MAX as i64;
const ANY_INT: Kind = Kind::Int(within(i32::MIN as i64, INT_MAX));
const ANY_LONG: Kind = Kind::Long(within(i64::MIN, i64::MAX));
const INT: Kind = Kind::Int(within(0, INT_MAX));
const LONG: Kind = Kind::Long(up_from(0));
const ANY_DOUBLE: Kind = Kind::Double { min: f64::MIN, max: f64::MAX };
const SOME_CLASS: Kind = Kind::Class(&[]);

const fn words(values: &'static [&'static str]) -> Kind {
    Kind::Enum { values, any_case: false }
}

const fn words_any_case(values: &'static [&'static str]) -> Kind {
    Kind::Enum { values, any_case: true }
}

const fn row(
    name: &'static str,
    kind: Kind,
    default: Option<&'static str>,
    importance: Importance,
    group: Group,
    source: &'static str,
    doc: &'static str,
) -> Property {
    let (scope, state) = (Scope::Producer, State::Implemented);
    Property { name, kind, default, librdkafka: None, accepted: &[], importance, scope, group, state, source, doc }
}

impl Property {
    const fn topic(mut self) -> Self {
        self.scope = Scope::Topic;
        self
    }

    const fn librdkafka(mut self, default: &'static str) -> Self {
        self.librdkafka = Some(default);
        self
    }

    const fn accepts(mut self, values: &'static [&'static str]) -> Self {
        self.accepted = values;
        self
    }

    const fn later(mut self, why: &'static str) -> Self {
        self.state = State::Later(why);
        self
    }

    const fn jvm(mut self, instead: &'static str) -> Self {
        self.state = State::JvmOnly(instead);
        self
    }
}

const fn choice(short: &'static str, java: &'static str) -> Choice {
    Choice { short, java }
}

/// What Java has no class for.
const fn word(short: &'static str) -> Choice {
    choice(short, short)
}

const SERIALIZERS: Kind = Kind::Class(&[
    choice("bytes", "org.apache.kafka.common.serialization.ByteArraySerializer"),
    choice("bytes", "org.apache.kafka.common.serialization.ByteBufferSerializer"),
    choice("bytes", "org.apache.kafka.common.serialization.BytesSerializer"),
    choice("string", "org.apache.kafka.common.serialization.StringSerializer"),
    choice("short", "org.apache.kafka.common.serialization.ShortSerializer"),
    choice("integer", "org.apache.kafka.common.serialization.IntegerSerializer"),
    choice("long", "org.apache.kafka.common.serialization.LongSerializer"),
    choice("float", "org.apache.kafka.common.serialization.FloatSerializer"),
    choice("double", "org.apache.kafka.common.serialization.DoubleSerializer"),
    choice("uuid", "org.apache.kafka.common.serialization.UUIDSerializer"),
    choice("boolean", "org.apache.kafka.common.serialization.BooleanSerializer"),
    choice("void", "org.apache.kafka.common.serialization.VoidSerializer"),
]);

const PARTITIONERS: Kind = Kind::Class(&[
    choice("default", "org.apache.kafka.clients.producer.internals.DefaultPartitioner"),
    choice("murmur2_random", "org.apache.kafka.clients.producer.internals.DefaultPartitioner"),
    choice("roundrobin", "org.apache.kafka.clients.producer.RoundRobinPartitioner"),
    choice("uniformsticky", "org.apache.kafka.clients.producer.UniformStickyPartitioner"),
    choice("uniformsticky", "org.apache.kafka.clients.producer.internals.UniformStickyPartitioner"),
    word("random"),
    word("consistent"),
    word("consistent_random"),
    word("murmur2"),
    word("fnv1a"),
    word("fnv1a_random"),
]);

#[rustfmt::skip] // One row, one line of facts: aligned by hand it stays a table.
static PROPERTIES: &[Property] = &[
    // Connection to the cluster
    row("bootstrap.servers", Kind::Servers, None, High, Connection, "ProducerConfig",
        "The brokers that are contacted first to learn about the cluster, as `host:port` pairs separated by \
         commas. An IPv6 address stands in brackets, as in `[::1]:9092`. The other brokers are learned from these, \
         so two or three are enough, in case one is down. A `PLAINTEXT://` in front is ignored; a repeated entry \
         counts once. Must be set."),
    row("client.id", Kind::String, Some(""), Medium, Connection, "ProducerConfig",
        "The name under which the brokers log this producer and count its quota. If it is not set, the producer is \
         called `ottla-` followed by a number that is unique in the process. If it is set to an empty text, it \
         stays empty.").librdkafka("rdkafka"),
    row("client.dns.lookup", words(&["use_all_dns_ips", "resolve_canonical_bootstrap_servers_only"]),
        Some("use_all_dns_ips"), Medium, Connection, "KIP-302; ClientDnsLookup",
        "How host names are resolved. `use_all_dns_ips` tries the addresses of a name one after the other until a \
         connection succeeds. `resolve_canonical_bootstrap_servers_only` does the same, but first, and once, replaces each \
         entry of `bootstrap.servers` by the canonical names of all its addresses. A canonical name is what an address \
         resolves back to, if that name leads to the address again. Where none is found within half of \
         `socket.connection.setup.timeout.ms`, the address itself is used."),
    row("connections.max.idle.ms", ANY_LONG, Some("540000"), Medium, Connection, "CommonClientConfigs",
        "A connection that was not used for this many milliseconds is closed; a negative number keeps it open. \
         Keep it below the brokers' own limit (10 minutes unless changed), so that the producer closes first. 0 to \
         9 count as 10.").librdkafka("-1"),
    row("security.protocol", words_any_case(&["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]), Some("PLAINTEXT"),
        Medium, Connection, "CommonClientConfigs",
        "The protocol for connections to brokers: `PLAINTEXT`, or `SSL`, which means TLS. This release has no SASL."),

    // Delivery
    row("acks", words(&["all", "-1", "0", "1"]), Some("all"), Low, Delivery, "KIP-679; ProducerConfig",
        "When a record counts as delivered. `all` (or `-1`): when every in-sync replica has it. `1`: when the \
         partition's leader has it; a leader that dies right after may lose it. `0`: when it was handed to the \
         socket. With `0` nothing is confirmed or retried, and the offset is reported as -1. A broker that refuses \
         such a request closes the connection: what was written to it is lost, a warning says so, and metadata is \
         requested. Records for a deleted topic then wait, and fail after `delivery.timeout.ms`. Any value but \
         `all` turns idempotence off, also for a single topic.").librdkafka("-1").topic(),
    row("enable.idempotence", Kind::Bool, Some("true"), Low, Delivery, "KIP-98, KIP-679; ProducerConfig",
        "Numbers the records, so that a retry can neither duplicate nor reorder them. It needs `acks=all`, \
         `retries` above 0, and at most 5 requests in flight per connection. If this property is not set, `acks` \
         or `retries` that do not fit turn it off, with a line in the log. If it is set to true, they are an \
         error. With more than 5 requests in flight, it must be turned off explicitly. (Java refuses more than 5 \
         also where `acks` has already turned idempotence off; Ottla does not.)").librdkafka("false"),
    row("retries", INT, Some("2147483647"), High, Delivery, "KIP-91; ProducerConfig",
        "How often a batch is sent again after a temporary error. It is best left alone: `delivery.timeout.ms` is \
         the limit that matters."),
    row("max.in.flight.requests.per.connection", Kind::Int(within(1, INT_MAX)), Some("5"), Low, Delivery,
        "KIP-98; ProducerConfig",
        "How many Produce requests may be unanswered on one connection. With idempotence at most 5. Without \
         idempotence, any number above 1 lets a retried batch arrive behind a later one.").librdkafka("1000000"),
    row("delivery.timeout.ms", INT, Some("120000"), Medium, Delivery, "KIP-91; ProducerConfig",
        "The time in milliseconds, counted from the first record of a batch, after which its result is reported in \
         any case. It includes waiting, sending and retrying. A batch whose requests end their connections fails \
         after half of it, for the sake of the records behind it. A batch that cannot be sent takes records for an \
         eighth of this time, or for `linger.ms` if that is longer. A record may have its own timeout. This property \
         must be at least `linger.ms` plus `request.timeout.ms`. If both this and `request.timeout.ms` are set and do not \
         fit, that is an error. If only this is set, `request.timeout.ms` is lowered to fit. If this is not set, \
         it is raised to fit. The log notes the last two.").librdkafka("300000").topic(),
    row("request.timeout.ms", INT, Some("30000"), Medium, Delivery, "KIP-19; ProducerConfig",
        "How many milliseconds a request may wait for its response before the connection is given up. The broker \
         gets the same number as its limit for the replicas' acknowledgement. It should be above the brokers' \
         `replica.lag.time.max.ms`.").topic(),
    row("max.block.ms", LONG, Some("60000"), Medium, Delivery, "KIP-19; ProducerConfig",
        "How many milliseconds a send waits for room in `buffer.memory`; with 0 it does not wait. It also limits \
         how long records wait for the metadata of a topic that is not known yet, unless it is 0. Unlike in Java, \
         a send does not wait for metadata."),
    row("retry.backoff.ms", LONG, Some("100"), Low, Delivery, "KIP-580; CommonClientConfigs",
        "The pause in milliseconds before the first retry of a request. It doubles with each retry up to \
         `retry.backoff.max.ms`, and varies by 20 % at random. For a batch whose requests end their connections it \
         doubles up to 5 seconds. It also limits how often metadata is requested, and how often each broker is \
         tried for it. 0 to 9 count as 10: without a pause, an immediate failure would be repeated as fast as the \
         processor can."),
    row("retry.backoff.max.ms", LONG, Some("1000"), Low, Delivery, "KIP-580; CommonClientConfigs",
        "The longest pause in milliseconds between retries. If it is below `retry.backoff.ms`, every pause is this \
         long. 0 to 9 count as 10."),

    // Batching and memory
    row("linger.ms", LONG, Some("5"), Medium, Batching, "KIP-1030; ProducerConfig",
        "How many milliseconds a batch that is not full waits for more records; 0 sends it as soon as the \
         connection is free. Numbers above 2147483647 count as 2147483647. The default was 0 before Kafka 4.0.").topic(),
    row("batch.size", INT, Some("16384"), Medium, Batching, "KIP-480, KIP-794; ProducerConfig",
        "The size in bytes at which a batch is full and no longer lingers. A larger record gets its own batch. 0 \
         means 1: a batch per record. It is also the number of bytes after which records without a key move to the \
         next partition. While its broker is busy, a batch continues to grow, up to 1 MiB or to this size if that \
         is larger, but not above `max.request.size`.").librdkafka("1000000"),
    row("buffer.memory", LONG, Some("33554432"), High, Batching, "ProducerConfig",
        "How many bytes of records may wait to be sent or confirmed. When it is used up, sends wait for at most \
         `max.block.ms`. It counts the memory in use, not `batch.size` per partition. Memory that is needed for \
         sending (compressed copies, frames) may exceed it a little.").librdkafka("1073741824"),
    row("retain.records", Kind::Bool, Some("false"), Low, Batching, "Ottla's own",
        "Whether deliveries show the records again, with key, value, headers and timestamp: in callbacks as `record` of \
         `ottla_delivery` and `records` of `ottla_batch`, from polled reports with `ottla_report_records`, in Rust with \
         `Report::records`. Their bytes stay in `buffer.memory` until the callbacks have returned or the report is \
         released; with a codec, that holds plain and compressed bytes until the batch is delivered. A lent value is \
         returned then too. Without it, this memory is free before a delivery is reported.").librdkafka("true"),
    row("max.request.size", INT, Some("1048576"), Medium, Batching, "ProducerConfig",
        "The largest Produce request in bytes, and therefore the largest record, before compression. Brokers and \
         topics have their own limits (`message.max.bytes`, `max.message.bytes`), which count after compression. A \
         broker closes the connection for a request above `socket.request.max.bytes`. A request carries a batch of \
         each partition of its broker. If there is more to send than this limit allows, 2 to 8 MiB make fewer \
         requests and cost less.").librdkafka("1000000"),

    // Compression
    row("compression.type", words(&["none", "gzip", "snappy", "lz4", "zstd"]), Some("none"), High, Compression,
        "KIP-110; ProducerConfig",
        "The codec for batches. A batch that would not become smaller is sent uncompressed. zstd needs brokers \
         from version 2.1 on.")
        .topic(),
    row("compression.gzip.level", Kind::Int(Range { min: 1, max: 9, also: Some(-1) }), Some("-1"), Medium, Compression,
        "KIP-390; ProducerConfig",
        "The level of gzip: 1 is fastest, 9 is smallest, -1 is the library's default (6).").topic(),
    row("compression.lz4.level", Kind::Int(within(1, 17)), Some("9"), Medium, Compression, "KIP-390; ProducerConfig",
        "The level of lz4, from 1 to 17. All levels use the fast compressor, which is what 9 means in Java.").topic(),
    row("compression.zstd.level", Kind::Int(within(-131072, 22)), Some("3"), Medium, Compression,
        "KIP-390; ProducerConfig",
        "The level of zstd: 1 (fast) to 22 (small); negative levels are faster still.").topic(),
    row("ottla.compression.threads", Kind::Int(Range { min: 0, max: 64, also: Some(-1) }), Some("-1"), Low, Compression,
        "Ottla's own",
        "How many threads compress batches, at most. They are made when they are first needed, and end with the \
         producer. -1 is one for each processor that the process may use, up to 8; 0 lets the sender thread compress. \
         Small batches are always compressed by the sender thread, since handing them over would cost more: those \
         below 4 KiB with gzip, 16 KiB with zstd, and 32 KiB with snappy and lz4."),

    // Partitioning
    row("partitioner.class", PARTITIONERS, None, Medium, Partitioning, "KIP-794; ProducerConfig",
        "Chooses the partition of a record that names none. Not set (or `default`): the murmur2 hash of the key \
         decides; records without a key fill one partition after the other. `roundrobin`: one record to each \
         partition in turn, with or without keys. `uniformsticky`: like the default with \
         `partitioner.ignore.keys`. Java's class names for these are accepted. The others are librdkafka's, and \
         place keys as it does: `consistent` and `consistent_random` by CRC-32, `murmur2` and `murmur2_random` \
         (the default's other name) as Java does, `fnv1a` and `fnv1a_random` by FNV-1a. Without `_random`, a \
         record with a null key goes where an empty key would go. With it, such a record is treated as by default \
         (with `consistent_random`, also a record with an empty key). `random`: any available partition, drawn for \
         each record, with or without keys. A custom partitioner that is given to `ottla_config_set_partitioner` \
         replaces this setting.").librdkafka("consistent_random").topic(),
    row("partitioner.ignore.keys", Kind::Bool, Some("false"), Medium, Partitioning, "KIP-794; ProducerConfig",
        "Treats records with a key like records without one when the partition is chosen. Used by the default \
         partitioner only.").topic(),
    row("partitioner.adaptive.partitioning.enable", Kind::Bool, Some("true"), Low, Partitioning,
        "KIP-794; ProducerConfig",
        "Gives fewer records without a key to partitions of slow brokers. Used by the default partitioner only."),
    row("partitioner.availability.timeout.ms", LONG, Some("0"), Low, Partitioning, "KIP-794; ProducerConfig",
        "If a broker takes nothing for this many milliseconds although something is ready for it, its partitions \
         get no records without a key until it does; 0 turns this off. Used by the default partitioner only, and \
         only if it is adaptive."),

    // Serialization
    row("key.serializer", SERIALIZERS, None, High, Serialization, "ProducerConfig",
        "The type of keys. Ottla takes bytes, so this need not be set (Java requires it). It accepts the class \
         names of Kafka's own serializers, and the short names `bytes`, `string`, `short`, `integer`, `long`, \
         `float`, `double`, `uuid`, `boolean` and `void`. Other classes cannot be loaded."),
    row("value.serializer", SERIALIZERS, None, High, Serialization, "ProducerConfig",
        "The type of values; see `key.serializer`."),

    // Metadata
    row("metadata.max.age.ms", LONG, Some("300000"), Low, Metadata, "CommonClientConfigs",
        "After this many milliseconds the cluster's metadata is requested again, even if nothing required it. Less \
         than `retry.backoff.ms`, including 0, counts as `retry.backoff.ms`."),
    row("metadata.max.idle.ms", Kind::Long(up_from(5000)), Some("300000"), Low, Metadata, "KIP-526; ProducerConfig",
        "A topic to which nothing was sent for this many milliseconds is forgotten, and looked up again when it is \
         needed."),
    row("metadata.recovery.strategy", words_any_case(&["rebootstrap", "none"]), Some("rebootstrap"), Low, Metadata,
        "KIP-899; CommonClientConfigs",
        "What to do when none of the known brokers can be reached: `rebootstrap` starts again from \
         `bootstrap.servers`; `none` keeps trying the known brokers. Until a broker of the cluster is reached, the \
         producer starts again at growing intervals, at most 10 seconds long. The log and the event report the \
         first time only. Upper and lower case are equal."),
    row("metadata.recovery.rebootstrap.trigger.ms", LONG, Some("300000"), Low, Metadata,
        "KIP-1102; CommonClientConfigs",
        "With `metadata.recovery.strategy=rebootstrap`: start again from `bootstrap.servers` when no metadata \
         could be obtained for this many milliseconds. Less than `retry.backoff.ms`, including 0, counts as \
         `retry.backoff.ms`."),
    row("allow.auto.create.topics", Kind::Bool, Some("true"), Low, Metadata, "KIP-361 (consumer); Ottla's own",
        "Whether a request for the metadata of a missing topic may create it. The brokers have to allow it too \
         (`auto.create.topics.enable`). Java's producer always allows it; librdkafka has this property."),

    // Network
    row("reconnect.backoff.ms", LONG, Some("50"), Low, Network, "CommonClientConfigs",
        "The pause in milliseconds before connecting again to a broker that could not be reached. It doubles with \
         each failure up to `reconnect.backoff.max.ms`, and varies by 20 % at random. 0 to 9 count as 10.").librdkafka("100"),
    row("reconnect.backoff.max.ms", LONG, Some("1000"), Low, Network, "KIP-144; CommonClientConfigs",
        "The longest such pause in milliseconds. If only `reconnect.backoff.ms` is set, every pause is that long, \
         and the log notes it. 0 to 9 count as 10.").librdkafka("10000"),
    row("socket.connection.setup.timeout.ms", Kind::Long(up_from(1)), Some("10000"), Medium, Network,
        "KIP-601; CommonClientConfigs",
        "How many milliseconds connecting to one address may take, with its TLS handshake. It doubles with each failure up to \
         `socket.connection.setup.timeout.max.ms`, and varies by 20 % at random. Java does not check it; Ottla \
         requires at least 1.").librdkafka("30000"),
    row("socket.connection.setup.timeout.max.ms", Kind::Long(up_from(1)), Some("30000"), Medium, Network,
        "KIP-601; CommonClientConfigs",
        "The longest time in milliseconds for connecting to one address. If it is below \
         `socket.connection.setup.timeout.ms`, it is the time for every attempt."),
    row("send.buffer.bytes", Kind::Int(within(-1, INT_MAX)), Some("-1"), Medium, Network, "CommonClientConfigs",
        "The size of the socket's send buffer (SO_SNDBUF) in bytes; -1 leaves it to the operating system. Java's \
         default is 131072. Ottla's is -1, because an explicit size turns the kernel's tuning off and slows down \
         long or fast links."),
    row("receive.buffer.bytes", Kind::Int(within(-1, INT_MAX)), Some("-1"), Medium, Network, "CommonClientConfigs",
        "The size of the socket's receive buffer (SO_RCVBUF) in bytes; -1 leaves it to the operating system. \
         Java's default is 32768; see `send.buffer.bytes` for the difference."),
    row("receive.message.max.bytes", Kind::Int(within(1000, INT_MAX)), Some("100000000"), Low, Network, "Ottla's own",
        "The largest response in bytes that is read. A broker that announces a larger one is disconnected. This \
         protects the process from peers that are not brokers. Java has no such limit for clients; librdkafka has \
         this property."),

    // Transactions
    row("transactional.id", Kind::Name, None, Low, Transactions, "KIP-98; ProducerConfig",
        "The name that connects the transactions of successive producers: a new producer fences the former one \
         with the same name, and aborts the transaction that it left open. If it is set, records are sent in \
         transactions only."),
    row("transaction.timeout.ms", ANY_INT, Some("60000"), Low, Transactions, "KIP-98; ProducerConfig",
        "How many milliseconds a transaction may stay open before the coordinator aborts it and fences the \
         producer; at most the broker's `transaction.max.timeout.ms`."),
    row("transaction.two.phase.commit.enable", Kind::Bool, Some("false"), Low, Transactions, "KIP-939; ProducerConfig",
        "Lets a coordinator outside Kafka decide when a transaction ends.").later(NO_TWO_PHASES),

    // TLS
    row("ssl.protocol", Kind::String, Some("TLSv1.3"), Medium, Tls, "SslConfigs",
        "The newest TLS version to offer: `TLSv1.3` (or `TLS`), or `TLSv1.2`."),
    row("ssl.enabled.protocols", Kind::List, Some("TLSv1.2,TLSv1.3"), Medium, Tls, "SslConfigs",
        "The TLS versions that may be used, of `TLSv1.2` and `TLSv1.3`. Java's words for older ones are accepted and \
         noted in the log, and no such version is ever offered. An empty value means both."),
    row("ssl.cipher.suites", Kind::List, Some(""), Low, Tls, "SslConfigs",
        "The cipher suites that may be used; all of them if it is empty. Names of IANA, as in Java, separated by \
         commas, or a list in OpenSSL's syntax, as in librdkafka, which does not concern TLS 1.3. There are the three \
         of TLS 1.3, and for TLS 1.2 ECDHE with ECDSA or RSA and AES-128-GCM, AES-256-GCM or ChaCha20-Poly1305. \
         Others are noted in the log and left out. A list of which nothing is left is an error."),
    row("ssl.endpoint.identification.algorithm", Kind::String, Some("https"), Low, Tls, "KIP-294; SslConfigs",
        "`https` checks that the certificate was issued for the host name under which the broker was looked up. An \
         empty value (or librdkafka's `none`) switches this check off, which the log notes."),
    row("enable.ssl.certificate.verification", Kind::Bool, Some("true"), Low, Tls, "librdkafka",
        "Whether the certificates of brokers are checked at all, also for their names. `false` protects from nobody \
         who can intercept the connection; the log notes it. Java has no such property."),
    row("ssl.keystore.type", Kind::String, Some("JKS"), Medium, Tls, "KIP-651; SslConfigs",
        "The format of the client's own key and certificate: `JKS`, `PKCS12` or `PEM`. The content decides how a \
         file is read. If it is not what this property says, the log notes it."),
    row("ssl.keystore.location", Kind::String, None, High, Tls, "SslConfigs",
        "The file with the client's own key and certificate: JKS, PKCS12, or PEM with both in one file. Without it \
         (and without `ssl.certificate.location` or the like) the client has no certificate."),
    row("ssl.keystore.password", Kind::Password, None, High, Tls, "SslConfigs",
        "The password of that file, if it is JKS or PKCS12."),
    row("ssl.certificate.location", Kind::String, None, High, Tls, "librdkafka",
        "The PEM file with the client's certificate, followed by those of its issuers. The key is in the file that \
         `ssl.key.location` names, or in this one. Java has no such property."),
    row("ssl.key.location", Kind::String, None, High, Tls, "librdkafka",
        "The PEM file with the client's private key. Java has no such property."),
    row("ssl.key.password", Kind::Password, None, High, Tls, "SslConfigs",
        "The password of the private key, if it is encrypted. In JKS and PKCS12 it is the store's, unless this is set."),
    row("ssl.keystore.key", Kind::Password, None, High, Tls, "KIP-651; SslConfigs",
        "The private key itself, as PEM text."),
    row("ssl.keystore.certificate.chain", Kind::Password, None, High, Tls, "KIP-651; SslConfigs",
        "The client's certificate and its issuers' certificates, as PEM text."),
    row("ssl.truststore.type", Kind::String, Some("JKS"), Medium, Tls, "KIP-651; SslConfigs",
        "The format of the trusted certificates: `JKS`, `PKCS12` or `PEM`; see `ssl.keystore.type`."),
    row("ssl.truststore.location", Kind::String, None, High, Tls, "SslConfigs",
        "The file with the trusted certificates: JKS, PKCS12, PEM or DER, or a directory of PEM \
         files. All certificates in it are trusted. A broker's own certificate may be one of them. Without it, and \
         without `ssl.truststore.certificates`, the operating system's certificates are trusted. (Java trusts those of \
         its own file `cacerts` then.) The word `probe` means the operating system's, too."),
    row("ssl.truststore.password", Kind::Password, None, High, Tls, "SslConfigs",
        "The password of that file, if it is JKS or PKCS12. Without one, a JKS file is not checked for damage."),
    row("ssl.truststore.certificates", Kind::Password, None, High, Tls, "KIP-651; SslConfigs",
        "The trusted certificates themselves, as PEM text. If `ssl.truststore.location` is set as well, both are trusted, \
         as in librdkafka; Java does not accept both."),
    row("ssl.provider", Kind::String, None, Medium, Tls, "SslConfigs",
        "The Java security provider for TLS.").jvm("Ottla carries its own TLS; leave it out"),
    row("ssl.secure.random.implementation", Kind::String, None, Low, Tls, "SslConfigs",
        "Java's source of random numbers.").jvm("random numbers come from the operating system; leave it out"),
    row("ssl.keymanager.algorithm", Kind::String, Some("SunX509"), Low, Tls, "SslConfigs",
        "Java's algorithm for choosing a key.").jvm("there is only one algorithm here; leave it out"),
    row("ssl.trustmanager.algorithm", Kind::String, Some("PKIX"), Low, Tls, "SslConfigs",
        "Java's algorithm for checking a certificate.").jvm("there is only one algorithm here; leave it out"),
    row("ssl.engine.factory.class", SOME_CLASS, None, Low, Tls, "KIP-519; SslConfigs",
        "The Java class that creates TLS engines.").jvm("Ottla carries its own TLS; leave it out"),
    row("security.providers", Kind::String, None, Low, Jvm, "KIP-492; SecurityConfig",
        "Java classes that register security providers.").jvm("Ottla carries its own cryptography; leave it out"),

    // SASL
    row("sasl.mechanism", Kind::String, Some("GSSAPI"), Medium, Sasl, "KIP-43; SaslConfigs",
        "The mechanism by which the client authenticates.").later(NO_SASL),
    row("sasl.jaas.config", Kind::Password, None, Medium, Sasl, "KIP-85; SaslConfigs",
        "The client's name and secret, in the syntax of Java's login modules.").later(NO_SASL),
    row("sasl.client.callback.handler.class", SOME_CLASS, None, Medium, Sasl, "KIP-86; SaslConfigs",
        "The Java class that answers a mechanism's questions.").later(CALLBACKS),
    row("sasl.login.callback.handler.class", SOME_CLASS, None, Medium, Sasl, "KIP-86; SaslConfigs",
        "The Java class that answers a login's questions.").later(CALLBACKS),
    row("sasl.login.class", SOME_CLASS, None, Medium, Sasl, "KIP-86; SaslConfigs",
        "The Java class that logs in.").later(CALLBACKS),
    row("sasl.kerberos.service.name", Kind::String, None, Medium, Sasl, "SaslConfigs",
        "The Kerberos name of the brokers' service.").librdkafka("kafka").later(NO_SASL),
    row("sasl.kerberos.kinit.cmd", Kind::String, Some("/usr/bin/kinit"), Low, Sasl, "SaslConfigs",
        "The command that renews a Kerberos ticket.").later(NO_SASL),
    row("sasl.kerberos.ticket.renew.window.factor", ANY_DOUBLE, Some("0.8"), Low, Sasl, "SaslConfigs",
        "The fraction of a ticket's lifetime after which it is renewed.").later(NO_SASL),
    row("sasl.kerberos.ticket.renew.jitter", ANY_DOUBLE, Some("0.05"), Low, Sasl, "SaslConfigs",
        "The random variation of that moment, as a fraction.").later(NO_SASL),
    row("sasl.kerberos.min.time.before.relogin", ANY_LONG, Some("60000"), Low, Sasl, "SaslConfigs",
        "The shortest time in milliseconds between renewals of a ticket.").later(NO_SASL),
    row("sasl.login.refresh.window.factor", Kind::Double { min: 0.5, max: 1.0 }, Some("0.8"), Low, Sasl,
        "KIP-255; SaslConfigs",
        "The fraction of a token's lifetime after which a new one is fetched.").later(NO_SASL),
    row("sasl.login.refresh.window.jitter", Kind::Double { min: 0.0, max: 0.25 }, Some("0.05"), Low, Sasl,
        "KIP-255; SaslConfigs",
        "The random variation of that moment, as a fraction.").later(NO_SASL),
    row("sasl.login.refresh.min.period.seconds", Kind::Short(within(0, 900)), Some("60"), Low, Sasl,
        "KIP-255; SaslConfigs",
        "The shortest time in seconds between two fetches of a token.").later(NO_SASL),
    row("sasl.login.refresh.buffer.seconds", Kind::Short(within(0, 3600)), Some("300"), Low, Sasl,
        "KIP-255; SaslConfigs",
        "How many seconds before a token expires a new one should be there.").later(NO_SASL),
    row("sasl.login.connect.timeout.ms", ANY_INT, None, Low, Sasl, "KIP-768; SaslConfigs",
        "How many milliseconds connecting to the identity provider may take.").later(NO_SASL),
    row("sasl.login.read.timeout.ms", ANY_INT, None, Low, Sasl, "KIP-768; SaslConfigs",
        "How many milliseconds its response may take.").later(NO_SASL),
    row("sasl.login.retry.backoff.ms", ANY_LONG, Some("100"), Low, Sasl, "KIP-768; SaslConfigs",
        "The first pause in milliseconds before it is contacted again.").later(NO_SASL),
    row("sasl.login.retry.backoff.max.ms", ANY_LONG, Some("10000"), Low, Sasl, "KIP-768; SaslConfigs",
        "The longest such pause in milliseconds.").later(NO_SASL),

    // OAUTHBEARER
    row("sasl.oauthbearer.token.endpoint.url", Kind::String, None, Medium, OAuth, "KIP-768; SaslConfigs",
        "The address from which tokens are fetched.").later(NO_SASL),
    row("sasl.oauthbearer.scope", Kind::String, None, Medium, OAuth, "KIP-1139; SaslConfigs",
        "The scope that is requested with a token.").later(NO_SASL),
    row("sasl.oauthbearer.client.credentials.client.id", Kind::String, None, Medium, OAuth, "KIP-1139; SaslConfigs",
        "The client's id at the identity provider.").later(NO_SASL),
    row("sasl.oauthbearer.client.credentials.client.secret", Kind::Password, None, Medium, OAuth,
        "KIP-1139; SaslConfigs", "The client's secret there.").later(NO_SASL),
    row("sasl.oauthbearer.header.urlencode", Kind::Bool, Some("false"), Low, OAuth, "KIP-1025; SaslConfigs",
        "Whether id and secret are percent-encoded in the request's header.").later(NO_SASL),
    row("sasl.oauthbearer.jwt.retriever.class", SOME_CLASS,
        Some("org.apache.kafka.common.security.oauthbearer.DefaultJwtRetriever"), Medium, OAuth,
        "KIP-1139; SaslConfigs", "The Java class that fetches tokens.").later(CALLBACKS),
    row("sasl.oauthbearer.jwt.validator.class", SOME_CLASS,
        Some("org.apache.kafka.common.security.oauthbearer.DefaultJwtValidator"), Medium, OAuth,
        "KIP-1139; SaslConfigs",
        "The Java class that checks tokens.").later(CALLBACKS),
    row("sasl.oauthbearer.assertion.algorithm", words_any_case(&["RS256", "ES256"]), Some("RS256"), Medium, OAuth,
        "KIP-1139; SaslConfigs",
        "The algorithm that signs the client's own assertion.").later(NO_SASL),
    row("sasl.oauthbearer.assertion.claim.aud", Kind::String, None, Medium, OAuth, "KIP-1139; SaslConfigs",
        "The audience in the assertion.").later(NO_SASL),
    row("sasl.oauthbearer.assertion.claim.exp.seconds", Kind::Int(within(0, 86400)), Some("300"), Low, OAuth,
        "KIP-1139; SaslConfigs",
        "For how many seconds the assertion is valid.").later(NO_SASL),
    row("sasl.oauthbearer.assertion.claim.iss", Kind::String, None, Medium, OAuth, "KIP-1139; SaslConfigs",
        "The issuer in the assertion.").later(NO_SASL),
    row("sasl.oauthbearer.assertion.claim.jti.include", Kind::Bool, Some("false"), Medium, OAuth,
        "KIP-1139; SaslConfigs",
        "Whether the assertion has its own identifier.").later(NO_SASL),
    row("sasl.oauthbearer.assertion.claim.nbf.seconds", Kind::Int(within(0, 3600)), Some("60"), Low, OAuth,
        "KIP-1139; SaslConfigs",
        "How many seconds in the past the assertion's validity begins.").later(NO_SASL),
    row("sasl.oauthbearer.assertion.claim.sub", Kind::String, None, Medium, OAuth, "KIP-1139; SaslConfigs",
        "The subject in the assertion.").later(NO_SASL),
    row("sasl.oauthbearer.assertion.file", Kind::String, None, Medium, OAuth, "KIP-1139; SaslConfigs",
        "A file with a finished assertion.").later(NO_SASL),
    row("sasl.oauthbearer.assertion.private.key.file", Kind::String, None, Medium, OAuth, "KIP-1139; SaslConfigs",
        "The file with the key that signs the assertion.").later(NO_SASL),
    row("sasl.oauthbearer.assertion.private.key.passphrase", Kind::Password, None, Medium, OAuth,
        "KIP-1139; SaslConfigs",
        "The passphrase of that key.").later(NO_SASL),
    row("sasl.oauthbearer.assertion.template.file", Kind::String, None, Medium, OAuth, "KIP-1139; SaslConfigs",
        "A file with more headers and claims for the assertion.").later(NO_SASL),
    row("sasl.oauthbearer.expected.audience", Kind::List, Some(""), High, OAuth, "KIP-768; SaslConfigs",
        "The accepted audiences; a token must name one of them.").later(NO_SASL),
    row("sasl.oauthbearer.expected.issuer", Kind::String, None, High, OAuth, "KIP-768; SaslConfigs",
        "The required issuer of a token.").later(NO_SASL),
    row("sasl.oauthbearer.scope.claim.name", Kind::String, Some("scope"), Low, OAuth, "KIP-768; SaslConfigs",
        "The claim that holds a token's scope.").later(NO_SASL),
    row("sasl.oauthbearer.sub.claim.name", Kind::String, Some("sub"), Low, OAuth, "KIP-768; SaslConfigs",
        "The claim that holds a token's subject.").later(NO_SASL),
    row("sasl.oauthbearer.clock.skew.seconds", ANY_INT, Some("30"), Low, OAuth, "KIP-768; SaslConfigs",
        "By how many seconds clocks may differ when a token is checked.").later(NO_SASL),
    row("sasl.oauthbearer.jwks.endpoint.url", Kind::String, None, Medium, OAuth, "KIP-768; SaslConfigs",
        "The address from which the keys that check tokens are fetched.").later(NO_SASL),
    row("sasl.oauthbearer.jwks.endpoint.refresh.ms", ANY_LONG, Some("3600000"), Low, OAuth, "KIP-768; SaslConfigs",
        "How many milliseconds those keys are kept.").later(NO_SASL),
    row("sasl.oauthbearer.jwks.endpoint.retry.backoff.ms", ANY_LONG, Some("100"), Low, OAuth, "KIP-768; SaslConfigs",
        "The first pause in milliseconds before they are requested again.").later(NO_SASL),
    row("sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms", ANY_LONG, Some("10000"), Low, OAuth,
        "KIP-768; SaslConfigs", "The longest such pause in milliseconds.").later(NO_SASL),

    // Observation
    row("debug", Kind::Facilities, Some(""), Low, Observation, "Ottla's own",
        "The parts of the producer that log their work, line by line: `connection`, `broker` (with its \
         connections), `metadata`, `request`, `batch`, `idempotence`, `queue`, `partitioner`, `config`, or `all`. \
         Each line begins with the name of its part in brackets, and has level debug whatever level the log \
         function asked for. A log function that asks for level debug gets all of them without this property. \
         librdkafka's words (`topic`, `msg`, `protocol`, `eos`, `feature`, `conf`, `generic`) turn on the nearest \
         part. Its words for consumers and the like are accepted, and turn on nothing. `ottla_producer_set_debug` \
         changes it later."),
    row("enable.metrics.push", Kind::Bool, Some("false"), Low, Observation, "KIP-714; CommonClientConfigs",
        "Whether the brokers may request the client's metrics. Java's default is true. This release sends none, so \
         the default is `false`. `true` is accepted, because files contain it, and noted in the log.").librdkafka("true")
        .accepts(&["true"]).later("metrics are not pushed to the brokers in this release"),
    row("interceptor.classes", Kind::List, Some(""), Low, Observation, "KIP-42; ProducerConfig",
        "Java classes that see each record before it is sent and after it is confirmed.").later(CALLBACKS),
    row("metric.reporters", Kind::List, Some("org.apache.kafka.common.metrics.JmxReporter"), Low, Observation,
        "CommonClientConfigs",
        "Java classes that receive metrics.")
        .accepts(&[""]).later("there are no reporters in this release; read the statistics instead"),
    row("metrics.num.samples", Kind::Int(within(1, INT_MAX)), Some("2"), Low, Jvm, "CommonClientConfigs",
        "How many windows Java's metrics cover.")
        .jvm("counters start with the producer; take the difference of two snapshots instead"),
    row("metrics.sample.window.ms", LONG, Some("30000"), Low, Jvm, "CommonClientConfigs",
        "The length of such a window in milliseconds.")
        .jvm("counters start with the producer; take the difference of two snapshots instead"),
    row("metrics.recording.level", words(&["INFO", "DEBUG", "TRACE"]), Some("INFO"), Low, Jvm, "CommonClientConfigs",
        "The level of detail of Java's metrics.").jvm("all counters are always kept; leave it out"),

    // JVM
    row("config.providers", Kind::List, Some(""), Low, Jvm, "KIP-297; AbstractConfig",
        "Java classes that provide values from elsewhere. `env` is always there: in a file, `${env:NAME}` stands \
         for the value of the environment variable of that name.")
        .accepts(&["env"]).jvm("write ${env:NAME} in the file, or set the value by a call instead"),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::config::{Config, Dialect, Meaning};

    /// Where Ottla differs from Java on purpose: the property, and what differs.
    const DIFFERENT: &[(&str, &str)] = &[
        ("enable.metrics.push", "default"),
        ("send.buffer.bytes", "default"),
        ("receive.buffer.bytes", "default"),
        ("socket.connection.setup.timeout.ms", "range"),
        ("socket.connection.setup.timeout.max.ms", "range"),
    ];

    const OTTLAS_OWN: &[&str] = &[
        "retain.records",
        "ottla.compression.threads",
        "allow.auto.create.topics",
        "receive.message.max.bytes",
        "enable.ssl.certificate.verification",
        "ssl.certificate.location",
        "ssl.key.location",
        "debug",
    ];

    fn differs(name: &str, what: &str) -> bool {
        DIFFERENT.contains(&(name, what))
    }

    /// The range as Java prints it; "" where Java checks nothing.
    fn java_range(kind: Kind) -> String {
        let bounds = |range: Range, least: i64, most: i64| match (range.min, range.max) {
            (min, max) if (min, max) == (least, most) => String::new(),
            (min, max) if max == most => format!("[{min},...]"),
            (min, max) => format!("[{min},...,{max}]"),
        };
        match kind {
            Kind::Short(range) => bounds(range, i16::MIN.into(), i16::MAX.into()),
            Kind::Int(range) => {
                let also = range.also.map_or(String::new(), |also| format!(" or {also}"));
                bounds(range, i32::MIN.into(), INT_MAX) + &also
            }
            Kind::Long(range) => bounds(range, i64::MIN, i64::MAX),
            Kind::Double { min, .. } if min == f64::MIN => String::new(),
            Kind::Double { min, max } => format!("[{min:?},...,{max:?}]"),
            Kind::Name => "non-empty string".into(),
            Kind::Enum { values, any_case } => {
                let mut values = values.to_vec();
                if any_case {
                    values.sort_unstable();
                }
                format!("{}[{}]", if any_case { "(case insensitive) " } else { "" }, values.join(", "))
            }
            _ => String::new(),
        }
    }

    /// Java's order of words compared without case is a hash's.
    fn sorted(range: &str) -> String {
        let Some(words) = range.strip_prefix("(case insensitive) [").and_then(|rest| rest.strip_suffix(']')) else {
            // The upper bound of `retries` is that of its type.
            return range.replace("[0,...,2147483647]", "[0,...]");
        };
        let mut words: Vec<_> = words.split(", ").collect();
        words.sort_unstable();
        format!("(case insensitive) [{}]", words.join(", "))
    }

    #[test]
    fn every_property_of_java_is_here_with_its_type_default_and_range() {
        let vectors = include_str!("../../tests/vectors/producer-config.txt");
        assert_eq!(vectors.lines().count(), 113);
        for line in vectors.lines() {
            let fields: Vec<_> = line.split('\t').collect();
            let [name, kind, default, importance, range] = fields[..] else { panic!("{line}") };
            let ours = find(name).unwrap_or_else(|| panic!("{name} is missing"));
            assert_eq!(ours.type_name(), kind, "{name}");
            assert_eq!(ours.importance.to_string(), importance, "{name}");
            let same_default = ours.default.unwrap_or("<none>") == default;
            assert_eq!(same_default, !differs(name, "default"), "{name}: {:?} or {default}", ours.default);
            let ours = java_range(ours.kind).replace("[none, rebootstrap]", "[NONE, REBOOTSTRAP]");
            let range = sorted(range).replace("[REBOOTSTRAP, NONE]", "[NONE, REBOOTSTRAP]");
            assert_eq!(ours == range, !differs(name, "range"), "{name}: {ours} or {range}");
        }
    }

    #[test]
    fn nothing_else_is_here_but_ottla_s_own() {
        let vectors = include_str!("../../tests/vectors/producer-config.txt");
        let java: Vec<_> = vectors.lines().filter_map(|line| line.split('\t').next()).collect();
        let own: Vec<_> = properties().iter().map(|p| p.name).filter(|name| !java.contains(name)).collect();
        assert_eq!(own, OTTLAS_OWN);
        assert_eq!(properties().len(), java.len() + OTTLAS_OWN.len());
    }

    #[test]
    fn every_text_is_of_complete_sentences() {
        for property in properties() {
            assert!(property.doc.trim_end_matches(')').ends_with('.'), "{}", property.name);
            assert!(!property.doc.contains("  "), "{}", property.name);
            assert!(!property.source.is_empty(), "{}", property.name);
        }
    }

    #[test]
    fn units_are_named() {
        for property in properties().iter().filter(|property| property.state == State::Implemented) {
            let unit = match property.name {
                name if name.ends_with(".ms") => "millisecond",
                name if name.ends_with(".bytes") => "byte",
                "batch.size" | "buffer.memory" | "max.request.size" => "byte",
                _ => continue,
            };
            assert!(property.doc.contains(unit), "{} does not say {unit}", property.name);
        }
    }

    /// Where librdkafka documents another default than Ottla has in its dialect: the name, that default, and why.
    const DIFFERENT_FROM_LIBRDKAFKA: &[(&str, &str, &str)] = &[
        ("connections.max.idle.ms", "0", "0 means never, which is -1 here"),
        (
            "metadata.max.age.ms",
            "900000",
            "means the age of its cache; its pause is topic.metadata.refresh.interval.ms",
        ),
        ("allow.auto.create.topics", "false", "is for consumers; its producers always may"),
        ("compression.codec", "inherit", "a topic without its own has the producer's"),
        ("security.protocol", "plaintext", "is the same word in lower case"),
        ("sasl.kerberos.kinit.cmd", KINIT, "is a template for its own shell"),
    ];
    const KINIT: &str = "kinit -R -t \"%{sasl.kerberos.keytab}\" -k %{sasl.kerberos.principal} || kinit -t \
                         \"%{sasl.kerberos.keytab}\" -k %{sasl.kerberos.principal}";

    #[test]
    fn defaults_of_librdkafka_s_dialect_are_those_that_it_documents() {
        let vectors = include_str!("../../tests/vectors/librdkafka-config.txt");
        let config = Config::for_dialect(Dialect::Librdkafka);
        let (mut compared, mut differ) = (BTreeSet::new(), Vec::new());
        for line in vectors.lines() {
            let (name, documented) = line.split_once('\t').expect("name and default");
            let property = match super::super::foreign::find_foreign(name).map(|foreign| foreign.meaning) {
                Some(Meaning::Alias { property, .. }) => property,
                Some(_) => continue,
                None => name,
            };
            assert!(find(property).is_some(), "{name} is not known at all");
            compared.insert(property);
            let ours = config.get(name).unwrap_or_default();
            if ours != documented {
                differ.push((name, documented));
            }
        }
        let expected: Vec<_> = DIFFERENT_FROM_LIBRDKAFKA.iter().map(|(name, default, _)| (*name, *default)).collect();
        differ.sort_unstable();
        assert_eq!(differ, {
            let mut sorted = expected;
            sorted.sort_unstable();
            sorted
        });
        assert!(compared.len() > 50, "only {}", compared.len());
        // No row has such a default but those that librdkafka has, and one of Ottla's own.
        let rows = properties().iter().filter(|property| property.librdkafka.is_some());
        let others: Vec<_> = rows.map(|row| row.name).filter(|name| !compared.contains(name)).collect();
        assert_eq!(others, ["retain.records"]);
    }
}
