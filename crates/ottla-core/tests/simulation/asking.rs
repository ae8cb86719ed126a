//! Which requests the engine makes for itself, and how often: metadata, producer ids, API versions.

use ottla_core::{ErrorKind, Fate};
use ottla_mock::{Api, Fault, On, codes};

use crate::delivery::warm;
use crate::world::{Setup, World, ms};

fn metadata_requests(world: &World) -> Vec<Vec<String>> {
    world.cluster.requests_of(Api::Metadata).into_iter().map(|request| request.topics.clone()).collect()
}

#[test]
fn metadata_is_fetched_once_and_then_kept() {
    let mut world = Setup::default().start();
    world.cluster.create_topic("t", 3);
    for n in 0..100 {
        world.send("t", n % 3);
        world.run(ms(100));
    }
    assert!(world.all_completed());
    let asked: Vec<_> = metadata_requests(&world).into_iter().filter(|topics| !topics.is_empty()).collect();
    assert_eq!(asked, [["t"]]);
}

#[test]
fn metadata_is_refreshed_after_its_age() {
    let mut world = warm(Setup::with(|sender| sender.metadata_max_age = ms(10_000)), "t", 1);
    world.cluster.clear_requests();
    world.run(ms(35_000));
    assert_eq!(metadata_requests(&world), [["t"]; 3]);
}

#[test]
fn a_new_topic_is_requested_at_once_and_alone() {
    let mut world = warm(Setup::default(), "known", 1);
    world.cluster.create_topic("new", 1);
    world.cluster.clear_requests();
    let id = world.send("new", 0);
    world.run(ms(10));
    world.assert_written(id);
    assert_eq!(metadata_requests(&world), [["new"]]);
}

/// Each topic that is missing has its own backoff.
#[test]
fn a_new_topic_does_not_wait_for_one_that_is_missing() {
    let mut world = warm(Setup::default(), "known", 3);
    world.send("missing", 0);
    world.run(ms(10_000));
    world.cluster.create_topic("new", 1);
    let id = world.send("new", 0);
    world.run(ms(10));
    world.assert_written(id);
}

#[test]
fn a_topic_that_is_missing_is_not_forgotten_over_a_new_one() {
    for pause in (0..2_000).step_by(50) {
        let mut world = Setup::default().start();
        world.cluster.create_topic("new", 1);
        let late = world.send("late", 0);
        world.run(ms(1_000 + pause));
        let new = world.send("new", 0);
        world.run(ms(1_000));
        world.assert_written(new);
        world.cluster.create_topic("late", 1);
        world.run(ms(3_000));
        assert!(world.application.outcomes.contains_key(&late), "{pause} ms later nobody asked for it any more");
        world.assert_written(late);
    }
}

#[test]
fn a_missing_topic_is_requested_with_backoff() {
    let mut world = Setup::with(|sender| sender.topic_timeout = ms(20_000)).start();
    world.send("missing", 0);
    world.run(ms(19_000));
    // 100, 200, 400, 800, then 1000 ms.
    let asked = metadata_requests(&world).len();
    assert!((17..30).contains(&asked), "asked {asked} times");
}

/// The brokers name only the old leader. Asking for metadata at full speed would not help.
#[test]
fn metadata_that_stays_stale_is_requested_with_backoff() {
    let mut world = warm(Setup::default(), "t", 1);
    world.cluster.hold_metadata();
    let old = world.cluster.leader("t", 0).expect("a leader");
    world.cluster.script(Api::Produce, vec![Fault::NotLeader { hint: false, on: On::All }; 60]);
    world.cluster.move_leader("t", 0, 1 + old % 3);
    world.cluster.clear_requests();
    world.send("t", 0);
    world.run(ms(20_000));
    let asked = metadata_requests(&world).len();
    assert!((15..35).contains(&asked), "asked {asked} times");
}

#[test]
fn every_request_carries_the_clients_id() {
    let world = warm(Setup::with(|sender| sender.client_id = "the-client".into()), "t", 3);
    let requests = world.cluster.requests();
    assert!(requests.iter().any(|request| request.api == Api::Produce));
    for request in requests {
        assert_eq!(request.client_id.as_deref(), Some("the-client"), "{request:?}");
    }
}

#[test]
fn brokers_without_records_get_no_produce_request() {
    let mut world = warm(Setup::default(), "t", 3);
    world.cluster.clear_requests();
    let leader = world.cluster.leader("t", 1).expect("a leader");
    (0..10).for_each(|_| {
        world.send("t", 1);
        world.run(ms(10));
    });
    let produced = world.cluster.requests_of(Api::Produce);
    assert!(produced.len() == 10 && produced.iter().all(|request| request.broker == leader));
}

/// A close is bounded while it waits for a producer id, too.
#[test]
fn close_ends_a_wait_for_a_producer_id() {
    let mut world = Setup::default().start();
    world.cluster.create_topic("t", 1);
    world.cluster.script(Api::InitProducerId, [Fault::NeverAnswer { handled: true }]);
    let id = world.send("t", 0);
    world.run(ms(100));
    assert_eq!(world.cluster.requests_of(Api::InitProducerId).len(), 1);
    world.close(ms(2_000));
    world.run(ms(2_001));
    assert!(world.application.closed);
    world.assert_failed(id, ErrorKind::Closed, Fate::NotWritten);
}

/// Only the connection that was throttled pauses. Other connections, also to the same broker, go on.
#[test]
fn a_throttled_producer_id_holds_back_its_connection_alone() {
    let mut world = Setup::default().start();
    world.cluster.create_topic("t", 3);
    world.cluster.script(Api::InitProducerId, [Fault::Throttle(3_000)]);
    let ids: Vec<u64> = (0..3).map(|partition| world.send("t", partition)).collect();
    world.run(ms(3_500));
    ids.iter().for_each(|&id| world.assert_written(id));
    assert_eq!(world.cluster.requests_of(Api::InitProducerId).len(), 1);
}

/// The error is about the whole request, so it says nothing of the topics in it.
#[test]
fn a_metadata_response_with_an_error_is_requested_again() {
    let mut world = Setup::default().start();
    world.cluster.create_topic("t", 1);
    world.cluster.script(Api::Metadata, [Fault::Error(codes::REQUEST_TIMED_OUT, On::All)]);
    let id = world.send("t", 0);
    world.run(ms(1_000));
    world.assert_written(id);
}
