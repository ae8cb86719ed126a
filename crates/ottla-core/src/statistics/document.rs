//! METRICS.md, generated from the table.

use std::fmt::Write;

use super::cell::Kind;
use super::table::{BrokerFigures, Figures, ProducerFigures, TopicFigures};
use super::{java, prometheus};

/// The whole document. A test compares the committed file with it.
pub fn metrics_markdown() -> String {
    let mut out = String::from(INTRODUCTION);
    scope::<ProducerFigures>(&mut out, "The producer", "ottla_producer_figures", "");
    scope::<BrokerFigures>(&mut out, "Each broker", "ottla_broker_figures", "broker_");
    scope::<TopicFigures>(&mut out, "Each topic", "ottla_topic_figures", "topic_");
    out.push_str(ERRORS);
    for (group, names) in java::METRICS {
        let _ = writeln!(out, "\n### {group}\n\n| Java | here |\n|---|---|");
        for name in *names {
            let answer = match *group {
                "producer-node-metrics" => java::answer::<BrokerFigures>(name),
                "producer-topic-metrics" => java::answer::<TopicFigures>(name),
                _ => java::answer::<ProducerFigures>(name),
            };
            let _ = writeln!(out, "| `{name}` | {} |", answer.unwrap_or_default());
        }
    }
    out
}

const INTRODUCTION: &str = "\
<!-- Generated from the table in crates/ottla-core/src/statistics; a test compares. To renew it: OTTLA_BLESS=1 cargo test -p ottla-core --lib document -->
# Metrics

`ottla_producer_statistics` takes a snapshot of a producer's figures. It can be read as C structures, as JSON, and as text for
Prometheus. `ottla_statistics_since` gives the difference of two snapshots. Nothing is counted per record: the sender adds a
few numbers per batch and per request, and the reader pays for reading.

- A **counter** only grows, from 0 when the producer is created. Its growth divided by the time between two snapshots is the
  rate.
- A **gauge** is a present level. A gauge of time is -1 (for Prometheus NaN) while there is nothing to measure.
- A **histogram** has count, sum, min, max and the percentiles 50, 75, 90, 95, 99 and 99.9. They are exact within two per
  cent. The average is sum divided by count. For Prometheus it has buckets at powers of two.

Names are those of the C structures and of JSON. For Prometheus, figures that end in `_us` or `_ms` are in seconds. Every
series has the label `client_id`. Series of brokers have `broker`, its id; the id of an address in bootstrap.servers is
negative, and `ottla_broker_info` gives the address. Series of topics have `topic`.
";

const ERRORS: &str = "
## Each error

`ottla_statistics_error` gives two figures for each error code that occurred (Prometheus: labels `code` and `name`): how many
attempts to send a batch ended with it (`ottla_error_batches_refused_total`), and how many records were completed with it
(`ottla_error_records_failed_total`).

## The Java producer's metrics

Java has averages and maxima over the last minute. Here, the reader chooses the time between two snapshots.
";

fn scope<F: Figures>(out: &mut String, title: &str, structure: &str, prefix: &str) {
    let _ = writeln!(out, "\n## {title}\n\n`{structure}`\n");
    let _ = writeln!(
        out,
        "| name | kind | unit | meaning | Java | librdkafka | Prometheus |\n|---|---|---|---|---|---|---|"
    );
    for row in F::ROWS {
        let kind = match row.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        let (java, librdkafka) = (names(row.java), names(row.librdkafka));
        let prometheus = prometheus::name(prefix, row);
        let (name, unit, doc) = (row.name, row.unit, row.doc);
        let _ = writeln!(out, "| `{name}` | {kind} | {unit} | {doc} | {java} | {librdkafka} | `{prometheus}` |");
    }
}

fn names(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" ")
}
