//! Purge: the application has records given up.

use ottla_core::{ErrorKind, Fate};
use ottla_mock::{Api, Fault, On, codes};

use crate::delivery::warm;
use crate::world::{Setup, World, ms};

const PURGED: ErrorKind = ErrorKind::Purged;

fn assert_answered(world: &World, ticket: u64) {
    assert!(
        matches!(world.application.answers.get(&ticket), Some(Ok(_))),
        "ticket {ticket}: {:?}",
        world.application.answers
    );
}

/// Scripts a world in which the broker answers no further Produce request, so that those remain in flight.
fn mute(world: &mut World, handled: bool) {
    world.cluster.script(Api::Produce, [Fault::NeverAnswer { handled }]);
}

#[test]
fn lingering_records_are_purged_unsent() {
    let mut world = warm(Setup::with(|sender| sender.linger = ms(5_000)), "t", 2);
    let ids = [world.send("t", 0), world.send("t", 1)];
    world.run(ms(10));
    let ticket = world.purge(true, false, None);
    world.run(ms(0));
    assert_answered(&world, ticket);
    ids.iter().for_each(|&id| world.assert_failed(id, PURGED, Fate::NotWritten));
    assert_eq!(world.outcome(ids[0]).attempts, 0);
    assert_eq!(world.memory_used(), 0);
    world.run(ms(6_000));
    let after = world.send("t", 0);
    world.run(ms(6_000));
    world.assert_written(after);
    assert_eq!((world.in_log("t", 0), world.counts().epochs_bumped), (vec![1, after], 0));
}

#[test]
fn records_of_an_unknown_topic_are_purged_and_a_flush_ends() {
    let mut world = Setup::default().start();
    let id = world.send("later", 0);
    let flush = world.flush();
    world.run(ms(100));
    assert!(world.application.flushed.is_empty());
    world.purge(true, false, None);
    world.run(ms(0));
    world.assert_failed(id, PURGED, Fate::NotWritten);
    assert_eq!(world.application.flushed, [flush]);
    world.cluster.create_topic("later", 1);
    let after = world.send("later", 0);
    world.run(ms(5_000));
    world.assert_written(after);
    assert_eq!(world.in_log("later", 0), [after]);
}

#[test]
fn one_topic_is_purged_and_others_are_not() {
    let mut world = warm(Setup::with(|sender| sender.linger = ms(50)), "t", 1);
    world.cluster.create_topic("u", 1);
    world.send("u", 0);
    world.run(ms(1_000));
    let (of_t, of_u) = (world.send("t", 0), world.send("u", 0));
    world.purge(true, true, Some("t"));
    world.run(ms(1_000));
    world.assert_failed(of_t, PURGED, Fate::NotWritten);
    world.assert_written(of_u);
}

#[test]
fn records_in_flight_are_purged_as_unknown_and_keep_their_bytes() {
    for handled in [true, false] {
        let mut world = warm(Setup::default().single_records(), "t", 1);
        mute(&mut world, handled);
        let flying = world.send_sized("t", Some(0), 5_000).expect("accepted");
        world.run(ms(10));
        let ticket = world.purge(false, true, None);
        world.run(ms(1));
        assert_answered(&world, ticket);
        world.assert_failed(flying, PURGED, Fate::Unknown);
        assert_eq!(world.outcome(flying).attempts, 1);
        let next = world.send("t", 0);
        let leader = world.cluster.leader("t", 0).expect("a leader");
        world.run(ms(10));
        world.cut_all_to(leader);
        world.run(ms(5_000));
        world.assert_written(next);
        let expected = if handled { vec![1, flying, next] } else { vec![1, next] };
        assert_eq!(world.in_log("t", 0), expected);
        // The missing batch, if any, was discovered from the broker's response.
        assert_eq!(world.counts().epochs_bumped, u64::from(!handled));
        assert_eq!(world.memory_used(), 0);
    }
}

#[test]
fn a_purge_of_the_queue_spares_batches_in_flight() {
    let mut world = warm(Setup::with(|sender| sender.max_in_flight = 1).single_records(), "t", 1);
    world.cluster.script(Api::Produce, [Fault::Delay(500)]);
    let flying = world.send("t", 0);
    world.run(ms(10));
    let queued = world.send("t", 0);
    world.purge(true, false, None);
    world.run(ms(10));
    world.assert_failed(queued, PURGED, Fate::NotWritten);
    assert!(!world.application.outcomes.contains_key(&flying));
    world.run(ms(1_000));
    world.assert_written(flying);
}

#[test]
fn a_purge_of_batches_in_flight_spares_the_queue() {
    let mut world = warm(Setup::with(|sender| sender.max_in_flight = 1).single_records(), "t", 1);
    world.cluster.script(Api::Produce, [Fault::Delay(500)]);
    let flying = world.send("t", 0);
    world.run(ms(10));
    let queued = world.send("t", 0);
    world.purge(false, true, None);
    world.run(ms(10));
    world.assert_failed(flying, PURGED, Fate::Unknown);
    world.run(ms(1_000));
    world.assert_written(queued);
    assert_eq!(world.in_log("t", 0), [1, flying, queued]);
    assert_eq!(world.counts().epochs_bumped, 0);
}

#[test]
fn numbers_of_purged_batches_are_given_back() {
    // Five batches are refused. They wait to be retried one by one.
    let mut world = warm(Setup::default().single_records(), "t", 1);
    world.cluster.script(Api::Produce, vec![Fault::Error(codes::NOT_ENOUGH_REPLICAS, On::All); 5]);
    let ids: Vec<u64> = (0..5).map(|_| world.send("t", 0)).collect();
    world.run(ms(20));
    assert!(world.counts().batches_retried == 0 && world.application.outcomes.len() == 1);
    world.purge(true, false, None);
    world.run(ms(0));
    ids.iter().for_each(|&id| world.assert_failed(id, PURGED, Fate::NotWritten));
    let next = world.send("t", 0);
    world.run(ms(2_000));
    world.assert_written(next);
    assert_eq!(world.cluster.records("t", 0)[1].sequence, 1);
    assert_eq!(world.counts().epochs_bumped, 0);
}

#[test]
fn a_record_that_may_be_in_the_log_is_purged_as_unknown() {
    let mut world = warm(Setup::default(), "t", 1);
    world.cluster.script(Api::Produce, [Fault::DropAfter]);
    let id = world.send("t", 0);
    world.run(ms(20));
    world.purge(true, false, None);
    world.run(ms(0));
    world.assert_failed(id, PURGED, Fate::Unknown);
    let next = world.send("t", 0);
    world.run(ms(2_000));
    world.assert_written(next);
    assert_eq!(world.in_log("t", 0), [1, id, next]);
}

#[test]
fn a_purge_recalls_a_request_of_which_no_byte_was_written() {
    let mut world = warm(Setup::default(), "t", 1);
    world.network.eager = false;
    let id = world.send("t", 0);
    world.run(ms(10));
    assert_eq!(world.network.writable().len(), 1);
    world.purge(false, true, None);
    world.run(ms(0));
    world.assert_failed(id, PURGED, Fate::NotWritten);
    assert_eq!(world.network.writable().len(), 0);
}

#[test]
fn purged_records_are_reported_in_order() {
    // The first batch is refused and waits for a retry while the second is in flight.
    let mut world = warm(Setup::with(|sender| sender.max_in_flight = 2).single_records(), "t", 1);
    world.cluster.script(Api::Produce, [Fault::Error(codes::NOT_ENOUGH_REPLICAS, On::All), Fault::Delay(5_000)]);
    let ids: Vec<u64> = (0..6).map(|_| world.send("t", 0)).collect();
    world.run(ms(10));
    assert_eq!(world.application.outcomes.len(), 1);
    world.application.keep_reports = true;
    world.purge(true, true, None);
    world.run(ms(0));
    let reported: Vec<u64> =
        world.application.reports.iter().flat_map(|r| r.deliveries().map(|d| d.tag).collect::<Vec<_>>()).collect();
    assert_eq!(reported, ids);
}
