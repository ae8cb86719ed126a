//! Cells: the storage of figures while the producer lives. There is one type for each kind of storage.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use super::histogram::{Distribution, Histogram};
use crate::sync::Time;

/// A stored figure, and the value that is read from it. Numbers are written with relaxed stores: they order nothing,
/// and a reader on another thread accepts a value that is slightly old.
pub trait Cell: Default {
    type Value: Clone;
    const KIND: Kind;

    fn read(&self, now: Time) -> Self::Value;

    /// The change from an earlier reading to a later one. For a level, the later reading.
    fn since(later: &Self::Value, earlier: &Self::Value) -> Self::Value;

    fn show(value: &Self::Value) -> Shown<'_>;
}

/// How a figure changes over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// A present level.
    Gauge,
    /// A distribution of values.
    Histogram,
}

/// A value that is about to be written as text.
pub enum Shown<'a> {
    Count(u64),
    Level(i64),
    Ratio(f64),
    Spread(&'a Distribution),
}

/// A count that only the sender's thread writes.
#[derive(Default)]
pub struct Counter(AtomicU64);

impl Counter {
    pub fn add(&self, by: u64) {
        self.0.store(self.get() + by, Ordering::Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Cell for Counter {
    type Value = u64;
    const KIND: Kind = Kind::Counter;

    fn read(&self, _now: Time) -> u64 {
        self.get()
    }

    fn since(later: &u64, earlier: &u64) -> u64 {
        later.saturating_sub(*earlier)
    }

    fn show(value: &u64) -> Shown<'_> {
        Shown::Count(*value)
    }
}

/// A count that any thread may add to, in places where it waits anyway.
#[derive(Default)]
pub struct Tally(AtomicU64);

impl Tally {
    pub fn add(&self, by: u64) {
        self.0.fetch_add(by, Ordering::Relaxed);
    }
}

impl Cell for Tally {
    type Value = u64;
    const KIND: Kind = Kind::Counter;

    fn read(&self, _now: Time) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn since(later: &u64, earlier: &u64) -> u64 {
        Counter::since(later, earlier)
    }

    fn show(value: &u64) -> Shown<'_> {
        Shown::Count(*value)
    }
}

/// A level that only the sender's thread writes.
#[derive(Default)]
pub struct Gauge(AtomicI64);

impl Gauge {
    pub fn set(&self, to: i64) {
        self.0.store(to, Ordering::Relaxed);
    }

    pub fn add(&self, by: i64) {
        self.set(self.get() + by);
    }

    pub fn get(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Cell for Gauge {
    type Value = i64;
    const KIND: Kind = Kind::Gauge;

    fn read(&self, _now: Time) -> i64 {
        self.0.load(Ordering::Relaxed)
    }

    fn since(later: &i64, _earlier: &i64) -> i64 {
        *later
    }

    fn show(value: &i64) -> Shown<'_> {
        Shown::Level(*value)
    }
}

/// The time since something happened, in microseconds; -1 if it never happened or is over. One writer.
#[derive(Default)]
pub struct Age(AtomicU64);

impl Age {
    pub fn begin(&self, now: Time) {
        self.0.store(now.0.max(1), Ordering::Relaxed);
    }

    pub fn end(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

impl Cell for Age {
    type Value = i64;
    const KIND: Kind = Kind::Gauge;

    fn read(&self, now: Time) -> i64 {
        match self.0.load(Ordering::Relaxed) {
            0 => -1,
            since => i64::try_from(now.since(Time(since)).as_micros()).unwrap_or(i64::MAX),
        }
    }

    fn since(later: &i64, _earlier: &i64) -> i64 {
        *later
    }

    fn show(value: &i64) -> Shown<'_> {
        Shown::Level(*value)
    }
}

/// A level that is not stored here. The code that takes the snapshot reads it from its source.
#[derive(Default)]
pub struct LookedUp;

impl Cell for LookedUp {
    type Value = i64;
    const KIND: Kind = Kind::Gauge;

    fn read(&self, _now: Time) -> i64 {
        0
    }

    fn since(later: &i64, _earlier: &i64) -> i64 {
        *later
    }

    fn show(value: &i64) -> Shown<'_> {
        Shown::Level(*value)
    }
}

/// A quotient of two counts, computed when they are read.
#[derive(Default)]
pub struct Ratio;

impl Cell for Ratio {
    type Value = f64;
    const KIND: Kind = Kind::Gauge;

    fn read(&self, _now: Time) -> f64 {
        1.0
    }

    fn since(later: &f64, _earlier: &f64) -> f64 {
        *later
    }

    fn show(value: &f64) -> Shown<'_> {
        Shown::Ratio(*value)
    }
}

impl Cell for Histogram {
    type Value = Distribution;
    const KIND: Kind = Kind::Histogram;

    fn read(&self, _now: Time) -> Distribution {
        self.distribution()
    }

    fn since(later: &Distribution, earlier: &Distribution) -> Distribution {
        later.since(earlier)
    }

    fn show(value: &Distribution) -> Shown<'_> {
        Shown::Spread(value)
    }
}
