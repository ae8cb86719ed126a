//! What a real broker refuses, or suffers from.

use ottla_mock::codes;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use ottla_core::sender::{Event, EventKind};
use ottla_engine::event_loop::Sink;
use ottla_engine::{ErrorKind, Fate, Level, Producer, Record, Report, Snapshot, Wait};
use ottla_testkit::kafka::{self, Cluster, Options};

use crate::flow::{Flow, GRACE, assert_contains, assert_failed_with};
use crate::harness::{Sender, config, prime, stamp};

const UNKNOWN_TOPIC_OR_PARTITION: ErrorKind = ErrorKind::Broker(codes::UNKNOWN_TOPIC_OR_PARTITION);
const MESSAGE_TOO_LARGE: ErrorKind = ErrorKind::Broker(codes::MESSAGE_TOO_LARGE);
const UNKNOWN_TOPIC_ID: ErrorKind = ErrorKind::Broker(codes::UNKNOWN_TOPIC_ID);

/// Timeouts that are long enough for a busy broker but bound the test.
const PATIENT: [(&str, &str); 3] =
    [("delivery.timeout.ms", "30000"), ("request.timeout.ms", "10000"), ("max.block.ms", "10000")];

/// A topic whose batches may have at most `bytes` bytes.
fn narrow_topic(cluster: &Cluster, bytes: u32) -> String {
    let topic = cluster.new_topic("narrow", 1);
    cluster.configure_topic(&topic, "max.message.bytes", &bytes.to_string());
    prime(cluster, &topic, 1);
    topic
}

#[test]
fn a_single_record_above_max_message_bytes() {
    let cluster = kafka::shared();
    let topic = narrow_topic(cluster, 20_000);
    let mut flow = Flow::new(cluster.bootstrap(), &topic, &PATIENT);
    let large = vec![0; 50_000];
    // Other records in the same batch are not affected.
    let before = flow.send(3);
    let at = flow.send_record(&Record { value: Some(&large), ..Record::default() });
    let after = flow.send(3);
    let reported = flow.reported(before.start..after.end);
    let (refused, rest): (Vec<_>, Vec<_>) = reported.into_iter().partition(|reported| reported.tag == at);
    let words = [cluster.bootstrap(), &topic, "MESSAGE_TOO_LARGE", "max.message.bytes"];
    assert_failed_with(&refused, MESSAGE_TOO_LARGE, &words);
    assert_eq!(refused[0].fate, Fate::NotWritten);
    rest.iter().for_each(|reported| assert_eq!(reported.fate, Fate::Written, "{reported:?}"));
    flow.works();
    cluster.configure_topic(&topic, "max.message.bytes", "1000000");
    let begin = Instant::now();
    loop {
        let at = flow.send_record(&Record { value: Some(&large), ..Record::default() });
        if flow.reported(at..at + 1)[0].error.is_none() {
            break;
        }
        assert!(begin.elapsed() < GRACE, "it fits now");
    }
    flow.end();
}

#[test]
fn a_batch_above_max_message_bytes_is_split() {
    let cluster = kafka::shared();
    for codec in ["none", "lz4"] {
        let topic = narrow_topic(cluster, 20_000);
        let properties = [("linger.ms", "1000"), ("batch.size", "200000"), ("compression.type", codec)];
        let mut flow = Flow::new(cluster.bootstrap(), &topic, &[&PATIENT[..], &properties].concat());
        let mut random = crate::harness::Random::new(7);
        for _ in 0..100 {
            flow.send_record(&Record { value: Some(crate::harness::noise(&mut random, 1000)), ..Record::default() });
        }
        let reported = flow.reported(0..100);
        reported.iter().for_each(|reported| assert_eq!(reported.fate, Fate::Written, "{reported:?}"));
        assert!(reported.is_sorted_by_key(|reported| reported.offset), "the parts keep the order: {reported:?}");
        let counters = flow.sender.counters();
        assert!(counters.batches_split > 0 && counters.records_failed == 0, "{counters:?}");
        flow.works();
        flow.end();
        assert_eq!(cluster.read_records(&topic).len(), 1 + 100 + 21, "as often as it was told");
    }
}

#[test]
fn a_topic_that_nobody_creates() {
    let cluster = kafka::shared();
    let topic = format!("missing-{}", std::process::id());
    let mut flow = Flow::new(cluster.bootstrap(), &topic, &[]);
    let words = [&*topic, "UNKNOWN_TOPIC_OR_PARTITION", "create it", "auto.create.topics.enable"];
    flow.fails(UNKNOWN_TOPIC_OR_PARTITION, Fate::NotWritten, &words);
    cluster.create_topic(&topic, 2, 1, &[]);
    flow.works();
    flow.end();
}

/// The broker closes the connection, metadata says why, and later records are not reported as sent.
#[test]
fn a_topic_that_is_deleted_under_acks_0() {
    let cluster = kafka::shared();
    let topic = cluster.new_topic("gone", 1);
    prime(cluster, &topic, 1);
    let mut flow = Flow::new(cluster.bootstrap(), &topic, &[("acks", "0")]);
    flow.works();
    let closed = flow.sender.counters().connections_closed;
    cluster.delete_topic(&topic);
    let begin = Instant::now();
    loop {
        let at = flow.send(1).start;
        if flow.reported(at..at + 1)[0].error.is_some() {
            break;
        }
        assert!(begin.elapsed() < GRACE, "records are taken for sent though there is no topic\n{}", flow.sender.log());
    }
    let words = [&*topic, "UNKNOWN_TOPIC_OR_PARTITION", "delivery.timeout.ms", "create it"];
    flow.fails(UNKNOWN_TOPIC_OR_PARTITION, Fate::NotWritten, &words);
    let log = flow.sender.log();
    assert!(log.contains("acks=0 may be lost") && log.contains("Warning"), "{log}");
    let closed = flow.sender.counters().connections_closed - closed;
    assert!(closed < 10, "{closed} connections were closed");
    cluster.create_topic(&topic, 1, 1, &[]);
    flow.works();
    flow.end();
}

/// Records reported as written before the old topic was deleted are gone with it. Later ones are in the new topic.
#[test]
fn a_topic_deleted_and_created_again_while_records_flow() {
    let cluster = kafka::shared();
    let topic = cluster.new_topic("anew", 2);
    prime(cluster, &topic, 2);
    let properties = [("delivery.timeout.ms", "20000"), ("request.timeout.ms", "5000"), ("max.block.ms", "20000")];
    let mut flow = Flow::new(cluster.bootstrap(), &topic, &properties);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(500));
            cluster.delete_topic(&topic);
            cluster.create_topic(&topic, 2, 1, &[]);
            std::thread::sleep(Duration::from_secs(2));
            done.store(true, Ordering::Relaxed);
        });
        while !done.load(Ordering::Relaxed) {
            flow.send(5);
            std::thread::sleep(Duration::from_millis(5));
        }
    });
    flow.works();
    let reported = flow.end();
    let failed: Vec<_> = reported.iter().filter(|reported| reported.error.is_some()).cloned().collect();
    println!("{} of {} records failed, first {:?}", failed.len(), reported.len(), failed.first());
    assert!(!failed.is_empty(), "records were sent while there was no topic");
    for reported in &failed {
        let one = std::slice::from_ref(reported);
        assert_failed_with(one, UNKNOWN_TOPIC_ID, &[&topic, "deleted and created again"]);
    }
    // Every record in the new log was reported as written at this place, and is there once.
    let mut places: Vec<_> =
        reported.iter().filter(|t| t.fate == Fate::Written).map(|t| (t.partition, t.offset, t.tag)).collect();
    places.sort_unstable();
    for record in cluster.read_records(&topic) {
        let value = record.value.expect("a stamped value");
        let tag: u64 = std::str::from_utf8(&value[..20]).ok().and_then(|n| n.parse().ok()).expect("a stamp");
        assert_eq!(value, stamp(tag, 100));
        assert!(
            places.binary_search(&(record.partition, record.offset, tag)).is_ok(),
            "record {tag} lies there untold"
        );
    }
}

/// A separate broker with listeners for TLS and SASL, two log directories of which one is a small tmpfs, connections
/// that are closed after three idle seconds, and a transaction log that needs more brokers than there are.
struct Special {
    cluster: Cluster,
    small: Tmpfs,
}

/// All tests that hold it at the same time share it.
fn special() -> Arc<Special> {
    static RUNNING: Mutex<Weak<Special>> = Mutex::new(Weak::new());
    let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    running.upgrade().unwrap_or_else(|| {
        let special = Arc::new(Special::start());
        *running = Arc::downgrade(&special);
        special
    })
}

impl Special {
    fn start() -> Special {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("faults");
        let small = Tmpfs::mount(folder.join("small"));
        let property = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let cluster = Cluster::start(Options {
            listeners: vec![("TLS".into(), "SSL".into()), ("SASLX".into(), "SASL_PLAINTEXT".into())],
            log_dirs: vec![small.0.clone()],
            properties: vec![
                property("ssl.keystore.location", &keystore(&folder).display().to_string()),
                property("ssl.keystore.password", PASSWORD),
                property("sasl.enabled.mechanisms", "PLAIN"),
                property(
                    "listener.name.saslx.plain.sasl.jaas.config",
                    "org.apache.kafka.common.security.plain.PlainLoginModule required user_a=\"b\";",
                ),
                property("connections.max.idle.ms", "3000"),
                property("transaction.state.log.replication.factor", "3"),
                // Index files are created with this size, and must not be what fills the disk.
                property("log.index.size.max.bytes", "4096"),
            ],
            ..Options::default()
        });
        Special { cluster, small }
    }
}

/// A small file system. Mounting it needs root.
struct Tmpfs(PathBuf);

impl Tmpfs {
    fn mount(at: PathBuf) -> Tmpfs {
        std::fs::create_dir_all(&at).expect("the target folder is writable");
        // Removes one that a killed run left behind.
        let _ = Command::new("umount").arg(&at).output();
        run(Command::new("mount").args(["-t", "tmpfs", "-o", "size=1m", "ottla-faults"]).arg(&at));
        Tmpfs(at)
    }

    fn enlarge(&self) {
        run(Command::new("mount").args(["-o", "remount,size=64m"]).arg(&self.0));
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).output();
    }
}

const PASSWORD: &str = "not-a-secret";

/// A key and a certificate for a TLS listener.
fn keystore(folder: &Path) -> PathBuf {
    let store = folder.join("broker.p12");
    let _ = std::fs::remove_file(&store);
    let words = "-genkeypair -alias broker -keyalg EC -dname CN=localhost -storetype PKCS12 -storepass";
    run(Command::new("keytool").args(words.split(' ')).arg(PASSWORD).arg("-keystore").arg(&store));
    store
}

fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let printed = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&printed));
}

#[test]
fn a_listener_that_speaks_tls() {
    let special = special();
    let tls = special.cluster.setting("BOOTSTRAP_TLS").expect("the listener was asked for");
    let topic = special.cluster.new_topic("tls", 1);
    let mut flow = Flow::new(tls, &topic, &[]);
    flow.fails(ErrorKind::MetadataTimedOut, Fate::NotWritten, &[tls, &topic, "security.protocol=SSL"]);
    flow.end();
}

#[test]
fn a_listener_that_requires_sasl() {
    let special = special();
    let sasl = special.cluster.setting("BOOTSTRAP_SASLX").expect("the listener was asked for");
    let topic = special.cluster.new_topic("sasl", 1);
    let mut flow = Flow::new(sasl, &topic, &[]);
    let words = [sasl, "answered ApiVersions and closed the connection", "SASL", "security.protocol"];
    let error = flow.sender.producer.check(Wait::AtMost(Duration::from_secs(2))).expect_err("nobody logged in");
    assert_contains(error.message(), &words);
    flow.fails(ErrorKind::MetadataTimedOut, Fate::NotWritten, &words);
    flow.end();
}

/// A sink that keeps events about brokers.
struct Events(Arc<Mutex<Vec<(EventKind, String)>>>);

impl Sink for Events {
    fn observe(&mut self, _: &Report) {}

    fn report(&mut self, report: Report) {
        drop(report);
    }

    fn event(&mut self, event: Event) {
        self.0.lock().expect("lock").push((event.kind, event.message));
    }

    fn is_polled(&self) -> bool {
        false
    }

    fn statistics_interval(&self) -> Option<Duration> {
        None
    }

    fn statistics(&mut self, _: Snapshot) {}
}

#[test]
fn an_idle_connection_that_the_broker_closes_is_no_event() {
    let cluster = &special().cluster;
    let topic = cluster.new_topic("quiet", 1);
    prime(cluster, &topic, 1);
    let events: Arc<Mutex<Vec<_>>> = Arc::default();
    let config = config(cluster.bootstrap(), &PATIENT);
    let log = Box::new(|_: Level, _: &str| ());
    let producer = Producer::new(&config, Box::new(Events(events.clone())), log, Level::Error).expect("a producer");
    let topic = producer.topic(&topic).expect("a topic");
    for _ in 0..2 {
        let reported = producer.send_and_wait(&topic, &Record::default(), Wait::AtMost(GRACE)).expect("decided");
        assert!(reported.error.is_none(), "{reported:?}");
        std::thread::sleep(Duration::from_secs(5));
    }
    let snapshot = producer.counters();
    let events = events.lock().expect("lock");
    assert!(snapshot.connections_closed >= 2, "the broker closes idle connections: {snapshot:?}");
    assert!(events.iter().all(|(kind, _)| *kind == EventKind::BrokerUp) && events.len() == 2, "{events:?}");
}

#[test]
fn a_coordinator_without_enough_brokers_for_its_log() {
    let cluster = &special().cluster;
    let sender = Sender::new(cluster.bootstrap(), &[("transactional.id", "orders")]);
    let error = sender.producer.init_transactions(Wait::AtMost(Duration::from_secs(5))).expect_err("no coordinator");
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    let words = ["FindCoordinator of orders", "COORDINATOR_NOT_AVAILABLE", "transaction.state.log.replication.factor"];
    assert_contains(error.message(), &[&words[..], &[cluster.bootstrap()]].concat());
}

/// With a full disk, a broker loses the log directory on it until it is restarted with free space.
#[test]
fn a_log_directory_that_is_full() {
    let Special { cluster, small } = &*special();
    let topic = cluster.new_topic("full", 2);
    prime(cluster, &topic, 2);
    let in_small = |partition: &i32| small.0.join(format!("{topic}-{partition}")).exists();
    let partition = (0..2).find(in_small).expect("one partition lies in the small directory");
    let bytes = vec![1; 100_000];
    let full = Record { partition: Some(partition), value: Some(&bytes), ..Record::default() };
    let other = Record { partition: Some(1 - partition), value: Some(b"small"), ..Record::default() };
    let words = [&topic, "delivery.timeout.ms=2000"];

    let mut flow = Flow::new(cluster.bootstrap(), &topic, &[]);
    let begin = Instant::now();
    let mut failed = Vec::new();
    while failed.len() < 2 {
        assert!(begin.elapsed() < 3 * GRACE, "it never fills");
        let sent = flow.send_record(&full);
        let beside = flow.send_record(&other);
        let reported = flow.reported(sent..beside + 1);
        assert_eq!(reported[1].fate, Fate::Written, "the other directory's partition goes on: {:?}", reported[1]);
        failed.extend(reported.into_iter().find(|reported| reported.error.is_some()));
    }
    let said_by_broker = [cluster.bootstrap(), "KAFKA_STORAGE_ERROR", "is its disk full?"];
    assert_failed_with(&failed, ErrorKind::DeliveryTimedOut, &[&words[..], &said_by_broker].concat());
    assert_eq!(failed[0].fate, Fate::Unknown, "the broker may have begun to write it");
    assert_eq!((failed[1].attempts, failed[1].fate), (0, Fate::NotWritten), "nobody leads the partition any more");

    // A producer that starts later, and never had a response from its leader.
    let mut late = Flow::new(cluster.bootstrap(), &topic, &[]);
    let at = late.send_record(&full);
    assert_failed_with(
        &late.reported(at..at + 1),
        ErrorKind::DeliveryTimedOut,
        &[&words[..], &["no broker leads"]].concat(),
    );

    small.enlarge();
    cluster.restart(1);
    for mut flow in [flow, late] {
        flow.works();
        let at = flow.send_record(&full);
        assert_eq!(flow.reported(at..at + 1)[0].fate, Fate::Written);
        flow.end();
    }
}
