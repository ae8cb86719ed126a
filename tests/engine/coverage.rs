//! What random runs met with, so that a run that tests nothing is noticed.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

/// How often something happened, by its name.
#[derive(Clone, Debug, Default)]
pub struct Coverage(BTreeMap<String, u64>);

impl Coverage {
    pub fn note(&mut self, what: impl Into<String>) {
        self.count(what, 1);
    }

    pub fn count(&mut self, what: impl Into<String>, times: u64) {
        *self.0.entry(what.into()).or_default() += times;
    }

    pub fn of(&self, what: &str) -> u64 {
        self.0.get(what).copied().unwrap_or_default()
    }

    /// The sum of all whose name begins so.
    pub fn sum(&self, prefix: &str) -> u64 {
        self.0.iter().filter(|(what, _)| what.starts_with(prefix)).map(|(_, times)| times).sum()
    }

    pub fn add(&mut self, other: &Coverage) {
        for (what, times) in &other.0 {
            *self.0.entry(what.clone()).or_default() += times;
        }
    }

    /// Which of `expected`, times in a thousand seeds, were met with too rarely in so many seeds. Chance makes a number
    /// smaller by its root, and seldom by three; never is too rare all the same.
    pub fn lacking(&self, expected: &[(String, u64)], seeds: u64) -> Vec<String> {
        let lacks = |(what, in_thousand): &(String, u64)| {
            let (mean, times) = (in_thousand * seeds / 1000, self.of(what));
            let least = mean.saturating_sub(3 * mean.isqrt()).max(mean.min(1));
            (times < least).then(|| format!("{what}: {times} times, {mean} expected"))
        };
        expected.iter().filter_map(lacks).collect()
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|(what, times)| writeln!(out, "{times:>12}  {what}"))
    }
}

/// A coverage that is noted in several places of one run.
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
fn what_was_met_with_too_rarely_is_named() {
    let met = |times| {
        let mut coverage = Coverage::default();
        coverage.count("a fault", times);
        coverage
    };
    let lacks = |times, in_thousand| !met(times).lacking(&[("a fault".to_owned(), in_thousand)], 5_000).is_empty();
    assert!(lacks(0, 1) && !lacks(1, 1), "five by chance are one");
    assert!(lacks(433, 100) && !lacks(434, 100), "500 are never so few");
    assert!(!lacks(0, 0));
    assert!(met(0).lacking(&[("a fault".to_owned(), 1)], 999).is_empty(), "so few seeds need not meet it");
}
