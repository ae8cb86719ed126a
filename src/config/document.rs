//! CONFIGURATION.md, from the table.

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
<!-- Generated from the table in src/config; a test compares. To renew it: OTTLA_BLESS=1 cargo test document -->
# Configuration

A producer is configured by properties, each a name and a value in text. The names, types and defaults are those of the
Java producer 4.3.1; where Ottla differs, the property's text says so. Values are trimmed at both ends. A property
marked *topic* may differ from topic to topic.

- A name that is not known is an error that suggests the nearest known name. In a `.properties` file it is a warning,
  because such files hold the settings of applications too.
- librdkafka's names are accepted where they mean the same (see [Other names](#other-names)). To set one property under
  two names is an error; to set it twice under one name replaces the value.
- librdkafka's settings of topics may have its `topic.` in front, as in `topic.request.required.acks`.
- A property of one topic is set as `ottla.topic.<topic>.<property>`, for example `ottla.topic.payments.eu.acks=1`, or
  for a topic handle. What is not said of a topic is as for the producer. A topic's settings are fixed when it is first
  named, by the configuration or by a handle. Requests carry topics of one `acks` and one `request.timeout.ms` only, so
  topics that differ in these take turns at a broker.
- Names that begin with `ottla.plugin.` are kept for the application's own serializers, partitioners and interceptors,
  and not checked.
- What concerns several properties is checked when the producer is created. What the user wrote and cannot be had
  together is an error; a default gives way, with a line in the log.

A `.properties` file has Java's syntax: `name=value`, `name: value` or `name value` on a line, `#` or `!` before a
comment, `\\` at the end of a line that goes on in the next, and the escapes `\\t`, `\\n`, `\\r`, `\\f`, `\\\\`, `\\=`, `\\:`,
`\\#`, `\\!` and `\\uXXXX`. It is read as UTF-8 (Java's default is ISO-8859-1; ASCII with `\\uXXXX` is read alike by both)
and may have 1 MiB.

`${env:NAME}` in a value of a property stands for what the environment holds under that name when the file is read; a
variable that is not set is an error. It may stand anywhere in the value, any number of times, and what it stands for is
not repeated in messages. `$${env:NAME}` is the text `${env:NAME}` itself; any other `${...}` is left as it is.
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
        Meaning::Same { property, .. } if property == name => Some(foreign.name),
        _ => None,
    })
}

fn refused(out: &mut String) {
    let _ = writeln!(
        out,
        "\n## Known, and refused\n\nThese properties of the Java producer do nothing in this release. At their default \
         they are accepted; any other value is an error that gives the reason."
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
    let told: Vec<_> =
        values.map(|value| if value.is_empty() { "empty".into() } else { format!("`{value}`") }).collect();
    if told.is_empty() { "unset or empty".into() } else { told.join(", ") }
}

fn aliases(out: &mut String) {
    let _ = writeln!(
        out,
        "\n## Other names\n\nThese mean the same as a property and set it.\n\n| name | property | units |"
    );
    let _ = writeln!(out, "|---|---|---|");
    for foreign in foreign_names() {
        if let Meaning::Same { property, convert } = foreign.meaning {
            let _ = writeln!(out, "| `{}` | `{property}` | {} |", foreign.name, convert.told());
        }
    }
}

fn fixed(out: &mut String) {
    let _ = writeln!(
        out,
        "\nThese cannot be set, but the value shown describes what Ottla does and is accepted. Another is an error; where \
         records arrive as they should nevertheless, it is only a warning when it stands in a file.\n\n\
         | name | accepted | another in a file | why no other |\n|---|---|---|---|"
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
        "\nThese have no counterpart and are errors; those of the first table are only a warning when they stand in a \
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
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/CONFIGURATION.md");
        if std::env::var_os("OTTLA_BLESS").is_some() {
            std::fs::write(path, markdown()).unwrap();
        }
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        assert!(committed == markdown(), "CONFIGURATION.md is not up to date: run OTTLA_BLESS=1 cargo test document");
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
