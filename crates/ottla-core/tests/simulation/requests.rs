//! What goes into a request and when: turns, sizes, batches that travel alone, and responses that are too late.

use std::time::Duration;

use ottla_core::accumulator::Submission;
use ottla_core::batch::{Completion, Room};
use ottla_core::compress::Codec;
use ottla_core::{ErrorKind, Fate, Record};
use ottla_mock::{Api, Fault, On, UnknownProducer, Versions, codes};

use crate::delivery::warm;
use crate::world::{Hand, Setup, World, ms};

/// The partitions of each Produce request, in order.
fn produced(world: &World) -> Vec<Vec<i32>> {
    let requests = world.cluster.requests_of(Api::Produce).into_iter();
    requests.map(|request| request.partitions.iter().map(|partition| partition.partition).collect()).collect()
}

#[test]
fn batches_left_out_of_a_full_request_are_first_in_the_next() {
    let mut setup = Setup::with(|sender| {
        sender.max_request_size = 2_500;
        sender.linger = ms(20);
    });
    setup.brokers = 1;
    let mut world = warm(setup, "t", 5);
    world.cluster.clear_requests();
    (0..5).for_each(|partition| {
        world.send_sized("t", Some(partition), 900).expect("accepted");
    });
    world.run(ms(100));
    assert!(world.all_completed());
    let requests = produced(&world);
    assert_eq!(requests.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2, 1], "{requests:?}");
    assert_eq!(requests.concat(), [0, 1, 2, 3, 4]);
}

#[test]
fn a_record_larger_than_a_batch_gets_a_batch_to_itself() {
    for codec in [Codec::None, Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd] {
        let mut setup = Setup::with(|sender| {
            sender.linger = ms(60_000);
            sender.codec = codec;
            sender.compression_level = if codec == Codec::None { 0 } else { 3 };
        })
        .batch_size(1_000);
        setup.accumulator.batch_limit = 1_000;
        let mut world = warm(setup, "t", 1);
        world.cluster.clear_requests();
        let before = world.send("t", 0);
        let large = world.send_sized("t", Some(0), 5_000).expect("accepted");
        let behind = world.send("t", 0);
        world.flush();
        world.run(ms(1_000));
        [before, large, behind].iter().for_each(|&id| world.assert_written(id));
        let records: Vec<i32> =
            world.cluster.requests_of(Api::Produce).iter().map(|request| request.partitions[0].records).collect();
        assert_eq!(records, [1, 1, 1], "{codec:?}");
    }
}

/// If more batches followed it, the broker could forget it: brokers remember five batches per producer.
#[test]
fn a_retried_batch_travels_alone() {
    for behind in [0, 4] {
        let mut world = warm(Setup::default().single_records(), "t", 1);
        world.cluster.clear_requests();
        // The first batch is refused, those in flight behind it miss it, and the response to its second attempt is
        // late.
        let refused = [Fault::Error(codes::NOT_ENOUGH_REPLICAS, On::All)].into_iter().chain(vec![Fault::None; behind]);
        world.cluster.script(Api::Produce, refused.chain([Fault::Delay(1_000)]));
        let mut ids: Vec<u64> = (0..=behind).map(|_| world.send("t", 0)).collect();
        let expected: Vec<i32> = (1..=behind as i32 + 1).chain([1]).collect();
        for _ in 0..9 {
            world.run(ms(100));
            let sequences: Vec<i32> = world
                .cluster
                .requests_of(Api::Produce)
                .iter()
                .map(|request| request.partitions[0].base_sequence)
                .collect();
            assert!(expected.starts_with(&sequences), "{sequences:?}");
            if sequences == expected {
                ids.push(world.send("t", 0));
            }
        }
        world.run(ms(5_000));
        ids.iter().for_each(|&id| world.assert_written(id));
        assert_eq!(world.in_log("t", 0)[1..], ids);
    }
}

/// A leader hint skips only the first pause. The pauses after it continue the backoff.
#[test]
fn a_new_leader_is_tried_at_once_and_the_backoff_goes_on_growing() {
    let mut world = warm(Setup::default(), "t", 1);
    let old = world.cluster.leader("t", 0).expect("a leader");
    let new = 1 + old % 3;
    world.cluster.script(Api::Produce, vec![Fault::Error(codes::NOT_ENOUGH_REPLICAS, On::All); 3]);
    world.cluster.clear_requests();
    world.send("t", 0);
    let mut attempt = |count: usize| {
        assert!(world.run_until(ms(5_000), |world| world.cluster.requests_of(Api::Produce).len() == count));
        if count == 3 {
            world.cluster.move_leader("t", 0, new);
            world.cluster.on_request(move |request| match request.api {
                Api::Produce if request.broker == new => Fault::Error(codes::NOT_ENOUGH_REPLICAS, On::All),
                _ => Fault::None,
            });
        }
        (world.now, world.cluster.requests_of(Api::Produce).last().expect("an attempt").broker)
    };
    let attempts = [1, 2, 3, 4, 5, 6].map(&mut attempt);
    assert_eq!(attempts.map(|(_, broker)| broker), [old, old, old, old, new, new]);
    let pauses: Vec<Duration> = attempts.windows(2).map(|pair| pair[1].0.since(pair[0].0)).collect();
    assert!((ms(320)..ms(482)).contains(&pauses[2]), "the third pause is 400 ms: {pauses:?}");
    assert!(pauses[3] < ms(20), "the new leader is tried at once: {pauses:?}");
    assert!(pauses[4] >= ms(640), "and the next pause is 800 ms: {pauses:?}");
}

/// The batch was reported when it expired. A later response changes nothing and leads to no retry.
#[test]
fn an_answer_after_expiry_changes_nothing() {
    for (code, in_log) in [
        (codes::NONE, true),
        (codes::NOT_ENOUGH_REPLICAS, false),
        (codes::MESSAGE_TOO_LARGE, false),
        (codes::INVALID_RECORD, false),
    ] {
        let mut world = warm(Setup::with(|sender| sender.delivery_timeout = ms(10_000)).single_records(), "t", 1);
        let late = if code == codes::NONE { vec![] } else { vec![Fault::Error(code, On::All)] };
        world.cluster.script(Api::Produce, [Fault::Many([vec![Fault::Delay(12_000)], late].concat())]);
        world.cluster.clear_requests();
        let expired = world.send("t", 0);
        world.run(ms(10_001));
        world.assert_failed(expired, ErrorKind::DeliveryTimedOut, Fate::Unknown);
        world.run(ms(60_000));
        assert_eq!(world.application.outcomes.len(), world.application.accepted.len(), "reported once");
        assert_eq!(produced(&world).len(), 1, "code {code}: it was sent again");
        assert_eq!(world.in_log("t", 0).contains(&expired), in_log);
        let next = world.send("t", 0);
        world.run(ms(5_000));
        world.assert_written(next);
        assert_eq!(world.memory_used(), 0);
    }
}

#[test]
fn the_longest_timeouts_there_are_do_not_overflow() {
    let longest = ms(i32::MAX as u64);
    let mut world = Setup::with(|sender| {
        sender.delivery_timeout = longest;
        sender.request_timeout = longest;
        sender.topic_timeout = Duration::from_millis(i64::MAX as u64);
        sender.metadata_max_age = Duration::from_millis(i64::MAX as u64);
        sender.metadata_max_idle = Duration::from_millis(i64::MAX as u64);
        sender.connections_max_idle = Some(Duration::from_millis(i64::MAX as u64));
    })
    .start();
    world.cluster.create_topic("t", 1);
    world.cluster.script(Api::Produce, [Fault::Error(codes::NOT_ENOUGH_REPLICAS, On::All), Fault::DropAfter]);
    let id = world.send("t", 0);
    let unknown = world.send("unknown", 0);
    world.run(ms(60_000));
    world.assert_written(id);
    assert!(!world.application.outcomes.contains_key(&unknown));
    world.close(Duration::MAX);
    world.run(ms(1_000));
    assert!(!world.application.closed, "a close without limit waits for what is not decided");
    world.close(Duration::ZERO);
    world.run(ms(1));
    assert!(world.application.closed && world.all_completed());
}

/// One refusal teaches the batch size that this topic accepts.
#[test]
fn a_learned_size_limit_ends_the_splits() {
    let mut world = warm(Setup::with(|sender| sender.linger = ms(5)), "t", 1);
    world.cluster.set_topic_options("t", |options| options.max_message_bytes = 4_000);
    let burst = |world: &mut World| {
        (0..40).for_each(|_| {
            world.send_sized("t", Some(0), 200).expect("accepted");
        });
        world.run(ms(1_000));
        assert!(world.all_completed());
        world.counts().batches_split
    };
    let learned = burst(&mut world);
    assert!((1..6).contains(&learned), "{learned} splits");
    (0..20).for_each(|_| {
        burst(&mut world);
    });
    assert_eq!(world.counts().batches_split, learned, "batches are still made too large");
}

#[test]
fn a_flush_waits_for_the_parts_of_a_split() {
    let mut world = warm(Setup::with(|sender| sender.linger = ms(60_000)), "t", 1);
    world.cluster.set_topic_options("t", |options| options.max_message_bytes = 500);
    world.cluster.script(Api::Produce, [Fault::None, Fault::Delay(2_000)]);
    let ids: Vec<u64> = (0..20).map(|_| world.send_sized("t", Some(0), 50).expect("accepted")).collect();
    let ticket = world.flush();
    world.run(ms(1_500));
    assert!(
        world.counts().batches_split > 0 && world.application.flushed.is_empty(),
        "{:?}",
        world.application.flushed
    );
    world.run(ms(5_000));
    assert_eq!(world.application.flushed, [ticket]);
    ids.iter().for_each(|&id| world.assert_written(id));
}

/// Key, value and headers belong to the application again when the call returns.
#[test]
fn a_record_is_copied_when_it_is_accepted() {
    let mut world = warm(Setup::with(|sender| sender.linger = ms(50)), "t", 1);
    let mut value = *b"<00000002>";
    let (mut key, mut name) = (*b"key", *b"name");
    {
        let headers = [ottla_core::Header { name: &name, value: Some(&value) }];
        let record = Record { key: Some(&key), value: Some(&value), headers: &headers, ..Record::default() };
        let (topic, to, clock) = (world.accumulator.topics.get("t"), Completion::Tag(2), Hand(world.now));
        let submission = Submission::new(&topic, &record, &to, &clock);
        world.accumulator.accept(&submission, &mut Room::default()).expect("accepted");
    }
    (value, key, name) = ([0; 10], [0; 3], [0; 4]);
    assert_eq!(world.application.accept(&world.accumulator.topics.get("t"), None, 0), 2);
    world.run(ms(1_000));
    world.assert_written(2);
    let stored = &world.cluster.records("t", 0)[1];
    assert_eq!((stored.key.as_deref(), stored.value.as_deref()), (Some(&b"key"[..]), Some(&b"<00000002>"[..])));
    assert_eq!(stored.headers.len(), 1);
    assert_ne!((value, key, name), (*b"<00000002>", *b"key", *b"name"));
}

/// Brokers forget a producer that has been silent for `producer.id.expiration.ms`. Old brokers report that; newer ones
/// accept any sequence.
#[test]
fn a_producer_forgotten_by_brokers_goes_on() {
    for (versions, unknown) in
        [(Versions::kafka_4_3(), UnknownProducer::Accepted), (Versions::kafka_2_1(), UnknownProducer::Refused)]
    {
        for idempotence in [true, false] {
            let mut world = Setup::with(|sender| sender.idempotence = idempotence).single_records().start();
            world.cluster.set_versions(versions.clone());
            world.cluster.unknown_producer = unknown;
            world.cluster.create_topic("t", 1);
            let mut ids = Vec::new();
            for _ in 0..3 {
                ids.extend((0..4).map(|_| world.send("t", 0)));
                world.run(ms(3_000));
                world.cluster.log_mut("t", 0).producers.forget_all();
            }
            ids.iter().for_each(|&id| world.assert_written(id));
            assert_eq!(world.in_log("t", 0), ids, "{unknown:?}");
        }
    }
}
