//! A record as the application passes it. Everything is borrowed: `send` copies what it keeps, except a lent value.
#![forbid(unsafe_code)]

use std::time::Duration;

use crate::loan::Lent;

/// One record. For key, value and header values, `None` and empty differ, as in Kafka.
#[derive(Clone, Copy, Debug, Default)]
pub struct Record<'a> {
    /// The partition, or `None` to let the partitioner choose.
    pub partition: Option<i32>,
    /// Milliseconds since 1970-01-01 UTC, or `None` for the time of the call.
    pub timestamp: Option<i64>,
    pub key: Option<&'a [u8]>,
    pub value: Option<&'a [u8]>,
    /// Sent in this order. Names may repeat.
    pub headers: &'a [Header<'a>],
    /// The time until its fate must be known, instead of `delivery.timeout.ms`. More than zero.
    pub timeout: Option<Duration>,
    /// Set if the value is not copied. (A reference, because few records have it and records are passed on several
    /// times.)
    pub lent: Option<&'a Lent<'a>>,
}

/// A header of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    /// UTF-8, by Kafka's rules. Other bytes are sent unchanged.
    pub name: &'a [u8],
    pub value: Option<&'a [u8]>,
}

/// What is known at its completion about whether a record is in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// In the log.
    Written,
    /// Certainly not in the log.
    NotWritten,
    /// Perhaps in the log: an attempt reached a socket, and its outcome was never learned. With acks=0, always.
    Unknown,
}
