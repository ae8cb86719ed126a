//! Produce requests and their responses: retries, sequences, order.

use ottla_core::compress::Codec;
use ottla_core::sender::Acks;
use ottla_core::{ErrorKind, Fate};
use ottla_mock::{Api, Fault, On, Versions, codes};

use crate::world::{Setup, World, ms};

/// A world with a topic, connected to the leader of each partition.
pub fn warm(setup: Setup, topic: &str, partitions: i32) -> World {
    let mut world = setup.start();
    world.cluster.create_topic(topic, partitions);
    for partition in 0..partitions {
        world.send(topic, partition);
    }
    world.flush();
    assert!(world.run_until(ms(5_000), World::all_completed), "{:#?}", world.log_tail());
    world.application.flushed.clear();
    world
}

#[test]
fn a_record_is_delivered() {
    let mut world = Setup::default().start();
    world.cluster.create_topic("t", 3);
    let id = world.send("t", 2);
    world.run(ms(1000));
    world.assert_written(id);
    assert_eq!(world.in_log("t", 2), [id]);
    assert_eq!(world.memory_used(), 0);
}

#[test]
fn retried_batch_keeps_its_sequence() {
    let mut world = warm(Setup::default(), "t", 1);
    world
        .cluster
        .script(Api::Produce, [Fault::DropAfter, Fault::DropBefore, Fault::Error(codes::NOT_ENOUGH_REPLICAS, On::All)]);
    let id = world.send("t", 0);
    world.run(ms(10_000));
    world.assert_written(id);
    assert_eq!(world.outcome(id).offset, 1);
    assert_eq!(world.in_log("t", 0), [1, id]);
    let sequences: Vec<i32> =
        world.cluster.requests_of(Api::Produce).iter().map(|request| request.partitions[0].base_sequence).collect();
    assert_eq!(sequences, [0, 1, 1, 1, 1]);
}

#[test]
fn five_in_flight_then_a_cut_stay_in_order_and_exactly_once() {
    for append_first in [true, false] {
        let mut world = warm(Setup::default().single_records(), "t", 1);
        let leader = world.cluster.leader("t", 0).expect("a leader");
        let fault = Fault::NeverAnswer { handled: append_first };
        world.cluster.script(Api::Produce, [fault]);
        let ids: Vec<u64> = (0..12).map(|_| world.send("t", 0)).collect();
        world.run(ms(50));
        assert_eq!(world.counts().produce_requests, 6);
        world.cut_all_to(leader);
        world.run(ms(5_000));
        ids.iter().for_each(|&id| world.assert_written(id));
        assert_eq!(world.in_log("t", 0)[1..], ids);
        assert_eq!(world.counts().epochs_bumped, 0);
    }
}

#[test]
fn exhausted_retries_fail_with_the_last_error() {
    let mut world = warm(Setup::with(|sender| sender.retries = 2), "t", 1);
    world.cluster.script(Api::Produce, vec![Fault::Error(codes::NOT_ENOUGH_REPLICAS, On::All); 3]);
    let id = world.send("t", 0);
    world.run(ms(10_000));
    world.assert_failed(id, ErrorKind::Broker(codes::NOT_ENOUGH_REPLICAS), Fate::NotWritten);
    assert_eq!(world.outcome(id).attempts, 3);
}

/// A broker that does not know the producer accepts any first sequence (KIP-360).
#[test]
fn refused_first_batch_is_not_overtaken() {
    let mut world = Setup::default().single_records().start();
    world.cluster.create_topic("t", 1);
    world.cluster.script(Api::Produce, [Fault::Error(codes::NOT_ENOUGH_REPLICAS, On::All)]);
    let ids: Vec<u64> = (0..4).map(|_| world.send("t", 0)).collect();
    world.run(ms(5_000));
    assert_eq!(world.in_log("t", 0), ids);
    assert_eq!(world.counts().epochs_bumped, 0);
}

#[test]
fn a_request_carries_one_batch_of_a_partition() {
    // Split, backing off and ready again: entries on the ready list went stale and were taken for a second turn.
    let mut world = Setup::with(|sender| {
        sender.idempotence = false;
        sender.max_in_flight = 1;
    })
    .single_records()
    .start();
    world.cluster.create_topic("t", 2);
    world.cluster.script(Api::Produce, [Fault::Throttle(500), Fault::Error(codes::MESSAGE_TOO_LARGE, On::All)]);
    (0..6).for_each(|n| {
        world.send("t", n % 2);
    });
    world.run(ms(50));
    for leader in [2, 3, 1] {
        world.cluster.move_leader("t", 0, leader);
        world.cluster.move_leader("t", 1, leader);
        world.run(ms(700));
    }
    world.run(ms(5_000));
    assert!(world.all_completed());
    for request in world.cluster.requests_of(Api::Produce) {
        let mut partitions: Vec<i32> = request.partitions.iter().map(|p| p.partition).collect();
        partitions.dedup();
        assert_eq!(partitions.len(), request.partitions.len(), "{request:?}");
    }
}

#[test]
fn a_new_leader_gets_the_batches_in_flight_in_order() {
    for hint in [true, false] {
        let mut world = warm(Setup::default().single_records(), "t", 1);
        let old = world.cluster.leader("t", 0).expect("a leader");
        let new = 1 + old % 3;
        world.cluster.script(Api::Produce, [Fault::Delay(500)]);
        if !hint {
            world.cluster.set_versions(Versions::kafka_3_9().with(Api::Produce, 3..=9));
        }
        let ids: Vec<u64> = (0..4).map(|_| world.send("t", 0)).collect();
        world.run(ms(10));
        world.cluster.move_leader("t", 0, new);
        let more: Vec<u64> = (0..8).map(|_| world.send("t", 0)).collect();
        world.run(ms(10_000));
        let all: Vec<u64> = ids.into_iter().chain(more).collect();
        all.iter().for_each(|&id| world.assert_written(id));
        assert_eq!(world.in_log("t", 0)[1..], all);
    }
}

#[test]
fn batches_that_fail_together_cost_one_backoff_and_none_after_a_hint() {
    for (hint, longest) in [(true, ms(100)), (false, ms(300))] {
        let mut world = warm(Setup::default().single_records(), "t", 1);
        let old = world.cluster.leader("t", 0).expect("a leader");
        if !hint {
            world.cluster.set_versions(Versions::kafka_3_9().with(Api::Produce, 3..=9));
        }
        // The requests arrive one after the other, when the leader has moved.
        world.network.transit = ms(10);
        let ids = [(); 5].map(|()| {
            world.run(ms(1));
            world.send("t", 0)
        });
        world.cluster.move_leader("t", 0, 1 + old % 3);
        let moved = world.now;
        world.run(ms(10_000));
        assert_eq!(world.counts().batches_retried, 5, "they fail together");
        ids.iter().for_each(|&id| world.assert_written(id));
        let took = world.outcome(ids[4]).at.since(moved);
        assert!(took < longest, "{took:?}, hint: {hint}");
    }
}

#[test]
fn a_hint_leads_to_the_new_leader_without_backoff() {
    let mut world = warm(Setup::default(), "t", 3);
    let old = world.cluster.leader("t", 0).expect("a leader");
    world.cluster.move_leader("t", 0, 1 + old % 3);
    let id = world.send("t", 0);
    world.run(ms(20));
    world.assert_written(id);
}

/// An earlier batch fails for good, so the batches sent behind it follow a hole in the sequence.
#[test]
fn batches_behind_a_failed_one_begin_a_new_epoch() {
    let mut world = warm(Setup::default().single_records(), "t", 1);
    world.cluster.script(Api::Produce, [Fault::Error(codes::INVALID_RECORD, On::All)]);
    let bad = world.send("t", 0);
    let rest: Vec<u64> = (0..6).map(|_| world.send("t", 0)).collect();
    world.run(ms(5_000));
    world.assert_failed(bad, ErrorKind::Broker(codes::INVALID_RECORD), Fate::NotWritten);
    rest.iter().for_each(|&id| world.assert_written(id));
    assert_eq!(world.in_log("t", 0)[1..], rest);
    assert_eq!(world.counts().epochs_bumped, 1);
    assert_eq!(world.cluster.records("t", 0)[1].epoch, 1);
    assert_eq!(world.cluster.records("t", 0)[1].sequence, 0);
}

#[test]
fn a_batch_refused_last_leaves_no_hole() {
    let mut world = warm(Setup::default(), "t", 1);
    world.cluster.script(Api::Produce, [Fault::Error(codes::INVALID_RECORD, On::All)]);
    let bad = world.send("t", 0);
    world.run(ms(100));
    world.assert_failed(bad, ErrorKind::Broker(codes::INVALID_RECORD), Fate::NotWritten);
    let good = world.send("t", 0);
    world.run(ms(100));
    world.assert_written(good);
    assert_eq!(world.counts().epochs_bumped, 0);
    assert_eq!(world.cluster.records("t", 0)[1].sequence, 1);
}

#[test]
fn a_duplicate_is_a_success_with_an_unknown_offset() {
    let mut world = warm(Setup::default(), "t", 1);
    world.cluster.script(Api::Produce, [Fault::Error(codes::DUPLICATE_SEQUENCE_NUMBER, On::All)]);
    let id = world.send("t", 0);
    world.run(ms(100));
    world.assert_written(id);
    assert_eq!(world.outcome(id).offset, -1);
}

/// For a duplicate, a broker returns the stored batch's latest timestamp as append time, also with CreateTime.
#[test]
fn a_duplicate_keeps_its_records_timestamps() {
    let mut world = warm(Setup::with(|sender| sender.linger = ms(5)), "t", 1);
    world.cluster.script(Api::Produce, [Fault::DropAfter]);
    let first = world.send("t", 0);
    world.run(ms(2));
    let second = world.send("t", 0);
    world.run(ms(5_000));
    let (first, second) = (world.outcome(first), world.outcome(second));
    assert!(first.attempts > 1 && first.timestamp < second.timestamp, "{first:?}, {second:?}");
    let stored: Vec<i64> = world.cluster.records("t", 0)[1..].iter().map(|record| record.timestamp).collect();
    assert_eq!([first.timestamp, second.timestamp], stored[..]);
}

/// The broker may have the batch as a whole. It would not recognize parts of it as duplicates, and records would be
/// written twice.
#[test]
fn a_batch_that_may_be_in_the_log_is_not_split() {
    let mut world = warm(Setup::with(|sender| sender.linger = ms(5)), "t", 1);
    world.cluster.script(Api::Produce, [Fault::DropAfter, Fault::Error(codes::MESSAGE_TOO_LARGE, On::All)]);
    let ids: Vec<u64> = (0..4).map(|_| world.send("t", 0)).collect();
    world.run(ms(5_000));
    ids.iter().for_each(|&id| world.assert_failed(id, ErrorKind::Broker(codes::MESSAGE_TOO_LARGE), Fate::Unknown));
    assert_eq!(world.in_log("t", 0)[1..], ids);
}

#[test]
fn too_large_batches_are_split_until_they_fit() {
    for codec in [Codec::None, Codec::Lz4, Codec::Zstd] {
        let mut world = Setup::with(|sender| {
            sender.linger = ms(5);
            sender.codec = codec;
            sender.compression_level = 3;
        })
        .start();
        world.cluster.create_topic("t", 1);
        world.cluster.set_topic_options("t", |options| options.max_message_bytes = 300);
        let ids: Vec<u64> = (0..100).map(|n| world.send_sized("t", Some(0), n % 90).expect("accepted")).collect();
        let big = world.send_sized("t", Some(0), 5_000).expect("accepted");
        let after = world.send("t", 0);
        world.run(ms(10_000));
        ids.iter().chain([&after]).for_each(|&id| world.assert_written(id));
        if codec == Codec::None {
            world.assert_failed(big, ErrorKind::Broker(codes::MESSAGE_TOO_LARGE), Fate::NotWritten);
            let expected: Vec<u64> = ids.iter().copied().chain([after]).collect();
            assert_eq!(world.in_log("t", 0), expected);
        }
        let offsets: Vec<i64> = ids.iter().map(|id| world.outcome(*id).offset).collect();
        assert_eq!(offsets, (0..100).collect::<Vec<i64>>());
        assert_eq!(world.memory_used(), 0);
    }
}

#[test]
fn request_timeout_closes_the_connection_and_retries() {
    let mut world = warm(Setup::default(), "t", 1);
    world.cluster.script(Api::Produce, [Fault::NeverAnswer { handled: true }]);
    let id = world.send("t", 0);
    world.run(ms(29_900));
    assert!(!world.application.outcomes.contains_key(&id));
    world.run(ms(2_000));
    world.assert_written(id);
    assert_eq!(world.counts().requests_timed_out, 1);
    assert_eq!(world.in_log("t", 0), [1, id]);
}

/// A response that arrived in time is not taken for missing, however late the sender reads it.
#[test]
fn a_response_that_arrived_in_time_but_is_read_late_does_not_time_out() {
    let mut world = warm(Setup::default().single_records(), "t", 1);
    world.cluster.script(Api::Produce, [Fault::None, Fault::Delay(40_000)]);
    let first = world.send("t", 0);
    world.run(ms(1_000));
    let second = world.send("t", 0);
    world.run(ms(1));
    world.assert_written(first);
    // The process was stopped. Timers are checked up to the time until which sockets were drained: only the first
    // request is due.
    let stopped = world.now;
    world.now = stopped.after(ms(60_000));
    world.sender.set_now(world.now);
    world.sender.tick(stopped.after(ms(29_500)));
    world.carry_out();
    world.run(ms(1));
    world.assert_written(second);
    assert_eq!(world.counts().requests_timed_out, 0);
}

#[test]
fn records_that_expire_unsent_are_not_written_and_later_records_flow() {
    let mut world = warm(Setup::default().single_records(), "t", 1);
    for broker in 1..=3 {
        world.stop_broker(broker);
    }
    let lost = world.send("t", 0);
    world.run(ms(119_000));
    assert!(!world.application.outcomes.contains_key(&lost));
    let kept = world.send("t", 0);
    world.run(ms(1_100));
    world.assert_failed(lost, ErrorKind::DeliveryTimedOut, Fate::NotWritten);
    (1..=3).for_each(|broker| world.cluster.start_broker(broker));
    world.run(ms(10_000));
    world.assert_written(kept);
    assert_eq!(world.in_log("t", 0), [1, kept]);
}

#[test]
fn the_fate_of_a_batch_that_expires_in_flight_is_unknown_and_later_batches_flow() {
    for handled in [true, false] {
        let mut world = warm(Setup::with(|sender| sender.delivery_timeout = ms(10_000)).single_records(), "t", 1);
        world.cluster.script(Api::Produce, [Fault::NeverAnswer { handled }]);
        let first = world.send("t", 0);
        world.run(ms(5_000));
        let second = world.send("t", 0);
        world.run(ms(5_100));
        world.assert_failed(first, ErrorKind::DeliveryTimedOut, Fate::Unknown);
        assert!(!world.application.outcomes.contains_key(&second));
        let leader = world.cluster.leader("t", 0).expect("a leader");
        world.cut_all_to(leader);
        world.run(ms(3_000));
        world.assert_written(second);
        assert_eq!(world.in_log("t", 0).contains(&first), handled);
        assert_eq!(*world.in_log("t", 0).last().expect("records"), second);
    }
}

#[test]
fn retriable_errors_end_with_delivery_timeout_and_say_why() {
    let mut world = warm(Setup::default(), "t", 1);
    world.cluster.on_request(|request| match request.api {
        Api::Produce => Fault::Error(codes::NOT_ENOUGH_REPLICAS, On::All),
        _ => Fault::None,
    });
    let before = world.counts().produce_requests;
    let start = world.now;
    let id = world.send("t", 0);
    world.run(ms(121_000));
    world.assert_failed(id, ErrorKind::DeliveryTimedOut, Fate::NotWritten);
    assert!(world.outcome(id).message.contains("NOT_ENOUGH_REPLICAS"), "{}", world.outcome(id).message);
    let took = world.outcome(id).at.since(start);
    assert!((ms(120_000)..ms(120_100)).contains(&took), "{took:?}");
    // 100, 200, 400, 800, then 1000 ms, each with a fifth of jitter.
    let sent = world.counts().produce_requests - before;
    assert!((100..155).contains(&sent), "{sent} attempts");
}

#[test]
fn backoff_doubles_up_to_its_maximum() {
    let mut world = warm(Setup::default(), "t", 1);
    world.cluster.script(Api::Produce, vec![Fault::Error(codes::NOT_ENOUGH_REPLICAS, On::All); 6]);
    world.observer.written.clear();
    world.send("t", 0);
    world.run(ms(10_000));
    let gaps: Vec<f64> =
        world.observer.written.windows(2).map(|pair| pair[1].0.since(pair[0].0).as_secs_f64() * 1e3).collect();
    for (gap, base) in gaps.iter().zip([100.0, 200.0, 400.0, 800.0, 1000.0, 1000.0]) {
        assert!((0.8 * base..1.2 * base + 1.0).contains(gap), "{gaps:?}");
    }
}

#[test]
fn without_idempotence_one_in_flight_keeps_order() {
    let mut world = warm(
        Setup::with(|sender| {
            sender.idempotence = false;
            sender.max_in_flight = 1;
        })
        .single_records(),
        "t",
        1,
    );
    world.cluster.script(
        Api::Produce,
        [
            Fault::Error(codes::NOT_ENOUGH_REPLICAS, On::All),
            Fault::DropBefore,
            Fault::None,
            Fault::Error(codes::NOT_LEADER_OR_FOLLOWER, On::All),
        ],
    );
    let ids: Vec<u64> = (0..6).map(|_| world.send("t", 0)).collect();
    world.run(ms(10_000));
    assert_eq!(world.in_log("t", 0)[1..], ids);
}

#[test]
fn a_record_with_acks_0_completes_when_its_request_is_written() {
    let mut world = warm(
        Setup::with(|sender| {
            sender.idempotence = false;
            sender.acks = Acks::None;
        }),
        "t",
        1,
    );
    world.network.eager = false;
    let id = world.send("t", 0);
    world.run(ms(100));
    assert!(!world.application.outcomes.contains_key(&id));
    let line = world.network.writable()[0];
    world.finish_write(line);
    world.network.eager = true;
    world.run(ms(1));
    let reported = world.outcome(id);
    assert_eq!((reported.fate, reported.offset, reported.error), (Fate::Unknown, -1, None));
    assert_eq!(world.in_log("t", 0).last(), Some(&id));
}

#[test]
fn acks_1_is_written_with_its_offset() {
    let mut world = warm(
        Setup::with(|sender| {
            sender.idempotence = false;
            sender.acks = Acks::Leader;
        }),
        "t",
        1,
    );
    let id = world.send("t", 0);
    world.run(ms(10));
    world.assert_written(id);
    assert_eq!(world.outcome(id).offset, 1);
    assert_eq!(world.cluster.requests_of(Api::Produce)[0].acks, Some(1));
}

#[test]
fn malformed_and_truncated_responses_close_the_connection_and_are_retried() {
    let garbage = [
        vec![],
        vec![0, 0, 0, 2, 1, 1],
        vec![0xff; 40],
        vec![0, 0, 0, 12, 0, 0, 0, 4, 0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0, 0],
    ];
    let faults = garbage.into_iter().map(Fault::Garbage).chain([0, 3, 9, 20].map(Fault::Truncate));
    for fault in faults {
        let mut world = warm(Setup::with(|sender| sender.request_timeout = ms(2_000)), "t", 1);
        world.cluster.script(Api::Produce, [fault.clone()]);
        let id = world.send("t", 0);
        world.run(ms(10_000));
        world.assert_written(id);
        assert_eq!(world.in_log("t", 0), [1, id], "{fault:?}");
        assert_eq!(world.counts().connections_closed, 1, "{fault:?}");
    }
}

#[test]
fn sequences_wrap_to_zero() {
    // The model accepts any first sequence. The engine is brought near the maximum, with acknowledged batches.
    let mut world = warm(Setup::default().single_records(), "t", 1);
    world.sender.set_sequence("t", 0, i32::MAX - 2);
    world.cluster.log_mut("t", 0).producers.forget_all();
    let ids: Vec<u64> = (0..6).map(|_| world.send("t", 0)).collect();
    world.run(ms(1_000));
    ids.iter().for_each(|&id| world.assert_written(id));
    let sequences: Vec<i32> = world.cluster.records("t", 0)[1..].iter().map(|record| record.sequence).collect();
    assert_eq!(sequences, [i32::MAX - 2, i32::MAX - 1, i32::MAX, 0, 1, 2]);
    assert_eq!(world.counts().epochs_bumped, 0);
}

#[test]
fn an_exhausted_epoch_leads_to_a_new_producer_id() {
    let mut world = warm(Setup::default().single_records(), "t", 1);
    world.sender.set_epoch("t", 0, i16::MAX);
    world.cluster.log_mut("t", 0).producers.forget_all();
    let settled = world.send("t", 0);
    world.run(ms(10));
    world.assert_written(settled);
    world.cluster.script(Api::Produce, [Fault::Error(codes::INVALID_RECORD, On::All)]);
    let bad = world.send("t", 0);
    let rest: Vec<u64> = (0..3).map(|_| world.send("t", 0)).collect();
    world.run(ms(5_000));
    world.assert_failed(bad, ErrorKind::Broker(codes::INVALID_RECORD), Fate::NotWritten);
    rest.iter().for_each(|&id| world.assert_written(id));
    let records = world.cluster.records("t", 0);
    assert_eq!(world.in_log("t", 0)[2..], rest);
    assert_eq!(world.cluster.requests_of(Api::InitProducerId).len(), 2);
    assert_eq!((records[2].producer_id, records[2].epoch, records[2].sequence), (1001, 0, 0));
}

#[test]
fn throttle_times_are_obeyed() {
    let mut world = warm(Setup::default(), "t", 1);
    world.cluster.script(Api::Produce, [Fault::Throttle(3_000)]);
    world.send("t", 0);
    world.run(ms(10));
    let held = world.send("t", 0);
    world.run(ms(2_900));
    assert!(!world.application.outcomes.contains_key(&held));
    world.run(ms(200));
    world.assert_written(held);
}
