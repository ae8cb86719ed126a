//! Lent values. Whatever happens to their records, the log holds the bytes that were sent, and each value is given back
//! once, when nothing reads it any more. The tests overwrite a value when it is given back.

use ottla_core::accumulator::NotAccepted;
use ottla_core::compress::Codec;
use ottla_core::sender::Acks;
use ottla_core::{ErrorKind, Fate};
use ottla_mock::{Api, Fault, On, codes};

use crate::delivery::warm;
use crate::world::values::value_of;
use crate::world::{Setup, World, ms};

/// Sizes around the thresholds below which values and payloads are copied.
const PADDINGS: [usize; 8] = [0, 900, 1014, 1015, 3_000, 20_000, 5, 200_000];

fn lend_all(world: &mut World, topic: &str, partition: i32) -> Vec<u64> {
    PADDINGS.map(|padding| world.send_lent(topic, Some(partition), padding).expect("accepted")).to_vec()
}

fn assert_log_holds(world: &World, topic: &str, partition: i32, ids: &[u64]) {
    let records = world.cluster.records(topic, partition);
    let logged: Vec<_> = records[records.len() - ids.len()..].iter().map(|record| record.value.as_deref()).collect();
    let expected: Vec<Vec<u8>> =
        ids.iter().map(|id| value_of(*id, world.application.accepted[id].padding, b'.')).collect();
    assert!(logged.iter().eq(&expected.iter().map(|value| Some(&value[..])).collect::<Vec<_>>()), "{ids:?}");
}

fn assert_all_given_back(world: &World) {
    assert_eq!(world.application.lender.missing(), [0; 0]);
    assert_eq!(world.memory_used(), 0);
}

#[test]
fn lent_values_are_written_and_given_back() {
    for acks in [Acks::All, Acks::Leader, Acks::None] {
        for codec in [Codec::None, Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd] {
            let mut world = warm(
                Setup::with(|sender| {
                    sender.linger = ms(5);
                    sender.acks = acks;
                    sender.idempotence = acks == Acks::All;
                    sender.codec = codec;
                    sender.compression_level = if codec == Codec::Lz4 { 9 } else { 3 };
                }),
                "t",
                2,
            );
            let ids = lend_all(&mut world, "t", 1);
            let flush = world.flush();
            assert!(world.run_until(ms(1_000), |world| world.application.flushed == [flush]), "{acks:?} {codec:?}");
            assert_all_given_back(&world);
            assert_log_holds(&world, "t", 1, &ids);
            let fate = if acks == Acks::None { Fate::Unknown } else { Fate::Written };
            for id in ids {
                assert_eq!((world.outcome(id).fate, world.outcome(id).error), (fate, None));
                assert_eq!(world.outcome(id).lent, world.application.lender.place_of(id), "as an identity");
            }
        }
    }
}

#[test]
fn a_compressed_value_is_given_back_before_its_completion() {
    for (codec, early) in [(Codec::Zstd, true), (Codec::None, false)] {
        let mut world = warm(Setup::with(|sender| (sender.codec, sender.compression_level) = (codec, 3)), "t", 1);
        world.cluster.script(Api::Produce, [Fault::Delay(500)]);
        let id = world.send_lent("t", Some(0), 10_000).expect("accepted");
        world.run(ms(100));
        assert!(!world.application.outcomes.contains_key(&id));
        assert_eq!(world.application.lender.is_back(id), early, "{codec:?}");
        world.run(ms(1_000));
        world.assert_written(id);
        assert_all_given_back(&world);
    }
}

#[test]
fn a_retry_sends_the_same_bytes() {
    for codec in [Codec::None, Codec::Lz4] {
        let mut world = warm(Setup::with(|sender| (sender.codec, sender.compression_level) = (codec, 9)), "t", 1);
        let faults = [
            Fault::DropAfter,
            Fault::DropBefore,
            Fault::Error(codes::NOT_ENOUGH_REPLICAS, On::All),
            Fault::Error(codes::NOT_LEADER_OR_FOLLOWER, On::All),
        ];
        world.cluster.script(Api::Produce, faults);
        let ids = lend_all(&mut world, "t", 0);
        world.run(ms(20_000));
        ids.iter().for_each(|&id| world.assert_written(id));
        assert!(world.outcome(ids[0]).attempts > 4);
        assert_log_holds(&world, "t", 0, &ids);
        assert_all_given_back(&world);
    }
}

#[test]
fn parts_of_a_split_batch_hold_lent_values() {
    for codec in [Codec::None, Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd] {
        let mut world = Setup::with(|sender| {
            sender.linger = ms(5);
            sender.codec = codec;
            sender.compression_level = if codec == Codec::Lz4 { 9 } else { 3 };
        })
        .start();
        world.cluster.create_topic("t", 1);
        world.cluster.set_topic_options("t", |options| options.max_message_bytes = 2_600);
        let mut ids = Vec::new();
        for padding in [0, 2_000, 1_100, 1_500, 0, 1_000, 1_999, 40, 2_100] {
            ids.push(world.send_lent("t", Some(0), padding).expect("accepted"));
            ids.push(world.send_sized("t", Some(0), padding).expect("accepted"));
        }
        world.cluster.script(
            Api::Produce,
            [Fault::Error(codes::MESSAGE_TOO_LARGE, On::All), Fault::Error(codes::MESSAGE_TOO_LARGE, On::All)],
        );
        world.run(ms(10_000));
        ids.iter().for_each(|&id| world.assert_written(id));
        assert!(world.counts().batches_split > 0);
        assert_log_holds(&world, "t", 0, &ids);
        for id in ids {
            assert_eq!(world.outcome(id).lent, world.application.lender.place_of(id));
        }
        assert_all_given_back(&world);
    }
}

/// A topic's queue holds lent values until its partitions are known. Those for a partition that does not exist fail.
#[test]
fn lent_values_that_wait_for_metadata_are_not_copied() {
    let mut world = Setup::default().start();
    world.cluster.hold_metadata();
    world.cluster.create_topic("t", 2);
    let ids = lend_all(&mut world, "t", 1);
    let wrong = world.send_lent("t", Some(9), 5_000).expect("accepted: the partitions are not known yet");
    world.run(ms(1_000));
    let large: usize = PADDINGS.iter().map(|padding| 10 + padding).filter(|len| *len >= 1024).sum();
    assert!(world.memory_used() < large + 5_010 + 8_192, "{} bytes for {large}", world.memory_used());
    assert!(world.application.lender.missing().contains(&wrong));
    world.cluster.release_metadata();
    world.cluster.script(Api::Produce, [Fault::Delay(1_000)]);
    assert!(world.run_until(ms(500), |world| world.counts().produce_requests == 1));
    assert!(world.memory_used() < large + 8_192, "{} bytes for {large} on their way", world.memory_used());
    world.run(ms(2_000));
    ids.iter().for_each(|&id| world.assert_written(id));
    world.assert_failed(wrong, ErrorKind::UnknownPartition, Fate::NotWritten);
    assert_eq!(world.outcome(wrong).lent, world.application.lender.place_of(wrong));
    assert_log_holds(&world, "t", 1, &ids);
    assert_all_given_back(&world);
}

#[test]
fn a_value_that_is_being_written_is_kept_although_its_record_has_expired() {
    let mut world = warm(Setup::with(|sender| sender.delivery_timeout = ms(10_000)).single_records(), "t", 1);
    world.network.eager = false;
    let id = world.send_lent("t", Some(0), 5_000).expect("accepted");
    world.run(ms(100));
    let [line] = world.network.writable()[..] else { panic!("one request is being written") };
    world.begin_write(line);
    world.run(ms(10_100));
    world.assert_failed(id, ErrorKind::DeliveryTimedOut, Fate::Unknown);
    assert_eq!(world.application.lender.missing(), [id], "the connection is busy with its bytes");
    assert!(world.memory_used() >= 5_010);
    world.finish_write(line);
    world.run(ms(100));
    assert_log_holds(&world, "t", 0, &[id]);
    assert_all_given_back(&world);
}

#[test]
fn values_are_given_back_when_their_connection_is_cut_midway() {
    let mut world = warm(Setup::with(|sender| sender.retries = 0), "t", 1);
    world.network.eager = false;
    let id = world.send_lent("t", Some(0), 5_000).expect("accepted");
    world.run(ms(100));
    let [line] = world.network.writable()[..] else { panic!("one request is being written") };
    world.cut_midway(line);
    world.run(ms(100));
    assert_eq!(world.outcome(id).fate, Fate::Unknown);
    assert_all_given_back(&world);
}

#[test]
fn values_are_given_back_when_their_records_fail() {
    let mut world = warm(Setup::with(|sender| sender.delivery_timeout = ms(5_000)), "t", 1);
    world.cluster.script(Api::Produce, [Fault::Error(codes::INVALID_RECORD, On::All)]);
    let refused = lend_all(&mut world, "t", 0);
    world.run(ms(1_000));
    refused.iter().for_each(|&id| world.assert_failed(id, ErrorKind::Broker(codes::INVALID_RECORD), Fate::NotWritten));
    assert_all_given_back(&world);
    (1..=3).for_each(|broker| world.stop_broker(broker));
    let late = lend_all(&mut world, "t", 0);
    let unknown = lend_all(&mut world, "unknown", 0);
    world.run(ms(61_000));
    late.iter().for_each(|&id| world.assert_failed(id, ErrorKind::DeliveryTimedOut, Fate::NotWritten));
    unknown.iter().for_each(|&id| world.assert_failed(id, ErrorKind::MetadataTimedOut, Fate::NotWritten));
    assert_all_given_back(&world);
}

#[test]
fn values_are_given_back_when_the_producer_is_closed_at_once() {
    let mut world = warm(Setup::default().single_records(), "t", 1);
    world.cluster.script(Api::Produce, [Fault::NeverAnswer { handled: false }]);
    let asked = lend_all(&mut world, "t", 0);
    world.run(ms(1));
    let unknown = lend_all(&mut world, "unknown", 0);
    world.close(ms(0));
    assert_eq!(world.send_lent("t", Some(0), 5_000), Err(NotAccepted::Barred(ottla_core::accumulator::Barred::Closed)));
    world.run(ms(1));
    assert!(world.application.closed);
    asked.iter().for_each(|&id| assert_eq!(world.outcome(id).error, Some(ErrorKind::Closed)));
    unknown.iter().for_each(|&id| world.assert_failed(id, ErrorKind::Closed, Fate::NotWritten));
    assert_all_given_back(&world);
}

#[test]
fn values_are_given_back_when_their_records_are_purged() {
    let mut world = warm(Setup::with(|sender| sender.linger = ms(1_000)), "t", 2);
    world.cluster.script(Api::Produce, [Fault::NeverAnswer { handled: false }]);
    let sent = lend_all(&mut world, "t", 0);
    world.run(ms(1_100));
    let queued = lend_all(&mut world, "t", 1);
    let unknown = lend_all(&mut world, "unknown", 0);
    world.purge(true, false, None);
    world.run(ms(10));
    assert_eq!(world.application.lender.missing(), sent[2..6].iter().chain(&sent[7..]).copied().collect::<Vec<_>>());
    queued.iter().chain(&unknown).for_each(|&id| world.assert_failed(id, ErrorKind::Purged, Fate::NotWritten));
    world.purge(false, true, None);
    world.run(ms(10));
    sent.iter().for_each(|&id| world.assert_failed(id, ErrorKind::Purged, Fate::Unknown));
    assert_all_given_back(&world);
}

#[test]
fn lent_bytes_count_towards_buffer_memory() {
    let mut setup = Setup::default();
    setup.accumulator.buffer_memory = 100_000;
    let mut world = warm(setup, "t", 1);
    world.cluster.script(Api::Produce, [Fault::Delay(500)]);
    let first = world.send_lent("t", Some(0), 60_000).expect("there is room");
    assert!(world.memory_used() > 60_000);
    for _ in 0..3 {
        assert_eq!(world.send_lent("t", Some(0), 60_000), Err(NotAccepted::NoRoom(60_010)));
    }
    assert_eq!(world.application.lender.missing(), [first], "what is refused was never lent");
    world.run(ms(1_000));
    assert_all_given_back(&world);
    world.send_lent("t", Some(0), 60_000).expect("there is room again");
    world.run(ms(1_000));
    assert!(world.all_completed());
    assert_all_given_back(&world);
}
