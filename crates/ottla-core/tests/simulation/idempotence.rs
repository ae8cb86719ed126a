//! What sequence numbers, epochs and producer ids must survive.

use std::time::Duration;

use ottla_core::{ErrorCode, ErrorKind, Fate};
use ottla_mock::{Api, Fault, On, UnknownProducer, codes};

use crate::delivery::warm;
use crate::world::{Setup, World, ms};

#[test]
fn with_one_request_in_flight_records_follow_a_moving_leader_in_order() {
    for idempotence in [true, false] {
        let setup = Setup::with(|sender| {
            sender.max_in_flight = 1;
            sender.idempotence = idempotence;
        });
        let mut world = warm(setup.single_records(), "t", 1);
        let mut ids = Vec::new();
        for _ in 0..4 {
            let leader = world.cluster.leader("t", 0).expect("a leader");
            world.cluster.script(Api::Produce, [Fault::Delay(100)]);
            ids.extend((0..5).map(|_| world.send("t", 0)));
            world.run(ms(50));
            world.cluster.move_leader("t", 0, 1 + leader % 3);
            world.run(ms(2_000));
        }
        assert_eq!(world.in_log("t", 0)[1..], ids);
    }
}

#[test]
fn a_batch_that_expired_in_flight_keeps_its_sequence_until_its_response() {
    for idempotence in [true, false] {
        let setup = Setup::with(|sender| {
            sender.max_in_flight = 1;
            sender.idempotence = idempotence;
            sender.delivery_timeout = ms(10_000);
        });
        let mut world = warm(setup.single_records(), "t", 1);
        world.cluster.clear_requests();
        world.cluster.script(Api::Produce, [Fault::Delay(12_000)]);
        let expired = world.send("t", 0);
        world.run(ms(5_000));
        let next = world.send("t", 0);
        world.run(ms(6_900));
        world.assert_failed(expired, ErrorKind::DeliveryTimedOut, Fate::Unknown);
        assert_eq!(world.cluster.requests_of(Api::Produce).len(), 1);
        world.run(ms(200));
        world.assert_written(next);
        assert_eq!(world.in_log("t", 0), [1, expired, next]);
    }
}

/// The request for the producer id must not block its own retries. It is made before there are records, so that none
/// waits for it.
#[test]
fn a_producer_id_is_obtained_with_one_request_in_flight() {
    let mut world = Setup::with(|sender| sender.max_in_flight = 1).start();
    world.cluster.create_topic("t", 1);
    world
        .cluster
        .script(Api::InitProducerId, [Fault::Error(codes::COORDINATOR_LOAD_IN_PROGRESS, On::All), Fault::DropBefore]);
    let id = world.send("t", 0);
    world.run(ms(2_000));
    world.assert_written(id);
    assert_eq!(world.cluster.requests_of(Api::InitProducerId).len(), 3);
}

/// Whether or not the broker has the expired batches, later records are written exactly once and no error is fatal.
#[test]
fn after_all_batches_in_flight_expired_the_next_record_is_written_once() {
    for handled in [true, false] {
        let setup = Setup::with(|sender| sender.delivery_timeout = ms(10_000)).single_records();
        let mut world = warm(setup, "t", 1);
        world.cluster.script(Api::Produce, [Fault::NeverAnswer { handled }]);
        let lost: Vec<u64> = (0..3).map(|_| world.send("t", 0)).collect();
        world.run(ms(10_001));
        lost.iter().for_each(|&id| world.assert_failed(id, ErrorKind::DeliveryTimedOut, Fate::Unknown));
        let leader = world.cluster.leader("t", 0).expect("a leader");
        world.cut_all_to(leader);
        let next: Vec<u64> = (0..3).map(|_| world.send("t", 0)).collect();
        world.run(ms(5_000));
        next.iter().for_each(|&id| {
            world.assert_written(id);
            assert!(!world.outcome(id).fatal);
        });
        let log = world.in_log("t", 0);
        assert_eq!(log[log.len() - 3..], next);
        assert_eq!((log.len(), log.contains(&lost[0])), (if handled { 5 } else { 4 }, handled));
    }
}

/// A partition that has used up its epochs gets another id. Batches of other partitions keep theirs.
#[test]
fn partitions_change_their_producer_id_one_by_one() {
    let mut world = warm(Setup::default().single_records(), "t", 2);
    world.sender.set_epoch("t", 0, i16::MAX);
    world.cluster.log_mut("t", 0).producers.forget_all();
    world.send("t", 0);
    world.run(ms(10));
    // Partition 1 waits for a retry while partition 0 has to begin a new epoch.
    world.cluster.script(Api::Produce, [Fault::Error(codes::NOT_ENOUGH_REPLICAS, On::All)]);
    let kept = world.send("t", 1);
    world.run(ms(10));
    world.cluster.script(Api::Produce, [Fault::Error(codes::INVALID_RECORD, On::All)]);
    world.send("t", 0);
    let anew: Vec<u64> = (0..3).map(|_| world.send("t", 0)).collect();
    world.run(ms(5_000));
    world.assert_written(kept);
    anew.iter().for_each(|&id| world.assert_written(id));
    let of = |partition: i32| {
        let records = world.cluster.records("t", partition);
        let last = records.last().expect("records");
        (last.producer_id, last.epoch, last.sequence)
    };
    assert_eq!((of(0), of(1)), ((1001, 0, 2), (1000, 0, 1)));
}

#[test]
fn a_close_ends_a_wait_for_another_producer_id() {
    for (timeout, all) in [(ms(60_000), true), (ms(1_000), false)] {
        let mut world = warm(Setup::default().single_records(), "t", 1);
        world.sender.set_epoch("t", 0, i16::MAX);
        world.cluster.log_mut("t", 0).producers.forget_all();
        world.send("t", 0);
        world.run(ms(10));
        world.cluster.script(Api::Produce, [Fault::Error(codes::INVALID_RECORD, On::All)]);
        world.cluster.script(Api::InitProducerId, [Fault::Delay(5_000)]);
        world.send("t", 0);
        let waiting = [world.send("t", 0), world.send("t", 0)];
        world.run(ms(200));
        assert_eq!(world.cluster.requests_of(Api::InitProducerId).len(), 2);
        world.close(timeout);
        assert!(world.run_until(timeout, |world| world.application.closed), "{:#?}", world.log_tail());
        for id in waiting {
            match all {
                true => world.assert_written(id),
                false => world.assert_failed(id, ErrorKind::Closed, Fate::NotWritten),
            }
        }
    }
}

/// KAFKA-14034: a batch fails for good while an earlier one, which is in the log, waits for a retry. With a new number
/// the earlier one would be written twice.
#[test]
fn a_failure_does_not_renumber_batches_that_may_be_in_the_log() {
    let mut world = warm(Setup::default().single_records(), "t", 1);
    world.cluster.script(
        Api::Produce,
        [Fault::ErrorAfter(codes::REQUEST_TIMED_OUT, On::All), Fault::Error(codes::INVALID_RECORD, On::All)],
    );
    let kept = world.send("t", 0);
    let failed = world.send("t", 0);
    let next = world.send("t", 0);
    world.run(ms(5_000));
    world.assert_written(kept);
    world.assert_failed(failed, ErrorKind::Broker(codes::INVALID_RECORD), Fate::NotWritten);
    world.assert_written(next);
    assert_eq!(world.in_log("t", 0), [1, kept, next]);
}

/// After 2^31 records of a partition the numbers start over at 0, even within a batch and while batches are retried.
#[test]
fn sequences_wrap_within_a_batch_and_while_it_is_retried() {
    for fault in [Fault::None, Fault::DropAfter, Fault::DropBefore, Fault::Error(codes::NOT_ENOUGH_REPLICAS, On::All)] {
        for before in 0..4 {
            let mut setup = Setup::default();
            // Three records fill a batch.
            setup.accumulator.batch_limit = 50;
            let mut world = warm(setup, "t", 1);
            world.sender.set_sequence("t", 0, i32::MAX - before);
            world.cluster.log_mut("t", 0).producers.forget_all();
            world.cluster.script(Api::Produce, [Fault::None, fault.clone(), fault.clone()]);
            let ids: Vec<u64> = (0..20).map(|_| world.send("t", 0)).collect();
            world.run(ms(10_000));
            ids.iter().for_each(|&id| world.assert_written(id));
            assert_eq!(world.in_log("t", 0)[1..], ids);
            assert_eq!((world.counts().epochs_bumped, world.counts().batches_split), (0, 0));
        }
    }
}

/// A partition that waits for the response to an earlier attempt must not delay others of the same broker.
#[test]
fn a_gated_partition_holds_up_no_other_of_its_broker() {
    let mut setup = Setup::default().single_records();
    setup.brokers = 1;
    let mut world = warm(setup, "t", 3);
    world.cluster.on_request(|request| match request.api {
        Api::Produce => Fault::Error(codes::NOT_ENOUGH_REPLICAS, On::partition("t", 0)),
        _ => Fault::None,
    });
    let gated: Vec<u64> = (0..20).map(|_| world.send("t", 0)).collect();
    for _ in 0..20 {
        let others = [world.send("t", 1), world.send("t", 2)];
        world.run(ms(10));
        others.iter().for_each(|&id| world.assert_written(id));
    }
    assert!(gated.iter().all(|id| !world.application.outcomes.contains_key(id)));
    world.cluster.clear_faults();
    world.run(ms(5_000));
    assert!(world.all_completed());
    assert_eq!(world.in_log("t", 0)[1..], gated);
}

#[test]
fn parts_of_a_split_batch_expire_once_and_give_everything_back() {
    let setup = Setup::with(|sender| {
        sender.delivery_timeout = ms(5_000);
        sender.linger = ms(5);
    });
    let mut world = warm(setup, "t", 1);
    world
        .cluster
        .script(Api::Produce, [Fault::Error(codes::MESSAGE_TOO_LARGE, On::All), Fault::NeverAnswer { handled: false }]);
    let ids: Vec<u64> = (0..4).map(|_| world.send("t", 0)).collect();
    world.run(ms(100));
    assert_eq!(world.counts().batches_split, 1);
    world.run(ms(60_000));
    ids.iter().for_each(|id| assert_eq!(world.outcome(*id).error, Some(ErrorKind::DeliveryTimedOut)));
    assert!(world.all_completed() && world.memory_used() == 0);
    let next = world.send("t", 0);
    assert!(world.run_until(ms(5_000), World::all_completed));
    world.assert_written(next);
}

#[test]
fn a_new_producer_id_is_not_requested_while_a_produce_request_is_being_built() {
    let mut setup = Setup::with(|sender| sender.max_in_flight = 1);
    setup.brokers = 1;
    let mut world = setup.start();
    world.cluster.create_topic("t", 2);
    world.cluster.first_epoch = i16::MAX;
    let (a, b) = (world.send("t", 0), world.send("t", 1));
    world.run(ms(1_000));
    world.assert_written(a);
    world.assert_written(b);
    // The broker forgets the producer, whose epochs are used up. Meanwhile the other partition has something to send.
    world.cluster.unknown_producer = UnknownProducer::Refused;
    world.cluster.log_mut("t", 1).producers.forget_all();
    let c = world.send("t", 1);
    world.turn();
    let d = world.send("t", 0);
    world.run(ms(2_000));
    world.assert_written(c);
    world.assert_written(d);
}

/// A broker that was stalled may handle the requests of a closed connection and of its successor in any order.
#[test]
fn a_gap_is_believed_only_when_no_request_can_be_late() {
    let mut world = warm(Setup::default().single_records(), "t", 1);
    world.network.latency = ms(100);
    world.network.transit = ms(1_000);
    let expires = world.send_within("t", 0, ms(300));
    let doubled = world.send("t", 0);
    world.run(ms(400));
    world.assert_failed(expires, ErrorKind::DeliveryTimedOut, Fate::Unknown);
    world.network.transit = Duration::ZERO;
    world.cut_all_to(world.cluster.leader("t", 0).expect("a leader"));
    world.run(ms(3_000));
    world.assert_written(doubled);
    assert_eq!(world.in_log("t", 0), [1, expires, doubled]);
    assert_eq!(world.counts().epochs_bumped, 0);
}

/// The first request on the new connection may succeed before a late one of the old connection is handled.
#[test]
fn a_success_does_not_prove_that_no_request_is_late() {
    let mut world = warm(Setup::default().single_records(), "t", 1);
    world.network.latency = ms(100);
    world.network.transit = ms(1_000);
    let first = world.send("t", 0);
    let expires = world.send_within("t", 0, ms(300));
    let last = world.send("t", 0);
    world.run(ms(400));
    world.assert_failed(expires, ErrorKind::DeliveryTimedOut, Fate::Unknown);
    world.network.transit = Duration::ZERO;
    world.cut_all_to(world.cluster.leader("t", 0).expect("a leader"));
    world.run(ms(3_000));
    world.assert_written(first);
    world.assert_written(last);
    assert_eq!(world.in_log("t", 0), [1, first, expires, last]);
    assert_eq!(world.counts().epochs_bumped, 0);
}

#[test]
fn a_gap_that_nothing_fills_is_left_behind_after_a_second() {
    let mut world = warm(Setup::default().single_records(), "t", 1);
    world.cluster.script(Api::Produce, [Fault::NeverAnswer { handled: false }]);
    let expires = world.send_within("t", 0, ms(300));
    world.run(ms(400));
    world.assert_failed(expires, ErrorKind::DeliveryTimedOut, Fate::Unknown);
    world.cut_all_to(world.cluster.leader("t", 0).expect("a leader"));
    let next = world.send("t", 0);
    world.run(ms(900));
    assert!(!world.application.outcomes.contains_key(&next));
    world.run(ms(3_000));
    world.assert_written(next);
    assert_eq!(world.in_log("t", 0), [1, next]);
    assert_eq!(world.counts().epochs_bumped, 1);
}

/// The broker has appended a batch that expires before its response. The next batch has as many records: with the same
/// sequence number, the broker would take it for a duplicate of the first and its records would be lost.
#[test]
fn the_next_batch_does_not_reuse_the_sequence_number_of_an_expired_one() {
    for appended in [true, false] {
        let setup = Setup::with(|sender| sender.delivery_timeout = ms(10_000)).single_records();
        let mut world = warm(setup, "t", 1);
        let timed_out = match appended {
            true => Fault::ErrorAfter(ErrorCode::REQUEST_TIMED_OUT, On::All),
            false => Fault::Error(ErrorCode::REQUEST_TIMED_OUT, On::All),
        };
        world.cluster.script(Api::Produce, vec![timed_out; 1_000]);
        let expired = world.send("t", 0);
        world.run(ms(10_001));
        world.assert_failed(expired, ErrorKind::DeliveryTimedOut, Fate::Unknown);
        world.cluster.clear_faults();
        let next = world.send("t", 0);
        world.run(ms(5_000));
        world.assert_written(next);
        let log = if appended { vec![1, expired, next] } else { vec![1, next] };
        assert_eq!(world.in_log("t", 0), log);
    }
}
