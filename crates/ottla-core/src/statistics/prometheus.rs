//! A snapshot in the Prometheus text format, version 0.0.4.
//!
//! Histograms have buckets at powers of two, where the snapshot knows the exact counts. A server can add up buckets, but
//! not percentiles, over producers, and divide them into intervals.

use std::fmt::Write;

use super::cell::{Kind, Shown};
use super::histogram::Distribution;
use super::snapshot::Snapshot;
use super::table::{Figures, Row};

impl Snapshot {
    pub fn prometheus(&self) -> String {
        let mut out = String::new();
        let client = label("client_id", &self.client_id);
        family(&mut out, "", &[(client.clone(), &self.producer)]);
        self.broker_info(&mut out, &client);
        let brokers = self.brokers.iter().map(|broker| {
            let id = broker.what.id;
            (format!("{client},broker=\"{id}\""), &broker.figures)
        });
        family(&mut out, "broker_", &brokers.collect::<Vec<_>>());
        let topics = self.topics.iter().map(|topic| {
            let name = label("topic", &topic.what);
            (format!("{client},{name}"), &topic.figures)
        });
        family(&mut out, "topic_", &topics.collect::<Vec<_>>());
        self.errors(&mut out, &client);
        out
    }

    /// The address of each broker. It is a separate series, so that the figures of a broker that moves stay in theirs.
    fn broker_info(&self, out: &mut String, client: &str) {
        if self.brokers.is_empty() {
            return;
        }
        header(out, "ottla_broker_info", "1 for each broker, with its address.", "gauge");
        for broker in &self.brokers {
            let address = label("address", &broker.what.address);
            let id = broker.what.id;
            sample(out, "ottla_broker_info", &format!("{client},broker=\"{id}\",{address}"), 1.0);
        }
    }

    fn errors(&self, out: &mut String, client: &str) {
        let mut family = |name: &str, help: &str, count: fn(&super::ErrorFigures) -> u64| {
            if self.errors.is_empty() {
                return;
            }
            header(out, name, help, "counter");
            for error in &self.errors {
                let (code, named) = (error.kind.code(), error.kind.name());
                let _ = writeln!(out, "{name}{{{client},code=\"{code}\",name=\"{named}\"}} {}", count(error));
            }
        };
        family("ottla_error_batches_refused_total", "Attempts to send a batch that ended so.", |e| e.batches_refused);
        family("ottla_error_records_failed_total", "Records whose completion carried it.", |e| e.records_failed);
    }
}

/// Every figure of one scope, for each object with its labels.
fn family<F: Figures>(out: &mut String, scope: &str, things: &[(String, &F)]) {
    if things.is_empty() {
        return;
    }
    for row in F::ROWS {
        let name = name(scope, row);
        let kind = match row.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        header(out, &name, row.doc, kind);
        for (labels, figures) in things {
            match (row.show)(figures) {
                Shown::Count(count) => sample(out, &name, labels, scaled(row.name, count as f64)),
                Shown::Level(level) => sample(out, &name, labels, level_of(row.name, level)),
                Shown::Ratio(ratio) => sample(out, &name, labels, ratio),
                Shown::Spread(distribution) => spread(out, &name, row, labels, distribution),
            }
        }
    }
}

/// The name of a figure. Times are in seconds, and counts end in `_total`.
pub(super) fn name<F>(scope: &str, row: &Row<F>) -> String {
    let plain = row.name.strip_suffix("_us").or(row.name.strip_suffix("_ms"));
    let (plain, unit) = plain.map_or((row.name, ""), |plain| (plain, "_seconds"));
    let total = if row.kind == Kind::Counter { "_total" } else { "" };
    format!("ottla_{scope}{plain}{unit}{total}")
}

fn header(out: &mut String, name: &str, help: &str, kind: &str) {
    let help = help.replace('\\', "\\\\").replace('\n', "\\n");
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn sample(out: &mut String, name: &str, labels: &str, value: f64) {
    let _ = writeln!(out, "{name}{{{labels}}} {value}");
}

/// Converts to base units.
fn scaled(name: &str, value: f64) -> f64 {
    if name.ends_with("_us") {
        value / 1e6
    } else if name.ends_with("_ms") {
        value / 1e3
    } else {
        value
    }
}

/// A time of -1 means that there is nothing to report.
fn level_of(name: &str, level: i64) -> f64 {
    if level == -1 && name.ends_with("_us") { f64::NAN } else { scaled(name, level as f64) }
}

/// Powers of two at which buckets end: 64 microseconds to 67 seconds, and one to four million pieces or bytes.
const TIMES: std::ops::RangeInclusive<u32> = 6..=26;
const PIECES: std::ops::RangeInclusive<u32> = 0..=22;

fn spread<F>(out: &mut String, name: &str, row: &Row<F>, labels: &str, reported: &Distribution) {
    let time = row.name.ends_with("_us");
    for power in if time { TIMES } else { PIECES } {
        // Times were rounded down to whole microseconds, so a value below the bound was below it before rounding too.
        // For pieces, `le` is the largest number below the bound.
        let bound = if time { (1u64 << power) as f64 / 1e6 } else { ((1u64 << power) - 1) as f64 };
        let _ = writeln!(out, "{name}_bucket{{{labels},le=\"{bound}\"}} {}", reported.count_below_power(power));
    }
    let _ = writeln!(out, "{name}_bucket{{{labels},le=\"+Inf\"}} {}", reported.count);
    sample(out, &format!("{name}_sum"), labels, scaled(row.name, reported.sum as f64));
    let _ = writeln!(out, "{name}_count{{{labels}}} {}", reported.count);
}

/// A label with its value escaped. NUL cannot be represented, and becomes U+FFFD.
fn label(name: &str, value: &str) -> String {
    let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n").replace('\0', "\u{fffd}");
    format!("{name}=\"{value}\"")
}
