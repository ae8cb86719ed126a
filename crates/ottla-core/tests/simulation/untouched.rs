//! Requests that wait for a socket that accepts nothing. Records of which the broker got no byte are known not to be
//! written.

use ottla_core::{ErrorKind, Fate};
use ottla_mock::{Api, Fault, codes};

use crate::delivery::warm;
use crate::world::{Setup, World, ms};

/// A world with a topic `t`, whose sockets accept nothing from now on.
fn stuck(setup: Setup, partitions: i32) -> World {
    let mut world = warm(setup, "t", partitions);
    world.network.eager = false;
    world
}

fn thaw(world: &mut World) {
    world.network.eager = true;
    for line in world.network.writable() {
        world.finish_write(line);
    }
}

#[test]
fn a_request_that_times_out_unwritten_leaves_its_records_unwritten() {
    for begun in [false, true] {
        let mut world = stuck(
            Setup::with(|sender| {
                sender.retries = 0;
                sender.request_timeout = ms(2_000);
            }),
            1,
        );
        let id = world.send("t", 0);
        world.run(ms(1_000));
        let line = world.network.writable()[0];
        if begun {
            world.begin_write(line);
        }
        world.run(ms(1_100));
        let fate = if begun { Fate::Unknown } else { Fate::NotWritten };
        assert_eq!((world.outcome(id).fate, world.counts().requests_timed_out), (fate, 1), "{:?}", world.outcome(id));
        if !begun {
            // Its number was given back, so the broker misses none.
            thaw(&mut world);
            let next = world.send("t", 0);
            world.run(ms(5_000));
            world.assert_written(next);
            assert_eq!(world.in_log("t", 0), [1, next]);
        }
    }
}

#[test]
fn expiry_recalls_requests_of_which_no_byte_was_written() {
    for begun in [false, true] {
        let mut world = stuck(Setup::with(|sender| sender.delivery_timeout = ms(2_000)), 1);
        let id = world.send("t", 0);
        world.run(ms(1_000));
        let line = world.network.writable()[0];
        if begun {
            world.begin_write(line);
        }
        world.run(ms(1_100));
        let fate = if begun { Fate::Unknown } else { Fate::NotWritten };
        world.assert_failed(id, ErrorKind::DeliveryTimedOut, fate);
        assert_eq!(world.outcome(id).attempts, u32::from(begun));
        thaw(&mut world);
        let next = world.send("t", 0);
        world.run(ms(1_000));
        world.assert_written(next);
        let expected = if begun { vec![1, id, next] } else { vec![1, next] };
        assert_eq!(world.in_log("t", 0), expected);
        assert_eq!((world.counts().epochs_bumped, world.counts().connections_closed), (0, 0));
        assert_eq!(world.memory_used(), 0);
    }
}

/// A record that is being written, and two behind it that one request will carry, to two partitions. `young` is a second
/// younger than `old`.
struct Unwritten {
    filler: u64,
    old: u64,
    young: u64,
}

fn unwritten_request(world: &mut World) -> Unwritten {
    let leader = world.cluster.leader("t", 0).expect("a leader");
    let neighbour = (1..4).find(|&p| world.cluster.leader("t", p) == Some(leader)).expect("two partitions of a leader");
    // The first request occupies the connection, so that the second carries both partitions.
    let filler = world.send("t", 0);
    world.run(ms(1));
    let old = world.send("t", 0);
    world.run(ms(1_000));
    let young = world.send("t", neighbour);
    Unwritten { filler, old, young }
}

/// The recalled request also carried a batch of another partition.
#[test]
fn other_batches_of_a_recalled_request_are_sent_again() {
    let mut world = stuck(Setup::with(|sender| sender.delivery_timeout = ms(2_000)), 4);
    let Unwritten { filler, old, young } = unwritten_request(&mut world);
    let line = world.network.writable()[0];
    world.finish_write(line);
    world.run(ms(500));
    world.assert_written(filler);
    world.run(ms(600));
    world.assert_failed(old, ErrorKind::DeliveryTimedOut, Fate::NotWritten);
    assert!(!world.application.outcomes.contains_key(&young));
    thaw(&mut world);
    world.run(ms(100));
    world.assert_written(young);
    assert_eq!(world.in_log("t", 0), [1, filler]);
    let last = world.cluster.requests_of(Api::Produce).pop().expect("requests");
    assert_eq!(last.partitions.len(), 1);
}

/// They were meant for the deleted topic.
#[test]
fn other_batches_of_a_recalled_request_fail_if_their_topic_was_recreated_meanwhile() {
    let setup = Setup::with(|sender| {
        sender.delivery_timeout = ms(2_000);
        sender.metadata_max_age = ms(1_500);
    });
    let mut world = stuck(setup, 4);
    let Unwritten { filler, old, young } = unwritten_request(&mut world);
    let line = world.network.writable()[0];
    world.finish_write(line);
    world.run(ms(100));
    world.assert_written(filler);
    world.cluster.recreate_topic_with("t", 4);
    // Metadata arrives over other connections.
    while !world.application.outcomes.contains_key(&old) {
        for other in world.network.writable().into_iter().filter(|other| *other != line) {
            world.finish_write(other);
        }
        world.run(ms(50));
    }
    world.assert_failed(old, ErrorKind::DeliveryTimedOut, Fate::NotWritten);
    world.assert_failed(young, ErrorKind::Broker(codes::UNKNOWN_TOPIC_ID), Fate::NotWritten);
}

#[test]
fn a_close_reports_records_of_which_no_byte_was_written_as_not_written() {
    for begun in [false, true] {
        let mut world = stuck(Setup::default(), 1);
        let id = world.send("t", 0);
        world.run(ms(10));
        let line = world.network.writable()[0];
        if begun {
            world.begin_write(line);
        }
        world.close(ms(100));
        world.run(ms(200));
        let fate = if begun { Fate::Unknown } else { Fate::NotWritten };
        world.assert_failed(id, ErrorKind::Closed, fate);
    }
}

/// The rest of an unanswered ApiVersions request was once written to the next connection.
#[test]
fn an_unanswered_api_versions_request_is_forgotten_with_its_connection() {
    let mut world = Setup::with(|sender| sender.setup_backoff.initial = ms(1_000)).start();
    world.cluster.create_topic("t", 1);
    world.cluster.script(Api::ApiVersions, [Fault::NeverAnswer { handled: false }]);
    let id = world.send("t", 0);
    world.run(ms(5_000));
    world.assert_written(id);
    assert_eq!(world.counts().connections_failed, 1);
}

/// The request was recalled before the connection had it, and once was handed to the connection all the same.
#[test]
fn a_request_that_no_connection_has_yet_is_recalled() {
    let mut world = warm(Setup::with(|sender| sender.delivery_timeout = ms(2_000)), "t", 1);
    world.cluster.script(Api::Produce, [Fault::Throttle(100)]);
    world.send("t", 0);
    world.run(ms(10));
    let late = world.send("t", 0);
    world.run(ms(10));
    // In one tick the throttling ends, so that the request is made, and its records expire.
    world.now = world.now.after(ms(5_000));
    world.turn();
    world.assert_failed(late, ErrorKind::DeliveryTimedOut, Fate::NotWritten);
    world.run(ms(1_000));
    assert_eq!(world.in_log("t", 0).len(), 2);
}
