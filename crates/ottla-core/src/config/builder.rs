//! The configuration as the application sets it: names and values in text.

use super::foreign::{Meaning, check_alias, find_foreign, is_fixed_value, without_topic};
use super::property::{Given, Text};
use super::{
    Dialect, PluginSettings, Property, Settings, TOPIC_PREFIX, environment, find, invalid, properties, properties_file,
    settings, suggestion, topics, trim,
};
use crate::Result;
use crate::secret::Secret;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// Names that begin so belong to the application's own serializers, partitioners and interceptors: kept as they
/// are, checked by nobody.
pub const PLUGIN_PREFIX: &str = "ottla.plugin.";

/// Properties by name. Each value is checked when it is set; what concerns several is checked by [`Config::resolve`].
#[derive(Clone, Debug, Default)]
pub struct Config {
    dialect: Dialect,
    pub(super) values: BTreeMap<&'static str, Value>,
    pub(super) plugin: PluginSettings,
    /// What is said of single topics, by name.
    pub(super) topics: BTreeMap<String, Config>,
}

#[derive(Clone)]
pub(super) struct Value {
    /// The property's own name or the alias under which it was set.
    pub(super) written_as: &'static str,
    text: Text,
    /// What messages say instead of the text.
    shown: String,
}

impl std::fmt::Debug for Value {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}={}", self.written_as, self.shown)
    }
}

/// Why a name cannot be set, apart from its value.
enum Unset {
    /// Not known at all.
    Unknown(String),
    /// Known, and of no consequence here.
    Idle(String),
    Wrong(crate::Error),
}

impl Config {
    /// A configuration with Java's defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// A configuration with the defaults of another client. Names, values and units stay Java's, as far as both clients
    /// have the property.
    pub fn for_dialect(dialect: Dialect) -> Self {
        Config { dialect, ..Self::default() }
    }

    pub(super) fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Sets one property, under its own name or an alias. The same name again replaces the value; another name for
    /// the same property is an error.
    pub fn set(&mut self, name: &str, value: &str) -> Result<()> {
        self.put(name, Given::openly(value)).map_err(|reason| match reason {
            Unset::Unknown(message) | Unset::Idle(message) => invalid(message),
            Unset::Wrong(error) => error,
        })
    }

    /// The value that counts: what was set, or the default. `None` for a property that is not known, or not set and
    /// without default. Under an alias, in the alias's units. A class reads back as it was written, a secret as
    /// `[hidden]`.
    pub fn get(&self, name: &str) -> Option<String> {
        if name.starts_with(PLUGIN_PREFIX) {
            return self.plugin.get(name).cloned();
        }
        if let Some((topic, property)) = name.strip_prefix(TOPIC_PREFIX).and_then(topics::split) {
            let of_topic = self.topics.get(topic).filter(|of_topic| of_topic.is_set(property));
            return of_topic.unwrap_or(self).get(property);
        }
        if let Some(property) = find(name) {
            return self.explicit_value(property).map(str::to_owned);
        }
        match find_foreign(name)?.meaning {
            Meaning::Alias { property, convert } => Some(convert.to_foreign(self.explicit_value(find(property)?)?)),
            _ => None,
        }
    }

    /// The secret that was set for this property. Nothing else shows it.
    pub fn secret(&self, name: &str) -> Option<Arc<Secret>> {
        match &self.values.get(name)?.text {
            Text::Secret(secret) => Some(secret.clone()),
            Text::Open(_) => None,
        }
    }

    /// What was set, as it may be shown: `name=value`, in the order of the names.
    pub fn written(&self) -> impl Iterator<Item = String> {
        let own = self.values.values().map(|value| format!("{value:?}"));
        let of_topics = self.topics.iter().flat_map(|(topic, config)| {
            config.values.values().map(move |value| format!("{TOPIC_PREFIX}{topic}.{value:?}"))
        });
        own.chain(of_topics)
    }

    /// Whether the user set it, under whichever name.
    pub fn is_set(&self, name: &str) -> bool {
        if let Some((topic, property)) = name.strip_prefix(TOPIC_PREFIX).and_then(topics::split) {
            return self.topics.get(topic).is_some_and(|of_topic| of_topic.is_set(property));
        }
        let name = match find_foreign(name).map(|foreign| foreign.meaning) {
            Some(Meaning::Alias { property, .. }) => property,
            _ => name,
        };
        self.values.contains_key(name) || self.plugin.contains_key(name)
    }

    /// The whole table.
    pub fn properties() -> &'static [Property] {
        properties()
    }

    /// Sets everything that a Java `.properties` file holds, with `${env:NAME}` filled in, and answers with the warnings for the log: names that
    /// are not known, or have no counterpart here. Other errors name file and line, and leave the configuration as it
    /// was. The file is read as UTF-8 and may have 1 MiB.
    pub fn load_properties(&mut self, path: impl AsRef<Path>) -> Result<Vec<String>> {
        let path = path.as_ref();
        let text = properties_file::read(path)?;
        self.load_properties_str(&text, &path.display().to_string())
    }

    /// The same for text from elsewhere; `origin` stands for the file's name in messages.
    pub fn load_properties_str(&mut self, text: &str, origin: &str) -> Result<Vec<String>> {
        let mut loaded = self.clone();
        let mut warnings = Vec::new();
        for entry in properties_file::parse(text, origin)? {
            let place = format!("{origin}:{}", entry.line);
            // Only where the name is ours: what else stands in the file is not for us to look up.
            let filled = if is_known(&entry.key) { environment::fill_in(&entry.value) } else { Ok(None) };
            let filled = filled.map_err(|reason| invalid(format!("{place}: {}: {reason}", entry.key)))?;
            let given = Given { value: filled.as_ref().unwrap_or(&entry.value), shown: &entry.value };
            match loaded.put(&entry.key, given) {
                Ok(()) => {}
                Err(Unset::Unknown(message) | Unset::Idle(message)) => {
                    warnings.push(format!("{place}: ignored: {message}"));
                }
                Err(Unset::Wrong(error)) => return Err(error.context(place)),
            }
        }
        *self = loaded;
        Ok(warnings)
    }

    /// Checks the whole and turns it into what the engine works with. Without `client.id`, each call takes a new
    /// number for the name.
    pub fn resolve(&self) -> Result<Settings> {
        settings::resolve(self)
    }

    pub(super) fn plugin(&self) -> &PluginSettings {
        &self.plugin
    }

    fn explicit_value(&self, property: &Property) -> Option<&str> {
        match self.values.get(property.name) {
            Some(value) => Some(value.text.shown()),
            None => property.default_in(self.dialect),
        }
    }

    fn put(&mut self, name: &str, given: Given<'_>) -> Result<(), Unset> {
        if let Some(own) = name.strip_prefix(PLUGIN_PREFIX) {
            if own.is_empty() {
                return Err(Unset::Wrong(invalid(format!("'{PLUGIN_PREFIX}' is not complete: a name has to follow"))));
            }
            self.plugin.insert(name.into(), given.value.into());
            return Ok(());
        }
        if let Some(of_topic) = name.strip_prefix(TOPIC_PREFIX) {
            return self.put_for_topic(name, of_topic, given).map_err(Unset::Wrong);
        }
        let name = without_topic(name);
        if let Some(property) = find(name) {
            let text = property.check_given(given, self.dialect).map_err(Unset::Wrong)?;
            return self.keep(property, property.name, text, given);
        }
        let Some(foreign) = find_foreign(name) else {
            return Err(Unset::Unknown(unknown(name)));
        };
        match foreign.meaning {
            Meaning::Alias { property, convert } => {
                let (property, text) =
                    check_alias(name, property, convert, given, self.dialect).map_err(Unset::Wrong)?;
                self.keep(property, foreign.name, text, given)
            }
            Meaning::Fixed { values, .. } if is_fixed_value(values, trim(given.value)) => Ok(()),
            Meaning::Fixed { otherwise, harmless, .. } => {
                let message = format!("{name}='{}' cannot be had: {otherwise}", trim(given.shown));
                Err(if harmless { Unset::Idle(message) } else { Unset::Wrong(invalid(message)) })
            }
            Meaning::Idle(why) => Err(Unset::Idle(format!("{name} is not a property of Ottla: {why}"))),
            Meaning::Refused(why) => Err(Unset::Wrong(invalid(format!("{name} is not a property of Ottla: {why}")))),
        }
    }

    /// What follows a prefix of ours is meant for us: in a file, too, it is an error if it is not known.
    fn put_for_topic(&mut self, name: &str, of_topic: &str, given: Given<'_>) -> Result<()> {
        let (topic, property) = topics::split(of_topic).ok_or_else(|| topics::unknown(name))?;
        topics::check_scope(property).map_err(|error| error.context(name))?;
        let mut changed = self.topics.get(topic).cloned().unwrap_or_else(|| Config::for_dialect(self.dialect));
        changed.put(property, given).map_err(|reason| match reason {
            Unset::Unknown(message) | Unset::Idle(message) => invalid(format!("{name}: {message}")),
            Unset::Wrong(error) => error.context(name),
        })?;
        self.topics.insert(topic.into(), changed);
        Ok(())
    }

    fn keep(
        &mut self,
        property: &'static Property,
        written_as: &'static str,
        text: Text,
        given: Given<'_>,
    ) -> Result<(), Unset> {
        let shown = match &text {
            Text::Open(_) if given.is_hidden() => given.shown.into(),
            text => text.shown().to_owned(),
        };
        match self.values.get(property.name) {
            Some(before) if before.written_as != written_as => Err(Unset::Wrong(invalid(format!(
                "{written_as} sets the same as {}, which is set already (to '{}'): keep one of them",
                before.written_as, before.shown
            )))),
            _ => {
                self.values.insert(property.name, Value { written_as, text, shown });
                Ok(())
            }
        }
    }
}

fn is_known(name: &str) -> bool {
    let name = without_topic(name);
    let is_ours = name.starts_with(PLUGIN_PREFIX) || name.starts_with(TOPIC_PREFIX);
    is_ours || find(name).is_some() || find_foreign(name).is_some()
}

fn unknown(name: &str) -> String {
    match suggestion::nearest(name) {
        Some(meant) => format!("unknown property '{name}'; did you mean {meant}?"),
        None => format!("unknown property '{name}'; settings of plug-ins begin with {PLUGIN_PREFIX}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(config: &mut Config, name: &str, value: &str) -> String {
        config.set(name, value).unwrap_err().message().to_owned()
    }

    #[test]
    fn what_is_set_is_read_back_and_the_rest_is_default() {
        let mut config = Config::new();
        assert_eq!(config.get("linger.ms").as_deref(), Some("5"));
        assert_eq!(config.get("bootstrap.servers"), None);
        assert_eq!(config.get("client.id").as_deref(), Some(""));
        assert_eq!(config.get("no.such.thing"), None);
        assert_eq!(config.get("queue.buffering.max.kbytes").as_deref(), Some("32768"));
        config.set("linger.ms", " 020 ").unwrap();
        assert_eq!(config.get("linger.ms").as_deref(), Some("20"));
        assert!(config.is_set("linger.ms") && config.is_set("queue.buffering.max.ms") && !config.is_set("acks"));
    }

    #[test]
    fn an_unknown_name_gets_a_hint() {
        let mut config = Config::new();
        assert_eq!(
            refusal(&mut config, "max.inflight.request.per.connection", "1"),
            "unknown property 'max.inflight.request.per.connection'; did you mean \
             max.in.flight.requests.per.connection?"
        );
        assert_eq!(
            refusal(&mut config, "deliver.timeout.ms", "1"),
            "unknown property 'deliver.timeout.ms'; did you mean delivery.timeout.ms?"
        );
        assert_eq!(
            refusal(&mut config, "my.own.setting", "1"),
            "unknown property 'my.own.setting'; settings of plug-ins begin with ottla.plugin."
        );
        let error = config.set("deliver.timeout.ms", "1").unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::InvalidConfig);
    }

    #[test]
    fn the_same_name_replaces_another_name_is_refused() {
        let mut config = Config::new();
        config.set("linger.ms", "1").unwrap();
        config.set("linger.ms", "2").unwrap();
        assert_eq!(
            refusal(&mut config, "queue.buffering.max.ms", "3"),
            "queue.buffering.max.ms sets the same as linger.ms, which is set already (to '2'): keep one of them"
        );
        assert_eq!(config.get("linger.ms").as_deref(), Some("2"));
        config.set("request.required.acks", "1").unwrap();
        assert_eq!(
            refusal(&mut config, "acks", "all"),
            "acks sets the same as request.required.acks, which is set already (to '1'): keep one of them"
        );
    }

    #[test]
    fn a_refused_value_leaves_the_old_one() {
        let mut config = Config::new();
        config.set("batch.size", "1").unwrap();
        refusal(&mut config, "batch.size", "x");
        assert_eq!(config.get("batch.size").as_deref(), Some("1"));
    }

    #[test]
    fn settings_of_plug_ins_are_kept_as_they_are() {
        let mut config = Config::new();
        config.set("ottla.plugin.avro.registry", " http://r:8081 ").unwrap();
        assert_eq!(config.get("ottla.plugin.avro.registry").as_deref(), Some(" http://r:8081 "));
        assert!(config.is_set("ottla.plugin.avro.registry"));
        assert_eq!(refusal(&mut config, "ottla.plugin.", "x"), "'ottla.plugin.' is not complete: a name has to follow");
    }

    #[test]
    fn a_file_sets_what_is_known_and_warns_of_the_rest() {
        let mut config = Config::new();
        let text = "acks=1\napp.name = shop\nbatch.num.messages=5\n\nlinger.mss=3\nlinger.ms=4\nlinger.ms=5\n";
        let warnings = config.load_properties_str(text, "my.properties").unwrap();
        assert_eq!(
            warnings,
            [
                "my.properties:2: ignored: unknown property 'app.name'; settings of plug-ins begin with ottla.plugin.",
                "my.properties:3: ignored: batch.num.messages is not a property of Ottla: batches are limited in \
                 bytes, not in records: set batch.size",
                "my.properties:5: ignored: unknown property 'linger.mss'; did you mean linger.ms?",
            ]
        );
        assert_eq!(config.get("acks").as_deref(), Some("1"));
        assert_eq!(config.get("linger.ms").as_deref(), Some("5"));
    }

    #[test]
    fn a_wrong_line_is_named_and_nothing_of_the_file_is_kept() {
        let mut config = Config::new();
        for (text, message) in [
            ("acks=0\n# c\nacks=2", "f:3: acks='2' is not valid: expected one of all, -1, 0, 1"),
            ("acks=0\nsasl.username=me", "f:2: sasl.username is not a property of Ottla: SASL is not in this release"),
            ("acks=0\n\\\n\nlinger.ms=\\u00g0", "f:4: malformed \\u escape: four hexadecimal digits have to follow"),
            (
                "acks=0\nrequest.required.acks=0",
                "f:2: request.required.acks sets the same as acks, which is set already (to '0'): keep one of them",
            ),
        ] {
            assert_eq!(config.load_properties_str(text, "f").unwrap_err().message(), message);
            assert!(!config.is_set("acks"));
        }
    }

    #[test]
    fn the_environment_fills_in_what_a_file_asks_for_and_messages_do_not_tell_it() {
        // Cargo sets these for its tests.
        let folder = env!("CARGO_MANIFEST_DIR");
        let load = |text: &str| {
            let mut config = Config::new();
            let loaded = config.load_properties_str(text, "f");
            (config, loaded.map_err(|error| error.message().to_owned()))
        };
        let (config, loaded) = load("client.id=at ${env:CARGO_MANIFEST_DIR}!\nottla.plugin.a=${env:CARGO_PKG_NAME}");
        assert_eq!(loaded, Ok(vec![]));
        assert_eq!(config.get("client.id"), Some(format!("at {folder}!")));
        assert_eq!(config.get("ottla.plugin.a").as_deref(), Some(env!("CARGO_PKG_NAME")));
        assert!(!format!("{config:?}").contains(folder), "{config:?}");

        for (line, message) in [
            (
                "linger.ms=${env:CARGO_MANIFEST_DIR}",
                "linger.ms='${env:CARGO_MANIFEST_DIR}' is not valid: expected a whole number, 0 or more",
            ),
            (
                "bootstrap.servers=${env:CARGO_MANIFEST_DIR}",
                "bootstrap.servers='${env:CARGO_MANIFEST_DIR}' is not valid: expected host:port pairs separated by commas",
            ),
            (
                "queue.buffering.max.kbytes = ${env:CARGO_MANIFEST_DIR} ",
                "queue.buffering.max.kbytes (here buffer.memory): buffer.memory='${env:CARGO_MANIFEST_DIR}' is not \
                 valid: expected a whole number, 0 or more",
            ),
            (
                "sasl.kerberos.service.name=${env:CARGO_PKG_NAME}",
                "sasl.kerberos.service.name='${env:CARGO_PKG_NAME}' is refused: SASL is not in this release",
            ),
            (
                "queuing.strategy=${env:CARGO_PKG_NAME}",
                "queuing.strategy='${env:CARGO_PKG_NAME}' cannot be had: records are sent in the order in which \
                 they were accepted",
            ),
            (
                "acks=${env:OTTLA_NOT_SET_ANYWHERE}",
                "acks: the environment variable OTTLA_NOT_SET_ANYWHERE is not set; set it, or write \
                 $${env:OTTLA_NOT_SET_ANYWHERE} for the text itself",
            ),
        ] {
            assert_eq!(load(&format!("\n{line}")).1, Err(format!("f:2: {message}")));
        }
        let (_, twice) = load("linger.ms=${env:CARGO_PKG_VERSION_MAJOR}\nqueue.buffering.max.ms=1");
        let reported = "linger.ms, which is set already (to '${env:CARGO_PKG_VERSION_MAJOR}'): keep one of them";
        assert_eq!(twice, Err(format!("f:2: queue.buffering.max.ms sets the same as {reported}")));
        // The application's own settings are its own affair.
        let (_, own) = load("my.password=${env:OTTLA_NOT_SET_ANYWHERE}");
        assert_eq!(own.map(|warnings| warnings.len()), Ok(1));
        // A call gives the value itself.
        let mut config = Config::new();
        config.set("client.id", "${env:HOME}").unwrap();
        assert_eq!(config.get("client.id").as_deref(), Some("${env:HOME}"));
    }

    const PASSWORD: &str = "hunter2";

    fn secret_properties() -> impl Iterator<Item = &'static Property> {
        properties().iter().filter(|property| property.is_secret())
    }

    #[test]
    fn every_password_key_and_certificate_text_is_a_secret() {
        let names: Vec<_> = secret_properties().map(|property| property.name).collect();
        let is_secret = |name: &str| {
            let ends = ["password", "passphrase", "secret", "keystore.key", "chain", "certificates", "jaas.config"];
            ends.iter().any(|end| name.ends_with(end))
        };
        let expected = properties().iter().map(|property| property.name).filter(|name| is_secret(name));
        assert_eq!(names, expected.collect::<Vec<_>>());
        assert_eq!(names.len(), 9);
    }

    #[test]
    fn set_secret_is_shown_nowhere_but_to_its_reader() {
        for property in secret_properties() {
            let name = property.name;
            let text = Text::Secret(Arc::new(Secret::new(PASSWORD)));
            let mut config = Config::new();
            assert!(config.keep(property, name, text, Given::openly(PASSWORD)).is_ok());
            let copy = config.clone();
            assert_eq!(copy.secret(name).expect("it is set").expose(), PASSWORD);
            assert_eq!(copy.get(name).as_deref(), Some("[hidden]"), "{name}");
            assert_eq!(copy.written().collect::<Vec<_>>(), [format!("{name}=[hidden]")]);
            let aliases = super::super::foreign_names()
                .iter()
                .filter(|foreign| matches!(foreign.meaning, Meaning::Alias { property, .. } if property == name));
            for alias in aliases {
                assert_eq!(copy.get(alias.name).as_deref(), Some("[hidden]"), "{}", alias.name);
            }
            config.set("bootstrap.servers", "localhost:9092").unwrap();
            let settings = config.resolve().unwrap();
            let topic = config.resolve_topic("t", &copy, &settings).unwrap_err();
            let twice = config.keep(property, "another.name", Text::Open("x".into()), Given::openly("x"));
            let Err(Unset::Wrong(twice)) = twice else { panic!("{name} was set twice") };
            for printed in [format!("{config:?}"), format!("{settings:?}"), topic.to_string(), twice.to_string()] {
                assert!(!printed.contains(PASSWORD), "{name}: {printed}");
            }
        }
    }

    #[test]
    fn refused_secret_is_in_no_message() {
        // Also names that only other clients have: their values may be passwords, too.
        let foreign = super::super::foreign_names().iter().filter(|foreign| match foreign.meaning {
            Meaning::Alias { property, .. } => find(property).unwrap().is_secret(),
            Meaning::Refused(_) => true,
            _ => false,
        });
        let names = secret_properties().map(|property| property.name).chain(foreign.map(|foreign| foreign.name));
        for name in names.chain(["sasl.pasword", "ssl.key.passwort", "my.password"]) {
            let mut config = Config::new();
            // A name that is accepted leaves the secret in the configuration.
            let mut messages: Vec<String> = config.set(name, PASSWORD).err().iter().map(ToString::to_string).collect();
            for name in [name.to_owned(), format!("topic.{name}"), format!("{TOPIC_PREFIX}t.{name}")] {
                for line in [format!("{name}={PASSWORD}"), format!("{name}={PASSWORD}\\u00g0")] {
                    match config.load_properties_str(&line, "f") {
                        Ok(warnings) => messages.extend(warnings),
                        Err(error) => messages.push(error.to_string()),
                    }
                }
            }
            assert!(messages.len() >= 4, "{name}: {messages:?}");
            messages.push(format!("{config:?} {:?}", config.resolve()));
            for message in messages {
                assert!(!message.contains(PASSWORD), "{name}: {message}");
            }
        }
    }

    #[test]
    fn settings_of_topics_may_say_so() {
        let mut config = Config::new();
        let text = "topic.request.required.acks=1\ntopic.message.timeout.ms=9000\ntopic.compression.codec=lz4\n\
                    topic.queuing.strategy=fifo\ntopic.linger.ms=7\ntopic.metadata.refresh.interval.ms=60000\n";
        assert_eq!(config.load_properties_str(text, "f").unwrap(), [""; 0]);
        assert_eq!(config.get("acks").as_deref(), Some("1"));
        assert_eq!(config.get("delivery.timeout.ms").as_deref(), Some("9000"));
        assert_eq!(config.get("compression.type").as_deref(), Some("lz4"));
        assert_eq!(config.get("metadata.max.age.ms").as_deref(), Some("60000"));
        assert!(refusal(&mut config, "topic.bootstrap.servers", "a:1").starts_with("unknown property"));
        assert!(refusal(&mut config, "topic.acks", "0").contains("which is set already (to '1')"));
    }

    #[test]
    fn what_is_not_to_be_had_but_not_missed_is_a_warning_in_a_file() {
        let mut config = Config::new();
        let text = "socket.keepalive.enable=false\ncompression.level=6\nproduce.offset.report=0\n";
        let warnings = config.load_properties_str(text, "f").unwrap();
        assert_eq!(warnings.len(), 3, "{warnings:?}");
        assert_eq!(warnings[0], "f:1: ignored: socket.keepalive.enable='false' cannot be had: keepalive is always on");
        assert!(config.set("socket.keepalive.enable", "false").is_err());
        assert!(config.load_properties_str("queuing.strategy=lifo", "f").is_err());
    }

    /// The names that were warned of.
    fn ignored(config: &mut Config, text: &str) -> Vec<String> {
        let warnings = config.load_properties_str(text, "app").unwrap();
        let name = |warning: &String| {
            let rest = warning.split("ignored: ").nth(1).expect("a place comes first");
            let rest = rest.strip_prefix("unknown property '").unwrap_or(rest);
            rest.split([' ', '=', '\'']).next().unwrap_or_default().to_owned()
        };
        warnings.iter().map(name).collect()
    }

    #[test]
    fn a_java_file_for_a_plaintext_producer_works_unchanged() {
        let mut config = Config::new();
        let text = include_str!("../../tests/vectors/java-app.properties");
        assert_eq!(ignored(&mut config, text), ["shop.orders.topic", "shop.orders.threads", "shop.password"]);
        let settings = config.resolve().unwrap();
        assert_eq!(settings.client_id, "shop orders");
        assert_eq!(settings.bootstrap.len(), 2);
        assert!(settings.notes.iter().any(|note| note.starts_with("enable.metrics.push=true")), "{:?}", settings.notes);
    }

    #[test]
    fn a_java_file_of_kafka_3_works_unchanged() {
        let mut config = Config::new();
        let text = include_str!("../../tests/vectors/java-3-app.properties");
        assert_eq!(ignored(&mut config, text), ["auto.include.jmx.reporter", "spring.application.name"]);
        assert!(!config.resolve().unwrap().idempotence);
    }

    #[test]
    fn a_librdkafka_file_works_unchanged() {
        let mut config = Config::new();
        let text = include_str!("../../tests/vectors/librdkafka-app.properties");
        let ignored = ignored(&mut config, text);
        assert_eq!(ignored.len(), 15, "{ignored:?}");
        assert!(ignored.contains(&"compression.level".to_owned()), "{ignored:?}");
        let settings = config.resolve().unwrap();
        assert_eq!(settings.buffer_memory, 65536 * 1024);
        assert_eq!(settings.linger.as_millis(), 50);
        assert_eq!(settings.delivery_timeout.as_millis(), 300_000);
        assert!(settings.debug.has(crate::config::Facility::Broker));
        assert!(!settings.debug.has(crate::config::Facility::Batch));
    }
}
