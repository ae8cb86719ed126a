//! CONFIGURATION.md, made from the table.

use super::foreign::Meaning;
use super::{Group, Property, Scope, State, foreign_names, properties};
use std::fmt::Write;

const GROUPS: &[(Group, &str)] = &[
    (Group::Connection, "Connecting to the cluster"),
    (Group::Delivery, "Delivery"),
    (Group::Batching, "Batches and memory"),
    (Group::Compression, "Compression"),
    (Group::Partitioning, "Partitions"),
    (Group::Serialization, "Keys and values"),
    (Group::Metadata, "Metadata"),
    (Group::Network, "Network"),
    (Group::Transactions, "Transactions"),
    (Group::Tls, "TLS"),
    (Group::Sasl, "SASL"),
    (Group::OAuth, "OAUTHBEARER"),
    (Group::Observation, "Metrics and interceptors"),
    (Group::Jvm, "The JVM"),
];

/// The whole document. The committed file is compared with it by a test.
pub fn markdown() -> String {
    let mut out = String::new();
    let _ = out.write_str(INTRODUCTION);
    for (group, title) in GROUPS {
        let implemented = |p: &&Property| p.group == *group && p.state == State::Implemented;
        let mut rows = properties().iter().filter(implemented).peekable();
        if rows.peek().is_some() {
            let _ = writeln!(out, "\n## {title}");
            rows.for_each(|property| describe(&mut out, property));
        }
    }
    refused(&mut out);
    aliases(&mut out);
    fixed(&mut out);
    no_counterpart(&mut out);
    out
}

const INTRODUCTION: &str = "\
<!-- Generated from the table in crates/ottla-core/src/config; a test compares. To renew it: OTTLA_BLESS=1 cargo test -p ottla-core --lib document -->
# Configuration

A producer is configured by properties. Each has a name and a value, both text. Names, types and defaults are those of
the Java producer 4.3.1; where Ottla differs, the property's text says so. Values are trimmed at both ends. A property
marked *topic* can be set per topic.

- An unknown name is an error, which suggests the nearest known name. In a `.properties` file it is a warning, because
  such files hold the settings of applications too.
- librdkafka's names are accepted where they mean the same (see [Foreign names](#foreign-names)). Setting a property under
  two names is an error. Setting it twice under one name replaces the value.
- librdkafka's topic settings may begin with `topic.`, as in `topic.request.required.acks`.
- To set a property for one topic, use `ottla.topic.<topic>.<property>`, for example `ottla.topic.payments.eu.acks=1`, or
  a topic handle. Everything else about the topic is as for the producer. A topic's settings are fixed when the
  configuration or a handle first names it. A request carries topics of one `acks` and one `request.timeout.ms`, so
  topics that differ in these take turns at a broker.
- Names that begin with `ottla.plugin.` are reserved for custom serializers, partitioners and interceptors. They are not
  checked.
- Rules about several properties are checked when the producer is created. If explicit settings contradict each other,
  that is an error. A default gives way instead, with a line in the log.

A `.properties` file has Java's syntax: `name=value`, `name: value` or `name value` on a line, `#` or `!` before a
comment, `\\` at the end of a line that continues in the next, and the escapes `\\t`, `\\n`, `\\r`, `\\f`, `\\\\`, `\\=`,
`\\:`, `\\#`, `\\!` and `\\uXXXX`. It is read as UTF-8. (Java's default is ISO-8859-1; ASCII with `\\uXXXX` is the same in
both.) It may have at most 1 MiB.

In a value, `${env:NAME}` stands for the environment variable of that name at the time when the file is read. A variable
that is not set is an error. It may stand anywhere in the value, any number of times. Messages do not show its value.
`$${env:NAME}` is the text `${env:NAME}` itself. Any other `${...}` is left as it is.

Values of type `password` are secrets. They read back as `[hidden]`, no message, log line or statistic shows them, and
their memory is overwritten when the last configuration or producer that has them is released.
";

fn describe(out: &mut String, property: &Property) {
    let _ = writeln!(out, "\n### {}\n", property.name);
    let default = match property.default {
        None => "none".into(),
        Some("") => "empty".into(),
        Some(text) => format!("`{text}`"),
    };
    let topic = if property.scope == Scope::Topic { " · *topic*" } else { "" };
    let _ = writeln!(
        out,
        "{} · {} · default {default} · importance {}{topic} · {}\n\n{}",
        property.type_name(),
        property.valid_values(),
        property.importance,
        property.source,
        property.doc
    );
    let also: Vec<_> = aliases_of(property.name).map(|name| format!("`{name}`")).collect();
    if !also.is_empty() {
        let _ = writeln!(out, "\nAlso accepted as {}.", also.join(", "));
    }
}

fn aliases_of(name: &str) -> impl Iterator<Item = &'static str> {
    foreign_names().iter().filter_map(move |foreign| match foreign.meaning {
        Meaning::Alias { property, .. } if property == name => Some(foreign.name),
        _ => None,
    })
}

fn refused(out: &mut String) {
    let _ = writeln!(
        out,
        "\n## Known, and refused\n\nThese properties of the Java producer have no effect in this release. Their default value \
         is accepted. Any other value is an error that gives the reason."
    );
    for (group, title) in GROUPS {
        let refused = |p: &&Property| p.group == *group && p.state != State::Implemented;
        let mut rows = properties().iter().filter(refused).peekable();
        if rows.peek().is_none() {
            continue;
        }
        let _ = writeln!(out, "\n### {title}: refused\n\n| property | type | accepted | what it is | reason |");
        let _ = writeln!(out, "|---|---|---|---|---|");
        for property in rows {
            let (State::Later(reason) | State::JvmOnly(reason)) = property.state else { continue };
            let accepted = accepted(property);
            let (name, kind, doc) = (property.name, property.type_name(), property.doc);
            let _ = writeln!(out, "| `{name}` | {kind} | {accepted} | {doc} | {reason} |");
        }
    }
}

/// The values that are not refused.
fn accepted(property: &Property) -> String {
    let values = property.default.iter().chain(property.accepted);
    let reported: Vec<_> =
        values.map(|value| if value.is_empty() { "empty".into() } else { format!("`{value}`") }).collect();
    if reported.is_empty() { "unset or empty".into() } else { reported.join(", ") }
}

fn aliases(out: &mut String) {
    let _ = writeln!(
        out,
        "\n## Foreign names\n\nEach of these is an alias: it sets the property in its row.\n\n| name | property | units |"
    );
    let _ = writeln!(out, "|---|---|---|");
    for foreign in foreign_names() {
        if let Meaning::Alias { property, convert } = foreign.meaning {
            let _ = writeln!(out, "| `{}` | `{property}` | {} |", foreign.name, convert.description());
        }
    }
}

fn fixed(out: &mut String) {
    let _ = writeln!(
        out,
        "\nThese cannot be set. The accepted value describes what Ottla does. Any other value is an error when it is set by \
         a call. In a file it is only a warning if records arrive correctly all the same.\n\n\
         | name | accepted | another value in a file | why no other |\n|---|---|---|---|"
    );
    for foreign in foreign_names() {
        if let Meaning::Fixed { values, otherwise, harmless } = foreign.meaning {
            let in_file = if harmless { "warning" } else { "error" };
            let _ = writeln!(out, "| `{}` | `{}` | {in_file} | {otherwise} |", foreign.name, values.join("`, `"));
        }
    }
}

fn no_counterpart(out: &mut String) {
    let _ = writeln!(
        out,
        "\nThese have no counterpart and are errors. Names in the first of the two tables are only a warning in a \
         file.\n\n| name | what to do |\n|---|---|"
    );
    for foreign in foreign_names() {
        if let Meaning::Idle(why) = foreign.meaning {
            let _ = writeln!(out, "| `{}` | {why} |", foreign.name);
        }
    }
    let _ = writeln!(out, "\n| name | what to do |\n|---|---|");
    for foreign in foreign_names() {
        if let Meaning::Refused(why) = foreign.meaning {
            let _ = writeln!(out, "| `{}` | {why} |", foreign.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::PLUGIN_PREFIX;
    use super::*;

    #[test]
    fn the_committed_document_is_the_table_s() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../CONFIGURATION.md");
        if std::env::var_os("OTTLA_BLESS").is_some() {
            std::fs::write(path, markdown()).unwrap();
        }
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            committed == markdown(),
            "CONFIGURATION.md is not up to date: run OTTLA_BLESS=1 cargo test -p ottla-core --lib document"
        );
    }

    #[test]
    fn every_name_is_in_the_document_once_as_itself() {
        let text = markdown();
        for property in properties() {
            let heading = text.matches(&format!("\n### {}\n", property.name)).count();
            let row = text.matches(&format!("\n| `{}` |", property.name)).count();
            assert_eq!(heading + row, 1, "{}", property.name);
        }
        for foreign in foreign_names() {
            assert_eq!(text.matches(&format!("\n| `{}` |", foreign.name)).count(), 1, "{}", foreign.name);
        }
        assert!(text.contains(PLUGIN_PREFIX));
    }
}
