//! A record as the application passes it in. Everything is borrowed. `send` copies what it keeps, except a lent value.
#![forbid(unsafe_code)]

use std::time::Duration;

use crate::loan::Lent;

/// One record. `None` and empty differ for key, value and header values, as in Kafka.
#[derive(Clone, Copy, Debug, Default)]
pub struct Record<'a> {
    /// The partition, or `None` to let the partitioner choose.
    pub partition: Option<i32>,
    /// Milliseconds since 1970-01-01 UTC, or `None` for the time of the call.
    pub timestamp: Option<i64>,
    pub key: Option<&'a [u8]>,
    pub value: Option<&'a [u8]>,
    /// Kept in order; names may repeat.
    pub headers: &'a [Header<'a>],
    /// How long until its fate is told, instead of `delivery.timeout.ms`; more than zero.
    pub timeout: Option<Duration>,
    /// Set if the value is not copied. (A reference: few records have it, and each is passed on some times.)
    pub lent: Option<&'a Lent<'a>>,
}

/// A header of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    /// UTF-8, by Kafka's rules; any bytes are sent as they are.
    pub name: &'a [u8],
    pub value: Option<&'a [u8]>,
}

/// What is known of a record's place in the log at its completion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// In the log.
    Written,
    /// Certainly not in the log.
    NotWritten,
    /// Perhaps in the log: an attempt reached a socket and its outcome was never learned (always so with acks=0).
    Unknown,
}
