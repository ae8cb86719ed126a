//! Interceptors: functions of the application that see each record before it is sent and after it is decided.

use std::time::Duration;

use ottla_core::allocate;
use ottla_core::batch::Delivery;
use ottla_core::config::Plugin;
use ottla_core::error::{Error, ErrorKind, Result};
use ottla_core::loan::Lent;
use ottla_core::record::{Header, Record};
use ottla_core::serialize::Objects;
use ottla_core::sync::Arc;

/// Sees records on their way. An error is logged, and the record goes on as if the interceptor were not there.
pub trait Interceptor: Plugin {
    /// Called before the record's partition is chosen. May change the record. Runs on the thread that sends, without a
    /// lock.
    fn on_send(&self, sending: &mut Sending<'_>) -> Result<(), String>;

    /// Called after the record was decided and before its completion, on the sender's thread. For a record that was
    /// refused, it is called on the thread that sent it.
    fn on_acknowledgement(&self, delivery: &Delivery<'_>) -> Result<(), String>;
}

/// A record that an interceptor sees, and may replace.
pub struct Sending<'r> {
    pub topic: &'r str,
    /// None if the record was sent as bytes.
    pub objects: Objects,
    record: Record<'r>,
    replaced: Option<Replaced>,
}

/// The record of an interceptor that replaced it. Parts that it did not change are not copied.
struct Replaced {
    key: Part,
    value: Part,
    headers: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    partition: Option<i32>,
    timestamp: Option<i64>,
    timeout: Option<Duration>,
}

enum Part {
    Kept,
    Replaced(Option<Vec<u8>>),
}

impl Part {
    fn of(given: Option<&[u8]>, before: Option<&[u8]>) -> Result<Self> {
        let place = |bytes: Option<&[u8]>| bytes.map(|bytes| (bytes.as_ptr(), bytes.len()));
        if place(given) == place(before) { Ok(Part::Kept) } else { Ok(Part::Replaced(given.map(copy).transpose()?)) }
    }

    fn or<'a>(&'a self, before: Option<&'a [u8]>) -> Option<&'a [u8]> {
        match self {
            Part::Kept => before,
            Part::Replaced(bytes) => bytes.as_deref(),
        }
    }
}

impl<'r> Sending<'r> {
    fn new(topic: &'r str, record: &Record<'r>, objects: Objects) -> Self {
        Sending { topic, objects, record: *record, replaced: None }
    }

    /// Calls `body` with the record in its present form.
    pub fn with<T>(&self, body: impl FnOnce(&Record<'_>) -> T) -> T {
        match &self.replaced {
            None => body(&self.record),
            Some(replaced) => replaced.with(&self.record, body),
        }
    }

    /// Replaces the record. Copies what does not belong to the original record.
    pub fn replace(&mut self, by: &Record<'_>) -> Result<()> {
        let number = by.partition.map(i64::from).into_iter().chain(by.timestamp).find(|&number| number < 0);
        if let Some(number) = number {
            let message = format!("a record's partition and timestamp are at least 0, not {number}");
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        self.replaced = Some(Replaced {
            key: Part::of(by.key, self.record.key)?,
            value: Part::of(by.value, self.record.value)?,
            headers: by.headers.iter().map(copy_header).collect::<Result<_>>()?,
            partition: by.partition,
            timestamp: by.timestamp,
            timeout: by.timeout,
        });
        Ok(())
    }

    pub fn add_header(&mut self, header: &Header<'_>) -> Result<()> {
        if self.replaced.is_none() {
            let as_it_is = self.record;
            self.replace(&as_it_is)?;
        }
        let replaced = self.replaced.as_mut().expect("replaced above");
        replaced.headers.push(copy_header(header)?);
        Ok(())
    }
}

fn copy(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut copied = Vec::new();
    allocate::append(&mut copied, bytes)?;
    Ok(copied)
}

fn copy_header(header: &Header<'_>) -> Result<(Vec<u8>, Option<Vec<u8>>)> {
    Ok((copy(header.name)?, header.value.map(copy).transpose()?))
}

/// Shows a record to each interceptor in turn, then calls `send` with the result. `failed` is called for interceptors
/// that fail, with their numbers from 1.
pub(super) fn intercept(
    interceptors: &[Arc<dyn Interceptor>],
    number: usize,
    topic: &str,
    record: &Record<'_>,
    objects: Objects,
    failed: &dyn Fn(usize, &str),
    send: &mut dyn FnMut(&Record<'_>) -> Result<()>,
) -> Result<()> {
    // Recursive, because the replacement must live until the record is sent.
    let Some((first, rest)) = interceptors.split_first() else { return send(record) };
    let mut sending = Sending::new(topic, record, objects);
    if let Err(why) = first.on_send(&mut sending) {
        failed(number, &why);
        sending.replaced = None;
    }
    sending.with(|record| intercept(rest, number + 1, topic, record, objects, failed, send))
}

impl Replaced {
    fn with<T>(&self, before: &Record<'_>, body: impl FnOnce(&Record<'_>) -> T) -> T {
        let headers: Vec<Header<'_>> =
            self.headers.iter().map(|(name, value)| Header { name, value: value.as_deref() }).collect();
        let ended = before.lent.map(|lent| Lent::Ended(lent.known_as(before.value)));
        body(&Record {
            key: self.key.or(before.key),
            value: self.value.or(before.value),
            headers: &headers,
            partition: self.partition,
            timestamp: self.timestamp,
            timeout: self.timeout,
            lent: match &self.value {
                Part::Kept => before.lent,
                Part::Replaced(_) => ended.as_ref(),
            },
        })
    }
}
