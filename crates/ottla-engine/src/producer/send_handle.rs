//! A handle to wait for the result of one record, later or never.

use std::sync::Weak;
use std::time::Instant;

use super::{Producer, TopicHandle, Wait, forked, in_callback};
use crate::event_loop::{BUSY_AFTER, SenderId, Shared};
use ottla_core::accumulator::Waiting;
use ottla_core::batch::{Completion, DeliveryResult, Waiter};
use ottla_core::error::{Error, ErrorKind, Result};
use ottla_core::record::Record;
use ottla_core::sync::{Arc, Generation};

/// An accepted record. If this is dropped, the record goes on, but its result is not reported. It may outlive the
/// producer, which decides all records before it ends.
pub struct SendHandle {
    waiter: Arc<Waiter>,
    topic: Arc<str>,
    /// Gone when the producer has ended. All records are decided then.
    shared: Weak<Shared>,
    sender: SenderId,
    process: Generation,
}

impl Producer {
    /// Accepts a record like [`Producer::send`]. The handle that it returns waits for the result. The record may
    /// linger.
    pub fn send_handle(&self, topic: &TopicHandle, record: &Record<'_>, wait: Wait) -> Result<SendHandle> {
        self.with_handle(topic, |completion| self.send(topic, record, completion, wait))
    }

    /// The handle for the one record that `send` sends to the topic with the completion that it gets.
    pub fn with_handle(&self, topic: &TopicHandle, send: impl FnOnce(Completion) -> Result<()>) -> Result<SendHandle> {
        self.check_process()?;
        self.shared.accumulator.memory.expect_small_allocations();
        let waiter = Arc::new(Waiter::patient());
        send(Completion::Waiter(waiter.clone()))?;
        let (topic, shared) = (topic.0.name.clone(), Arc::downgrade(&self.shared));
        Ok(SendHandle { waiter, topic, shared, sender: self.shared.sender(), process: self.process })
    }
}

impl SendHandle {
    /// Waits for the record's fate. Several threads may wait, and each may wait again.
    pub fn wait(&self, wait: Wait) -> Result<DeliveryResult> {
        if !self.process.is_current() {
            return Err(forked());
        }
        let now = Instant::now();
        if let Some(reported) = self.waiter.wait(Some(now)) {
            return Ok(reported);
        }
        if self.sender.is_current() && wait != Wait::Never {
            return Err(in_callback("waiting for a record"));
        }
        let deadline = match wait {
            Wait::Never => Some(now),
            Wait::AtMost(longest) => now.checked_add(longest),
            Wait::Configured | Wait::Forever => None,
        };
        self.waiter.wait(deadline).ok_or_else(|| {
            let why = if wait == Wait::Never { String::new() } else { self.why_waiting() };
            let message =
                format!("the record for topic {} was accepted, and its fate is not known yet{why}", self.topic);
            Error::new(ErrorKind::TimedOut, message)
        })
    }

    fn why_waiting(&self) -> String {
        let waiting = Waiting::Records(Some(self.topic.clone()));
        let why = self.shared.upgrade().and_then(|shared| shared.explain(waiting, BUSY_AFTER));
        why.map_or_else(String::new, |why| format!("; {why}"))
    }
}
