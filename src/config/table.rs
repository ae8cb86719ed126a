//! The table of properties: every one that the Java producer 4.3.1 has, and Ottla's own.
//!
//! Types, ranges and defaults are Java's (a test compares them with what its `ConfigDef` says); what differs is
//! listed in that test and explained in the property's text.

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
const NO_TLS: &str = "TLS is not in this release";
const NO_SASL: &str = "SASL is not in this release";
const CALLBACKS: &str = "the hook will be a function pointer, since Java classes cannot be loaded here";

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
    Property { name, kind, default, accepted: &[], importance, scope, group, state, source, doc }
}

impl Property {
    const fn topic(mut self) -> Self {
        self.scope = Scope::Topic;
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
        "The brokers that are asked first about the cluster, as `host:port` pairs separated by commas; an IPv6 address \
         stands in brackets, as in `[::1]:9092`. The other brokers are learned from these, so two or three are enough, \
         in case one is down. A `PLAINTEXT://` in front is passed over, a repeated entry counts once. Must be set."),
    row("client.id", Kind::String, Some(""), Medium, Connection, "ProducerConfig",
        "The name under which the brokers log this producer and count its quota. If it is not set, the producer is \
         called `ottla-` and a number that is unique in the process; if it is set to nothing, it stays nothing."),
    row("client.dns.lookup", words(&["use_all_dns_ips", "resolve_canonical_bootstrap_servers_only"]),
        Some("use_all_dns_ips"), Medium, Connection, "KIP-302; ClientDnsLookup",
        "How host names are resolved. `use_all_dns_ips` tries the addresses of a name one after the other until a \
         connection succeeds. `resolve_canonical_bootstrap_servers_only` does the same, but first, and once, replaces each \
         entry of `bootstrap.servers` by the canonical names of all its addresses. A canonical name is what an address \
         resolves back to, if that name leads to the address again. Where none is found within half of \
         `socket.connection.setup.timeout.ms`, the address itself is used."),
    row("connections.max.idle.ms", ANY_LONG, Some("540000"), Medium, Connection, "CommonClientConfigs",
        "A connection that was not used for this many milliseconds is closed; a negative number keeps it open. Keep it \
         below the brokers' own limit (10 minutes unless changed), so that the producer closes first. 0 to 9 count as \
         10."),
    row("security.protocol", words_any_case(&["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]), Some("PLAINTEXT"),
        Medium, Connection, "CommonClientConfigs",
        "How the brokers are spoken to. This release speaks `PLAINTEXT` only.")
        .later("TLS and SASL are not in this release, only PLAINTEXT is"),

    // Delivery
    row("acks", words(&["all", "-1", "0", "1"]), Some("all"), Low, Delivery, "KIP-679; ProducerConfig",
        "How much has to happen before a record counts as delivered. `all` (or `-1`): every replica that is in sync has \
         it. `1`: the partition's leader has it, and a leader that dies at once may lose it. `0`: it was handed to the \
         socket; nothing is confirmed, nothing is retried, and the offset is reported as -1. A broker that refuses \
         such a request closes the connection: what was written to it is lost, which a warning tells, and metadata is \
         asked for. Records for a topic that was deleted then wait, and fail after `delivery.timeout.ms`. Anything but `all` \
         switches idempotence off, for a topic of its own as well.").topic(),
    row("enable.idempotence", Kind::Bool, Some("true"), Low, Delivery, "KIP-98, KIP-679; ProducerConfig",
        "Numbers the records, so that a retry can neither duplicate nor reorder them. Needs `acks=all`, `retries` above \
         0, and at most 5 requests in flight per connection. If this property was not set, `acks` or `retries` that do \
         not fit switch it off with a line in the log; if it was set to true, they are an error. With more than 5 in \
         flight it has to be switched off by name. (Java refuses more than 5 also where `acks` has already switched \
         idempotence off; Ottla does not.)"),
    row("retries", INT, Some("2147483647"), High, Delivery, "KIP-91; ProducerConfig",
        "How many times a batch is sent again after an error that may pass. Best left alone: `delivery.timeout.ms` is \
         the limit that matters."),
    row("max.in.flight.requests.per.connection", Kind::Int(within(1, INT_MAX)), Some("5"), Low, Delivery,
        "KIP-98; ProducerConfig",
        "How many Produce requests may be unanswered on one connection. With idempotence at most 5. Without it, any \
         number above 1 lets a retried batch arrive behind a later one."),
    row("delivery.timeout.ms", INT, Some("120000"), Medium, Delivery, "KIP-91; ProducerConfig",
        "The time in milliseconds, counted from the first record of a batch, after which its fate is reported \
         whatever it is: waiting, sending and retrying included. A batch whose requests end their connections fails \
         after half of it, for the sake of what waits behind it. A batch that cannot be sent takes records for an \
         eighth of this time, or for `linger.ms` if that is longer. A record may have a timeout of its own. At least `linger.ms` plus `request.timeout.ms`: if \
         both this and `request.timeout.ms` are set and do not fit, that is an error; if only this is set, \
         `request.timeout.ms` is lowered to fit; if this is not set, it is raised to fit. The last two are told in \
         the log.").topic(),
    row("request.timeout.ms", INT, Some("30000"), Medium, Delivery, "KIP-19; ProducerConfig",
        "How many milliseconds a request may wait for its answer before the connection is given up. The broker gets \
         the same number as its limit for the replicas' acknowledgement. Should be above the brokers' \
         `replica.lag.time.max.ms`.").topic(),
    row("max.block.ms", LONG, Some("60000"), Medium, Delivery, "KIP-19; ProducerConfig",
        "How many milliseconds a send waits for room in `buffer.memory`; 0 does not wait. Also bounds how long records \
         wait for a topic of which nothing is known yet, unless it is 0. Unlike Java's, a send does not wait for \
         metadata."),
    row("retry.backoff.ms", LONG, Some("100"), Low, Delivery, "KIP-580; CommonClientConfigs",
        "The pause in milliseconds before the first retry of a request. It doubles with each retry up to \
         `retry.backoff.max.ms`, varied by 20 % at random. For a batch whose requests end their connections it doubles up to 5 seconds. It also bounds how often the cluster is asked for metadata, \
         and how often each broker is tried for it. 0 to 9 count as 10: without a pause, a failure that comes at once \
         would be repeated as fast as the processor can."),
    row("retry.backoff.max.ms", LONG, Some("1000"), Low, Delivery, "KIP-580; CommonClientConfigs",
        "The longest pause in milliseconds between retries. If it is below `retry.backoff.ms`, every pause is this \
         long. 0 to 9 count as 10."),

    // Batching and memory
    row("linger.ms", LONG, Some("5"), Medium, Batching, "KIP-1030; ProducerConfig",
        "How many milliseconds a batch that is not full waits for more records; 0 sends as soon as the connection is \
         free. Numbers above 2147483647 count as that. It was 0 by default before Kafka 4.0.").topic(),
    row("batch.size", INT, Some("16384"), Medium, Batching, "KIP-480, KIP-794; ProducerConfig",
        "The size in bytes at which a batch is full and no longer lingers. A larger record gets a batch of its own. 0 \
         means 1: a batch for every record. Also the number of bytes after which records without a key move to the \
         next partition. While its broker is busy a batch grows on, to 1 MiB or to this size if that is larger, but \
         not above `max.request.size`."),
    row("buffer.memory", LONG, Some("33554432"), High, Batching, "ProducerConfig",
        "How many bytes of records may wait to be sent or confirmed. When it is used up, sends wait as \
         `max.block.ms` says. Charged is what is held, not `batch.size` for every partition; what is needed to send \
         (compressed copies, frames) may go a little above it."),
    row("max.request.size", INT, Some("1048576"), Medium, Batching, "ProducerConfig",
        "The largest Produce request in bytes, and so the largest record, counted before compression. The brokers and \
         topics have limits of their own (`message.max.bytes`, `max.message.bytes`), counted after it. For a request \
         above `socket.request.max.bytes` a broker closes the connection. A request \
         carries a batch of each partition of its broker: where there is more to send than this, 2 to 8 MiB make \
         fewer requests and cost less."),

    // Compression
    row("compression.type", words(&["none", "gzip", "snappy", "lz4", "zstd"]), Some("none"), High, Compression,
        "KIP-110; ProducerConfig",
        "The codec for batches. A batch that would not become smaller is sent plain. zstd needs brokers from 2.1 on.")
        .topic(),
    row("compression.gzip.level", Kind::Int(Range { min: 1, max: 9, also: Some(-1) }), Some("-1"), Medium, Compression,
        "KIP-390; ProducerConfig",
        "The level of gzip: 1 is fast, 9 is small, -1 is the library's own choice (6).").topic(),
    row("compression.lz4.level", Kind::Int(within(1, 17)), Some("9"), Medium, Compression, "KIP-390; ProducerConfig",
        "The level of lz4, from 1 to 17. As in Java, 9 stands for the fast compressor.").topic(),
    row("compression.zstd.level", Kind::Int(within(-131072, 22)), Some("3"), Medium, Compression,
        "KIP-390; ProducerConfig",
        "The level of zstd: 1 to 22 from fast to small, negative ones faster still.").topic(),

    // Partitioning
    row("partitioner.class", PARTITIONERS, None, Medium, Partitioning, "KIP-794; ProducerConfig",
        "Who chooses the partition of a record that names none. Not set (or `default`): records with a key go where \
         its murmur2 hash says, the others fill one partition after the other. `roundrobin`: one record to each \
         partition in turn, keys or not. `uniformsticky`: as by default, with `partitioner.ignore.keys`. Java's class \
         names for these are accepted. The others are librdkafka's, and place keys as it does: `consistent` and \
         `consistent_random` by CRC-32, `murmur2` and `murmur2_random` (the default's other name) as Java does, `fnv1a` \
         and `fnv1a_random` by FNV-1a. Without `_random` a record whose key is null goes where an empty key would; \
         with it, it is treated as by default (`consistent_random`: one whose key is empty too). `random`: any \
         available partition, for each record anew, keys or not. A partitioner of the application's own, given to \
         `ottla_config_set_partitioner`, replaces whatever is set here.").topic(),
    row("partitioner.ignore.keys", Kind::Bool, Some("false"), Medium, Partitioning, "KIP-794; ProducerConfig",
        "Treats records with a key as if they had none when the partition is chosen. Concerns the default partitioner \
         only.").topic(),
    row("partitioner.adaptive.partitioning.enable", Kind::Bool, Some("true"), Low, Partitioning,
        "KIP-794; ProducerConfig",
        "Gives records without a key to partitions in proportion to how fast their brokers take them. Concerns the \
         default partitioner only."),
    row("partitioner.availability.timeout.ms", LONG, Some("0"), Low, Partitioning, "KIP-794; ProducerConfig",
        "A partition whose broker has taken nothing for this many milliseconds, though something was ready, gets no \
         records without a key until it does; 0 switches this off. Concerns the default partitioner, and only when it \
         is adaptive."),

    // Serialization
    row("key.serializer", SERIALIZERS, None, High, Serialization, "ProducerConfig",
        "What keys are. Ottla is given bytes, so nothing need be set (Java demands it). The class names of Kafka's own \
         serializers are accepted, and the short names `bytes`, `string`, `short`, `integer`, `long`, `float`, \
         `double`, `uuid`, `boolean` and `void`; other classes cannot be loaded."),
    row("value.serializer", SERIALIZERS, None, High, Serialization, "ProducerConfig",
        "What values are; see `key.serializer`."),

    // Metadata
    row("metadata.max.age.ms", LONG, Some("300000"), Low, Metadata, "CommonClientConfigs",
        "After this many milliseconds the cluster's metadata is asked for again, even if nothing called for it. Less than \
         `retry.backoff.ms`, 0 included, counts as `retry.backoff.ms`."),
    row("metadata.max.idle.ms", Kind::Long(up_from(5000)), Some("300000"), Low, Metadata, "KIP-526; ProducerConfig",
        "A topic to which nothing was sent for this many milliseconds is forgotten, and looked up again when needed."),
    row("metadata.recovery.strategy", words_any_case(&["rebootstrap", "none"]), Some("rebootstrap"), Low, Metadata,
        "KIP-899; CommonClientConfigs",
        "What to do when none of the known brokers can be reached: `rebootstrap` starts again from \
         `bootstrap.servers`, `none` keeps trying those known. Until a broker of the cluster is reached, the producer \
         starts again more and more rarely, at last every 10 seconds, and the log and the event tell of the first time \
         only. In any case of letters."),
    row("metadata.recovery.rebootstrap.trigger.ms", LONG, Some("300000"), Low, Metadata,
        "KIP-1102; CommonClientConfigs",
        "With `metadata.recovery.strategy=rebootstrap`: start again from `bootstrap.servers` when no metadata could be \
         had for this many milliseconds. Less than `retry.backoff.ms`, 0 included, counts as `retry.backoff.ms`."),
    row("allow.auto.create.topics", Kind::Bool, Some("true"), Low, Metadata, "KIP-361 (consumer); Ottla's own",
        "Whether asking about a topic that is missing may create it. The brokers have to allow it too \
         (`auto.create.topics.enable`). Java's producer always asks so; librdkafka has this property."),

    // Network
    row("reconnect.backoff.ms", LONG, Some("50"), Low, Network, "CommonClientConfigs",
        "The pause in milliseconds before connecting again to a broker that could not be reached. It doubles with each \
         failure up to `reconnect.backoff.max.ms`, varied by 20 % at random. 0 to 9 count as 10."),
    row("reconnect.backoff.max.ms", LONG, Some("1000"), Low, Network, "KIP-144; CommonClientConfigs",
        "The longest such pause in milliseconds. If only `reconnect.backoff.ms` is set, every pause is that long, which \
         the log says. 0 to 9 count as 10."),
    row("socket.connection.setup.timeout.ms", Kind::Long(up_from(1)), Some("10000"), Medium, Network,
        "KIP-601; CommonClientConfigs",
        "How many milliseconds connecting to one address may take. It doubles with each failure up to \
         `socket.connection.setup.timeout.max.ms`, varied by 20 % at random. Java does not check it; Ottla wants at \
         least 1."),
    row("socket.connection.setup.timeout.max.ms", Kind::Long(up_from(1)), Some("30000"), Medium, Network,
        "KIP-601; CommonClientConfigs",
        "The longest time in milliseconds for connecting to one address. If it is below \
         `socket.connection.setup.timeout.ms`, it is the time for every attempt."),
    row("send.buffer.bytes", Kind::Int(within(-1, INT_MAX)), Some("-1"), Medium, Network, "CommonClientConfigs",
        "The size of the socket's send buffer (SO_SNDBUF) in bytes; -1 leaves it to the operating system. Java's \
         default is 131072. Ottla's is -1, because a size of one's own switches the kernel's tuning off and slows \
         down long or fast links."),
    row("receive.buffer.bytes", Kind::Int(within(-1, INT_MAX)), Some("-1"), Medium, Network, "CommonClientConfigs",
        "The size of the socket's receive buffer (SO_RCVBUF) in bytes; -1 leaves it to the operating system. Java's \
         default is 32768; see `send.buffer.bytes` for the difference."),
    row("receive.message.max.bytes", Kind::Int(within(1000, INT_MAX)), Some("100000000"), Low, Network, "Ottla's own",
        "The largest answer in bytes that is read; a broker that announces a larger one is disconnected. Protects the \
         process from peers that are no brokers. Java has no such limit for clients; librdkafka has this property."),

    // Transactions
    row("transactional.id", Kind::Name, None, Low, Transactions, "KIP-98; ProducerConfig",
        "The name under which transactions of successive producers follow each other: what one left open the next aborts, and fences it. With it, records are sent in transactions only."),
    row("transaction.timeout.ms", ANY_INT, Some("60000"), Low, Transactions, "KIP-98; ProducerConfig",
        "How many milliseconds a transaction may stay open before the coordinator aborts it and fences the producer; at most the broker's transaction.max.timeout.ms."),
    row("transaction.two.phase.commit.enable", Kind::Bool, Some("false"), Low, Transactions, "KIP-939; ProducerConfig",
        "Lets a coordinator outside Kafka decide when a transaction ends.").later(NO_TWO_PHASES),

    // TLS
    row("ssl.protocol", Kind::String, Some("TLSv1.3"), Medium, Tls, "SslConfigs",
        "The newest TLS version to offer.").later(NO_TLS),
    row("ssl.enabled.protocols", Kind::List, Some("TLSv1.2,TLSv1.3"), Medium, Tls, "SslConfigs",
        "The TLS versions that may be used.").later(NO_TLS),
    row("ssl.cipher.suites", Kind::List, Some(""), Low, Tls, "SslConfigs",
        "The cipher suites that may be used; all of them if it is empty.").later(NO_TLS),
    row("ssl.endpoint.identification.algorithm", Kind::String, Some("https"), Low, Tls, "KIP-294; SslConfigs",
        "Checks that the certificate carries the broker's host name; nothing switches the check off.").later(NO_TLS),
    row("ssl.keystore.type", Kind::String, Some("JKS"), Medium, Tls, "KIP-651; SslConfigs",
        "The format of the client's own key and certificate.").later(NO_TLS),
    row("ssl.keystore.location", Kind::String, None, High, Tls, "SslConfigs",
        "The file with the client's own key and certificate.").later(NO_TLS),
    row("ssl.keystore.password", Kind::Password, None, High, Tls, "SslConfigs",
        "The secret that opens that file.").later(NO_TLS),
    row("ssl.key.password", Kind::Password, None, High, Tls, "SslConfigs",
        "The secret that opens the private key.").later(NO_TLS),
    row("ssl.keystore.key", Kind::Password, None, High, Tls, "KIP-651; SslConfigs",
        "The private key itself, as PEM text.").later(NO_TLS),
    row("ssl.keystore.certificate.chain", Kind::Password, None, High, Tls, "KIP-651; SslConfigs",
        "The client's certificate and those above it, as PEM text.").later(NO_TLS),
    row("ssl.truststore.type", Kind::String, Some("JKS"), Medium, Tls, "KIP-651; SslConfigs",
        "The format of the trusted certificates.").later(NO_TLS),
    row("ssl.truststore.location", Kind::String, None, High, Tls, "SslConfigs",
        "The file with the trusted certificates.").later(NO_TLS),
    row("ssl.truststore.password", Kind::Password, None, High, Tls, "SslConfigs",
        "The secret that opens that file.").later(NO_TLS),
    row("ssl.truststore.certificates", Kind::Password, None, High, Tls, "KIP-651; SslConfigs",
        "The trusted certificates themselves, as PEM text.").later(NO_TLS),
    row("ssl.provider", Kind::String, None, Medium, Tls, "SslConfigs",
        "The Java security provider that does TLS.").jvm("Ottla carries its own TLS; leave it out"),
    row("ssl.secure.random.implementation", Kind::String, None, Low, Tls, "SslConfigs",
        "Java's source of random numbers.").jvm("random numbers come from the operating system; leave it out"),
    row("ssl.keymanager.algorithm", Kind::String, Some("SunX509"), Low, Tls, "SslConfigs",
        "Java's way of picking a key.").jvm("there is one way here; leave it out"),
    row("ssl.trustmanager.algorithm", Kind::String, Some("PKIX"), Low, Tls, "SslConfigs",
        "Java's way of judging a certificate.").jvm("there is one way here; leave it out"),
    row("ssl.engine.factory.class", SOME_CLASS, None, Low, Tls, "KIP-519; SslConfigs",
        "The Java class that makes TLS engines.").jvm("Ottla carries its own TLS; leave it out"),
    row("security.providers", Kind::String, None, Low, Jvm, "KIP-492; SecurityConfig",
        "Java classes that register security providers.").jvm("Ottla carries its own cryptography; leave it out"),

    // SASL
    row("sasl.mechanism", Kind::String, Some("GSSAPI"), Medium, Sasl, "KIP-43; SaslConfigs",
        "How the client proves who it is.").later(NO_SASL),
    row("sasl.jaas.config", Kind::Password, None, Medium, Sasl, "KIP-85; SaslConfigs",
        "The client's name and secret, in the syntax of Java's login modules.").later(NO_SASL),
    row("sasl.client.callback.handler.class", SOME_CLASS, None, Medium, Sasl, "KIP-86; SaslConfigs",
        "The Java class that answers a mechanism's questions.").later(CALLBACKS),
    row("sasl.login.callback.handler.class", SOME_CLASS, None, Medium, Sasl, "KIP-86; SaslConfigs",
        "The Java class that answers a login's questions.").later(CALLBACKS),
    row("sasl.login.class", SOME_CLASS, None, Medium, Sasl, "KIP-86; SaslConfigs",
        "The Java class that logs in.").later(CALLBACKS),
    row("sasl.kerberos.service.name", Kind::String, None, Medium, Sasl, "SaslConfigs",
        "The Kerberos name of the brokers' service.").later(NO_SASL),
    row("sasl.kerberos.kinit.cmd", Kind::String, Some("/usr/bin/kinit"), Low, Sasl, "SaslConfigs",
        "The command that renews a Kerberos ticket.").later(NO_SASL),
    row("sasl.kerberos.ticket.renew.window.factor", ANY_DOUBLE, Some("0.8"), Low, Sasl, "SaslConfigs",
        "The part of a ticket's life after which it is renewed.").later(NO_SASL),
    row("sasl.kerberos.ticket.renew.jitter", ANY_DOUBLE, Some("0.05"), Low, Sasl, "SaslConfigs",
        "How much chance is added to that moment.").later(NO_SASL),
    row("sasl.kerberos.min.time.before.relogin", ANY_LONG, Some("60000"), Low, Sasl, "SaslConfigs",
        "The least number of milliseconds between renewals of a ticket.").later(NO_SASL),
    row("sasl.login.refresh.window.factor", Kind::Double { min: 0.5, max: 1.0 }, Some("0.8"), Low, Sasl,
        "KIP-255; SaslConfigs", "The part of a token's life after which a new one is fetched.").later(NO_SASL),
    row("sasl.login.refresh.window.jitter", Kind::Double { min: 0.0, max: 0.25 }, Some("0.05"), Low, Sasl,
        "KIP-255; SaslConfigs", "How much chance is added to that moment.").later(NO_SASL),
    row("sasl.login.refresh.min.period.seconds", Kind::Short(within(0, 900)), Some("60"), Low, Sasl,
        "KIP-255; SaslConfigs", "The least number of seconds between two fetches of a token.").later(NO_SASL),
    row("sasl.login.refresh.buffer.seconds", Kind::Short(within(0, 3600)), Some("300"), Low, Sasl,
        "KIP-255; SaslConfigs", "How many seconds before a token ends a new one should be there.").later(NO_SASL),
    row("sasl.login.connect.timeout.ms", ANY_INT, None, Low, Sasl, "KIP-768; SaslConfigs",
        "How many milliseconds connecting to the identity provider may take.").later(NO_SASL),
    row("sasl.login.read.timeout.ms", ANY_INT, None, Low, Sasl, "KIP-768; SaslConfigs",
        "How many milliseconds its answer may take.").later(NO_SASL),
    row("sasl.login.retry.backoff.ms", ANY_LONG, Some("100"), Low, Sasl, "KIP-768; SaslConfigs",
        "The first pause in milliseconds before it is asked again.").later(NO_SASL),
    row("sasl.login.retry.backoff.max.ms", ANY_LONG, Some("10000"), Low, Sasl, "KIP-768; SaslConfigs",
        "The longest such pause in milliseconds.").later(NO_SASL),

    // OAUTHBEARER
    row("sasl.oauthbearer.token.endpoint.url", Kind::String, None, Medium, OAuth, "KIP-768; SaslConfigs",
        "Where tokens are fetched.").later(NO_SASL),
    row("sasl.oauthbearer.scope", Kind::String, None, Medium, OAuth, "KIP-1139; SaslConfigs",
        "The scope that is asked for with a token.").later(NO_SASL),
    row("sasl.oauthbearer.client.credentials.client.id", Kind::String, None, Medium, OAuth, "KIP-1139; SaslConfigs",
        "The client's name at the identity provider.").later(NO_SASL),
    row("sasl.oauthbearer.client.credentials.client.secret", Kind::Password, None, Medium, OAuth,
        "KIP-1139; SaslConfigs", "The client's secret there.").later(NO_SASL),
    row("sasl.oauthbearer.header.urlencode", Kind::Bool, Some("false"), Low, OAuth, "KIP-1025; SaslConfigs",
        "Whether name and secret are percent-encoded in the request's header.").later(NO_SASL),
    row("sasl.oauthbearer.jwt.retriever.class", SOME_CLASS,
        Some("org.apache.kafka.common.security.oauthbearer.DefaultJwtRetriever"), Medium, OAuth,
        "KIP-1139; SaslConfigs", "The Java class that fetches tokens.").later(CALLBACKS),
    row("sasl.oauthbearer.jwt.validator.class", SOME_CLASS,
        Some("org.apache.kafka.common.security.oauthbearer.DefaultJwtValidator"), Medium, OAuth,
        "KIP-1139; SaslConfigs", "The Java class that checks them.").later(CALLBACKS),
    row("sasl.oauthbearer.assertion.algorithm", words_any_case(&["RS256", "ES256"]), Some("RS256"), Medium, OAuth,
        "KIP-1139; SaslConfigs", "How the client's own assertion is signed.").later(NO_SASL),
    row("sasl.oauthbearer.assertion.claim.aud", Kind::String, None, Medium, OAuth, "KIP-1139; SaslConfigs",
        "The audience that the assertion names.").later(NO_SASL),
    row("sasl.oauthbearer.assertion.claim.exp.seconds", Kind::Int(within(0, 86400)), Some("300"), Low, OAuth,
        "KIP-1139; SaslConfigs", "For how many seconds the assertion holds.").later(NO_SASL),
    row("sasl.oauthbearer.assertion.claim.iss", Kind::String, None, Medium, OAuth, "KIP-1139; SaslConfigs",
        "The issuer that the assertion names.").later(NO_SASL),
    row("sasl.oauthbearer.assertion.claim.jti.include", Kind::Bool, Some("false"), Medium, OAuth,
        "KIP-1139; SaslConfigs", "Whether the assertion has an identifier of its own.").later(NO_SASL),
    row("sasl.oauthbearer.assertion.claim.nbf.seconds", Kind::Int(within(0, 3600)), Some("60"), Low, OAuth,
        "KIP-1139; SaslConfigs", "How many seconds back the assertion begins to hold.").later(NO_SASL),
    row("sasl.oauthbearer.assertion.claim.sub", Kind::String, None, Medium, OAuth, "KIP-1139; SaslConfigs",
        "The subject that the assertion names.").later(NO_SASL),
    row("sasl.oauthbearer.assertion.file", Kind::String, None, Medium, OAuth, "KIP-1139; SaslConfigs",
        "A file with a finished assertion.").later(NO_SASL),
    row("sasl.oauthbearer.assertion.private.key.file", Kind::String, None, Medium, OAuth, "KIP-1139; SaslConfigs",
        "The file with the key that signs the assertion.").later(NO_SASL),
    row("sasl.oauthbearer.assertion.private.key.passphrase", Kind::Password, None, Medium, OAuth,
        "KIP-1139; SaslConfigs", "The secret that opens that key.").later(NO_SASL),
    row("sasl.oauthbearer.assertion.template.file", Kind::String, None, Medium, OAuth, "KIP-1139; SaslConfigs",
        "A file with further headers and claims for the assertion.").later(NO_SASL),
    row("sasl.oauthbearer.expected.audience", Kind::List, Some(""), High, OAuth, "KIP-768; SaslConfigs",
        "The audiences of which a token must name one.").later(NO_SASL),
    row("sasl.oauthbearer.expected.issuer", Kind::String, None, High, OAuth, "KIP-768; SaslConfigs",
        "The issuer that a token must name.").later(NO_SASL),
    row("sasl.oauthbearer.scope.claim.name", Kind::String, Some("scope"), Low, OAuth, "KIP-768; SaslConfigs",
        "The claim that holds a token's scope.").later(NO_SASL),
    row("sasl.oauthbearer.sub.claim.name", Kind::String, Some("sub"), Low, OAuth, "KIP-768; SaslConfigs",
        "The claim that holds a token's subject.").later(NO_SASL),
    row("sasl.oauthbearer.clock.skew.seconds", ANY_INT, Some("30"), Low, OAuth, "KIP-768; SaslConfigs",
        "By how many seconds clocks may differ when a token is checked.").later(NO_SASL),
    row("sasl.oauthbearer.jwks.endpoint.url", Kind::String, None, Medium, OAuth, "KIP-768; SaslConfigs",
        "Where the keys are fetched that check tokens.").later(NO_SASL),
    row("sasl.oauthbearer.jwks.endpoint.refresh.ms", ANY_LONG, Some("3600000"), Low, OAuth, "KIP-768; SaslConfigs",
        "How many milliseconds those keys are kept.").later(NO_SASL),
    row("sasl.oauthbearer.jwks.endpoint.retry.backoff.ms", ANY_LONG, Some("100"), Low, OAuth, "KIP-768; SaslConfigs",
        "The first pause in milliseconds before they are asked for again.").later(NO_SASL),
    row("sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms", ANY_LONG, Some("10000"), Low, OAuth,
        "KIP-768; SaslConfigs", "The longest such pause in milliseconds.").later(NO_SASL),

    // Observation
    row("debug", Kind::Facilities, Some(""), Low, Observation, "Ottla's own",
        "Which parts of the producer tell what they do, line by line, in the log: `connection`, `broker` (with its \
         connections), `metadata`, `request`, `batch`, `idempotence`, `queue`, `partitioner`, `config`, or `all`. The \
         lines begin with the part's name in brackets, and come at level debug whatever level the log function asked \
         for; a log function that asks for level debug gets all of them without this property. librdkafka's words \
         (`topic`, `msg`, `protocol`, `eos`, `feature`, `conf`, `generic`) turn on what comes nearest; those for \
         consumers and the like are accepted, and turn on nothing. `ottla_producer_set_debug` changes it later."),
    row("enable.metrics.push", Kind::Bool, Some("false"), Low, Observation, "KIP-714; CommonClientConfigs",
        "Whether the brokers may ask the client to send them its metrics. Java's default is true; this release sends \
         none, so that `false` describes it. `true` is accepted, because files say it, and noted in the log.")
        .accepts(&["true"]).later("metrics are not pushed to the brokers in this release"),
    row("interceptor.classes", Kind::List, Some(""), Low, Observation, "KIP-42; ProducerConfig",
        "Java classes that see each record before it is sent and after it is confirmed.").later(CALLBACKS),
    row("metric.reporters", Kind::List, Some("org.apache.kafka.common.metrics.JmxReporter"), Low, Observation,
        "CommonClientConfigs", "Java classes that are told of metrics.")
        .accepts(&[""]).later("there are no reporters in this release; take the snapshot of counters instead"),
    row("metrics.num.samples", Kind::Int(within(1, INT_MAX)), Some("2"), Low, Jvm, "CommonClientConfigs",
        "How many windows Java's metrics look back.")
        .jvm("the counters run from the producer's start; take the difference of two snapshots instead"),
    row("metrics.sample.window.ms", LONG, Some("30000"), Low, Jvm, "CommonClientConfigs",
        "How many milliseconds such a window spans.")
        .jvm("the counters run from the producer's start; take the difference of two snapshots instead"),
    row("metrics.recording.level", words(&["INFO", "DEBUG", "TRACE"]), Some("INFO"), Low, Jvm, "CommonClientConfigs",
        "How detailed Java's metrics are.").jvm("all counters are always kept; leave it out"),

    // JVM
    row("config.providers", Kind::List, Some(""), Low, Jvm, "KIP-297; AbstractConfig",
        "Java classes that fill in values from elsewhere. `env` is always there: `${env:NAME}` in a value of a file \
         stands for what the environment holds under that name.")
        .accepts(&["env"]).jvm("write ${env:NAME} in the file, or set the value itself through the API instead"),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Where Ottla differs from Java on purpose: the property, and what differs.
    const DIFFERENT: &[(&str, &str)] = &[
        ("enable.metrics.push", "default"),
        ("send.buffer.bytes", "default"),
        ("receive.buffer.bytes", "default"),
        ("socket.connection.setup.timeout.ms", "range"),
        ("socket.connection.setup.timeout.max.ms", "range"),
    ];

    const OTTLAS_OWN: &[&str] = &["allow.auto.create.topics", "receive.message.max.bytes", "debug"];

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
}
