//! What the application asks of the sender besides sending: each is left in its inbox and answered by ticket.

use std::time::Instant;

use super::{Producer, TopicHandle, Wait};
use crate::driver::Waited;
use crate::error::{Error, ErrorKind, Result};
use crate::front::{Command, Purge};

impl Producer {
    /// Completes records with `Purged`: those that are `queued` (also those that wait to be tried again), those that
    /// are `in_flight`, or both; of one topic or of all. Waits until their reports were handed over; with `Wait::Never`
    /// it only asks for that, and can be called in a callback.
    ///
    /// A record in flight may be written all the same: its fate is unknown, but for one of whose request no byte was
    /// written. Its memory is held until its request is done. Records that are accepted during the call may be purged or
    /// not.
    pub fn purge(&self, queued: bool, in_flight: bool, topic: Option<&TopicHandle>, wait: Wait) -> Result<()> {
        self.check_process()?;
        if !queued && !in_flight {
            return Err(Error::new(ErrorKind::InvalidArgument, "purge: neither queued records nor those in flight"));
        }
        if wait != Wait::Never {
            self.refuse_in_callback("a purge that waits")?;
        }
        let what = Purge { queued, in_flight, topic: topic.map(|topic| topic.0.name.clone()) };
        match self.shared.ask(|ticket| Command::Purge { ticket, what }, self.deadline(wait)) {
            Waited::Answered(answer) => answer.and(self.check_alive()),
            Waited::Ended => self.check_alive(),
            Waited::TimedOut if wait == Wait::Never => Ok(()),
            Waited::TimedOut => {
                let message = "purge: the sender did not come to it in time; is a callback slow?";
                Err(Error::new(ErrorKind::TimedOut, message))
            }
        }
    }

    pub(super) fn deadline(&self, wait: Wait) -> Option<Instant> {
        match wait {
            Wait::Never => Some(Instant::now()),
            Wait::Configured => Instant::now().checked_add(self.max_block),
            Wait::AtMost(longest) => Instant::now().checked_add(longest),
            Wait::Forever => None,
        }
    }
}
