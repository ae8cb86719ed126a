//! Brokers that are added to a producer that runs.

use ottla_core::accumulator::Command;
use ottla_core::sender::EventKind;
use ottla_core::{ErrorKind, Fate};

use crate::world::{Setup, World, ms};

fn world(servers: &[(&str, u16)]) -> World {
    let servers = servers.iter().map(|(host, port)| ((*host).into(), *port)).collect();
    let mut world = Setup::with(|sender| {
        sender.bootstrap_servers = servers;
        sender.delivery_timeout = ms(1_000_000);
        sender.topic_timeout = ms(1_000_000);
    })
    .start();
    world.cluster.create_topic("t", 2);
    world
}

fn add_brokers(world: &mut World, servers: &[(&str, u16)]) {
    let servers = servers.iter().map(|(host, port)| ((*host).into(), *port)).collect();
    world.application.command(&world.accumulator, |_| Command::AddBrokers { servers });
}

#[test]
fn records_wait_for_the_first_broker_and_are_delivered() {
    let mut world = world(&[]);
    let ids: Vec<u64> = (0..5).map(|index| world.send("t", index % 2)).collect();
    let flush = world.flush();
    // Longer than the triggers of a rebootstrap, of which there is none: there is nothing to begin from.
    world.run(ms(700_000));
    assert_eq!((world.network.links(), world.application.flushed.len()), (vec![], 0));
    assert!(world.observer.events.is_empty(), "{:?}", world.observer.events);
    add_brokers(&mut world, &[("first", 9093)]);
    world.run(ms(1_000));
    ids.iter().for_each(|id| world.assert_written(*id));
    assert_eq!(world.application.flushed, [flush]);
}

#[test]
fn producer_without_brokers_says_so() {
    let mut world = Setup::with(|sender| {
        sender.bootstrap_servers = Vec::new();
        sender.delivery_timeout = ms(2_000);
        sender.topic_timeout = ms(1_000);
    })
    .start();
    let id = world.send("t", 0);
    world.run(ms(3_000));
    world.assert_failed(id, ErrorKind::MetadataTimedOut, Fate::NotWritten);
    let message = &world.outcome(id).message;
    assert!(message.contains("no broker is known: bootstrap.servers is not set"), "{message}");
}

#[test]
fn added_broker_is_used_when_the_others_cannot_be_reached() {
    let mut world = world(&[("nowhere", 9099)]);
    let id = world.send("t", 0);
    world.run(ms(5_000));
    assert!(!world.application.outcomes.contains_key(&id));
    // Those that are known already count once.
    add_brokers(&mut world, &[("nowhere", 9099), ("second", 9094)]);
    add_brokers(&mut world, &[("second", 9094)]);
    world.run(ms(5_000));
    world.assert_written(id);
    let snapshot = world.statistics.read(world.now, 0);
    let bootstrap = snapshot.brokers.iter().filter(|broker| broker.what.id < 0);
    assert_eq!(bootstrap.map(|broker| &*broker.what.address).collect::<Vec<_>>(), ["nowhere:9099", "second:9094"]);
}

#[test]
fn added_broker_does_not_disturb_a_producer_that_runs() {
    let mut world = world(&[("first", 9093)]);
    let id = world.send("t", 0);
    world.run(ms(1_000));
    world.assert_written(id);
    let links = world.network.links();
    let events = world.observer.events.len();
    add_brokers(&mut world, &[("nowhere", 9099)]);
    let next = world.send("t", 1);
    world.run(ms(1_000));
    world.assert_written(next);
    assert!(world.observer.events[events..].iter().all(|event| event.kind != EventKind::BrokerDown));
    assert!(links.iter().all(|link| world.network.links().contains(link)));
}
