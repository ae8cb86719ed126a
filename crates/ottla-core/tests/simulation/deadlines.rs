//! Records with individual timeouts, and batches that wait long.

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
fn a_record_fails_when_its_timeout_has_passed() {
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
fn a_batch_that_expires_in_the_middle_of_a_slot_leaves_the_others_in_order() {
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

/// The flush moves the batches out of the slot, so they expire in the sender's queue.
#[test]
fn a_batch_that_expires_in_the_middle_of_the_queue_leaves_the_others_in_order() {
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

/// The batch was numbered, certainly not written, and expired behind one that is retried. It leaves a hole in the
/// sequence or gives its number back. Either way later records are written once and in order.
#[test]
fn a_numbered_batch_that_expires_behind_another_harms_no_other_batch() {
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

/// The sender takes a batch before it reads the mail about it, and with it the batch's deadline.
#[test]
fn a_batch_taken_before_its_mail_is_read_expires_in_time() {
    let mut world = warm(alone(), "t", 1);
    world.network.eager = false;
    world.send("t", 0);
    world.turn();
    // While the first request is written, a second batch becomes ready, and then a third with an earlier deadline.
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

/// Meanwhile the queue was empty, and a scan of it found no individual deadline.
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
fn a_record_in_flight_is_given_up_when_its_timeout_has_passed() {
    let mut world = warm(alone(), "t", 1);
    world.cluster.script(Api::Produce, [Fault::NeverAnswer { handled: false }]);
    let sent = world.now;
    let id = world.send_within("t", 0, ms(700));
    world.run(ms(1_000));
    world.assert_failed(id, ErrorKind::DeliveryTimedOut, Fate::Unknown);
    assert_eq!(world.outcome(id).at, sent.after(ms(700)));
}

#[test]
fn no_retry_begins_after_a_record_s_timeout() {
    let mut world = warm(alone(), "t", 1);
    world.cluster.script(Api::Produce, vec![Fault::Error(codes::NOT_ENOUGH_REPLICAS, On::All); 100]);
    let sent = world.now;
    let id = world.send_within("t", 0, ms(900));
    world.run(ms(5_000));
    assert_told_after(&world, id, sent, ms(900), "NOT_ENOUGH_REPLICAS");
}

#[test]
fn a_record_s_timeout_counts_while_its_topic_is_unknown() {
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
fn a_record_keeps_its_timeout_when_it_moves_from_the_topic_s_queue_to_its_partition() {
    let mut world = alone().start();
    world.cluster.create_topic("t", 1);
    world.cluster.script(Api::Produce, vec![Fault::Error(codes::NOT_ENOUGH_REPLICAS, On::All); 100]);
    let sent = world.now;
    let short = world.send_within("t", 0, ms(2_000));
    world.run(ms(5_000));
    assert_told_after(&world, short, sent, ms(2_000), "own timeout of 2000 ms");
}

/// While a broker is down, a batch may wait for all of `delivery.timeout.ms` and take records the whole time. Records
/// that join late must not share the deadline of the first.
#[test]
fn records_that_trickle_in_while_a_broker_is_down_have_separate_deadlines() {
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
fn records_that_trickle_in_while_their_topic_is_unknown_have_separate_deadlines() {
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

/// One retry per second (`retry.backoff.ms`) until the delivery timeout of five seconds.
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
    // One second each, with a jitter of a fifth.
    let attempts = world.counts().produce_requests - before;
    assert!((5..=7).contains(&attempts), "{attempts} attempts");
}
