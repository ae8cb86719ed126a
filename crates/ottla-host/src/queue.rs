//! Poll mode: reports or events wait in a queue until the application takes them.
#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use ottla_engine::support::sync::{Condvar, HandOver, Mutex};
use ottla_engine::{Error, ErrorKind, Producer, Result, Wait};

use crate::descriptor::Ready;

/// Called when a queue becomes non-empty, once until it was emptied; and once when it has ended.
pub type OnReady = Box<dyn Fn() + Send + Sync>;

pub struct Queue<T> {
    /// What is in it, for messages.
    what: &'static str,
    limit: usize,
    state: Mutex<State<T>>,
    changed: Condvar,
    hand_over: HandOver,
    ready: Arc<Ready>,
    on_ready: OnReady,
}

struct State<T> {
    items: VecDeque<T>,
    /// How many made room for newer ones, since the last one was taken.
    dropped: u64,
    ended: bool,
}

/// What was taken, the oldest first, and how many were lost before it.
pub struct Taken<T> {
    pub items: Vec<T>,
    pub dropped: u64,
}

impl<T> Queue<T> {
    /// Keeps at most `limit` items: beyond that the oldest is dropped.
    pub fn new(what: &'static str, limit: usize, ready: Arc<Ready>, on_ready: OnReady) -> Self {
        Queue {
            what,
            limit,
            state: Mutex::new(State { items: VecDeque::new(), dropped: 0, ended: false }),
            changed: Condvar::default(),
            hand_over: HandOver::default(),
            ready,
            on_ready,
        }
    }

    /// Thread: sender.
    pub fn push(&self, item: T) {
        self.hand_over.leave();
        let mut state = self.state.lock();
        let first = state.items.is_empty();
        let oldest = if state.items.len() < self.limit { None } else { state.items.pop_front() };
        state.dropped += u64::from(oldest.is_some());
        state.items.push_back(item);
        if first {
            self.ready.raise();
        }
        drop(state);
        self.changed.notify_one();
        if first {
            (self.on_ready)();
        }
    }

    /// Nothing will follow. The descriptor stays readable, so that an event loop comes and sees.
    pub fn end(&self) {
        let mut state = self.state.lock();
        let first = !std::mem::replace(&mut state.ended, true);
        if first {
            self.ready.raise();
        }
        drop(state);
        self.changed.notify_all();
        if first {
            (self.on_ready)();
        }
    }

    /// Takes at most `most` items on a thread of the application's; none if there was none in time.
    pub fn poll(&self, producer: &Producer, wait: Wait, most: usize) -> Result<Taken<T>> {
        producer.check_process()?;
        if wait != Wait::Never {
            producer.refuse_in_callback("a poll that waits")?;
        }
        self.take(producer.deadline(wait), most)
    }

    /// The next items, at most `most`; none if there was none by the deadline (`None`: no limit).
    fn take(&self, deadline: Option<Instant>, most: usize) -> Result<Taken<T>> {
        let mut state = self.state.lock();
        loop {
            if !state.items.is_empty() {
                let count = state.items.len().min(most);
                let items = state.items.drain(..count).collect();
                if state.items.is_empty() {
                    self.ready.lower();
                }
                self.hand_over.take();
                return Ok(Taken { items, dropped: std::mem::take(&mut state.dropped) });
            }
            if state.ended {
                let message = format!("the producer has ended, and every {} was polled", self.what);
                return Err(Error::new(ErrorKind::Closed, message));
            }
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return Ok(Taken { items: Vec::new(), dropped: 0 });
            }
            state = self.changed.wait(state, deadline);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    use super::*;

    fn queue(limit: usize) -> (Arc<Queue<u32>>, Arc<AtomicU32>) {
        let called = Arc::new(AtomicU32::new(0));
        let count = called.clone();
        let on_ready = Box::new(move || {
            count.fetch_add(1, Ordering::SeqCst);
        });
        (Arc::new(Queue::new("item", limit, Arc::new(Ready::new()), on_ready)), called)
    }

    fn take(queue: &Queue<u32>, most: usize) -> (Vec<u32>, u64) {
        let taken = queue.take(Some(Instant::now()), most).unwrap_or_else(|error| panic!("{error}"));
        (taken.items, taken.dropped)
    }

    #[test]
    fn items_are_taken_in_order_and_at_most_as_many_as_asked_for() {
        let (queue, _) = queue(usize::MAX);
        assert_eq!(take(&queue, 2), (vec![], 0));
        (1..=3).for_each(|item| queue.push(item));
        assert_eq!(take(&queue, 2), (vec![1, 2], 0));
        assert_eq!(take(&queue, 2), (vec![3], 0));
    }

    #[test]
    fn a_full_queue_drops_the_oldest_and_says_how_many() {
        let (queue, _) = queue(2);
        (1..=5).for_each(|item| queue.push(item));
        assert_eq!(take(&queue, 1), (vec![4], 3));
        assert_eq!(take(&queue, 1), (vec![5], 0));
    }

    #[test]
    fn on_ready_is_called_when_the_queue_becomes_non_empty_and_once_at_the_end() {
        let (queue, called) = queue(usize::MAX);
        queue.push(1);
        queue.push(2);
        assert_eq!(called.load(Ordering::SeqCst), 1);
        take(&queue, 2);
        queue.push(3);
        assert_eq!(called.load(Ordering::SeqCst), 2);
        queue.end();
        queue.end();
        assert_eq!(called.load(Ordering::SeqCst), 3);
    }

    #[test]
    fn after_the_end_what_is_left_can_be_taken_and_then_it_is_closed() {
        let (queue, _) = queue(usize::MAX);
        queue.push(1);
        queue.end();
        assert_eq!(take(&queue, 2), (vec![1], 0));
        let ended = queue.take(None, 1).err().expect("it has ended");
        assert_eq!(
            (ended.kind(), ended.message()),
            (ErrorKind::Closed, "the producer has ended, and every item was polled")
        );
    }

    #[test]
    fn an_item_and_the_end_wake_threads_that_wait() {
        let (queue, _) = queue(usize::MAX);
        let waiting: Vec<_> = (0..2)
            .map(|_| {
                let queue = queue.clone();
                std::thread::spawn(move || queue.take(None, 1).map(|taken| taken.items).ok())
            })
            .collect();
        std::thread::sleep(Duration::from_millis(20));
        queue.push(7);
        while queue.state.lock().items.front().is_some() {
            std::thread::yield_now();
        }
        queue.end();
        let mut taken: Vec<_> = waiting.into_iter().map(|thread| thread.join().expect("no panic")).collect();
        taken.sort();
        assert_eq!(taken, [None, Some(vec![7])]);
    }
}
