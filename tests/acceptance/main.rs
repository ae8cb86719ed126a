//! Acceptance tests, one per clause of the project's definition. They set properties and run on the modelled cluster
//! with its manual clock. Clauses about the outside world run against sockets and a real broker.

mod bad_record;
mod defaults;
#[path = "../real_kafka/harness.rs"]
mod harness;
mod keys;
mod retries;
mod styles;
#[path = "../../crates/ottla-core/tests/simulation/world/mod.rs"]
#[allow(dead_code, reason = "each test binary uses its part")]
mod world;

use ottla_engine::{Config, Level, producer::settings};
use world::World;

/// A world with three brokers and a producer with these properties, and defaults for all others.
fn world(properties: &[(&str, &str)]) -> World {
    let mut config = Config::new();
    for (name, value) in [("bootstrap.servers", "first:9093")].iter().chain(properties) {
        config.set(name, value).unwrap_or_else(|error| panic!("{name}={value}: {error}"));
    }
    let resolved = config.resolve().unwrap_or_else(|error| panic!("{properties:?}: {error}"));
    let (sender, accumulator) = (settings::sender(&resolved, 1, Level::Debug), settings::accumulator(&resolved, 1));
    World::with_settings(sender, &accumulator, 3)
}

/// The same, with a topic whose leaders are known and connected.
fn warm(properties: &[(&str, &str)], topic: &str, partitions: i32) -> World {
    let mut world = world(properties);
    world.cluster.create_topic(topic, partitions);
    for partition in 0..partitions {
        world.send(topic, partition);
    }
    world.flush();
    assert!(world.run_until(world::ms(5_000), World::all_completed), "{:#?}", world.log_tail());
    world.cluster.clear_requests();
    world.observer.written.clear();
    world
}
