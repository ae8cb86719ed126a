//! METRICS.md, from the table.

use std::fmt::Write;

use super::cell::Kind;
use super::table::{BrokerFigures, Figures, ProducerFigures, TopicFigures};
use super::{java, prometheus};

/// The whole document. The committed file is compared with it by a test.
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
<!-- Generated from the table in src/statistics; a test compares. To renew it: OTTLA_BLESS=1 cargo test metrics_document -->
# Metrics

`ottla_producer_statistics` takes a snapshot of what a producer measured of itself: structures for C, JSON, and a text for
Prometheus. `ottla_statistics_since` gives what came between two snapshots. Nothing of it is counted per record: the
sender adds a few numbers per batch and per request, and a reader pays for what it reads.

- A **counter** only grows, from 0 when the producer is created. A rate is its growth by the time between two snapshots.
- A **gauge** is a level, now. Times are -1 (for Prometheus NaN) while there is nothing to tell the time of.
- A **histogram** has count, sum, min, max and the percentiles 50, 75, 90, 95, 99 and 99.9, which are within two per cent of
  the exact ones. An average is sum by count. For Prometheus it has buckets at powers of two.

Names are those of the C structures and of JSON. Prometheus has seconds where these have `_us` or `_ms`; every series has the
label `client_id`, those of brokers `broker` (its id; negative for an address of bootstrap.servers, whose place
`ottla_broker_info` tells), those of topics `topic`.
";

const ERRORS: &str = "
## Each error

`ottla_statistics_error` tells for each code that was met (Prometheus: labels `code` and `name`) how many attempts to send a
batch ended so (`ottla_error_batches_refused_total`) and how many records were completed with it
(`ottla_error_records_failed_total`).

## The Java producer's metrics

Java has averages and maxima over the last minute; here the time between two snapshots is whatever the reader chooses.
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
