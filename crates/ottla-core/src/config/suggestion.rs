//! The suggestion for an unknown name: the nearest known one.

use super::{foreign_names, properties};

/// The property that was probably meant, if one is near enough. A near librdkafka name answers with itself: the
/// error that setting it gives, if any, says what to write.
pub(super) fn nearest(name: &str) -> Option<&'static str> {
    if name.len() > 128 {
        return None;
    }
    let wanted = folded(name);
    let known = properties().iter().map(|p| p.name).chain(foreign_names().iter().map(|f| f.name));
    let (distance, best) = known.map(|known| (distance(&wanted, &folded(known)), known)).min_by_key(|pair| pair.0)?;
    // A third of the name may differ: beyond that, a suggestion is a guess.
    (distance <= wanted.len() / 3).then_some(best)
}

/// Case and the choice of separator are the commonest slips; they cost nothing.
fn folded(name: &str) -> Vec<u8> {
    name.bytes().map(|byte| if matches!(byte, b'_' | b'-') { b'.' } else { byte.to_ascii_lowercase() }).collect()
}

/// Edits (insert, remove, replace, swap neighbours) between two names.
fn distance(a: &[u8], b: &[u8]) -> usize {
    let mut before = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let replace = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = replace.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_find_the_name_that_was_meant() {
        let cases = [
            ("max.inflight.request.per.connection", "max.in.flight.requests.per.connection"),
            ("deliver.timeout.ms", "delivery.timeout.ms"),
            ("delivery_timeout_ms", "delivery.timeout.ms"),
            ("Linger.MS", "linger.ms"),
            ("ackss", "acks"),
            ("bootstrap.server", "bootstrap.servers"),
            ("compresion.type", "compression.type"),
            ("queue.buffering.max.kbyte", "queue.buffering.max.kbytes"),
        ];
        for (written, meant) in cases {
            assert_eq!(nearest(written), Some(meant), "{written}");
        }
    }

    #[test]
    fn something_else_altogether_gets_no_hint() {
        for name in ["", "x", "my.own.setting", "spring.datasource.url", &"z".repeat(500)] {
            assert_eq!(nearest(name), None, "{name}");
        }
    }

    #[test]
    fn distance_counts_edits() {
        assert_eq!(distance(b"", b"abc"), 3);
        assert_eq!(distance(b"abc", b"abc"), 0);
        assert_eq!(distance(b"abcd", b"acbd"), 1);
        assert_eq!(distance(b"kitten", b"sitting"), 3);
    }
}
