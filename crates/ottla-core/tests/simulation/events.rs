//! Events: what is reported to the application apart from single records.

use ottla_core::sender::EventKind::{self, *};
use ottla_core::{ErrorKind, Level};
use ottla_mock::{Api, Fault, On, TopicOptions, codes};

use crate::delivery::warm;
use crate::world::{Setup, World, ms};

/// Takes the events reported so far: their kinds and brokers, in order.
fn reported(world: &mut World) -> Vec<(EventKind, i32)> {
    world.observer.events.drain(..).map(|event| (event.kind, event.broker.map_or(0, |broker| broker.id))).collect()
}

fn one_broker() -> Setup {
    Setup { brokers: 1, ..Setup::default() }
}

#[test]
fn a_broker_is_reported_up_once_however_often_it_is_idle() {
    let mut setup = Setup::with(|sender| sender.connections_max_idle = Some(ms(1000)));
    setup.brokers = 1;
    let mut world = warm(setup, "t", 1);
    assert_eq!(reported(&mut world), [(BrokerUp, -1), (BrokerUp, 1)]);
    world.run(ms(5000));
    assert!(world.network.links_to(1).is_empty(), "idle");
    let id = world.send("t", 0);
    world.run(ms(500));
    world.assert_written(id);
    assert_eq!(reported(&mut world), []);
}

#[test]
fn closing_and_replacing_an_idle_connection_is_no_event() {
    let mut world = warm(one_broker(), "t", 1);
    reported(&mut world);
    for _ in 0..3 {
        world.run(ms(3_000));
        world.cut_all_to(1);
        world.run(ms(2_000));
        let id = world.send("t", 0);
        world.run(ms(500));
        world.assert_written(id);
    }
    assert_eq!(reported(&mut world), []);
}

#[test]
fn a_broker_that_closes_an_idle_connection_and_refuses_another_is_reported_down_with_the_reason() {
    let mut world = warm(one_broker(), "t", 1);
    reported(&mut world);
    world.run(ms(3_000));
    world.stop_broker(1);
    world.run(ms(1_000));
    let down = world.observer.events.iter().find(|event| event.kind == BrokerDown).expect("reported");
    assert!(down.message.contains("refused"), "{}", down.message);
    assert_eq!(reported(&mut world)[..2], [(BrokerDown, 1), (AllBrokersDown, 0)]);
}

/// There is nothing to send to that broker.
#[test]
fn an_unneeded_broker_that_closed_an_idle_connection_is_connected_to_once() {
    let mut world = warm(Setup::default(), "t", 3);
    reported(&mut world);
    world.run(ms(3_000));
    world.cluster.hold_metadata();
    world.network.listeners.remove(&std::net::SocketAddr::from(([127, 0, 0, 1], 9094)));
    world.cut_all_to(2);
    world.run(ms(30_000));
    assert_eq!(reported(&mut world), [(BrokerDown, 2)]);
    assert_eq!(world.counts().connections_failed, 1);
}

/// Otherwise a broker that closes each connection at once would be connected to in a loop.
#[test]
fn a_broker_that_closes_each_connection_at_once_is_not_taken_for_idle() {
    let mut world = warm(one_broker(), "t", 1);
    reported(&mut world);
    world.run(ms(3_000));
    let before = world.counts().connections_opened;
    for _ in 0..1_000 {
        world.cut_all_to(1);
        world.run(ms(10));
    }
    let opened = world.counts().connections_opened - before;
    assert!(opened < 250, "{opened} connections in ten seconds");
    assert!(reported(&mut world).contains(&(BrokerDown, 1)));
}

#[test]
fn a_broker_that_goes_down_and_up_is_reported_once_each_with_the_reason() {
    let mut world = warm(one_broker(), "t", 1);
    reported(&mut world);
    world.stop_broker(1);
    let id = world.send("t", 0);
    world.run(ms(10_000));
    assert!(world.counts().connections_failed > 5);
    let down = world.observer.events.iter().find(|event| event.kind == BrokerDown).expect("reported");
    let (error, broker) = (down.error.as_ref().expect("a reason"), down.broker.as_ref().expect("a broker"));
    assert_eq!(
        (error.kind(), broker.id, &*broker.host, broker.port),
        (ErrorKind::Broker(codes::NETWORK_EXCEPTION), 1, "127.0.0.1", 9093)
    );
    assert!(down.message.contains("broker 1 at 127.0.0.1:9093"), "{}", down.message);
    // The bootstrap address is tried once no other broker is left.
    assert_eq!(reported(&mut world), [(BrokerDown, 1), (AllBrokersDown, 0), (Rebootstrap, 0)]);
    world.cluster.start_broker(1);
    world.run(ms(10_000));
    world.assert_written(id);
    let reported = reported(&mut world);
    assert!(reported.contains(&(BrokerUp, 1)), "{reported:?}");
    assert!(!reported.iter().any(|(kind, _)| matches!(kind, BrokerDown | AllBrokersDown)), "{reported:?}");
}

#[test]
fn a_failed_first_attempt_is_reported_and_so_is_that_no_broker_is_left() {
    let mut world = one_broker().start();
    world.stop_broker(1);
    world.send("t", 0);
    world.run(ms(5000));
    let kinds: Vec<ErrorKind> =
        world.observer.events.iter().filter_map(|event| Some(event.error.as_ref()?.kind())).collect();
    assert_eq!(kinds, [ErrorKind::Io, ErrorKind::Io]);
    assert_eq!(reported(&mut world), [(BrokerDown, -1), (AllBrokersDown, 0)]);
}

#[test]
fn one_broker_of_three_being_down_is_not_all_brokers_down() {
    let mut world = warm(Setup::default(), "t", 3);
    reported(&mut world);
    world.stop_broker(2);
    world.run(ms(5000));
    assert_eq!(reported(&mut world), [(BrokerDown, 2)]);
    world.stop_broker(1);
    world.stop_broker(3);
    for partition in 0..3 {
        world.send("t", partition);
    }
    world.run(ms(5000));
    let reported = reported(&mut world);
    assert_eq!(reported[..3], [(BrokerDown, 1), (BrokerDown, 3), (AllBrokersDown, 0)], "{reported:?}");
    assert_eq!(reported.iter().filter(|(kind, _)| *kind == AllBrokersDown).count(), 1, "{reported:?}");
}

#[test]
fn throttling_is_reported_with_its_duration() {
    let mut world = warm(one_broker(), "t", 1);
    reported(&mut world);
    world.cluster.script(Api::Produce, [Fault::Throttle(700)]);
    world.send("t", 0);
    world.run(ms(100));
    assert_eq!(world.observer.events[0].throttle, ms(700));
    assert_eq!(reported(&mut world), [(Throttled, 1)]);
}

#[test]
fn a_refused_producer_id_is_a_fatal_event() {
    let mut world = one_broker().start();
    world.cluster.create_topic("t", 1);
    world.cluster.script(Api::InitProducerId, [Fault::Error(codes::CLUSTER_AUTHORIZATION_FAILED, On::All)]);
    let id = world.send("t", 0);
    world.run(ms(5000));
    assert!(world.outcome(id).error.is_some());
    let fatal = world.observer.events.iter().find(|event| event.kind == Fatal).expect("reported");
    let error = fatal.error.as_ref().expect("a reason");
    assert!(!error.is_fatal() && error.message().contains("enable.idempotence=false"), "{error}");
}

fn missing(world: &World) -> Vec<&ottla_core::sender::Event> {
    world.observer.events.iter().filter(|event| event.kind == TopicMissing).collect()
}

#[test]
fn a_missing_topic_is_reported_and_logged_once_with_its_name() {
    let mut world = Setup::with(|sender| sender.topic_timeout = ms(3_000)).start();
    world.send("absent", 0);
    world.run(ms(1_000));
    let reported = missing(&world);
    let [event] = reported[..] else { panic!("{reported:?}") };
    assert_eq!(event.topic.as_deref(), Some("absent"));
    assert_eq!(event.error.as_ref().expect("a reason").kind(), ErrorKind::Broker(codes::UNKNOWN_TOPIC_OR_PARTITION));
    for word in ["topic absent", "127.0.0.1:909", "UNKNOWN_TOPIC_OR_PARTITION", "create it"] {
        assert!(event.message.contains(word), "{word:?} is missing: {}", event.message);
    }
    let warned = |world: &World| world.observer.log.iter().filter(|(level, _)| *level == Level::Warning).count();
    assert_eq!(warned(&world), 1);
    for _ in 0..10 {
        world.send("absent", 0);
        world.run(ms(1_000));
    }
    assert_eq!((missing(&world).len(), warned(&world)), (1, 1));
    // A topic that was there can be reported as missing again.
    world.cluster.create_topic("absent", 1);
    world.run(ms(2_000));
    world.cluster.delete_topic("absent");
    world.send("absent", 0);
    world.run(ms(5_000));
    assert_eq!(missing(&world).len(), 2);
}

#[test]
fn a_topic_that_responses_leave_out_is_reported_missing() {
    let mut world = Setup::default().start();
    world.cluster.create_topic("t", 1);
    world.cluster.on_request(|request| match request.api {
        Api::Metadata => Fault::LeaveOut(On::Topic("t".into())),
        _ => Fault::None,
    });
    world.send("t", 0);
    world.run(ms(1_000));
    let reported = missing(&world);
    let [event] = reported[..] else { panic!("{reported:?}") };
    assert!(event.message.contains("left topic t out"), "{}", event.message);
}

#[test]
fn an_auto_created_topic_is_not_reported_missing() {
    let mut world = one_broker().start();
    world.cluster.auto_create = Some(TopicOptions::default());
    let id = world.send("t", 0);
    world.run(ms(5_000));
    world.assert_written(id);
    assert_eq!(missing(&world).len(), 0);
    assert!(!world.observer.log.iter().any(|(level, _)| *level <= Level::Warning), "{:#?}", world.log_tail());
}
