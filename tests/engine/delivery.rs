//! Produce requests and their answers: retries, sequences, order.

use ottla::{ErrorKind, Fate};
use ottla_test_support::model::{Api, Fault, On};

use crate::world::{Setup, World, ms};

/// A world with a topic whose connection to every leader is up.
fn warm(setup: Setup, topic: &str, partitions: i32) -> World {
    let mut world = setup.start();
    world.cluster.create_topic(topic, partitions);
    for partition in 0..partitions {
        world.send(topic, partition);
    }
    assert!(world.run_until(ms(5_000), World::all_told), "{:#?}", world.log_tail());
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
    world.cluster.script(Api::Produce, [Fault::DropAfter, Fault::DropBefore, Fault::Error(19, On::All)]);
    let id = world.send("t", 0);
    world.run(ms(10_000));
    world.assert_written(id);
    assert_eq!(world.told(id).offset, 1);
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
    let mut world = warm(Setup::with(|core| core.retries = 2), "t", 1);
    world.cluster.script(Api::Produce, vec![Fault::Error(19, On::All); 3]);
    let id = world.send("t", 0);
    world.run(ms(10_000));
    world.assert_failed(id, ErrorKind::Broker(19), Fate::NotWritten);
    assert_eq!(world.told(id).attempts, 3);
}

/// A broker that does not know the producer takes whatever sequence comes first (KIP-360).
#[test]
fn refused_first_batch_is_not_overtaken() {
    let mut world = Setup::default().single_records().start();
    world.cluster.create_topic("t", 1);
    world.cluster.script(Api::Produce, [Fault::Error(19, On::All)]);
    let ids: Vec<u64> = (0..4).map(|_| world.send("t", 0)).collect();
    world.run(ms(5_000));
    assert_eq!(world.in_log("t", 0), ids);
    assert_eq!(world.counts().epochs_bumped, 0);
}
