//! Busy loops: a pause or an interval of 0 or 1 ms must not lead to a storm of requests or connection attempts.

use ottla_core::sender::{Backoff, EventKind};
use ottla_core::{ErrorKind, Level};
use ottla_mock::{Api, Fault, On, codes};

use crate::delivery::warm;
use crate::world::setup::Properties;
use crate::world::{Setup, World, ms};

/// The name of a setting, and a function that changes it.
type Knob = (&'static str, fn(&mut Properties));

fn flat(millis: u64) -> Backoff {
    Backoff { initial: ms(millis), max: ms(millis) }
}

fn one_broker(change: impl FnOnce(&mut Properties)) -> Setup {
    let mut setup = Setup::with(change);
    setup.brokers = 1;
    setup
}

/// The brokers' addresses are wrong: the bootstrap address responds, but the listeners that it advertises refuse
/// connections.
fn wrongly_advertised(host: &str, setup: Setup) -> World {
    let mut world = setup.start();
    world.cluster.create_topic("t", 1);
    for broker in world.cluster.broker_ids() {
        world.cluster.set_address(broker, host, 1);
    }
    world
}

/// Counts are taken over ten seconds, after the first second.
#[test]
fn a_pause_of_0_while_no_broker_is_up_is_no_busy_loop() {
    let knobs: [Knob; 5] = [
        ("reconnect.backoff.ms=0", |sender| sender.reconnect_backoff = flat(0)),
        ("reconnect.backoff.ms=1", |sender| sender.reconnect_backoff = flat(1)),
        ("metadata.recovery.rebootstrap.trigger.ms=0", |sender| sender.rebootstrap_trigger = ms(0)),
        ("metadata.recovery.rebootstrap.trigger.ms=1", |sender| sender.rebootstrap_trigger = ms(1)),
        ("both pauses and the trigger are 0", |sender| {
            (sender.reconnect_backoff, sender.retry_backoff, sender.rebootstrap_trigger) = (flat(0), flat(0), ms(0));
        }),
    ];
    for (what, knob) in knobs {
        let mut world = one_broker(knob).start();
        world.network.listeners.clear();
        world.send("t", 0);
        world.run(ms(1_000));
        world.observer.traffic.clear();
        world.run(ms(10_000));
        let attempts = world.observer.attempts();
        let most = if what.starts_with("both") { 1_300 } else { 130 };
        assert!(attempts >= 5 && attempts <= most, "{what}: {attempts} attempts to connect in 10 s");
    }
}

/// A known leader is connected to as often as reconnect.backoff.ms allows.
#[test]
fn a_reconnect_backoff_of_0_is_no_busy_loop_while_the_leader_is_down() {
    for host in ["127.0.0.1", "nowhere"] {
        let mut world = wrongly_advertised(host, Setup::with(|sender| sender.reconnect_backoff = flat(0)));
        world.send("t", 0);
        world.run(ms(1_000));
        world.observer.traffic.clear();
        world.run(ms(10_000));
        let attempts = world.observer.attempts();
        assert!((100..1_300).contains(&attempts), "{host}: {attempts} attempts to connect in 10 s");
    }
}

#[test]
fn a_metadata_max_age_of_0_refreshes_no_more_often_than_retry_backoff_ms() {
    for (age, backoff, most) in [(0, 100, 105), (1, 100, 105), (0, 0, 1_050), (500, 100, 25)] {
        let mut world = warm(
            Setup::with(|sender| {
                sender.metadata_max_age = ms(age);
                sender.retry_backoff = flat(backoff);
            }),
            "t",
            1,
        );
        world.observer.traffic.clear();
        world.run(ms(10_000));
        let asked = world.observer.requests(Api::Metadata);
        assert!(asked > most / 2 && asked <= most, "age {age}, backoff {backoff}: {asked} requests in 10 s");
    }
}

#[test]
fn a_retry_backoff_of_0_is_no_busy_loop_of_requests() {
    for (api, code) in [
        (Api::Produce, codes::NOT_ENOUGH_REPLICAS),
        (Api::Metadata, codes::LEADER_NOT_AVAILABLE),
        (Api::InitProducerId, codes::COORDINATOR_LOAD_IN_PROGRESS),
    ] {
        for millis in [0, 1] {
            let mut world = Setup::with(|sender| sender.retry_backoff = flat(millis)).start();
            world.cluster.create_topic("t", 1);
            let on = if api == Api::Metadata { On::Topic("t".into()) } else { On::All };
            world.cluster.on_request(move |request| match request.api {
                asked if asked == api => Fault::Error(code, on.clone()),
                _ => Fault::None,
            });
            world.send("t", 0);
            world.run(ms(1_000));
            world.observer.traffic.clear();
            world.run(ms(10_000));
            let requests = world.observer.traffic.len();
            assert!((500..3_000).contains(&requests), "{api:?}, {millis} ms: {requests} requests in 10 s");
        }
    }
}

/// While a broker throttles, no other request can be made.
#[test]
fn a_retry_backoff_of_0_is_no_busy_loop_while_throttled() {
    let mut world = warm(one_broker(|sender| sender.retry_backoff = flat(0)), "t", 1);
    world.cluster.script(Api::Produce, [Fault::Throttle(5_000)]);
    world.send("t", 0);
    world.run(ms(10));
    let id = world.send("new", 0);
    world.cluster.create_topic("new", 1);
    world.run(ms(6_000));
    world.assert_written(id);
}

#[test]
fn a_transaction_s_retry_backoff_of_0_is_no_busy_loop() {
    for (api, code) in [
        (Api::FindCoordinator, codes::COORDINATOR_NOT_AVAILABLE),
        (Api::InitProducerId, codes::NOT_COORDINATOR),
        (Api::InitProducerId, codes::COORDINATOR_LOAD_IN_PROGRESS),
    ] {
        let mut world = Setup::with(|sender| {
            sender.transaction = Some(("mine".into(), 60_000));
            sender.retry_backoff = flat(0);
        })
        .start();
        world.cluster.on_request(move |request| match request.api {
            asked if asked == api => Fault::Error(code, On::All),
            _ => Fault::None,
        });
        world.call(ottla_core::accumulator::TransactionCall::Init);
        world.run(ms(1_000));
        world.observer.traffic.clear();
        world.run(ms(10_000));
        let requests = world.observer.traffic.len();
        assert!((500..3_000).contains(&requests), "{api:?} {code}: {requests} requests in 10 s");
    }
}

/// The response takes longer than a connection may be idle.
#[test]
fn an_idle_limit_of_0_is_no_busy_loop_of_connections() {
    for millis in [0, 1] {
        let mut world = one_broker(|sender| sender.connections_max_idle = Some(ms(millis))).start();
        world.cluster.create_topic("t", 1);
        world.network.latency = ms(40);
        for _ in 0..10 {
            let id = world.send("t", 0);
            world.run(ms(1_000));
            world.assert_written(id);
        }
        assert!(world.network.links().is_empty(), "nothing is on its way: {:?}", world.network.links());
        world.observer.traffic.clear();
        world.run(ms(10_000));
        assert_eq!(world.observer.traffic, [], "{millis} ms: an idle producer");
    }
}

/// Records wait for a producer id longer than a connection may be idle. Nothing would open the connection again.
#[test]
fn a_connection_that_records_wait_for_is_not_idle() {
    let mut world = one_broker(|sender| sender.connections_max_idle = Some(ms(30))).start();
    world.cluster.create_topic("t", 1);
    world.cluster.script(Api::InitProducerId, vec![Fault::Error(codes::COORDINATOR_NOT_AVAILABLE, On::All); 3]);
    let id = world.send("t", 0);
    world.run(ms(10_000));
    world.assert_written(id);
    assert!(world.network.links().is_empty(), "nothing waits any more: {:?}", world.network.links());
}

/// A topic without write permission is requested again for the next record only.
#[test]
fn records_for_a_forbidden_topic_are_no_storm_of_metadata_requests() {
    let mut world = warm(Setup::default(), "t", 1);
    world.cluster.create_topic("secret", 1);
    world.cluster.on_request(|request| match request.api {
        Api::Metadata => Fault::Error(codes::TOPIC_AUTHORIZATION_FAILED, On::Topic("secret".into())),
        _ => Fault::None,
    });
    world.observer.traffic.clear();
    for _ in 0..1_000 {
        world.send("secret", 0);
        world.run(ms(1));
    }
    let asked = world.observer.requests(Api::Metadata);
    assert!((3..=12).contains(&asked), "{asked} requests in 1 s");
}

/// A refused producer id is requested again for the next record only.
#[test]
fn a_refused_producer_id_is_no_storm_of_requests() {
    let mut world = Setup::default().start();
    world.cluster.create_topic("t", 1);
    world.cluster.on_request(|request| match request.api {
        Api::InitProducerId => Fault::Error(codes::CLUSTER_AUTHORIZATION_FAILED, On::All),
        _ => Fault::None,
    });
    for _ in 0..1_000 {
        world.send("t", 0);
        world.run(ms(1));
    }
    let asked = world.observer.requests(Api::InitProducerId);
    assert!((2..=12).contains(&asked), "{asked} requests in 1 s");
    world.run(ms(2_000));
    assert!(
        world
            .application
            .outcomes
            .values()
            .all(|reported| reported.error == Some(ErrorKind::Broker(codes::CLUSTER_AUTHORIZATION_FAILED)))
    );
    assert!(world.all_completed());
}

/// An open batch takes records for an eighth of delivery.timeout.ms, but a record with a longer timeout waits beyond
/// that.
#[test]
fn a_record_that_outlasts_a_tiny_delivery_timeout_does_not_keep_the_sender_awake() {
    let mut world = warm(Setup::with(|sender| sender.delivery_timeout = ms(1)), "t", 1);
    let leader = world.cluster.leader("t", 0).expect("a leader");
    world.stop_broker(leader);
    world.send_within("t", 0, ms(5_000));
    let mut looks = 0;
    let end = world.now.after(ms(1_000));
    while world.now < end {
        world.turn();
        world.now = world.next_event();
        looks += 1;
    }
    assert!(looks < 400, "it looked {looks} times in 1 s");
}

#[test]
fn wrong_advertised_listeners_are_reported_once_and_not_resolved_forever() {
    let mut world = wrongly_advertised("127.0.0.1", Setup::default());
    world.send("t", 0);
    world.run(ms(60_000));
    let reported =
        |world: &World| world.observer.events.iter().filter(|event| event.kind == EventKind::Rebootstrap).count();
    let notices = |world: &World| world.observer.log.iter().filter(|(level, _)| *level == Level::Notice).count();
    assert_eq!((reported(&world), notices(&world)), (1, 1));
    let asked = world.observer.requests(Api::Metadata);
    assert!((6..20).contains(&asked), "{asked} requests in 60 s");
    // The addresses are corrected. The next outage is a new one.
    for broker in 1..=3 {
        world.cluster.set_address(broker, "127.0.0.1", 9092 + broker as u16);
    }
    assert!(world.run_until(ms(20_000), World::all_completed));
    world.assert_written(1);
    (1..=3).for_each(|broker| world.stop_broker(broker));
    world.send("t", 0);
    world.run(ms(10_000));
    assert_eq!((reported(&world), notices(&world)), (2, 2));
}

#[test]
fn a_cluster_that_keeps_requiring_a_rebootstrap_is_reported_once() {
    let mut world = warm(Setup::with(|sender| sender.metadata_max_age = ms(1_000)), "t", 1);
    world.observer.events.clear();
    world.cluster.on_request(|request| match request.api {
        Api::Metadata => Fault::Error(codes::REBOOTSTRAP_REQUIRED, On::All),
        _ => Fault::None,
    });
    world.run(ms(60_000));
    assert_eq!(world.observer.events.iter().filter(|event| event.kind == EventKind::Rebootstrap).count(), 1);
}

/// After a rebootstrap, the reason why the leader could not be reached is still known.
#[test]
fn records_that_fail_because_of_wrong_advertised_listeners_say_so() {
    for rebootstrap in [true, false] {
        for (host, word) in [("127.0.0.1", "refused"), ("kafka", "no such name")] {
            let properties = Setup::with(|sender| {
                sender.rebootstrap = rebootstrap;
                sender.delivery_timeout = ms(6_000);
                sender.request_timeout = ms(2_000);
            });
            let mut world = wrongly_advertised(host, properties);
            for _ in 0..3 {
                let id = world.send("t", 0);
                assert!(world.run_until(ms(7_000), World::all_completed));
                let message = &world.outcome(id).message;
                for expected in [&format!("broker 1 at {host}:1"), word, "advertised.listeners", "last error: "] {
                    assert!(message.contains(expected), "{host}, {rebootstrap}: {expected:?} is missing: {message}");
                }
                assert!(!message.contains("bootstrap.servers"), "{message}");
            }
        }
    }
}
