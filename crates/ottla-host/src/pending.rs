//! Reports that were queued to be polled and are not freed yet: what a flush can wait for.
#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use ottla_engine::support::sync::{Condvar, Mutex};
use ottla_engine::support::text::counted;
use ottla_engine::{Error, ErrorKind, Producer, Result, Wait};

/// The pending reports of one producer. They are numbered as they are queued, and may be freed in any order.
#[derive(Default)]
pub struct PendingReports {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// The number of the oldest report that is not freed.
    oldest: u64,
    /// For each report from the oldest on, whether it was freed.
    freed: VecDeque<bool>,
    /// The producer is being freed: nobody may wait any more.
    ended: bool,
}

/// One report's place among them, from the moment it is queued until this is dropped.
pub struct Pending {
    number: u64,
    all: Arc<PendingReports>,
}

impl PendingReports {
    pub fn add(self: &Arc<Self>) -> Pending {
        let mut state = self.state.lock();
        let number = state.next();
        state.freed.push_back(false);
        Pending { number, all: self.clone() }
    }

    /// Flushes the producer, and waits until the application has also polled and freed the reports.
    pub fn flush(&self, producer: &Producer, wait: Wait) -> Result<()> {
        let deadline = producer.deadline(wait);
        producer.flush(wait)?;
        self.wait(deadline)
    }

    /// Waits until each report that was queued before this call is freed. Later ones do not matter, so a busy producer
    /// cannot prolong the wait.
    fn wait(&self, deadline: Option<Instant>) -> Result<()> {
        let mut state = self.state.lock();
        let next = state.next();
        loop {
            if state.oldest >= next {
                return Ok(());
            }
            if state.ended {
                return Err(Error::new(ErrorKind::Closed, "the producer was freed"));
            }
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                let left = state.freed.iter().take((next - state.oldest) as usize).filter(|freed| !**freed).count();
                let message = format!(
                    "flush: all records are decided, but the application has not polled and freed {}",
                    counted(left, "report")
                );
                return Err(Error::new(ErrorKind::TimedOut, message));
            }
            state = self.changed.wait(state, deadline);
        }
    }

    /// Ends every wait.
    pub fn end(&self) {
        self.state.lock().ended = true;
        self.changed.notify_all();
    }
}

impl State {
    fn next(&self) -> u64 {
        self.oldest + self.freed.len() as u64
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        let mut state = self.all.state.lock();
        let index = (self.number - state.oldest) as usize;
        state.freed[index] = true;
        while state.freed.front() == Some(&true) {
            state.freed.pop_front();
            state.oldest += 1;
        }
        drop(state);
        if index == 0 {
            self.all.changed.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_for_the_reports_queued_before_it_in_whatever_order_they_are_freed() {
        let all = Arc::new(PendingReports::default());
        let now = || Some(Instant::now());
        let [first, second, third] = [(); 3].map(|()| all.add());
        drop(second);
        let waiting = all.wait(now()).expect_err("two are pending");
        assert!(waiting.kind() == ErrorKind::TimedOut && waiting.message().contains("2 reports"), "{waiting}");
        drop(first);
        assert!(all.wait(now()).expect_err("one is pending").message().contains("1 report"));
        let waiting = std::thread::spawn({
            let all = all.clone();
            move || all.wait(Some(Instant::now() + std::time::Duration::from_secs(10)))
        });
        while Arc::strong_count(&all) < 3 {
            std::thread::yield_now();
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
        let later = all.add();
        drop(third);
        assert_eq!(waiting.join().expect("no panic"), Ok(()), "a report that was queued later does not matter");
        all.end();
        assert_eq!(all.wait(None).expect_err("it has ended").kind(), ErrorKind::Closed);
        drop(later);
        assert_eq!(all.wait(None), Ok(()));
    }
}
