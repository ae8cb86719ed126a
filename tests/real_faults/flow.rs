//! Records that are sent at an even pace while something happens.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use ottla_engine::Record;

use crate::harness::{Sender, stamp};

/// Several threads send keyed records with the stamps 0, 1, 2, .. until they are stopped.
#[derive(Default)]
pub struct Flow {
    stopped: AtomicBool,
    /// The thread that sent each record, by tag.
    threads: Mutex<Vec<u8>>,
}

/// Stops a flow when dropped, so that its threads also end if the watching thread panics.
pub struct Stop<'a>(&'a Flow);

impl Flow {
    /// The part of one thread: `rate` records per second.
    pub fn run(&self, thread: u8, sender: &Sender, topic: &str, rate: u64) {
        let topic = sender.topic(topic);
        let begin = Instant::now();
        for number in (0..).take_while(|_| !self.stopped.load(Relaxed)) {
            let due = begin + Duration::from_micros(number * 1_000_000 / rate);
            let early = due.saturating_duration_since(Instant::now());
            if early.as_millis() > 0 {
                std::thread::sleep(early);
            }
            let tag = self.draw(thread);
            let (key, value) = (key(tag), value(tag));
            sender.send(&topic, &Record { key: Some(&key), value: Some(&value), ..Record::default() }, tag);
        }
    }

    pub fn stop_on_drop(&self) -> Stop<'_> {
        Stop(self)
    }

    pub fn sent(&self) -> u64 {
        self.threads.lock().expect("lock").len() as u64
    }

    /// Returns the thread that sent each record.
    pub fn into_threads(self) -> Vec<u8> {
        self.threads.into_inner().expect("lock")
    }

    fn draw(&self, thread: u8) -> u64 {
        let mut threads = self.threads.lock().expect("lock");
        threads.push(thread);
        threads.len() as u64 - 1
    }
}

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.stopped.store(true, Relaxed);
    }
}

pub fn key(tag: u64) -> [u8; 8] {
    tag.to_be_bytes()
}

pub fn value(tag: u64) -> Vec<u8> {
    stamp(tag, 100)
}
