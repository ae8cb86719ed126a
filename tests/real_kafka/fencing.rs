//! Two producers with one transactional id, on real brokers of both generations. Once the newer one is initialized, the
//! next response to the older one ends it for good, whatever it is about, and its transaction leaves no trace.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use ottla_core::accumulator::{GroupMetadata, Offset, OffsetCommit, TransactionState};
use ottla_engine::{Completion, Error, ErrorKind, Fate, Record, Wait};
use ottla_testkit::kafka::{self, Cluster, DEFAULT_VERSION, Isolation, Options, Reader};

use crate::harness::Sender;

const SOON: Wait = Wait::AtMost(Duration::from_secs(30));

/// A cluster of each generation, shared by the tests here.
fn clusters() -> [&'static Cluster; 2] {
    static OLDER: OnceLock<Cluster> = OnceLock::new();
    let older = || Cluster::start(Options { version: "3.9.1".into(), ..Options::default() });
    [kafka::shared(), OLDER.get_or_init(older)]
}

/// A topic of two partitions, and producers with one transactional id.
struct Scene {
    cluster: &'static Cluster,
    topic: String,
}

impl Scene {
    fn new(cluster: &'static Cluster) -> Scene {
        Scene { cluster, topic: cluster.new_topic("fencing", 2) }
    }

    fn producer(&self) -> Sender {
        self.producer_with(&[])
    }

    fn producer_with(&self, properties: &[(&str, &str)]) -> Sender {
        let properties = [&[("transactional.id", self.topic.as_str()), ("linger.ms", "2")], properties].concat();
        let sender = Sender::new(self.cluster.bootstrap(), &properties);
        sender.producer.init_transactions(SOON).expect("initialized");
        sender
    }

    fn send(&self, sender: &Sender, partition: i32, value: &str) {
        let record = Record { partition: Some(partition), value: Some(value.as_bytes()), ..Record::default() };
        sender.send(&sender.topic(&self.topic), &record, 0);
    }

    fn offsets(&self) -> OffsetCommit {
        let group = GroupMetadata { group_id: self.topic.clone(), ..GroupMetadata::default() };
        let offset = Offset { topic: self.topic.clone(), partition: 0, offset: 1, leader_epoch: None, metadata: None };
        OffsetCommit { group, offsets: vec![offset] }
    }

    /// Commits a record in each partition.
    fn transact(&self, sender: &Sender, value: &str) {
        sender.producer.begin_transaction().expect("begun");
        (0..2).for_each(|partition| self.send(sender, partition, value));
        sender.producer.commit_transaction(SOON).expect("committed");
    }

    fn seen(&self, reader: Reader) -> Vec<String> {
        let records = self.cluster.read_records_with(&self.topic, reader, Isolation::ReadCommitted);
        let mut values: Vec<String> = records
            .iter()
            .map(|record| String::from_utf8(record.value.clone().expect("a value")).expect("text"))
            .collect();
        values.sort();
        values
    }

    /// Checks that the producer is unusable, says why, and can be closed.
    fn assert_fenced(&self, older: Sender) {
        let deadline = Instant::now() + Duration::from_secs(10);
        while older.producer.transaction_state() != TransactionState::Fatal {
            assert!(Instant::now() < deadline, "{:?}\n{}", older.producer.transaction_state(), older.log());
            std::thread::sleep(Duration::from_millis(5));
        }
        let record = Record { value: Some(b"too late"), ..Record::default() };
        let topic = older.topic(&self.topic);
        let sent = older.producer.send(&topic, &record, Completion::Tag(9), Wait::Forever);
        for error in [
            older.producer.init_transactions(SOON).expect_err("fenced"),
            older.producer.begin_transaction().expect_err("fenced"),
            older.producer.send_offsets_to_transaction(self.offsets(), SOON).expect_err("fenced"),
            older.producer.commit_transaction(SOON).expect_err("fenced"),
            older.producer.abort_transaction(SOON).expect_err("fenced"),
            sent.expect_err("fenced"),
        ] {
            assert_says_so(&error);
        }
        older.producer.close(SOON).expect("closed");
    }
}

fn assert_says_so(error: &Error) {
    assert!(error.is_fatal() && !error.is_retriable() && !error.requires_abort(), "{error}");
    assert!(error.message().contains("newer producer"), "{error}");
}

/// While 4.3.1 prepares to fence, it may respond UNKNOWN_SERVER_ERROR ("already a pending state PREPARE_EPOCH_FENCE").
/// Nothing is committed then, but the response does not say why.
fn assert_cannot_go_on(error: &Error) {
    if error.kind() == ErrorKind::UnknownServerError {
        assert!(error.is_fatal(), "{error}");
    } else {
        assert_says_so(error);
    }
}

/// What the older producer does after the newer one was initialized, and the error, if a call returns one.
type Stage = fn(&Scene, &Sender) -> Option<Error>;

/// The newer producer is initialized when the older one has records of an open transaction in the log.
fn fenced_with_records(stage: Stage) {
    fenced(stage, |scene, older| {
        older.producer.begin_transaction().expect("begun");
        (0..2).for_each(|partition| scene.send(older, partition, "older"));
        older.producer.send_offsets_to_transaction(scene.offsets(), SOON).expect("sent");
        older.flush();
        assert!(older.reported().iter().all(|reported| reported.fate == Fate::Written), "{:?}", older.reported());
    });
}

fn fenced(stage: Stage, before: fn(&Scene, &Sender)) {
    for cluster in clusters() {
        let scene = Scene::new(cluster);
        let older = scene.producer();
        scene.transact(&older, "a: older, in time");
        before(&scene, &older);
        let newer = scene.producer();
        if let Some(error) = stage(&scene, &older) {
            assert_says_so(&error);
        }
        scene.assert_fenced(older);
        scene.transact(&newer, "b: newer");
        scene.transact(&newer, "c: newer again");
        newer.producer.close(SOON).expect("closed");
        let expected = ["a: older, in time", "b: newer", "c: newer again"]
            .iter()
            .flat_map(|value| [*value; 2])
            .collect::<Vec<_>>();
        for reader in [Reader::Java(DEFAULT_VERSION), Reader::Librdkafka] {
            assert_eq!(scene.seen(reader), expected, "{reader:?}");
        }
        assert!(cluster.group_offsets(&scene.topic).is_empty(), "offsets of a transaction that did not happen");
    }
}

#[test]
fn while_it_sends() {
    fenced_with_records(|scene, older| {
        scene.send(older, 0, "older");
        older.flush();
        let last = older.reported().pop().expect("told");
        assert_eq!(last.fate, Fate::NotWritten, "{last:?}");
        None
    });
}

#[test]
fn while_it_sends_to_a_partition_more() {
    let first = |scene: &Scene, older: &Sender| {
        older.producer.begin_transaction().expect("begun");
        scene.send(older, 0, "older");
        older.flush();
    };
    fenced(
        |scene, older| {
            scene.send(older, 1, "older");
            older.flush();
            None
        },
        first,
    );
}

#[test]
fn while_it_sends_offsets() {
    fenced_with_records(|scene, older| older.producer.send_offsets_to_transaction(scene.offsets(), SOON).err());
}

#[test]
fn while_it_commits() {
    fenced_with_records(|_, older| Some(older.producer.commit_transaction(SOON).expect_err("fenced")));
}

#[test]
fn while_it_commits_what_was_not_sent_yet() {
    fenced_with_records(|scene, older| {
        (0..2).for_each(|partition| scene.send(older, partition, "older"));
        Some(older.producer.commit_transaction(SOON).expect_err("fenced"))
    });
}

#[test]
fn while_it_aborts() {
    fenced_with_records(|_, older| Some(older.producer.abort_transaction(SOON).expect_err("fenced")));
}

#[test]
fn when_it_begins() {
    let nothing = |_: &Scene, _: &Sender| ();
    fenced(
        |scene, older| {
            // No coordinator is involved yet.
            older.producer.begin_transaction().expect("begun");
            scene.send(older, 0, "older");
            Some(older.producer.commit_transaction(SOON).expect_err("fenced"))
        },
        nothing,
    );
}

#[test]
fn when_it_begins_with_offsets() {
    let nothing = |_: &Scene, _: &Sender| ();
    fenced(
        |scene, older| {
            older.producer.begin_transaction().expect("begun");
            Some(older.producer.send_offsets_to_transaction(scene.offsets(), SOON).expect_err("fenced"))
        },
        nothing,
    );
}

/// The newer producer is initialized at the moment of a commit. Either the commit takes effect and the call says so, or
/// neither.
#[test]
fn a_commit_concurrent_with_a_newer_producer_is_all_or_nothing() {
    for cluster in clusters() {
        let scene = Scene::new(cluster);
        let mut expected = Vec::new();
        let mut older = scene.producer();
        for round in 0..20_u64 {
            let value = format!("round {round:02}");
            older.producer.begin_transaction().expect("begun");
            (0..2).for_each(|partition| scene.send(&older, partition, &value));
            older.flush();
            let (committed, newer) = std::thread::scope(|scope| {
                let newer = scope.spawn(|| scene.producer());
                // From long before to long after the newer producer's request, since its connection takes a few
                // milliseconds.
                std::thread::sleep(Duration::from_millis(round % 10 * 2));
                (older.producer.commit_transaction(SOON), newer.join().expect("initialized"))
            });
            match committed {
                Ok(()) => expected.extend([value.clone(), value]),
                // The newer producer was not initialized yet.
                Err(error) if error.requires_abort() => {
                    older.producer.abort_transaction(SOON).unwrap_or_else(|error| assert_cannot_go_on(&error))
                }
                Err(error) => assert_cannot_go_on(&error),
            }
            older.producer.close(SOON).expect("closed");
            older = newer;
        }
        println!("{} of 20 commits came first", expected.len() / 2);
        assert_eq!(scene.seen(Reader::Librdkafka), expected);
    }
}

/// There is no newer producer. 4.3 says so, and the transaction can be repeated. 3.9 says PRODUCER_FENCED.
#[test]
fn a_transaction_that_timed_out_can_be_repeated_if_brokers_say_so() {
    for (cluster, tells) in clusters().into_iter().zip([true, false]) {
        for sends in [false, true] {
            let scene = Scene::new(cluster);
            let producer = scene.producer_with(&[("transaction.timeout.ms", "1000")]);
            producer.producer.begin_transaction().expect("begun");
            scene.send(&producer, 0, "late");
            producer.flush();
            // These coordinators look for expired transactions every second.
            std::thread::sleep(Duration::from_millis(4000));
            if sends {
                scene.send(&producer, 0, "later");
            }
            let error = producer.producer.commit_transaction(SOON).expect_err("it was aborted");
            if tells {
                assert!(error.requires_abort() && !error.is_fatal(), "{error}");
                producer.producer.abort_transaction(SOON).expect("aborted");
                scene.transact(&producer, "again");
                assert_eq!(scene.seen(Reader::Librdkafka), ["again", "again"]);
            } else {
                assert_says_so(&error);
            }
            producer.producer.close(SOON).expect("closed");
        }
    }
}
