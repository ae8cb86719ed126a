//! A snapshot as one JSON object. Its members have the names of the table.

use std::fmt::Write;

use super::cell::Shown;
use super::histogram::{Distribution, PERCENTILES};
use super::snapshot::Snapshot;
use super::table::Figures;

impl Snapshot {
    pub fn json(&self) -> String {
        let mut out = String::from("{");
        member(&mut out, "client_id");
        string(&mut out, &self.client_id);
        let _ = write!(out, ",\"taken_ms\":{},\"span_us\":{},", self.taken_ms, self.span.as_micros());
        out.push_str("\"producer\":{");
        figures(&mut out, &self.producer);
        out.push_str("},\"brokers\":[");
        list(&mut out, &self.brokers, |out, broker| {
            let _ = write!(out, "{{\"id\":{},", broker.what.id);
            member(out, "address");
            string(out, &broker.what.address);
            out.push(',');
            figures(out, &broker.figures);
            out.push('}');
        });
        out.push_str("],\"topics\":[");
        list(&mut out, &self.topics, |out, topic| {
            out.push('{');
            member(out, "name");
            string(out, &topic.what);
            out.push(',');
            figures(out, &topic.figures);
            out.push('}');
        });
        out.push_str("],\"errors\":[");
        list(&mut out, &self.errors, |out, error| {
            let _ = write!(out, "{{\"code\":{},", error.kind.code());
            member(out, "name");
            string(out, error.kind.name());
            let (refused, failed) = (error.batches_refused, error.records_failed);
            let _ = write!(out, ",\"batches_refused\":{refused},\"records_failed\":{failed}}}");
        });
        out.push_str("]}");
        out
    }
}

fn list<T>(out: &mut String, items: &[T], mut write: impl FnMut(&mut String, &T)) {
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        write(out, item);
    }
}

fn figures<F: Figures>(out: &mut String, figures: &F) {
    for (at, row) in F::ROWS.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        member(out, row.name);
        let _ = match (row.show)(figures) {
            Shown::Count(count) => write!(out, "{count}"),
            Shown::Level(level) => write!(out, "{level}"),
            Shown::Ratio(ratio) => write!(out, "{ratio:.4}"),
            Shown::Spread(distribution) => spread(out, distribution),
        };
    }
}

fn spread(out: &mut String, reported: &Distribution) -> std::fmt::Result {
    write!(
        out,
        "{{\"count\":{},\"sum\":{},\"min\":{},\"max\":{}",
        reported.count, reported.sum, reported.min, reported.max
    )?;
    for (name, part) in PERCENTILES {
        write!(out, ",\"{name}\":{}", reported.percentile(part))?;
    }
    out.write_char('}')
}

fn member(out: &mut String, name: &str) {
    string(out, name);
    out.push(':');
}

/// A quoted string with the escapes of RFC 8259. All control characters are escaped, also NUL, because C reads the text
/// as a NUL-terminated string.
fn string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if c < ' ' || c == '\u{7f}' => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
}
