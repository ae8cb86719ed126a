//! The settings of a producer's topics: from its own configuration, and from that of single topics.

use super::{Plugins, settings};
use ottla_core::accumulator::{Partitioner, Topic, TopicSettings};
use ottla_core::config::{self, Config, TOPIC_PREFIX};
use ottla_core::error::{Error, ErrorKind, Result};
use ottla_core::partition::custom::CustomPartitioner;
use ottla_core::sync::Arc;

/// The sources of topics' settings.
pub(super) struct TopicConfig {
    config: Config,
    producer: config::Settings,
    /// The application's partitioner.
    partitioner: Option<Arc<dyn CustomPartitioner>>,
}

/// The settings of a topic, and lines for the log.
pub(super) struct Resolved {
    pub settings: TopicSettings,
    pub notes: Vec<String>,
}

/// The longest topic name that Kafka allows.
const MAX_NAME: usize = 249;

pub(super) fn check_name(name: &str) -> Result<()> {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if name.is_empty() || name.len() > MAX_NAME || !name.chars().all(legal) || matches!(name, "." | "..") {
        return Err(Error::new(
            ErrorKind::InvalidArgument,
            format!(
                "{name:?} cannot be a topic's name: 1 to {MAX_NAME} of the characters a-z A-Z 0-9 . _ -, and not \
                 \".\" or \"..\""
            ),
        ));
    }
    Ok(())
}

impl TopicConfig {
    pub fn new(config: &Config, producer: &config::Settings, plugins: &Plugins) -> Self {
        TopicConfig { config: config.clone(), producer: producer.clone(), partitioner: plugins.partitioner.clone() }
    }

    /// The settings of a topic of this name. The topic's own `partitioner.class` precedes the application's
    /// partitioner, which precedes the producer's `partitioner.class`.
    pub fn resolve(&self, name: &str, overrides: &Config) -> Result<Resolved> {
        let resolved = self.config.resolve_topic(name, overrides, &self.producer)?;
        let mut settings = settings::topic(&resolved);
        let property = "partitioner.class";
        let is_overridden =
            overrides.is_set(property) || self.config.is_set(&format!("{TOPIC_PREFIX}{name}.{property}"));
        if let (Some(custom), false) = (&self.partitioner, is_overridden) {
            settings.partitioner = Partitioner::Custom(custom.clone());
        }
        let notes = resolved.notes.iter().map(|note| format!("topic {name}: {note}")).collect();
        Ok(Resolved { settings, notes })
    }

    /// The topics that the configuration names, with their settings.
    pub fn named(&self) -> Result<Vec<(String, Resolved)>> {
        let each = self.config.topics().map(|name| {
            let wrong =
                |error: Error| error.with_kind(ErrorKind::InvalidConfig).context(format_args!("{TOPIC_PREFIX}{name}"));
            check_name(name).map_err(wrong)?;
            Ok((name.to_owned(), self.resolve(name, &Config::new())?))
        });
        each.collect()
    }
}

/// Fails if the settings differ from those with which the topic was first named.
pub(super) fn check_same(topic: &Topic, wanted: &TopicSettings) -> Result<()> {
    let differences = topic.settings.differences(wanted);
    if differences.is_empty() {
        return Ok(());
    }
    let message = format!(
        "topic {} has other settings already ({}): they are fixed by the producer's configuration, if that names the \
         topic, or by the first handle made for it",
        topic.name,
        differences.join(", ")
    );
    Err(Error::new(ErrorKind::InvalidState, message))
}

#[cfg(all(test, not(ottla_loom)))]
mod tests {
    use super::*;
    use ottla_core::config::{Plugin, PluginSettings};
    use ottla_core::partition::custom::Choice;

    struct First;

    impl Plugin for First {
        fn configure(&self, _: &PluginSettings) -> Result<(), String> {
            Ok(())
        }

        fn close(&self) {}
    }

    impl CustomPartitioner for First {
        fn choose(&self, _: &Choice<'_>) -> Result<u32, String> {
            Ok(0)
        }

        fn needs_objects(&self) -> bool {
            false
        }
    }

    fn config(pairs: &[(&str, &str)]) -> Config {
        let mut config = Config::new();
        for (name, value) in pairs {
            config.set(name, value).expect("a property");
        }
        config
    }

    fn topics(pairs: &[(&str, &str)]) -> TopicConfig {
        let mut config = config(pairs);
        config.set("bootstrap.servers", "localhost:9092").expect("an address");
        TopicConfig::new(&config, &config.resolve().expect("valid"), &Plugins::default())
    }

    #[test]
    fn a_topic_s_class_precedes_the_application_s_partitioner_and_that_the_producer_s_class() {
        let producer = [("partitioner.class", "random"), ("ottla.topic.named.partitioner.class", "roundrobin")];
        let topics = TopicConfig { partitioner: Some(Arc::new(First)), ..topics(&producer) };
        let of = |name: &str, overrides: &[(&str, &str)]| {
            topics.resolve(name, &config(overrides)).expect("valid").settings.partitioner
        };
        assert!(matches!(of("any", &[]), Partitioner::Custom(_)));
        assert!(matches!(of("any", &[("partitioner.ignore.keys", "true")]), Partitioner::Custom(_)));
        assert!(matches!(of("any", &[("partitioner.class", "roundrobin")]), Partitioner::RoundRobin));
        assert!(matches!(of("named", &[]), Partitioner::RoundRobin));
        assert!(matches!(of("named", &[("partitioner.class", "random")]), Partitioner::Random));
    }

    #[test]
    fn notes_name_the_topic() {
        let topics = topics(&[("ottla.topic.t.acks", "1")]);
        let named = topics.named().expect("valid");
        assert_eq!(named.len(), 1);
        assert_eq!((&*named[0].0, named[0].1.settings.idempotence), ("t", false));
        assert_eq!(
            named[0].1.notes,
            ["topic t: idempotence is switched off by acks=1: a retry may write a record twice"]
        );
    }

    #[test]
    fn a_name_that_no_topic_can_have_is_an_error_of_the_configuration() {
        let error = topics(&[("ottla.topic.a b.acks", "1")]).named().err().expect("refused");
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
        assert!(error.message().starts_with("ottla.topic.a b: \"a b\" cannot be a topic's name"), "{error}");
    }

    #[test]
    fn what_differs_is_named() {
        let plain = TopicSettings::default();
        assert_eq!(plain.differences(&plain), [""; 0]);
        let other = TopicSettings {
            acks: ottla_core::config::Acks::Leader,
            linger: plain.linger * 2,
            delivery_timeout: plain.delivery_timeout * 2,
            request_timeout: plain.request_timeout * 2,
            compression_level: 1,
            partitioner: Partitioner::Random,
            ..plain.clone()
        };
        assert_eq!(
            plain.differences(&other),
            ["acks", "linger.ms", "delivery.timeout.ms", "request.timeout.ms", "compression", "partitioner"]
        );
    }
}
