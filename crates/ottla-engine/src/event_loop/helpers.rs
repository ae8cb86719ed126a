//! Threads that prepare batches for the sender thread. Each is started when it is first needed; all are joined when the
//! sender thread ends.
#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::JoinHandle;

use ottla_core::allocate;
use ottla_core::sender::{Compressors, Prepared};
use ottla_core::sync::{Arc, Condvar, HandOver, Mutex, with_signals_blocked};

/// Linux shows 15 bytes of a thread's name.
const NAME: &str = "ottla-helper";

/// A helper is started only if this much memory is available, in bytes: while the system starts it, the application's threads
/// go on to fill the buffer.
const ROOM: usize = 16 * allocate::THREAD;

/// The helpers of one producer. Thread: sender. `T` is one piece of work.
pub struct Helpers<T: Send + 'static> {
    most: usize,
    threads: Vec<JoinHandle<()>>,
    shared: Arc<Shared<T>>,
    /// Work was given to it.
    used: bool,
    /// For work on this thread, if no other could be started.
    compressors: Compressors,
}

struct Shared<T> {
    state: Mutex<State<T>>,
    has_work: Condvar,
    hand_over: HandOver,
    carry_out: fn(&T, &mut Compressors) -> Prepared,
    /// Wakes the sender thread.
    wake: Box<dyn Fn() + Send + Sync>,
}

struct State<T> {
    waiting: VecDeque<T>,
    done: Vec<(T, Prepared)>,
    /// Helpers that wait for work.
    idle: usize,
    ended: bool,
}

impl<T: Send + 'static> Helpers<T> {
    /// Starts no thread yet.
    pub fn new(
        most: usize,
        carry_out: fn(&T, &mut Compressors) -> Prepared,
        wake: Box<dyn Fn() + Send + Sync>,
    ) -> Self {
        let state = State { waiting: VecDeque::new(), done: Vec::new(), idle: 0, ended: false };
        let (state, has_work, hand_over) = (Mutex::new(state), Condvar::default(), HandOver::default());
        let shared = Arc::new(Shared { state, has_work, hand_over, carry_out, wake });
        Helpers { most, threads: Vec::new(), shared, used: false, compressors: Compressors::default() }
    }

    /// Gives work to a helper. Work begins in this order and ends in any order.
    pub fn begin(&mut self, work: T) {
        self.used = true;
        self.shared.hand_over.leave();
        let mut state = self.shared.state.lock();
        state.waiting.push_back(work);
        // A helper could not report that its result finds no room.
        let results = state.waiting.len() + self.most;
        state.done.reserve(results);
        let needs_another = state.waiting.len() > state.idle && self.threads.len() < self.most;
        drop(state);
        self.shared.has_work.notify_one();
        if needs_another {
            self.make_another();
        }
    }

    /// Starts a thread. If that fails, the others do its work. If there are none, this thread does it.
    fn make_another(&mut self) {
        let shared = self.shared.clone();
        let start = move || std::thread::Builder::new().name(NAME.into()).spawn(move || shared.help()).ok();
        // They inherit the sender thread's signal mask; this does not depend on it.
        let thread = if allocate::is_available(ROOM) { with_signals_blocked(start) } else { None };
        match thread {
            Some(thread) => self.threads.push(thread),
            None if self.threads.is_empty() => while self.shared.take_and_do(&mut self.compressors) {},
            None => {}
        }
    }

    /// Appends all results to `done`.
    pub fn take_done(&mut self, done: &mut Vec<(T, Prepared)>) {
        if !self.used {
            return;
        }
        done.append(&mut self.shared.state.lock().done);
        self.shared.hand_over.take();
    }

    /// Drops the work that has not begun, waits for the rest, and drops its results.
    pub fn join(&mut self) {
        let mut state = self.shared.state.lock();
        state.ended = true;
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        self.shared.has_work.notify_all();
        drop(waiting);
        for thread in self.threads.drain(..) {
            // Panics are caught in it.
            let _ = thread.join();
        }
        self.shared.state.lock().done.clear();
    }
}

impl<T: Send + 'static> Drop for Helpers<T> {
    fn drop(&mut self) {
        self.join();
    }
}

impl<T> Shared<T> {
    /// The life of a helper.
    fn help(&self) {
        let mut compressors = Compressors::default();
        loop {
            while self.take_and_do(&mut compressors) {}
            let mut state = self.state.lock();
            if state.ended {
                return;
            }
            if state.waiting.is_empty() {
                state.idle += 1;
                state = self.has_work.wait(state, None);
                state.idle -= 1;
            }
        }
    }

    /// Returns false if there is nothing to do.
    fn take_and_do(&self, compressors: &mut Compressors) -> bool {
        let Some(work) = self.state.lock().waiting.pop_front() else { return false };
        self.hand_over.take();
        let prepared = catch_unwind(AssertUnwindSafe(|| (self.carry_out)(&work, compressors))).unwrap_or_else(|_| {
            // A panic may have left them inconsistent.
            *compressors = Compressors::default();
            Prepared::Panicked
        });
        self.hand_over.leave();
        let mut state = self.state.lock();
        state.done.push((work, prepared));
        let is_first = state.done.len() == 1;
        drop(state);
        // The sender thread takes all results at once, so one wake is enough.
        if is_first {
            (self.wake)();
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::time::Duration;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    /// Helpers, and what they wake.
    fn helpers<T: Send>(most: usize, carry_out: fn(&T, &mut Compressors) -> Prepared) -> (Helpers<T>, Receiver<()>) {
        let (wake, woken) = channel();
        (Helpers::new(most, carry_out, Box::new(move || wake.send(()).unwrap_or_default())), woken)
    }

    /// Waits until so much is done.
    fn wait_for<T: Send>(count: usize, helpers: &mut Helpers<T>, woken: &Receiver<()>) -> Vec<(T, Prepared)> {
        let mut done = Vec::new();
        while done.len() < count {
            woken.recv_timeout(LONG).expect("it is woken when something is done");
            helpers.take_done(&mut done);
        }
        done
    }

    #[test]
    fn all_work_is_done_by_no_more_helpers_than_allowed() {
        let (mut helpers, woken) = helpers(3, |_: &u32, _| Prepared::Unchanged);
        assert_eq!(helpers.threads.len(), 0, "none is made before it is needed");
        (0..1000).for_each(|work| helpers.begin(work));
        let mut works: Vec<u32> = wait_for(1000, &mut helpers, &woken).into_iter().map(|(work, _)| work).collect();
        works.sort_unstable();
        assert_eq!(works, (0..1000).collect::<Vec<u32>>());
        assert!((1..=3).contains(&helpers.threads.len()), "{}", helpers.threads.len());
    }

    #[test]
    fn a_helper_that_is_idle_takes_what_comes_next() {
        let (mut helpers, woken) = helpers(3, |_: &u32, _| Prepared::Unchanged);
        for work in 0..20 {
            helpers.begin(work);
            wait_for(1, &mut helpers, &woken);
            while helpers.shared.state.lock().idle == 0 {
                std::thread::yield_now();
            }
        }
        assert_eq!(helpers.threads.len(), 1);
    }

    #[test]
    fn another_helper_is_made_while_the_first_is_busy() {
        /// It is done once the other has begun.
        struct Meeting(Sender<()>, Mutex<Receiver<()>>);
        let (mut helpers, woken) = helpers(2, |Meeting(begun, other): &Meeting, _| {
            begun.send(()).expect("the other is not done yet");
            other.lock().recv_timeout(LONG).expect("they are under way at once");
            Prepared::Unchanged
        });
        let (first, second) = (channel(), channel());
        helpers.begin(Meeting(first.0, Mutex::new(second.1)));
        helpers.begin(Meeting(second.0, Mutex::new(first.1)));
        let done = wait_for(2, &mut helpers, &woken);
        assert!(done.iter().all(|(_, prepared)| matches!(prepared, Prepared::Unchanged)));
    }

    #[test]
    fn a_panic_ends_the_work_and_not_the_helper() {
        let (mut helpers, woken) = helpers(1, |fails: &bool, _| {
            assert!(!fails, "on purpose");
            Prepared::Unchanged
        });
        [true, false].into_iter().for_each(|work| helpers.begin(work));
        let done = wait_for(2, &mut helpers, &woken);
        assert!(matches!(done[..], [(true, Prepared::Panicked), (false, Prepared::Unchanged)]));
        assert_eq!(helpers.threads.len(), 1);
    }

    #[test]
    fn joining_waits_for_what_is_begun_and_drops_the_rest() {
        /// Counts how many were carried out, and how many dropped.
        struct Slow(Sender<()>, Arc<[AtomicUsize; 2]>);
        impl Drop for Slow {
            fn drop(&mut self) {
                self.1[1].fetch_add(1, Ordering::SeqCst);
            }
        }
        let (mut helpers, _woken) = helpers(1, |Slow(begun, counts): &Slow, _| {
            begun.send(()).expect("the test waits for it");
            std::thread::sleep(Duration::from_millis(100));
            counts[0].fetch_add(1, Ordering::SeqCst);
            Prepared::Unchanged
        });
        let (begun, wait_begun) = channel();
        let counts: Arc<[AtomicUsize; 2]> = Arc::default();
        (0..5).for_each(|_| helpers.begin(Slow(begun.clone(), counts.clone())));
        wait_begun.recv_timeout(LONG).expect("one is begun");
        helpers.join();
        assert_eq!([0, 1].map(|at| counts[at].load(Ordering::SeqCst)), [1, 5]);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn helpers_have_a_name_and_get_no_signals() {
        let (mut helpers, woken) = helpers(1, |about: &Mutex<String>, _| {
            *about.lock() = std::fs::read_to_string("/proc/thread-self/status").expect("procfs");
            Prepared::Unchanged
        });
        helpers.begin(Mutex::default());
        let done = wait_for(1, &mut helpers, &woken);
        let status = done[0].0.lock();
        let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).expect("a field").trim();
        assert_eq!(field("Name:"), NAME);
        let blocked = u64::from_str_radix(field("SigBlk:"), 16).expect("a mask");
        // SIGINT, SIGPIPE, SIGTERM and SIGCHLD.
        for signal in [2, 13, 15, 17] {
            assert!(blocked >> (signal - 1) & 1 == 1, "signal {signal} of {blocked:x}");
        }
    }
}
