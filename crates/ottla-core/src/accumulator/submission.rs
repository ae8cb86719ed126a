//! What a call submits to the accumulator.

use super::Topic;
use crate::batch::{Completion, PlainRecord};
use crate::record::Record;
use crate::sync::Clock;

/// A record, and how it is to be accepted.
pub struct Submission<'a, C> {
    pub topic: &'a Topic,
    pub record: &'a Record<'a>,
    pub completion: &'a Completion,
    pub lingering: Lingering,
    pub clock: &'a C,
}

/// Whether a record may linger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lingering {
    /// The record may linger.
    Allowed,
    /// A call waits for the record, so its batch does not linger.
    Skipped,
}

impl<'a, C: Clock> Submission<'a, C> {
    /// A record that may linger.
    #[inline(always)]
    pub fn new(topic: &'a Topic, record: &'a Record<'a>, completion: &'a Completion, clock: &'a C) -> Self {
        Submission { topic, record, completion, lingering: Lingering::Allowed, clock }
    }

    /// The record as a plain record; `None` if it cannot take the fast path.
    #[inline(always)]
    pub(super) fn plain(&self) -> Option<PlainRecord<'a>> {
        if self.lingering == Lingering::Skipped {
            return None;
        }
        PlainRecord::from_record(self.record, self.completion, self.clock)
    }
}
