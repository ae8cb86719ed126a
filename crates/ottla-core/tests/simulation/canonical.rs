//! `client.dns.lookup=resolve_canonical_bootstrap_servers_only`: bootstrap servers are reached by the canonical names of their
//! addresses. Brokers that metadata names are reached by the names that it gives them.

use std::net::SocketAddr;

use ottla_mock::{Api, Fault, On};

use super::world::{Setup, World, ms};

const REBOOTSTRAP_REQUIRED: i16 = 129;

fn address(broker: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 9092 + broker))
}

/// The name "first" resolves to the addresses of brokers 1 and 2. Each address has another canonical name.
fn world() -> World {
    let mut world = Setup::with(|sender| sender.canonical_bootstrap = true).start();
    world.network.names.insert("first".into(), vec![address(1), address(2)]);
    for (broker, name) in [(1, "one.example"), (2, "two.example")] {
        world.network.canonical.insert(address(broker), name.into());
        world.network.names.insert(name.into(), vec![address(broker)]);
    }
    world.cluster.create_topic("t", 3);
    world
}

fn assert_delivers(world: &mut World) {
    let ids: Vec<u64> = (0..3).map(|partition| world.send("t", partition)).collect();
    world.run(ms(30_000));
    ids.iter().for_each(|&id| world.assert_written(id));
}

/// The host names that the producer resolved.
fn resolved(world: &World) -> Vec<&str> {
    let names = world.observer.log.iter().filter_map(|(_, line)| line.split_once(": resolving ")).map(|(_, name)| name);
    names.filter(|name| *name != "127.0.0.1").collect()
}

#[test]
fn bootstrap_servers_are_reached_by_their_canonical_names() {
    let mut world = world();
    assert_delivers(&mut world);
    assert_eq!(world.network.asked_canonical, ["first"]);
    assert_eq!(resolved(&world), ["one.example"]);
}

#[test]
fn each_address_becomes_a_separate_bootstrap_server() {
    let mut world = world();
    world.network.listeners.remove(&address(1));
    world.cluster.set_address(1, "127.0.0.1", 19_001);
    world.network.listeners.insert(SocketAddr::from(([127, 0, 0, 1], 19_001)), 1);
    assert_delivers(&mut world);
    assert_eq!(world.network.asked_canonical, ["first"]);
    assert_eq!(resolved(&world), ["one.example", "two.example"]);
    let lost = world.observer.log.iter().find(|(_, line)| line.contains("bootstrap server one.example:9093"));
    assert!(lost.is_some(), "messages name it by its canonical name");
}

/// Two servers resolve to the same two addresses, and nothing listens there.
#[test]
fn a_canonical_name_that_is_found_twice_is_one_bootstrap_server() {
    let mut world = Setup::with(|sender| {
        sender.canonical_bootstrap = true;
        sender.bootstrap_servers = vec![("first".into(), 9093), ("second".into(), 9093)];
    })
    .start();
    for name in ["first", "second"] {
        world.network.names.insert(name.into(), vec![address(1), address(2)]);
    }
    world.network.canonical.insert(address(1), "one.example".into());
    world.network.canonical.insert(address(2), "two.example".into());
    world.send("t", 0);
    world.run(ms(10_000));
    world.network.asked_canonical.sort();
    assert_eq!(world.network.asked_canonical, ["first", "second"]);
    let brokers = world.statistics.read(world.now, 0).brokers;
    let mut servers: Vec<&str> = brokers.iter().map(|broker| &*broker.what.address).collect();
    servers.sort_unstable();
    assert_eq!(servers, ["one.example:9093", "one.example:9093", "two.example:9093"]);
}

#[test]
fn an_address_without_a_canonical_name_is_used_in_numeric_form() {
    let mut world = world();
    world.network.canonical.clear();
    assert_delivers(&mut world);
    assert_eq!(world.network.asked_canonical, ["first"]);
    assert_eq!(resolved(&world), [""; 0]);
}

#[test]
fn a_name_that_cannot_be_resolved_is_tried_again() {
    let mut world = world();
    let addresses = world.network.names.remove("first").expect("set");
    let id = world.send("t", 0);
    world.run(ms(5_000));
    assert!(world.network.asked_canonical.len() > 1 && resolved(&world).is_empty());
    world.network.names.insert("first".into(), addresses);
    world.run(ms(5_000));
    world.assert_written(id);
}

#[test]
fn a_resolver_that_does_not_answer_fails_the_attempt_in_time() {
    let mut world = world();
    world.network.no_resolver = true;
    let id = world.send("t", 0);
    world.run(ms(25_000));
    assert!(
        world
            .observer
            .log
            .iter()
            .any(|(_, line)| line.contains("its name was not resolved within socket.connection.setup"))
    );
    world.network.no_resolver = false;
    world.run(ms(60_000));
    world.assert_written(id);
}

#[test]
fn canonical_names_are_looked_up_once() {
    let mut world = world();
    assert_delivers(&mut world);
    world.cluster.script(Api::Metadata, [Fault::Error(REBOOTSTRAP_REQUIRED, On::All)]);
    world.run(ms(310_000));
    assert_delivers(&mut world);
    assert_eq!(resolved(&world), ["one.example"; 2], "it began from the bootstrap server again");
    assert_eq!(world.network.asked_canonical, ["first"]);
}

#[test]
fn names_are_not_replaced_unless_that_is_configured() {
    let mut world = Setup::default().start();
    world.cluster.create_topic("t", 3);
    world.network.canonical.insert(address(1), "one.example".into());
    assert_delivers(&mut world);
    assert!(world.network.asked_canonical.is_empty());
    assert_eq!(resolved(&world), ["first"]);
}
