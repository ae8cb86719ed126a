//! Helper threads, as a world has them: a preparation ends after a time, or when a run says so, in any order.

use std::time::Duration;

use ottla_core::sender::{Compressors, Preparation, Prepared};
use ottla_core::sync::Time;
use ottla_core::{Error, ErrorKind};

/// How a preparation ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    Done,
    NoMemory,
    Panic,
}

#[derive(Default)]
pub struct Helpers {
    /// How long preparations take.
    pub delay: Duration,
    /// How the next ones that end by themselves do so.
    pub ending: Option<Ending>,
    /// How many were begun.
    pub begun: u64,
    under_way: Vec<(Time, Preparation)>,
    compressors: Compressors,
}

impl Helpers {
    pub fn begin(&mut self, preparation: Preparation, now: Time) {
        self.begun += 1;
        self.under_way.push((now.after(self.delay), preparation));
    }

    pub fn under_way(&self) -> usize {
        self.under_way.len()
    }

    pub fn next_event(&self) -> Time {
        self.under_way.iter().map(|(due, _)| *due).min().unwrap_or(Time::NEVER)
    }

    /// The first that is due.
    pub fn due(&self, now: Time) -> Option<usize> {
        self.under_way.iter().position(|(due, _)| *due <= now)
    }

    /// The producer is closed: nothing of what is under way is wanted any more.
    pub fn join(&mut self) {
        self.under_way.clear();
    }

    pub fn end(&mut self, at: usize, ending: Ending) -> (Preparation, Prepared) {
        let (_, preparation) = self.under_way.remove(at);
        let prepared = match ending {
            Ending::Done => preparation.carry_out(&mut self.compressors),
            Ending::NoMemory => Prepared::Failed(Error::new(ErrorKind::OutOfMemory, "no memory to compress a batch")),
            Ending::Panic => Prepared::Panicked,
        };
        (preparation, prepared)
    }
}
