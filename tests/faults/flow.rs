//! A producer whose records are all counted, and assertions about them that many tests need.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::{Duration, Instant};

use ottla_engine::{Completion, Error, ErrorKind, Fate, Record, TopicHandle, Wait};
use ottla_mock::server::ModelServer;
use ottla_mock::{Cluster, Fault, RequestInfo};

use crate::harness::{Reported, Sender, stamp};

/// Everything is given up after at most two seconds, and retried often.
pub const QUICK: [(&str, &str); 7] = [
    ("delivery.timeout.ms", "2000"),
    ("request.timeout.ms", "1000"),
    ("max.block.ms", "2000"),
    ("linger.ms", "0"),
    ("socket.connection.setup.timeout.ms", "700"),
    ("socket.connection.setup.timeout.max.ms", "700"),
    ("reconnect.backoff.max.ms", "200"),
];

/// The longest time that a record may wait with QUICK.
const PATIENCE: Duration = Duration::from_secs(2);
/// How late something may be observed, because this machine may be busy with other tests.
pub const GRACE: Duration = Duration::from_secs(10);

/// A modelled broker behind a port, with a topic "orders" of three partitions.
pub fn model() -> ModelServer {
    let mut cluster = Cluster::new(1);
    cluster.create_topic("orders", 3);
    ModelServer::start(cluster, 1)
}

/// Decides what goes wrong with every request from now on.
pub fn break_with(server: &ModelServer, fault: impl FnMut(&RequestInfo) -> Fault + Send + 'static) {
    server.with(|cluster| cluster.on_request(fault));
}

pub fn mend(server: &ModelServer) {
    server.with(Cluster::clear_faults);
}

/// A producer with one topic. Its records are numbered, and [`Flow::end`] checks their reports.
pub struct Flow {
    pub sender: Sender,
    pub topic: TopicHandle,
    sent: u64,
}

impl Flow {
    pub fn new(bootstrap: &str, topic: &str, properties: &[(&str, &str)]) -> Flow {
        let properties = [&QUICK[..], properties].concat();
        let sender = Sender::new(bootstrap, &properties);
        let topic = sender.topic(topic);
        Flow { sender, topic, sent: 0 }
    }

    /// Sends records with different keys. Returns their numbers.
    pub fn send(&mut self, count: u64) -> Range<u64> {
        let begin = self.sent;
        for _ in 0..count {
            let (key, value) = (self.sent.to_be_bytes(), stamp(self.sent, 100));
            self.send_record(&Record { key: Some(&key), value: Some(&value), ..Record::default() });
        }
        begin..self.sent
    }

    pub fn send_record(&mut self, record: &Record<'_>) -> u64 {
        self.sender.send(&self.topic, record, self.sent);
        self.sent += 1;
        self.sent - 1
    }

    /// Sends a record that may be refused. An accepted one is counted.
    pub fn try_send(&mut self, record: &Record<'_>, wait: Wait) -> ottla_engine::Result<()> {
        self.sender.producer.send(&self.topic, record, Completion::Tag(self.sent), wait)?;
        self.sent += 1;
        Ok(())
    }

    pub fn try_send_many(&mut self, records: &[Record<'_>], wait: Wait) -> (usize, ottla_engine::Result<()>) {
        let tagged = records.iter().zip(self.sent..).map(|(record, tag)| (*record, Completion::Tag(tag)));
        let (accepted, result) = self.sender.producer.send_many(&self.topic, tagged, wait);
        self.sent += accepted as u64;
        (accepted, result)
    }

    /// Waits until each of these has been reported once.
    pub fn reported(&self, tags: Range<u64>) -> Vec<Reported> {
        self.flush();
        let all: Vec<Reported> =
            self.sender.reported().into_iter().filter(|reported| tags.contains(&reported.tag)).collect();
        assert!(
            all.iter().map(|reported| reported.tag).eq(tags.clone()),
            "{tags:?} are each reported once: {all:?}\n{}",
            self.sender.log()
        );
        all
    }

    pub fn flush(&self) {
        self.sender.producer.flush(Wait::AtMost(2 * PATIENCE + GRACE)).expect("all is decided within its bound");
    }

    /// Sends some records, each of which must fail within the bound, with all `words` in its message. `fate` is
    /// expected of those that were sent at all.
    pub fn fails(&mut self, kind: ErrorKind, fate: Fate, words: &[&str]) -> Vec<Reported> {
        let begin = Instant::now();
        let tags = self.send(20);
        let reported = self.reported(tags);
        let took = begin.elapsed();
        assert!(took < PATIENCE + GRACE, "reported after {took:?}");
        assert_failed_with(&reported, kind, words);
        for reported in &reported {
            let expected = if reported.attempts == 0 { Fate::NotWritten } else { fate };
            assert_eq!(reported.fate, expected, "{reported:?}");
        }
        reported
    }

    /// Expects that records are delivered again within a grace period.
    pub fn works(&mut self) {
        let begin = Instant::now();
        loop {
            let tags = self.send(1);
            let reported = self.reported(tags);
            if reported[0].error.is_none() {
                break;
            }
            assert!(begin.elapsed() < GRACE, "it does not work again: {reported:?}\n{}", self.sender.log());
        }
        let tags = self.send(20);
        let reported = self.reported(tags);
        assert!(reported.iter().all(|reported| reported.error.is_none()), "{reported:?}\n{}", self.sender.log());
    }

    /// Closes, and expects that every accepted record was reported exactly once and no memory is held.
    pub fn end(self) -> Vec<Reported> {
        self.flush();
        self.sender.producer.close(Wait::AtMost(GRACE)).expect("closed");
        let reported = self.sender.reported();
        let mut times: BTreeMap<u64, u32> = (0..self.sent).map(|tag| (tag, 0)).collect();
        reported.iter().for_each(|reported| *times.entry(reported.tag).or_default() += 1);
        let wrong: Vec<_> = times.iter().filter(|&(_, &times)| times != 1).collect();
        assert!(
            wrong.is_empty() && reported.len() as u64 == self.sent,
            "(record, how often it was reported): {wrong:?}"
        );
        assert_eq!(self.sender.producer.buffered_bytes(), 0, "memory is held after the end");
        reported.iter().filter_map(|reported| reported.error.as_ref()).for_each(names_its_cause);
        reported
    }
}

/// In every situation, the message names the broker concerned, or the fact about the topic.
fn names_its_cause(error: &Error) {
    let of_topic = ["was deleted and created again", "partitions (0 to ", "no broker leads the partition"];
    let mut causes = ["127.0.0.1:", ".invalid:"].into_iter().chain(of_topic);
    let message = error.message();
    assert!(causes.any(|cause| message.contains(cause)), "no cause is named: {error}");
}

/// Checks that each failed with this code and that each message has all words.
pub fn assert_failed_with(reported: &[Reported], kind: ErrorKind, words: &[&str]) {
    for reported in reported {
        let error = reported.error.as_ref().unwrap_or_else(|| panic!("it should have failed: {reported:?}"));
        assert_eq!(error.kind(), kind, "{reported:?}");
        assert_contains(error.message(), words);
    }
}

pub fn assert_contains(message: &str, words: &[&str]) {
    let missing: Vec<_> = words.iter().filter(|word| !message.contains(**word)).collect();
    assert!(missing.is_empty(), "{missing:?} should be in: {message}");
}
