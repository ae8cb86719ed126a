//! Counts the situations that random runs encountered, so that a run that tests nothing is noticed.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

/// How often each situation occurred, by name.
#[derive(Clone, Debug, Default)]
pub struct Coverage(BTreeMap<String, u64>);

impl Coverage {
    pub fn count(&mut self, what: impl Into<String>, times: u64) {
        *self.0.entry(what.into()).or_default() += times;
    }

    pub fn of(&self, what: &str) -> u64 {
        self.0.get(what).copied().unwrap_or_default()
    }

    /// The sum over all names with this prefix.
    pub fn sum(&self, prefix: &str) -> u64 {
        self.0.iter().filter(|(what, _)| what.starts_with(prefix)).map(|(_, times)| times).sum()
    }

    pub fn add(&mut self, other: &Coverage) {
        for (what, times) in &other.0 {
            *self.0.entry(what.clone()).or_default() += times;
        }
    }

    /// The expected situations that occurred too rarely in this many seeds. Expectations are per thousand seeds.
    pub fn lacking(&self, expected: &[(String, u64)], seeds: u64) -> Vec<String> {
        let lacks = |(what, in_thousand): &(String, u64)| {
            let (least, times) = (in_thousand * seeds / 1000, self.of(what));
            (times < least).then(|| format!("{what}: {times} times, {least} expected"))
        };
        expected.iter().filter_map(lacks).collect()
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|(what, times)| writeln!(out, "{times:>12}  {what}"))
    }
}

/// Coverage that several parts of a run share.
#[derive(Clone, Debug, Default)]
pub struct Shared(Arc<Mutex<Coverage>>);

impl Shared {
    pub fn note(&self, what: impl Into<String>) {
        self.count(what, 1);
    }

    pub fn count(&self, what: impl Into<String>, times: u64) {
        self.0.lock().expect("no panic holds it").count(what, times);
    }

    pub fn sum(&self, prefix: &str) -> u64 {
        self.0.lock().expect("no panic holds it").sum(prefix)
    }

    pub fn take(&self) -> Coverage {
        std::mem::take(&mut self.0.lock().expect("no panic holds it"))
    }
}

#[test]
fn situations_that_occur_too_rarely_are_named() {
    let lacks = |times, in_thousand, seeds| {
        let mut met = Coverage::default();
        met.count("a fault", times);
        !met.lacking(&[("a fault".to_owned(), in_thousand)], seeds).is_empty()
    };
    assert!(lacks(4, 1, 5_000) && !lacks(5, 1, 5_000));
    assert!(lacks(0, 1, 1_000) && !lacks(0, 1, 999), "so few seeds need not meet it");
    assert!(!lacks(0, 0, 5_000));
}
