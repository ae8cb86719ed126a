//! Records with timeouts of their own, and batches that wait for long.

use std::time::Duration;

use ottla_core::{ErrorKind, Fate};
use ottla_mock::{Api, Fault, On, codes};

use crate::delivery::warm;
use crate::world::{Setup, World, ms};

fn alone() -> Setup {
    Setup { brokers: 1, ..Setup::default() }
}

fn assert_told_after(world: &World, id: u64, sent: ottla_core::sync::Time, timeout: Duration, text: &str) {
    world.assert_failed(id, ErrorKind::DeliveryTimedOut, Fate::NotWritten);
    let reported = world.outcome(id);
    assert!(
        reported.at <= sent.after(timeout) && reported.at >= sent.after(timeout * 7 / 8),
        "record {id}: {reported:?}"
    );
    assert!(reported.message.contains(text), "{}", reported.message);
}

#[test]
fn a_record_fails_when_its_own_timeout_has_passed() {
    let mut world = warm(alone(), "t", 1);
    world.stop_broker(1);
    let sent = world.now;
    let usual = world.send("t", 0);
    let short = world.send_within("t", 0, ms(700));
    let behind = world.send("t", 0);
    let long = world.send_within("t", 0, ms(300_000));
    world.run(ms(400_000));
    assert_told_after(&world, short, sent, ms(700), "own timeout of 700 ms");
    assert_told_after(&world, usual, sent, ms(120_000), "delivery.timeout.ms=120000");
    assert_told_after(&world, behind, sent, ms(120_000), "delivery.timeout.ms=120000");
    assert_told_after(&world, long, sent, ms(300_000), "own timeout of 300000 ms");
    assert_eq!(world.memory_used(), 0);
}

#[test]
fn what_expires_in_the_middle_of_a_slot_leaves_the_others_in_order() {
    let mut world = warm(alone(), "t", 1);
    world.stop_broker(1);
    let first = world.send("t", 0);
    let short = world.send_within("t", 0, ms(500));
    let last = world.send("t", 0);
    world.run(ms(2_000));
    assert!(world.application.outcomes.contains_key(&short) && !world.application.outcomes.contains_key(&first));
    world.cluster.start_broker(1);
    world.run(ms(10_000));
    assert_eq!(world.in_log("t", 0), [1, first, last]);
    assert_eq!(world.counts().epochs_bumped, 0);
}

/// A flush takes everything out of the slot, so that the batches expire in the sender's queue.
#[test]
fn what_expires_in_the_middle_of_the_queue_leaves_the_others_in_order() {
    let mut world = warm(alone(), "t", 1);
    world.stop_broker(1);
    let first = world.send("t", 0);
    let short = world.send_within("t", 0, ms(500));
    let last = world.send("t", 0);
    world.flush();
    world.run(ms(2_000));
    assert!(world.application.outcomes.contains_key(&short) && !world.application.outcomes.contains_key(&first));
    world.cluster.start_broker(1);
    world.run(ms(10_000));
    assert_eq!(world.in_log("t", 0), [1, first, last]);
    assert_eq!((world.application.flushed.len(), world.counts().epochs_bumped), (1, 0));
}

/// A batch that was numbered, certainly not written and expired behind one that is tried again leaves a hole in the
/// sequence or gives its number back; either way what follows is written once and in order.
#[test]
fn a_numbered_batch_that_expires_behind_another_harms_nobody() {
    for cut in [Fault::DropBefore, Fault::DropAfter, Fault::Error(codes::NOT_ENOUGH_REPLICAS, On::All)] {
        let mut world = warm(alone().single_records(), "t", 1);
        world.cluster.script(Api::Produce, [Fault::NeverAnswer { handled: false }]);
        let first = world.send("t", 0);
        let short = world.send_within("t", 0, ms(500));
        world.run(ms(10));
        world.cluster.script(Api::Produce, vec![cut.clone(); 4]);
        world.cut_all_to(1);
        world.run(ms(1_000));
        assert!(
            world.application.outcomes.contains_key(&short) && !world.application.outcomes.contains_key(&first),
            "{cut:?}"
        );
        let last = world.send("t", 0);
        world.run(ms(20_000));
        world.assert_written(first);
        world.assert_written(last);
        let log = world.in_log("t", 0);
        let without: Vec<u64> = log.iter().copied().filter(|&id| id != short).collect();
        assert_eq!(without, [1, first, last], "{cut:?}");
        assert!(log.len() == 3 || world.outcome(short).fate == Fate::Unknown, "{cut:?}: {:?}", world.outcome(short));
    }
}

/// The sender takes a batch before it reads the mail that tells of it, and of its deadline.
#[test]
fn a_batch_that_is_taken_before_it_is_told_of_expires_in_time_too() {
    let mut world = warm(alone(), "t", 1);
    world.network.eager = false;
    world.send("t", 0);
    world.turn();
    // While the first request is being written another batch gets ready, and behind it one with a deadline of its own.
    world.send("t", 0);
    world.turn();
    let sent = world.now;
    let id = world.send_within("t", 0, ms(700));
    for _ in 0..2 {
        let line = world.network.writable()[0];
        world.finish_write(line);
        world.carry_out();
    }
    assert!(world.accumulator.topics.get("t").partitions().expect("known")[0].status().oldest.is_none(), "taken");
    world.run(ms(2_000));
    world.assert_failed(id, ErrorKind::DeliveryTimedOut, Fate::NotWritten);
    assert_eq!(world.outcome(id).at, sent.after(ms(700)));
}

/// The queue was empty meanwhile, and a look at it found nothing with a deadline of its own.
#[test]
fn a_batch_that_comes_back_behind_another_expires_in_time() {
    let mut world = warm(alone().single_records(), "t", 1);
    world.cluster.script(Api::Produce, [Fault::NeverAnswer { handled: false }]);
    let sent = world.now;
    let first = world.send("t", 0);
    let short = world.send_within("t", 0, ms(20_000));
    world.run(ms(18_000));
    world.stop_broker(1);
    world.run(ms(3_000));
    assert!(!world.application.outcomes.contains_key(&first));
    world.assert_failed(short, ErrorKind::DeliveryTimedOut, Fate::Unknown);
    assert_eq!(world.outcome(short).at, sent.after(ms(20_000)));
}

#[test]
fn the_parts_of_a_split_batch_keep_its_deadline() {
    let mut world = warm(alone(), "t", 1);
    world.cluster.script(
        Api::Produce,
        [Fault::Error(codes::MESSAGE_TOO_LARGE, On::All), Fault::Error(codes::NOT_ENOUGH_REPLICAS, On::All)],
    );
    let sent = world.now;
    let usual = [world.send("t", 0), world.send("t", 0)];
    world.run(ms(50));
    world.stop_broker(1);
    assert_eq!(world.counts().batches_split, 1);
    world.run(ms(200_000));
    for id in usual {
        world.assert_failed(id, ErrorKind::DeliveryTimedOut, Fate::NotWritten);
        assert_eq!(world.outcome(id).at, sent.after(ms(120_000)));
    }
}

#[test]
fn on_its_way_a_record_is_given_up_when_its_own_timeout_has_passed() {
    let mut world = warm(alone(), "t", 1);
    world.cluster.script(Api::Produce, [Fault::NeverAnswer { handled: false }]);
    let sent = world.now;
    let id = world.send_within("t", 0, ms(700));
    world.run(ms(1_000));
    world.assert_failed(id, ErrorKind::DeliveryTimedOut, Fate::Unknown);
    assert_eq!(world.outcome(id).at, sent.after(ms(700)));
}

#[test]
fn no_retry_begins_after_a_record_s_own_timeout() {
    let mut world = warm(alone(), "t", 1);
    world.cluster.script(Api::Produce, vec![Fault::Error(codes::NOT_ENOUGH_REPLICAS, On::All); 100]);
    let sent = world.now;
    let id = world.send_within("t", 0, ms(900));
    world.run(ms(5_000));
    assert_told_after(&world, id, sent, ms(900), "NOT_ENOUGH_REPLICAS");
}

#[test]
fn a_record_s_own_timeout_counts_while_its_topic_is_not_known() {
    let mut world = alone().start();
    world.cluster.auto_create = None;
    let sent = world.now;
    let short = world.send_within("missing", 0, ms(800));
    let usual = world.send("missing", 0);
    world.run(ms(90_000));
    for (id, timeout, text) in
        [(short, 800, "within 800 ms (the records' own"), (usual, 60_000, "within 60000 ms (del")]
    {
        world.assert_failed(id, ErrorKind::Broker(codes::UNKNOWN_TOPIC_OR_PARTITION), Fate::NotWritten);
        assert_eq!(world.outcome(id).at, sent.after(ms(timeout)));
        assert!(world.outcome(id).message.contains(text), "{}", world.outcome(id).message);
    }
}

#[test]
fn a_timeout_of_its_own_goes_with_a_record_from_the_topic_s_queue_to_its_partition() {
    let mut world = alone().start();
    world.cluster.create_topic("t", 1);
    world.cluster.script(Api::Produce, vec![Fault::Error(codes::NOT_ENOUGH_REPLICAS, On::All); 100]);
    let sent = world.now;
    let short = world.send_within("t", 0, ms(2_000));
    world.run(ms(5_000));
    assert_told_after(&world, short, sent, ms(2_000), "own timeout of 2000 ms");
}

/// While a broker is away a batch may wait for as long as `delivery.timeout.ms`, and records go on joining it. They
/// are not to share its deadline.
#[test]
fn records_that_trickle_in_while_a_broker_is_away_each_have_their_time() {
    let mut world = warm(alone(), "t", 1);
    world.stop_broker(1);
    let mut sent = Vec::new();
    for _ in 0..100 {
        sent.push((world.send("t", 0), world.now));
        world.run(ms(1_000));
    }
    world.run(ms(150_000));
    for (id, at) in sent {
        assert_told_after(&world, id, at, ms(120_000), "delivery.timeout.ms=120000");
    }
}

#[test]
fn records_that_trickle_in_while_their_topic_is_not_known_each_have_their_time() {
    let mut world = alone().start();
    world.cluster.auto_create = None;
    let mut sent = Vec::new();
    for _ in 0..50 {
        sent.push((world.send("missing", 0), world.now));
        world.run(ms(1_000));
    }
    world.run(ms(90_000));
    for (id, at) in sent {
        let reported = world.outcome(id);
        assert!(
            reported.at <= at.after(ms(60_000)) && reported.at >= at.after(ms(52_500)),
            "record {id}: {reported:?}"
        );
    }
}

#[test]
fn a_long_linger_is_not_cut_short_by_the_deadline_of_its_batch() {
    let mut world = warm(
        Setup::with(|sender| {
            sender.linger = ms(50_000);
            sender.delivery_timeout = ms(100_000);
        }),
        "t",
        1,
    );
    let ids: Vec<u64> = (0..40)
        .map(|_| {
            world.run(ms(1_000));
            world.send("t", 0)
        })
        .collect();
    world.run(ms(12_000));
    ids.iter().for_each(|&id| world.assert_written(id));
    assert_eq!(world.counts().produce_requests, 2);
}

/// What the project's definition says of its retries and its deadline.
#[test]
fn retries_each_second_and_fails_at_five() {
    let setup = Setup::with(|sender| {
        sender.idempotence = false;
        sender.acks = ottla_core::sender::Acks::Leader;
        sender.linger = ms(20);
        sender.delivery_timeout = ms(5_000);
        sender.request_timeout = ms(4_980);
        sender.retry_backoff = ottla_core::sender::Backoff { initial: ms(1_000), max: ms(1_000) };
    });
    let mut world = warm(setup, "t", 1);
    world.cluster.script(Api::Produce, vec![Fault::Error(codes::NOT_ENOUGH_REPLICAS, On::All); 100]);
    let before = world.counts().produce_requests;
    let sent = world.now;
    let id = world.send("t", 0);
    world.run(ms(6_000));
    world.assert_failed(id, ErrorKind::DeliveryTimedOut, Fate::NotWritten);
    assert_eq!(world.outcome(id).at, sent.after(ms(5_000)));
    // One second, varied by a fifth.
    let attempts = world.counts().produce_requests - before;
    assert!((5..=7).contains(&attempts), "{attempts} attempts");
}
