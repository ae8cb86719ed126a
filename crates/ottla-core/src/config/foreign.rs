//! Foreign names: those of librdkafka, and old ones of Java producers. A foreign name that sets a property is an alias.

use std::borrow::Cow;

use super::property::{Given, Text};
use super::{Dialect, Property, Scope, find};
use crate::Result;
use Meaning::{Alias, Fixed, Idle, Refused};

/// A name from elsewhere and what it means here.
#[derive(Debug)]
pub struct Foreign {
    pub name: &'static str,
    pub meaning: Meaning,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// Another name for a property, in these units.
    Alias { property: &'static str, convert: Convert },
    /// Something that cannot be set here: these values describe what Ottla does anyway and are accepted, others are
    /// refused with a sentence; in a file that is a warning if it is `harmless`: records arrive as they should anyway.
    Fixed { values: &'static [&'static str], otherwise: &'static str, harmless: bool },
    /// Has no counterpart, and records arrive as they should without it: refused when set by a call, warned of when
    /// found in a file.
    Idle(&'static str),
    /// Refused with a sentence: to leave it out could send records elsewhere, or otherwise than was meant.
    Refused(&'static str),
}

/// From the foreign value to the property's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Convert {
    Unchanged,
    /// Times 1024.
    Kibibytes,
    /// 0 stands for "without limit", which is 2147483647 here.
    ZeroIsForever,
    /// -1 stands for "never", which is 9223372036854775807 here.
    MinusOneIsNever,
    /// 0 leaves the size to the operating system, as -1 does here.
    ZeroIsSystem,
    /// May have a fraction, which counts as one more.
    RoundedUp,
}

/// All of them, in alphabetical order.
pub fn foreign_names() -> &'static [Foreign] {
    FOREIGN
}

pub(super) fn find_foreign(name: &str) -> Option<&'static Foreign> {
    FOREIGN.iter().find(|foreign| foreign.name == name)
}

impl Convert {
    /// The property's value. What cannot be converted is left for the property's own check to refuse.
    pub(super) fn to_property(self, value: &str) -> Cow<'_, str> {
        let number = value.parse::<i64>().ok();
        match (self, number) {
            (Convert::Kibibytes, Some(n)) => n.checked_mul(1024).map_or(value.into(), |n| n.to_string().into()),
            (Convert::ZeroIsForever, Some(0)) => i32::MAX.to_string().into(),
            (Convert::MinusOneIsNever, Some(-1)) => i64::MAX.to_string().into(),
            (Convert::ZeroIsSystem, Some(0)) => "-1".into(),
            (Convert::RoundedUp, None) => match value.parse::<f64>() {
                Ok(number) if (0.0..1e15).contains(&number) => number.ceil().to_string().into(),
                _ => value.into(),
            },
            _ => value.into(),
        }
    }

    /// The way back, for reading a property under its foreign name.
    pub(super) fn to_foreign(self, value: &str) -> String {
        let number = value.parse::<i64>().ok();
        match (self, number) {
            (Convert::Kibibytes, Some(n)) => (n / 1024).to_string(),
            (Convert::ZeroIsForever, Some(n)) if n == i64::from(i32::MAX) => "0".into(),
            (Convert::MinusOneIsNever, Some(i64::MAX)) => "-1".into(),
            (Convert::ZeroIsSystem, Some(-1)) => "0".into(),
            _ => value.into(),
        }
    }

    /// For the documentation.
    pub fn description(self) -> &'static str {
        match self {
            Convert::Unchanged => "",
            Convert::Kibibytes => "in units of 1024 bytes",
            Convert::ZeroIsForever => "0 means without limit",
            Convert::MinusOneIsNever => "-1 means never",
            Convert::ZeroIsSystem => "0 means the operating system's choice",
            Convert::RoundedUp => "a fraction is rounded up",
        }
    }
}

/// librdkafka takes settings of topics with `topic.` in front, besides properties whose own names begin with it.
pub(super) fn without_topic(name: &str) -> &str {
    let is_known = |name| find(name).is_some() || find_foreign(name).is_some();
    let is_of_topics = |own: &str| match find_foreign(own).map(|foreign| foreign.meaning) {
        Some(Alias { property, .. }) => find(property).is_some_and(|property| property.scope == Scope::Topic),
        Some(_) => TOPIC_NAMES.contains(&own),
        None => find(own).is_some_and(|property| property.scope == Scope::Topic),
    };
    name.strip_prefix("topic.").filter(|own| !is_known(name) && is_of_topics(own)).unwrap_or(name)
}

/// Those of librdkafka's settings of topics that lead to no property.
const TOPIC_NAMES: &[&str] =
    &["compression.level", "msg_order_cmp", "opaque", "partitioner_cb", "produce.offset.report", "queuing.strategy"];

/// Whether a fixed value is what was written; librdkafka has three words for each of true and false.
pub(super) fn is_fixed_value(values: &[&str], value: &str) -> bool {
    let value = match value {
        "1" | "t" if values.contains(&"true") => "true",
        "0" | "f" if values.contains(&"false") => "false",
        other => other,
    };
    values.iter().any(|fixed| fixed.eq_ignore_ascii_case(value))
}

/// Sets the property that a foreign name means.
pub(super) fn check_alias(
    name: &str,
    property: &'static str,
    convert: Convert,
    given: Given<'_>,
    dialect: Dialect,
) -> Result<(&'static Property, Text)> {
    let property = find(property).expect("a test holds that every alias leads to a property");
    let converted = convert.to_property(super::trim(given.value));
    let shown = if given.is_hidden() { given.shown } else { &converted };
    let checked = property.check_given(Given { value: &converted, shown }, dialect);
    // The message speaks of the property; the reader wrote the other name.
    let checked = checked.map_err(|error| error.context(format_args!("{name} (here {})", property.name)));
    Ok((property, checked?))
}

const fn alias(name: &'static str, property: &'static str) -> Foreign {
    converted(name, property, Convert::Unchanged)
}

const fn converted(name: &'static str, property: &'static str, convert: Convert) -> Foreign {
    Foreign { name, meaning: Alias { property, convert } }
}

const fn fixed(name: &'static str, values: &'static [&'static str], otherwise: &'static str) -> Foreign {
    Foreign { name, meaning: Fixed { values, otherwise, harmless: true } }
}

/// Another value would be missed: records would go in another order, or less safely, than was meant.
const fn strict(name: &'static str, values: &'static [&'static str], otherwise: &'static str) -> Foreign {
    Foreign { name, meaning: Fixed { values, otherwise, harmless: false } }
}

const fn idle(name: &'static str, why: &'static str) -> Foreign {
    Foreign { name, meaning: Idle(why) }
}

const fn refused(name: &'static str, why: &'static str) -> Foreign {
    Foreign { name, meaning: Refused(why) }
}

const CALL: &str = "it is a function pointer: pass it by a call";
const VERSIONS: &str = "protocol versions are always negotiated with each broker";
const LOG: &str = "the log is set up by calls: a callback and a level";
const ENGINE: &str = "Ottla carries its own TLS, without engines and providers of OpenSSL";
const MATERIAL: &str = "set it as PEM text: ssl.ca.pem, ssl.certificate.pem, ssl.key.pem";
const SASL: &str = "SASL is not in this release";
const REFRESH: &str = "metadata is requested again after errors and after metadata.max.age.ms";

#[rustfmt::skip] // A table.
static FOREIGN: &[Foreign] = &[
    fixed("api.version.fallback.ms", &["0"], VERSIONS),
    fixed("api.version.request", &["true"], VERSIONS),
    idle("api.version.request.timeout.ms", "request.timeout.ms limits this request too"),
    idle("auto.include.jmx.reporter", "there is no JMX outside a JVM: take the statistics instead"),
    idle("background_event_cb", CALL),
    idle("batch.num.messages", "batches are limited in bytes, not in records: set batch.size"),
    refused("block.on.buffer.full", "set max.block.ms: how long a send waits for room; with 0 it does not wait"),
    fixed("broker.address.family", &["any"], "addresses of both families are tried"),
    idle("broker.address.ttl", "names are resolved again for each connection"),
    idle("broker.version.fallback", VERSIONS),
    idle("builtin.features", "the features of this library are fixed"),
    idle("client.rack", "a producer does not use its rack"),
    idle("client.software.name", "the library names itself to the brokers"),
    idle("client.software.version", "the library names itself to the brokers"),
    idle("closesocket_cb", CALL),
    alias("compression.codec", "compression.type"),
    fixed("compression.level", &["-1"],
        "each codec has its own: set compression.gzip.level, compression.lz4.level or compression.zstd.level"),
    fixed("config.providers.env.class", &["org.apache.kafka.common.config.provider.EnvVarConfigProvider"],
        "Java classes cannot be loaded here; ${env:NAME} is always understood"),
    idle("config.providers.env.param.allowlist.pattern", "every variable of the environment may be read"),
    idle("connect_cb", CALL),
    idle("default_topic_conf", CALL),
    fixed("delivery.report.only.error", &["false"], "every accepted record gets exactly one completion"),
    refused("dr_cb", CALL),
    refused("dr_msg_cb", CALL),
    strict("enable.gapless.guarantee", &["false"], "there is no such mode; after a failure, later records are still sent"),
    idle("enable.random.seed", "the library seeds its random numbers itself"),
    strict("enable.sasl.oauthbearer.unsecure.jwt", &["false"], SASL),
    fixed("enable.sparse.connections", &["true"], "connections are made to brokers that records are sent to"),
    idle("enable_sasl_queue", CALL),
    idle("enabled_events", "events are asked for by calls"),
    idle("error_cb", CALL),
    refused("https.ca.location", SASL),
    refused("https.ca.pem", SASL),
    refused("interceptors", CALL),
    idle("internal.termination.signal", "threads are stopped without signals"),
    idle("log.connection.close", LOG),
    idle("log.queue", LOG),
    idle("log.thread.name", LOG),
    idle("log_cb", CALL),
    idle("log_level", LOG),
    alias("max.in.flight", "max.in.flight.requests.per.connection"),
    idle("message.copy.max.bytes", "every payload is copied, unless the call that sends it lends it or hands it over"),
    alias("message.max.bytes", "max.request.size"),
    alias("message.send.max.retries", "retries"),
    converted("message.timeout.ms", "delivery.timeout.ms", Convert::ZeroIsForever),
    alias("metadata.broker.list", "bootstrap.servers"),
    refused("metadata.fetch.timeout.ms", "set max.block.ms"),
    idle("metadata.request.timeout.ms", "request.timeout.ms limits this request too"),
    refused("msg_order_cmp", CALL),
    refused("oauthbearer_token_refresh_cb", CALL),
    idle("opaque", CALL),
    idle("open_cb", CALL),
    alias("partitioner", "partitioner.class"),
    refused("partitioner_cb", CALL),
    refused("plugin.library.paths", "libraries are not loaded by name; register plug-ins by calls"),
    fixed("produce.offset.report", &["true"], "offsets are always reported"),
    idle("queue.buffering.backpressure.threshold", "batches grow by themselves while their broker is busy"),
    converted("queue.buffering.max.kbytes", "buffer.memory", Convert::Kibibytes),
    idle("queue.buffering.max.messages", "waiting records are limited in bytes, not in number: set buffer.memory"),
    converted("queue.buffering.max.ms", "linger.ms", Convert::RoundedUp),
    strict("queuing.strategy", &["fifo"], "records are sent in the order in which they were accepted"),
    idle("reconnect.backoff.jitter.ms", "pauses always vary by 20 %: set reconnect.backoff.ms"),
    alias("request.required.acks", "acks"),
    idle("resolve_cb", CALL),
    refused("sasl.kerberos.keytab", SASL),
    refused("sasl.kerberos.principal", SASL),
    alias("sasl.mechanisms", "sasl.mechanism"),
    alias("sasl.oauthbearer.client.id", "sasl.oauthbearer.client.credentials.client.id"),
    alias("sasl.oauthbearer.client.secret", "sasl.oauthbearer.client.credentials.client.secret"),
    refused("sasl.oauthbearer.assertion.jwt.template.file", SASL),
    refused("sasl.oauthbearer.assertion.private.key.pem", SASL),
    refused("sasl.oauthbearer.config", SASL),
    refused("sasl.oauthbearer.extensions", SASL),
    refused("sasl.oauthbearer.grant.type", SASL),
    refused("sasl.oauthbearer.metadata.authentication.type", SASL),
    refused("sasl.oauthbearer.method", SASL),
    refused("sasl.password", SASL),
    refused("sasl.username", SASL),
    idle("socket.blocking.max.ms", "the sender thread never waits for a socket"),
    fixed("socket.keepalive.enable", &["true"], "keepalive is always on"),
    idle("socket.max.fails", "a connection is given up at the first request that times out"),
    fixed("socket.nagle.disable", &["true"], "Nagle's algorithm is always off"),
    converted("socket.receive.buffer.bytes", "receive.buffer.bytes", Convert::ZeroIsSystem),
    converted("socket.send.buffer.bytes", "send.buffer.bytes", Convert::ZeroIsSystem),
    idle("socket.timeout.ms", "one limit serves client and broker: set request.timeout.ms"),
    idle("socket_cb", CALL),
    fixed("ssl.ca.certificate.stores", &["Root"],
        "the operating system's certificates are trusted unless ssl.truststore.location is set"),
    alias("ssl.ca.location", "ssl.truststore.location"),
    alias("ssl.ca.pem", "ssl.truststore.certificates"),
    alias("ssl.certificate.pem", "ssl.keystore.certificate.chain"),
    refused("ssl.certificate.verify_cb", CALL),
    refused("ssl.crl.location", "lists of revoked certificates are not read in this release"),
    idle("ssl.curves.list", "X25519, P-256 and P-384 are offered"),
    refused("ssl.engine.id", ENGINE),
    refused("ssl.engine.location", ENGINE),
    alias("ssl.key.pem", "ssl.keystore.key"),
    refused("ssl.providers", ENGINE),
    idle("ssl.sigalgs.list", "the signature algorithms that are safe today are offered"),
    refused("ssl_ca", MATERIAL),
    refused("ssl_certificate", MATERIAL),
    refused("ssl_engine_callback_data", ENGINE),
    refused("ssl_key", MATERIAL),
    idle("statistics.interval.ms", "statistics are read by a call, or passed to a function at an interval: ottla_config_set_statistics"),
    idle("stats_cb", CALL),
    idle("sticky.partitioning.linger.ms", "records without a key move on after batch.size bytes, not after a time"),
    idle("test.mock.broker.rtt", "there are no brokers inside the library"),
    refused("test.mock.num.brokers", "there are no brokers inside the library: set bootstrap.servers"),
    idle("throttle_cb", CALL),
    refused("timeout.ms", "set request.timeout.ms"),
    idle("topic.blacklist", "a producer knows the topics that it uses, and no others"),
    idle("topic.metadata.propagation.max.ms", "max.block.ms limits the wait for a topic that is not known yet"),
    idle("topic.metadata.refresh.fast.cnt", REFRESH),
    idle("topic.metadata.refresh.fast.interval.ms", "set retry.backoff.ms"),
    converted("topic.metadata.refresh.interval.ms", "metadata.max.age.ms", Convert::MinusOneIsNever),
    idle("topic.metadata.refresh.sparse", REFRESH),
    idle("ut_handle_ProduceResponse", CALL),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn aliases_lead_to_properties_and_collide_with_none() {
        for foreign in foreign_names() {
            assert!(find(foreign.name).is_none(), "{} is a property itself", foreign.name);
            if let Alias { property, .. } = foreign.meaning {
                assert!(find(property).is_some(), "{} leads to nothing", foreign.name);
            }
        }
        let names: Vec<_> = foreign_names().iter().map(|foreign| foreign.name).collect();
        let mut unique = names.clone();
        unique.dedup();
        assert_eq!(names.len(), unique.len());
    }

    #[test]
    fn each_alias_sets_its_property_in_the_property_s_units() {
        let cases = [
            ("compression.codec", "lz4", "compression.type", "lz4"),
            ("max.in.flight", "3", "max.in.flight.requests.per.connection", "3"),
            ("message.max.bytes", "2000", "max.request.size", "2000"),
            ("message.send.max.retries", "7", "retries", "7"),
            ("message.timeout.ms", "9000", "delivery.timeout.ms", "9000"),
            ("message.timeout.ms", "0", "delivery.timeout.ms", "2147483647"),
            ("metadata.broker.list", "a:1,b:2", "bootstrap.servers", "a:1,b:2"),
            ("partitioner", "murmur2_random", "partitioner.class", "murmur2_random"),
            ("queue.buffering.max.kbytes", "1048576", "buffer.memory", "1073741824"),
            ("queue.buffering.max.ms", " 20", "linger.ms", "20"),
            ("queue.buffering.max.ms", "5.0", "linger.ms", "5"),
            ("queue.buffering.max.ms", "0.25", "linger.ms", "1"),
            ("request.required.acks", "-1", "acks", "-1"),
            ("sasl.mechanisms", "GSSAPI", "sasl.mechanism", "GSSAPI"),
            ("ssl.ca.location", "/ca", "ssl.truststore.location", "/ca"),
            ("socket.receive.buffer.bytes", "0", "receive.buffer.bytes", "-1"),
            ("socket.send.buffer.bytes", "4096", "send.buffer.bytes", "4096"),
            ("topic.metadata.refresh.interval.ms", "-1", "metadata.max.age.ms", "9223372036854775807"),
            ("topic.metadata.refresh.interval.ms", "60000", "metadata.max.age.ms", "60000"),
        ];
        for (alias, value, property, result) in cases {
            let mut config = Config::new();
            config.set(alias, value).unwrap();
            assert_eq!(config.get(property).as_deref(), Some(result), "{alias}");
            if !value.contains('.') {
                assert_eq!(config.get(alias).as_deref(), Some(super::super::trim(value)), "{alias} read back");
            }
        }
        let tested =
            |name: &str| cases.iter().any(|case| case.0 == name) || name.starts_with("sasl.oauthbearer.client.");
        for foreign in foreign_names() {
            // Secrets cannot be read back.
            let Alias { property, .. } = foreign.meaning else { continue };
            let is_secret = find(property).is_some_and(Property::is_secret);
            assert!(is_secret || tested(foreign.name), "{} is not in the test", foreign.name);
        }
    }

    #[test]
    fn a_wrong_value_names_both_names() {
        let mut config = Config::new();
        let error = config.set("queue.buffering.max.kbytes", "-5").unwrap_err();
        assert_eq!(
            error.message(),
            "queue.buffering.max.kbytes (here buffer.memory): buffer.memory='-5120' is not valid: expected a whole \
             number, 0 or more"
        );
        let error = config.set("queue.buffering.max.ms", "-0.5").unwrap_err();
        assert!(error.message().contains("linger.ms='-0.5' is not valid: expected a whole number"), "{error}");
    }

    #[test]
    fn what_is_so_anyway_is_accepted_and_the_rest_refused() {
        let mut config = Config::new();
        config.set("socket.keepalive.enable", "true").unwrap();
        config.set("api.version.request", " TRUE ").unwrap();
        assert_eq!(
            config.set("socket.nagle.disable", "false").unwrap_err().message(),
            "socket.nagle.disable='false' cannot be had: Nagle's algorithm is always off"
        );
        assert_eq!(
            config.set("batch.num.messages", "10000").unwrap_err().message(),
            "batch.num.messages is not a property of Ottla: batches are limited in bytes, not in records: set batch.size"
        );
        assert_eq!(
            config.set("compression.level", "3").unwrap_err().message(),
            "compression.level='3' cannot be had: each codec has its own: set compression.gzip.level, \
             compression.lz4.level or compression.zstd.level"
        );
        config.set("api.version.request", "1").unwrap();
        assert_eq!(
            config.set("timeout.ms", "3").unwrap_err().message(),
            "timeout.ms is not a property of Ottla: set request.timeout.ms"
        );
        let error = config.set("sasl.password", "hunter2").unwrap_err();
        assert_eq!(error.message(), "sasl.password is not a property of Ottla: SASL is not in this release");
    }
}
