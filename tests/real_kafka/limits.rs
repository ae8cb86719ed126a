//! Records and settings at their limits.

use ottla_mock::codes;
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use ottla_engine::{Completion, ErrorKind, Fate, Record, Wait};
use ottla_testkit::kafka::{self, Cluster, Options};

use crate::harness::{Random, Reported, Sender, check_stamps, noise, now_ms, prime, stamp};

fn kind(reported: &Reported) -> Option<ErrorKind> {
    reported.error.as_ref().map(ottla_engine::Error::kind)
}

/// What `max.request.size` counts besides key and value: the header of a batch and the framing of a record.
const OVERHEAD: usize = 82;

#[test]
fn a_record_of_max_request_size_is_written_and_one_byte_more_is_refused() {
    let cluster = kafka::shared();
    let topic_name = cluster.new_topic("request-size", 1);
    let sender = Sender::new(cluster.bootstrap(), &[("max.request.size", "20000")]);
    let topic = sender.topic(&topic_name);
    let mut random = Random::new(4);
    let (key, value) = (b"key", noise(&mut random, 20_000 - OVERHEAD - 2));
    let fitting = Record { key: Some(key), value: Some(&value[1..]), ..Record::default() };
    let larger = Record { value: Some(value), ..fitting };
    sender.send(&topic, &fitting, 0);
    let refused = sender.producer.send(&topic, &larger, Completion::Tag(1), Wait::Forever).expect_err("too large");
    assert_eq!(refused.kind(), ErrorKind::RecordTooLarge);
    assert!(refused.message().contains("max.request.size=20000"), "{refused}");
    sender.all_delivered(1);
    let read = cluster.read_records(&topic_name);
    assert_eq!(read.iter().map(|record| record.value.as_deref()).collect::<Vec<_>>(), [Some(&value[1..])]);
}

/// With acks=0 the broker can only close the connection. Records after the large one must still arrive.
#[test]
fn a_record_too_large_for_the_topic_fails_with_acks_1_and_is_lost_with_acks_0() {
    let cluster = kafka::shared();
    for acks in ["1", "0"] {
        let topic_name = cluster.new_topic("too-large", 1);
        prime(cluster, &topic_name, 1);
        cluster.configure_topic(&topic_name, "max.message.bytes", "1000");
        let sender = Sender::new(cluster.bootstrap(), &[("acks", acks)]);
        let topic = sender.topic(&topic_name);
        for (tag, length) in [(0, 100), (1, 5_000), (2, 100)] {
            sender.send(&topic, &Record { value: Some(&stamp(tag, length)), ..Record::default() }, tag);
            sender.flush();
            // The broker takes a moment to close the connection. With acks=0, records written until then are lost.
            std::thread::sleep(Duration::from_millis(500));
        }
        let reported = sender.reported();
        let lost = match acks {
            "1" => (Some(ErrorKind::Broker(codes::MESSAGE_TOO_LARGE)), Fate::NotWritten),
            _ => (None, Fate::Unknown),
        };
        assert_eq!((kind(&reported[1]), reported[1].fate, reported[1].offset), (lost.0, lost.1, -1), "acks={acks}");
        assert!(reported[0].error.is_none() && reported[2].error.is_none(), "acks={acks}: {reported:?}");
        let written: Vec<_> = cluster.read_records(&topic_name).into_iter().filter_map(|record| record.value).collect();
        assert_eq!(written, [stamp(0, 100), stamp(2, 100)], "acks={acks}");
    }
}

#[test]
fn timestamps_within_the_topics_bounds_are_taken_and_others_fail() {
    let cluster = kafka::shared();
    const HOUR: i64 = 3_600_000;
    for codec in ["none", "lz4"] {
        let topic_name = cluster.new_topic("bounds", 1);
        cluster.configure_topic(&topic_name, "message.timestamp.before.max.ms", &HOUR.to_string());
        cluster.configure_topic(&topic_name, "message.timestamp.after.max.ms", &HOUR.to_string());
        let sender = Sender::new(cluster.bootstrap(), &[("compression.type", codec)]);
        let topic = sender.topic(&topic_name);
        let now = now_ms();
        let times = [now - HOUR + 60_000, now - HOUR - 1_000, now + HOUR - 1_000, now + HOUR + 60_000, now];
        for (tag, &timestamp) in (0..).zip(&times) {
            sender.send(
                &topic,
                &Record { value: Some(&stamp(tag, 30)), timestamp: Some(timestamp), ..Record::default() },
                tag,
            );
            sender.flush();
        }
        let reported = sender.reported();
        for refused in [&reported[1], &reported[3]] {
            assert_eq!(
                (kind(refused), refused.fate),
                (Some(ErrorKind::Broker(codes::INVALID_TIMESTAMP)), Fate::NotWritten),
                "{refused:?}"
            );
        }
        let written = [0, 2, 4].map(|at: usize| (reported[at].offset, reported[at].timestamp));
        assert_eq!(written, [(0, times[0]), (1, times[2]), (2, times[4])], "{reported:?}");
        let read: Vec<i64> = cluster.read_records(&topic_name).iter().map(|record| record.timestamp).collect();
        assert_eq!(read, [times[0], times[2], times[4]]);
    }
}

#[test]
fn with_batch_size_0_each_record_is_a_batch() {
    let cluster = kafka::shared();
    let topic_name = cluster.new_topic("single", 2);
    prime(cluster, &topic_name, 2);
    let sender = Sender::new(cluster.bootstrap(), &[("batch.size", "0"), ("linger.ms", "5000")]);
    let topic = sender.topic(&topic_name);
    for tag in 0..200 {
        let key: Option<&[u8]> = if tag % 2 == 0 { Some(b"key") } else { None };
        let begin = Instant::now();
        sender.send(&topic, &Record { key, value: Some(&stamp(tag, 40)), ..Record::default() }, tag);
        while sender.reported_count() as u64 <= tag {
            assert!(begin.elapsed() < Duration::from_secs(4), "record {tag} lingers");
            std::thread::yield_now();
        }
    }
    assert_eq!(sender.counters().batches_sent, 200);
    sender.all_delivered(200);
    let mut read = cluster.read_records(&topic_name);
    read.retain(|record| record.value.is_some());
    check_stamps(&read, 200);
}

/// In Java, records of an unknown topic fail at once with `max.block.ms=0`. Ours never waits for metadata in the call.
#[test]
fn with_max_block_ms_0_no_call_waits_and_records_of_an_unknown_topic_are_delivered() {
    let cluster = kafka::shared();
    let topic_name = cluster.new_topic("no-wait", 1);
    let properties = [("max.block.ms", "0"), ("buffer.memory", "100000"), ("linger.ms", "60000")];
    let sender = Sender::new(cluster.bootstrap(), &properties);
    let topic = sender.topic(&topic_name);
    let value = [b'v'; 1_000];
    let record = Record { value: Some(&value), ..Record::default() };
    let begin = Instant::now();
    let mut accepted = 0;
    let refused = loop {
        match sender.producer.send(&topic, &record, Completion::Tag(accepted), Wait::Configured) {
            Ok(()) => accepted += 1,
            Err(refused) => break refused,
        }
        assert!(accepted < 100_000, "the buffer never fills");
    };
    println!("{accepted} records until the buffer was full, in {:?}", begin.elapsed());
    assert_eq!(refused.kind(), ErrorKind::BufferFull);
    assert!(refused.message().contains("buffer.memory=100000"), "{refused}");
    assert!(accepted > 0);
    sender.all_delivered(accepted);
}

/// A separate broker for tests that would disturb others: it forgets producers and accepts no large requests, and the
/// test creates its internal topics.
fn forgetful() -> Arc<Cluster> {
    static FORGETFUL: Mutex<Weak<Cluster>> = Mutex::new(Weak::new());
    let mut started = FORGETFUL.lock().expect("lock");
    started.upgrade().unwrap_or_else(|| {
        let properties = [
            ("producer.id.expiration.ms", "1000"),
            ("producer.id.expiration.check.interval.ms", "200"),
            ("socket.request.max.bytes", "100000"),
        ];
        let properties = properties.map(|(name, value)| (name.into(), value.into())).to_vec();
        let cluster = Arc::new(Cluster::start(Options { properties, ..Options::default() }));
        *started = Arc::downgrade(&cluster);
        cluster
    })
}

#[test]
fn an_internal_topic_is_refused() {
    let cluster = forgetful();
    cluster.create_topic("__consumer_offsets", 1, 1, &[]);
    let sender = Sender::new(cluster.bootstrap(), &[]);
    sender.send(
        &sender.topic("__consumer_offsets"),
        &Record { key: Some(b"k"), partition: Some(0), ..Record::default() },
        0,
    );
    sender.flush();
    let reported = &sender.reported()[0];
    assert_eq!(
        (kind(reported), reported.fate),
        (Some(ErrorKind::Broker(codes::INVALID_TOPIC_EXCEPTION)), Fate::NotWritten),
        "{reported:?}"
    );
}

/// A broker forgets a producer that has been silent for `producer.id.expiration.ms`. The producer's next records are
/// written in order.
#[test]
fn a_producer_that_the_broker_forgot_goes_on() {
    let cluster = forgetful();
    let topic_name = cluster.new_topic("forgotten", 1);
    let sender = Sender::new(cluster.bootstrap(), &[]);
    let topic = sender.topic(&topic_name);
    for round in 0..3 {
        for tag in round * 100..(round + 1) * 100 {
            sender.send(&topic, &Record { value: Some(&stamp(tag, 30)), ..Record::default() }, tag);
        }
        sender.flush();
        std::thread::sleep(Duration::from_millis(2_500));
    }
    sender.all_delivered(300);
    check_stamps(&cluster.read_records(&topic_name), 300);
}

/// The broker closes the connection for each request that carries the record.
#[test]
fn a_record_above_socket_request_max_bytes_takes_no_other_record_with_it() {
    const LARGE: u64 = 15;
    let cluster = forgetful();
    let topic_name = cluster.new_topic("large", 3);
    prime(&cluster, &topic_name, 3);
    let timeouts = [("delivery.timeout.ms", "5000"), ("request.timeout.ms", "3000")];
    let sender = Sender::new(cluster.bootstrap(), &timeouts);
    let topic = sender.topic(&topic_name);
    for tag in 0..450 {
        let value = stamp(tag, if tag == LARGE { 200_000 } else { 30 });
        let record = Record { partition: Some((tag % 3) as i32), value: Some(&value), ..Record::default() };
        sender.send(&topic, &record, tag);
        if tag % 3 == 2 {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    sender.flush();
    for reported in sender.reported() {
        assert_eq!(reported.fate == Fate::Written, reported.tag != LARGE, "{reported:?}\n{}", sender.log());
        if let Some(error) = reported.error {
            assert!(error.message().contains("socket.request.max.bytes") && error.message().contains("200"), "{error}");
        }
    }
    let written: usize = cluster.read_records(&topic_name).len();
    assert_eq!(written, 3 + 449);
}
