//! Settings of single topics: how a configuration states them, and how a topic applies them.

use super::foreign::{Meaning, find_foreign};
use super::{Config, Property, Scope, Settings, find, foreign_names, invalid, properties, settings};
use crate::Result;

/// Names that begin so set a property for one topic: `ottla.topic.<topic>.<property>`.
pub const TOPIC_PREFIX: &str = "ottla.topic.";

/// Topic and property of a name without its prefix. Both may have dots inside: the longest name of a property that the
/// whole ends with counts.
pub(super) fn split(name: &str) -> Option<(&str, &'static str)> {
    let aliases = foreign_names().iter().filter(|foreign| matches!(foreign.meaning, Meaning::Alias { .. }));
    let known = properties().iter().map(|property| property.name).chain(aliases.map(|foreign| foreign.name));
    let ends = known.filter_map(|known| {
        let topic = name.strip_suffix(known)?.strip_suffix('.')?;
        (!topic.is_empty()).then_some((topic, known))
    });
    ends.min_by_key(|(topic, _)| topic.len())
}

/// Checks that a property, under its own name or an alias, may be set for a topic.
pub(super) fn check_scope(name: &str) -> Result<()> {
    let property = match find_foreign(name).map(|foreign| foreign.meaning) {
        Some(Meaning::Alias { property, .. }) => find(property),
        _ => find(name),
    };
    match property {
        Some(Property { scope: Scope::Producer, .. }) => {
            Err(invalid(format!("{name} is a property of the producer, not of a topic; {}", which())))
        }
        _ => Ok(()),
    }
}

/// For a name that is not complete, or ends with nothing known.
pub(super) fn unknown(name: &str) -> crate::Error {
    invalid(format!("'{name}' names no property: {TOPIC_PREFIX}<topic>.<property> is expected, and {}", which()))
}

fn which() -> String {
    let names: Vec<_> = properties().iter().filter(|p| p.scope == Scope::Topic).map(|p| p.name).collect();
    format!("a topic may have its own {}", names.join(", "))
}

impl Config {
    /// The topics of which something is said by name.
    pub fn topics(&self) -> impl Iterator<Item = &str> {
        self.topics.keys().map(String::as_str)
    }

    /// What a topic of a producer with this configuration is to work with: as [`Config::resolve`], with what is said of
    /// the topic by name laid over it, and `overrides` over that. Those may hold properties of topics only. `producer`
    /// is what the producer itself works with; notes that it has are not repeated.
    pub fn resolve_topic(&self, topic: &str, overrides: &Config, producer: &Settings) -> Result<Settings> {
        let said = |error: crate::Error| error.context(format_args!("topic {topic}"));
        overrides.values.values().try_for_each(|value| check_scope(value.written_as)).map_err(said)?;
        if let Some(name) = overrides.plugin.keys().next().cloned().or_else(|| overrides.topics().next().map(prefixed))
        {
            return Err(said(invalid(format!("'{name}' is the producer's configuration, not a topic's; {}", which()))));
        }
        let mut whole = self.clone();
        for over in [self.topics.get(topic), Some(overrides)].into_iter().flatten() {
            whole.values.extend(over.values.iter().map(|(name, value)| (*name, value.clone())));
        }
        settings::resolve_topic(&whole, producer).map_err(said)
    }
}

fn prefixed(topic: &str) -> String {
    format!("{TOPIC_PREFIX}{topic}")
}

#[cfg(test)]
mod tests {
    use super::super::{Acks, Partitioner};
    use super::*;
    use crate::compress::Codec;
    use std::time::Duration;

    fn config(pairs: &[(&str, &str)]) -> Config {
        let mut config = Config::new();
        for (name, value) in pairs {
            config.set(name, value).unwrap();
        }
        config
    }

    /// The producer's own settings, and what topic `t` makes of both.
    fn topic(producer: &[(&str, &str)], overrides: &[(&str, &str)]) -> Result<Settings> {
        let mut producer = config(producer);
        producer.set("bootstrap.servers", "localhost:9092").unwrap();
        producer.resolve_topic("t", &config(overrides), &producer.resolve().unwrap())
    }

    fn refusal(producer: &[(&str, &str)], overrides: &[(&str, &str)]) -> String {
        topic(producer, overrides).unwrap_err().message().to_owned()
    }

    #[test]
    fn the_property_is_the_longest_known_name_at_the_end() {
        assert_eq!(split("t.linger.ms"), Some(("t", "linger.ms")));
        assert_eq!(split("a.b.compression.gzip.level"), Some(("a.b", "compression.gzip.level")));
        assert_eq!(split("acks.acks"), Some(("acks", "acks")));
        assert_eq!(split("t.queue.buffering.max.ms"), Some(("t", "queue.buffering.max.ms")));
        for name in ["linger.ms", ".linger.ms", "t.linger", "t", "", "tlinger.ms"] {
            assert_eq!(split(name), None, "{name}");
        }
    }

    #[test]
    fn a_topic_has_what_is_said_of_it_and_the_producer_s_for_the_rest() {
        let producer =
            [("client.id", "me"), ("linger.ms", "7"), ("compression.type", "lz4"), ("compression.zstd.level", "9")];
        let plain = topic(&producer, &[]).unwrap();
        assert_eq!((plain.acks, plain.idempotence, plain.linger), (Acks::All, true, Duration::from_millis(7)));
        let it = topic(
            &producer,
            &[
                ("acks", "1"),
                ("queue.buffering.max.ms", "20"),
                ("compression.type", "zstd"),
                ("delivery.timeout.ms", "5000"),
                ("request.timeout.ms", "900"),
                ("partitioner.class", "roundrobin"),
                ("partitioner.ignore.keys", "true"),
            ],
        )
        .unwrap();
        assert_eq!((it.acks, it.idempotence, it.linger), (Acks::Leader, false, Duration::from_millis(20)));
        assert_eq!((it.codec, it.level), (Codec::Zstd, 9));
        assert_eq!(it.delivery_timeout, Duration::from_millis(5000));
        assert_eq!(it.request_timeout, Duration::from_millis(900));
        assert_eq!((it.partitioner, it.ignore_keys), (Partitioner::RoundRobin, true));
        assert_eq!(it.client_id, "me");
    }

    #[test]
    fn overrides_go_over_what_the_configuration_says_of_the_topic() {
        let producer = [
            ("linger.ms", "1"),
            ("ottla.topic.t.linger.ms", "2"),
            ("ottla.topic.t.acks", "0"),
            ("ottla.topic.other.linger.ms", "4"),
        ];
        let it = topic(&producer, &[("linger.ms", "3")]).unwrap();
        assert_eq!((it.linger.as_millis(), it.acks), (3, Acks::None));
        assert_eq!(topic(&producer, &[]).unwrap().linger.as_millis(), 2);
        let config = config(&producer);
        assert_eq!(config.get("linger.ms").as_deref(), Some("1"));
        assert_eq!(config.get("ottla.topic.t.linger.ms").as_deref(), Some("2"));
        assert_eq!(config.get("ottla.topic.t.queue.buffering.max.ms").as_deref(), Some("2"));
        assert_eq!(config.get("ottla.topic.u.linger.ms").as_deref(), Some("1"));
        assert!(config.is_set("ottla.topic.t.linger.ms") && !config.is_set("ottla.topic.u.linger.ms"));
        assert_eq!(config.topics().collect::<Vec<_>>(), ["other", "t"]);
        let written =
            ["linger.ms=1", "ottla.topic.other.linger.ms=4", "ottla.topic.t.acks=0", "ottla.topic.t.linger.ms=2"];
        assert_eq!(config.written().collect::<Vec<_>>(), written);
    }

    #[test]
    fn what_is_the_producer_s_is_refused() {
        let may = "a topic may have its own acks, delivery.timeout.ms, request.timeout.ms, linger.ms, compression.type, \
                   compression.gzip.level, compression.lz4.level, compression.zstd.level, partitioner.class, \
                   partitioner.ignore.keys";
        assert_eq!(
            refusal(&[], &[("buffer.memory", "1")]),
            format!("topic t: buffer.memory is a property of the producer, not of a topic; {may}")
        );
        assert_eq!(
            refusal(&[], &[("queue.buffering.max.kbytes", "1")]),
            format!("topic t: queue.buffering.max.kbytes is a property of the producer, not of a topic; {may}")
        );
        assert_eq!(
            refusal(&[], &[("ottla.plugin.x", "1")]),
            format!("topic t: 'ottla.plugin.x' is the producer's configuration, not a topic's; {may}")
        );
        assert_eq!(
            refusal(&[], &[("ottla.topic.u.acks", "1")]),
            format!("topic t: 'ottla.topic.u' is the producer's configuration, not a topic's; {may}")
        );
        let message = |name: &str| Config::new().set(name, "1").unwrap_err().message().to_owned();
        assert_eq!(
            message("ottla.topic.t.buffer.memory"),
            format!("ottla.topic.t.buffer.memory: buffer.memory is a property of the producer, not of a topic; {may}")
        );
        assert_eq!(
            message("ottla.topic.t.linger"),
            format!("'ottla.topic.t.linger' names no property: ottla.topic.<topic>.<property> is expected, and {may}")
        );
        assert_eq!(
            Config::new().set("ottla.topic.t.acks", "2").unwrap_err().message(),
            "ottla.topic.t.acks: acks='2' is not valid: expected one of all, -1, 0, 1"
        );
    }

    #[test]
    fn in_a_file_a_topic_s_property_that_is_wrong_is_an_error() {
        let mut config = Config::new();
        let loaded = config.load_properties_str("ottla.topic.a.b.acks=1\nottla.topic.a.b.linger.mss=3\n", "f");
        assert!(loaded.unwrap_err().message().starts_with("f:2: 'ottla.topic.a.b.linger.mss' names no property"));
        config.load_properties_str("ottla.topic.a.b.acks=1\n", "f").unwrap();
        assert_eq!(config.get("ottla.topic.a.b.acks").as_deref(), Some("1"));
        assert_eq!(
            config.load_properties_str("ottla.topic.a.b.request.required.acks=0\n", "f").unwrap_err().message(),
            "f:1: ottla.topic.a.b.request.required.acks: request.required.acks sets the same as acks, which is set \
             already (to '1'): keep one of them"
        );
    }

    #[test]
    fn contradictions_are_reported_as_for_the_producer() {
        assert_eq!(
            refusal(&[("enable.idempotence", "true")], &[("acks", "1")]),
            "topic t: enable.idempotence=true contradicts acks=1: idempotence needs acks=all and retries above 0; leave \
             out one of the two"
        );
        assert_eq!(
            refusal(&[("delivery.timeout.ms", "40000")], &[("request.timeout.ms", "50000")]),
            "topic t: delivery.timeout.ms=40000 is less than linger.ms=5 plus request.timeout.ms=50000: raise it to \
             50005, or lower the others"
        );
        assert_eq!(
            refusal(&[("linger.ms", "30")], &[("delivery.timeout.ms", "20")]),
            "topic t: delivery.timeout.ms=20 leaves no time for a request after linger.ms=30: raise it, or lower \
             linger.ms"
        );
    }

    #[test]
    fn no_topic_of_a_producer_with_transactions_has_weaker_acks() {
        let producer = [("transactional.id", "copier-1")];
        assert_eq!(topic(&producer, &[("linger.ms", "1")]).unwrap().transaction, Some(("copier-1".into(), 60_000)));
        assert!(topic(&producer, &[("acks", "all")]).is_ok());
        for acks in ["0", "1"] {
            assert_eq!(
                refusal(&producer, &[("acks", acks)]),
                "topic t: transactional.id needs idempotence: leave enable.idempotence, acks and retries at their \
                 defaults"
            );
        }
    }

    #[test]
    fn only_what_is_new_is_noted() {
        let producer = [("delivery.timeout.ms", "5000")];
        assert_eq!(topic(&producer, &[]).unwrap().notes, [""; 0]);
        assert_eq!(
            topic(&producer, &[("acks", "1")]).unwrap().notes,
            ["idempotence is switched off by acks=1: a retry may write a record twice"]
        );
    }

    #[test]
    fn a_producer_without_idempotence_has_no_topic_with_it() {
        let producer = [("acks", "1"), ("max.in.flight.requests.per.connection", "9")];
        let it = topic(&producer, &[("acks", "all")]).unwrap();
        assert_eq!((it.acks, it.idempotence), (Acks::All, false));
    }
}
