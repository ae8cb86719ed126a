//! One property: its name, its type and values, and its documentation.

use std::sync::Arc;

use super::{Facilities, invalid, servers, trim};
use crate::Result;
use crate::secret::{HIDDEN, Secret};

/// A row of the table. Everything that is known of a property before anybody sets it.
#[derive(Debug)]
pub struct Property {
    pub name: &'static str,
    pub kind: Kind,
    /// In the spelling that [`super::Config::get`] answers with; `None`: nothing, until it is set.
    pub default: Option<&'static str>,
    /// The default in librdkafka's dialect, where it differs.
    pub librdkafka: Option<&'static str>,
    /// What else is accepted where only the default is: it makes no difference here.
    pub accepted: &'static [&'static str],
    pub importance: Importance,
    pub scope: Scope,
    pub group: Group,
    pub state: State,
    /// Where it comes from: the KIP that defined it and the Kafka class that holds it.
    pub source: &'static str,
    /// Complete sentences, with units.
    pub doc: &'static str,
}

/// Whose defaults a configuration has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dialect {
    /// Those of Kafka's Java producer.
    #[default]
    Java,
    Librdkafka,
}

/// The type of a property's value.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    Bool,
    Short(Range),
    Int(Range),
    Long(Range),
    Double {
        min: f64,
        max: f64,
    },
    String,
    /// A string of at least one character.
    Name,
    /// One of a few words; Java compares some of them without regard to case.
    Enum {
        values: &'static [&'static str],
        any_case: bool,
    },
    /// Words separated by commas.
    List,
    /// Names of facilities, separated by commas.
    Facilities,
    /// A list of `host:port`.
    Servers,
    /// A class of Java's that has an equal here.
    Class(&'static [Choice]),
    Password,
}

/// Bounds of a number, both included, and one value that is allowed outside them.
#[derive(Clone, Copy, Debug)]
pub struct Range {
    pub min: i64,
    pub max: i64,
    pub also: Option<i64>,
}

/// What a class name stands for.
#[derive(Clone, Copy, Debug)]
pub struct Choice {
    /// Ottla's word for it.
    pub short: &'static str,
    /// The name of the Java class.
    pub java: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Importance {
    High,
    Medium,
    Low,
}

/// Where a property may be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    Producer,
    /// For the producer, and differently for a topic.
    Topic,
}

/// The chapter of CONFIGURATION.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    Connection,
    Delivery,
    Batching,
    Compression,
    Partitioning,
    Serialization,
    Metadata,
    Network,
    Transactions,
    Tls,
    Sasl,
    OAuth,
    Observation,
    Jvm,
}

/// Whether setting the property does something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Implemented,
    /// Not in this release; any value but the default is refused. Says why.
    Later(&'static str),
    /// Means nothing outside a JVM; any value but the default is refused. Says what to use instead.
    JvmOnly(&'static str),
}

impl Property {
    /// Checks a value and gives it its one spelling: numbers without sign or zeros in front, booleans and words as
    /// the table writes them. Values are trimmed as Java trims them. Of a secret it returns the mask.
    pub fn check(&self, value: &str, dialect: Dialect) -> Result<String> {
        self.check_given(Given::openly(value), dialect).map(|text| text.shown().to_owned())
    }

    pub(super) fn check_given(&self, given: Given<'_>, dialect: Dialect) -> Result<Text> {
        let given = Given { value: trim(given.value), shown: trim(given.shown) };
        let canonical = self.parse(given)?;
        match self.state {
            State::Implemented => Ok(canonical),
            _ if self.makes_no_difference(canonical.exposed(), dialect) => Ok(canonical),
            State::Later(why) => Err(invalid(format!("{}{} is refused: {why}", self.name, self.quoted(given)))),
            State::JvmOnly(instead) => {
                Err(invalid(format!("{}{} means nothing outside a JVM: {instead}", self.name, self.quoted(given))))
            }
        }
    }

    /// Whether a property that does nothing was set to what it does anyway. Nothing, written out, is nothing.
    fn makes_no_difference(&self, canonical: &str, dialect: Dialect) -> bool {
        canonical == self.default_in(dialect).unwrap_or("")
            || self.default == Some(canonical)
            || self.accepted.contains(&canonical)
    }

    pub fn default_in(&self, dialect: Dialect) -> Option<&'static str> {
        match dialect {
            Dialect::Java => self.default,
            Dialect::Librdkafka => self.librdkafka.or(self.default),
        }
    }

    /// The type's name, as Java's documentation has it.
    pub fn type_name(&self) -> &'static str {
        match self.kind {
            Kind::Bool => "boolean",
            Kind::Short(_) => "short",
            Kind::Int(_) => "int",
            Kind::Long(_) => "long",
            Kind::Double { .. } => "double",
            Kind::String | Kind::Name | Kind::Enum { .. } => "string",
            Kind::List | Kind::Facilities | Kind::Servers => "list",
            Kind::Class(_) => "class",
            Kind::Password => "password",
        }
    }

    /// What the value may be, in words.
    pub fn valid_values(&self) -> String {
        match self.kind {
            Kind::Bool => "true or false".into(),
            Kind::Short(range) | Kind::Int(range) | Kind::Long(range) => range.to_string(),
            Kind::Double { min, max } if max == f64::MAX => format!("{min} or more"),
            Kind::Double { min, max } => format!("{min} to {max}"),
            Kind::String => "any text".into(),
            Kind::Name => "text that is not empty".into(),
            Kind::Enum { values, any_case } => {
                format!("one of {}{}", values.join(", "), if any_case { " (in any case)" } else { "" })
            }
            Kind::List => "words separated by commas".into(),
            Kind::Facilities => format!("any of {}, separated by commas", Facilities::words()),
            Kind::Servers => "host:port pairs separated by commas".into(),
            Kind::Class([]) => "none".into(),
            Kind::Class(choices) => {
                format!("one of {}, or the Java class of that meaning", short_names(choices).join(", "))
            }
            Kind::Password => "a secret".into(),
        }
    }

    fn parse(&self, given: Given<'_>) -> Result<Text> {
        let value = given.value;
        let canonical = match self.kind {
            Kind::Password => return Ok(Text::Secret(Arc::new(Secret::new(value)))),
            Kind::Bool if value.eq_ignore_ascii_case("true") => Ok("true".into()),
            Kind::Bool if value.eq_ignore_ascii_case("false") => Ok("false".into()),
            Kind::Bool => Err(self.mismatch(given)),
            Kind::Short(range) | Kind::Int(range) | Kind::Long(range) => match value.parse::<i64>() {
                Ok(number) if range.holds(number) => Ok(number.to_string()),
                _ => Err(self.mismatch(given)),
            },
            Kind::Double { min, max } => match value.parse::<f64>() {
                Ok(number) if (min..=max).contains(&number) => Ok(number.to_string()),
                _ => Err(self.mismatch(given)),
            },
            Kind::Name if value.is_empty() => Err(self.mismatch(given)),
            Kind::String | Kind::Name => Ok(value.into()),
            Kind::Enum { values, any_case } => values
                .iter()
                .find(|known| **known == value || any_case && known.eq_ignore_ascii_case(value))
                .map(|known| (*known).into())
                .ok_or_else(|| self.mismatch(given)),
            Kind::List => Ok(value.split(',').map(trim).collect::<Vec<_>>().join(",")),
            Kind::Facilities => match Facilities::parse(value) {
                Ok(_) => Ok(value.split(',').map(trim).collect::<Vec<_>>().join(",")),
                Err(_) => Err(self.mismatch(given)),
            },
            Kind::Servers => match servers::parse(self.name, value) {
                // Which entry is wrong, and how, would tell what is not to be shown.
                Err(_) if given.is_hidden() => Err(self.mismatch(given)),
                parsed => parsed.map(|_| value.into()),
            },
            Kind::Class(choices) => self.class(choices, given),
        };
        canonical.map(Text::Open)
    }

    /// Keeps the spelling: the table is asked again when the settings are made.
    fn class(&self, choices: &[Choice], given: Given<'_>) -> Result<String> {
        let Given { value, shown } = given;
        // Where nothing can be chosen the state refuses, with its own reason.
        if choices.is_empty() || choices.iter().any(|choice| choice.short == value || choice.java == value) {
            return Ok(value.into());
        }
        let known = short_names(choices);
        Err(invalid(format!(
            "{}='{shown}' is not something that Ottla has. Java classes cannot be loaded here; known are {} and the \
             Java classes of that meaning. Anything else is done by a function of the application's own, given to \
             ottla_config_set_{}",
            self.name,
            known.join(", "),
            self.name.trim_end_matches(".class").replace('.', "_")
        )))
    }

    fn mismatch(&self, given: Given<'_>) -> crate::Error {
        invalid(format!("{}{} is not valid: expected {}", self.name, self.quoted(given), self.expected()))
    }

    fn expected(&self) -> String {
        match self.kind {
            Kind::Short(_) | Kind::Int(_) | Kind::Long(_) => format!("a whole number, {}", self.valid_values()),
            Kind::Double { .. } => format!("a number, {}", self.valid_values()),
            _ => self.valid_values(),
        }
    }

    /// A secret is not repeated in a message.
    fn quoted(&self, given: Given<'_>) -> String {
        if self.is_secret() { String::new() } else { format!("='{}'", given.shown) }
    }

    /// Whether its value is kept as a [`Secret`], and shown to nobody.
    pub fn is_secret(&self) -> bool {
        matches!(self.kind, Kind::Password)
    }
}

/// A value that was checked.
#[derive(Clone)]
pub(super) enum Text {
    Open(String),
    Secret(Arc<Secret>),
}

impl Text {
    /// What anybody may see.
    pub fn shown(&self) -> &str {
        match self {
            Text::Open(text) => text,
            Text::Secret(_) => HIDDEN,
        }
    }

    fn exposed(&self) -> &str {
        match self {
            Text::Open(text) => text,
            Text::Secret(secret) => secret.expose(),
        }
    }
}

/// A value, and how it was written: what the environment was asked for stands in messages as `${env:NAME}`.
#[derive(Clone, Copy)]
pub(super) struct Given<'a> {
    pub value: &'a str,
    pub shown: &'a str,
}

impl<'a> Given<'a> {
    pub fn openly(value: &'a str) -> Self {
        Given { value, shown: value }
    }

    pub fn is_hidden(self) -> bool {
        self.value != self.shown
    }
}

/// Each once, though several classes may have it.
fn short_names(choices: &[Choice]) -> Vec<&'static str> {
    let mut names: Vec<_> = choices.iter().map(|choice| choice.short).collect();
    names.dedup();
    names
}

impl Range {
    fn holds(&self, number: i64) -> bool {
        (self.min..=self.max).contains(&number) || self.also == Some(number)
    }
}

impl std::fmt::Display for Range {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(also) = self.also {
            write!(out, "{also}, or ")?;
        }
        match (self.min, self.max) {
            (i64::MIN, i64::MAX) => write!(out, "any"),
            (min, i64::MAX) => write!(out, "{min} or more"),
            (min, max) => write!(out, "{min} to {max}"),
        }
    }
}

impl std::fmt::Display for Importance {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Importance::High => "high",
            Importance::Medium => "medium",
            Importance::Low => "low",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Dialect, find};

    fn check(name: &str, value: &str) -> String {
        match find(name).expect("a known property").check(value, Dialect::Java) {
            Ok(value) => value,
            Err(error) => format!("! {}", error.message()),
        }
    }

    #[test]
    fn numbers_are_whole_and_in_range() {
        assert_eq!(check("batch.size", " 00042\t"), "42");
        assert_eq!(check("batch.size", "+7"), "7");
        for wrong in ["-1", "2147483648", "1.5", "16k", "", "1 2", "99999999999999999999", "1_000"] {
            assert_eq!(
                check("batch.size", wrong),
                format!("! batch.size='{wrong}' is not valid: expected a whole number, 0 to 2147483647")
            );
        }
        assert_eq!(check("linger.ms", "9223372036854775807"), "9223372036854775807");
        assert_eq!(check("linger.ms", "-1"), "! linger.ms='-1' is not valid: expected a whole number, 0 or more");
        assert_eq!(check("connections.max.idle.ms", "-1"), "-1");
    }

    #[test]
    fn a_value_outside_the_range_can_be_allowed() {
        assert_eq!(check("compression.gzip.level", "-1"), "-1");
        assert_eq!(check("compression.gzip.level", "9"), "9");
        assert_eq!(
            check("compression.gzip.level", "0"),
            "! compression.gzip.level='0' is not valid: expected a whole number, -1, or 1 to 9"
        );
    }

    #[test]
    fn booleans_take_any_case_and_nothing_else() {
        assert_eq!(check("enable.idempotence", "TRUE"), "true");
        assert_eq!(check("enable.idempotence", "False"), "false");
        assert_eq!(
            check("enable.idempotence", "yes"),
            "! enable.idempotence='yes' is not valid: expected true or false"
        );
    }

    #[test]
    fn case_counts_where_it_counts_in_java() {
        assert_eq!(check("acks", "all"), "all");
        assert_eq!(check("acks", "ALL"), "! acks='ALL' is not valid: expected one of all, -1, 0, 1");
        assert!(check("compression.type", "GZIP").starts_with("! compression.type='GZIP' is not valid"));
        assert_eq!(check("metadata.recovery.strategy", "ReBootStrap"), "rebootstrap");
        assert_eq!(check("security.protocol", "plaintext"), "PLAINTEXT");
    }

    #[test]
    fn an_unknown_class_is_refused_with_the_known_ones() {
        assert_eq!(check("key.serializer", "org.apache.kafka.common.serialization.StringSerializer").len(), 54);
        let refusal = check("value.serializer", "io.confluent.kafka.serializers.KafkaAvroSerializer");
        assert!(refusal.starts_with("! value.serializer='io.confluent.kafka.serializers.KafkaAvroSerializer' is not"));
        assert!(refusal.contains("Java classes cannot be loaded here") && refusal.contains("string"), "{refusal}");
        assert!(refusal.ends_with("given to ottla_config_set_value_serializer"), "{refusal}");
        let lists = check("key.serializer", "org.apache.kafka.common.serialization.ListSerializer");
        assert!(lists.ends_with("given to ottla_config_set_key_serializer"), "{lists}");
        let partitioner = check("partitioner.class", "com.example.Mine");
        assert!(partitioner.ends_with("given to ottla_config_set_partitioner"), "{partitioner}");
    }

    #[test]
    fn words_of_a_list_are_trimmed() {
        assert_eq!(check("ssl.enabled.protocols", "TLSv1.2 , TLSv1.3"), "TLSv1.2,TLSv1.3");
    }

    #[test]
    fn what_is_for_later_passes_only_at_its_default() {
        assert_eq!(check("sasl.mechanism", "GSSAPI"), "GSSAPI");
        assert_eq!(
            check("sasl.mechanism", "PLAIN"),
            "! sasl.mechanism='PLAIN' is refused: SASL is not in this release"
        );
        assert_eq!(
            check("transaction.two.phase.commit.enable", "true"),
            "! transaction.two.phase.commit.enable='true' is refused: two-phase commit is not in this release"
        );
        assert_eq!(check("transactional.id", "mine"), "mine");
        assert_eq!(
            check("transactional.id", ""),
            "! transactional.id='' is not valid: expected text that is not empty"
        );
    }

    #[test]
    fn what_is_of_the_jvm_passes_only_at_its_default() {
        assert_eq!(check("config.providers", ""), "");
        assert_eq!(check("metric.reporters", "org.apache.kafka.common.metrics.JmxReporter").len(), 43);
        assert!(
            check("security.providers", "com.example.Creator").contains("means nothing outside a JVM: Ottla carries")
        );
    }

    #[test]
    fn every_default_passes_its_own_check() {
        for property in super::super::properties() {
            for dialect in [Dialect::Java, Dialect::Librdkafka] {
                let default = property.default_in(dialect);
                let checked = default.map(|default| property.check(default, dialect).expect(property.name));
                assert_eq!(checked.as_deref(), default, "{}", property.name);
            }
        }
    }
}
