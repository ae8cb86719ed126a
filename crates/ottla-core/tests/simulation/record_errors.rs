//! Brokers that refuse a batch for some of its records, and name them (KIP-467).

use ottla_core::compress::Codec;
use ottla_core::{ErrorKind, Fate};
use ottla_mock::{Api, Fault, On, Versions, codes};

use crate::delivery::warm;
use crate::world::setup::Properties;
use crate::world::{POISON, Setup, World, ms};

const INVALID_RECORD: ErrorKind = ErrorKind::Broker(codes::INVALID_RECORD);

/// A world whose topic refuses poisoned records. Its log has record 1.
fn poisonable(change: impl FnOnce(&mut Properties)) -> World {
    poisonable_in(Setup::with(|sender| {
        sender.linger = ms(5);
        change(sender);
    }))
}

fn poisonable_in(setup: Setup) -> World {
    let mut world = warm(setup, "t", 1);
    world.cluster.set_topic_options("t", |options| options.poison = Some(POISON));
    world
}

/// Sends `count` records, poisoned at these indices. Returns the good ones and the bad ones.
fn send(world: &mut World, count: usize, poisoned: &[usize]) -> (Vec<u64>, Vec<u64>) {
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for place in 0..count {
        match poisoned.contains(&place) {
            true => bad.push(world.send_poisoned("t", Some(0)).expect("accepted")),
            false => good.push(world.send("t", 0)),
        }
    }
    (good, bad)
}

fn assert_bad_failed_alone(world: &World, good: &[u64], bad: &[u64]) {
    good.iter().for_each(|&id| world.assert_written(id));
    for &id in bad {
        world.assert_failed(id, INVALID_RECORD, Fate::NotWritten);
        assert_eq!(world.outcome(id).offset, -1);
    }
    assert_eq!(world.in_log("t", 0)[1..], *good);
    let offsets: Vec<i64> = good.iter().map(|&id| world.outcome(id).offset).collect();
    assert_eq!(offsets, (1..=good.len() as i64).collect::<Vec<_>>());
    assert_eq!(world.memory_used(), 0);
}

#[test]
fn a_named_record_fails_alone_and_the_others_follow_in_order() {
    for codec in [Codec::None, Codec::Lz4, Codec::Zstd] {
        for idempotence in [true, false] {
            for poisoned in [&[3][..], &[0], &[9], &[0, 1, 2, 9], &[1, 3, 5, 7]] {
                let mut world = poisonable(|sender| {
                    sender.codec = codec;
                    sender.compression_level = 3;
                    sender.idempotence = idempotence;
                });
                let (good, bad) = send(&mut world, 10, poisoned);
                let start = world.now;
                assert!(world.run_until(ms(5_000), World::all_completed));
                assert!(world.now.since(start) < ms(20), "no backoff is needed");
                assert_bad_failed_alone(&world, &good, &bad);
                assert_eq!(world.cluster.requests_of(Api::Produce).len(), 3);
                let next = world.send("t", 0);
                world.run(ms(20));
                world.assert_written(next);
                assert_eq!(world.counts().epochs_bumped, 0);
            }
        }
    }
}

#[test]
fn a_failed_record_gets_its_own_message() {
    let mut world = poisonable(|_| {});
    let (_, bad) = send(&mut world, 6, &[2, 4]);
    world.run(ms(100));
    for (place, id) in [(2, bad[0]), (4, bad[1])] {
        let message = &world.outcome(id).message;
        assert!(message.contains("INVALID_RECORD") && message.contains("t-0"), "{message}");
        assert!(message.contains(&format!("record {place} is to blame")), "{message}");
    }
}

#[test]
fn a_batch_of_bad_records_leaves_no_hole() {
    let mut world = poisonable(|_| {});
    let (_, bad) = send(&mut world, 4, &[0, 1, 2, 3]);
    world.run(ms(100));
    let (good, _) = send(&mut world, 2, &[]);
    world.run(ms(100));
    assert_bad_failed_alone(&world, &good, &bad);
    assert_eq!(world.counts().epochs_bumped, 0);
    assert_eq!(world.cluster.records("t", 0)[1].sequence, 1);
}

#[test]
fn batches_in_flight_behind_a_refused_one_stay_in_order_and_exactly_once() {
    for idempotence in [true, false] {
        // Three records fill a batch.
        let mut setup = Setup::with(|sender| {
            sender.idempotence = idempotence;
            sender.max_in_flight = if idempotence { 5 } else { 1 };
        });
        setup.accumulator.batch_limit = 50;
        let mut world = poisonable_in(setup);
        let (good, bad) = send(&mut world, 30, &[1, 13, 14]);
        world.run(ms(5_000));
        assert_bad_failed_alone(&world, &good, &bad);
    }
}

/// The broker may have the batch as a whole, and would not recognize its parts as duplicates.
#[test]
fn a_batch_that_may_be_in_the_log_is_not_taken_apart() {
    let mut world = warm(Setup::with(|sender| sender.linger = ms(5)), "t", 1);
    world.cluster.script(Api::Produce, [Fault::DropAfter]);
    let (good, bad) = send(&mut world, 4, &[2]);
    world.run(ms(20));
    world.cluster.set_topic_options("t", |options| options.poison = Some(POISON));
    world.run(ms(5_000));
    good.iter().chain(&bad).for_each(|&id| world.assert_failed(id, INVALID_RECORD, Fate::Unknown));
    assert_eq!(world.in_log("t", 0).len(), 5);
}

#[test]
fn bad_records_that_are_named_in_a_second_refusal_fail_as_well() {
    let mut world = poisonable(|_| {});
    world.cluster.script(Api::Produce, [Fault::None, Fault::Error(codes::NOT_ENOUGH_REPLICAS, On::All)]);
    let (good, bad) = send(&mut world, 6, &[4]);
    world.run(ms(20));
    assert!(!world.application.outcomes.contains_key(&good[0]));
    // From now on '<', with which every value begins, is poison: every record is bad.
    world.cluster.set_topic_options("t", |options| options.poison = Some(b'<'));
    world.run(ms(5_000));
    good.iter().chain(&bad).for_each(|&id| world.assert_failed(id, INVALID_RECORD, Fate::NotWritten));
    assert_eq!(world.in_log("t", 0), [1]);
}

#[test]
fn records_sent_again_without_the_bad_ones_use_up_no_retry() {
    let mut world = poisonable(|sender| sender.retries = 0);
    let (good, bad) = send(&mut world, 5, &[2]);
    world.run(ms(100));
    assert_bad_failed_alone(&world, &good, &bad);
}

/// Before version 8 of Produce, brokers name no records.
#[test]
fn a_broker_that_names_no_record_fails_the_batch() {
    let mut world = poisonable(|_| {});
    world.cluster.set_versions(Versions::kafka_3_9().with(Api::Produce, 3..=7));
    let leader = world.cluster.leader("t", 0).expect("a leader");
    world.cut_all_to(leader);
    let (good, bad) = send(&mut world, 5, &[2]);
    world.run(ms(1_000));
    good.iter().chain(&bad).for_each(|&id| world.assert_failed(id, INVALID_RECORD, Fate::NotWritten));
}

#[test]
fn a_flush_waits_for_the_remaining_records() {
    let mut world = poisonable(|_| {});
    let (good, _) = send(&mut world, 5, &[2]);
    world.cluster.script(Api::Produce, [Fault::None, Fault::Delay(500)]);
    world.flush();
    world.run(ms(400));
    assert_eq!((world.application.outcomes.len(), world.application.flushed.len()), (2, 0));
    world.run(ms(200));
    good.iter().for_each(|&id| world.assert_written(id));
    assert_eq!(world.application.flushed.len(), 1);
}
