//! Debug lines by facility.

use std::sync::Arc;

use ottla_core::Level;
use ottla_core::config::Facilities;
use ottla_core::sender::DebugSwitch;
use ottla_mock::{Api, Fault, On, codes};

use crate::world::{Setup, World, ms};

fn world(facilities: &str) -> World {
    let mut setup = Setup::with(|sender| {
        sender.log_level = Level::Error;
        sender.debug = Arc::new(DebugSwitch::new(Facilities::parse(facilities).expect("known words")));
    });
    setup.brokers = 1;
    let mut world = setup.start();
    world.cluster.create_topic("t", 2);
    world.cluster.script(Api::Produce, [Fault::Error(codes::NOT_ENOUGH_REPLICAS, On::All)]);
    world.send("t", 1);
    assert!(world.run_until(ms(5000), World::all_completed), "{:#?}", world.log_tail());
    world
}

/// The facilities that logged something.
fn facilities(world: &World) -> Vec<&str> {
    let mut reported: Vec<&str> =
        world.observer.log.iter().filter_map(|(_, line)| line.strip_prefix('[')?.split(']').next()).collect();
    reported.sort_unstable();
    reported.dedup();
    reported
}

#[test]
fn only_the_chosen_facilities_log_debug_lines_whatever_the_level() {
    assert_eq!(world("").observer.log, []);
    assert_eq!(facilities(&world("metadata")), ["metadata"]);
    assert_eq!(facilities(&world("batch,idempotence")), ["batch", "idempotence"]);
    let all = world("all");
    assert_eq!(facilities(&all), ["batch", "connection", "idempotence", "metadata", "queue", "request"]);
    assert!(all.observer.log.iter().all(|(level, _)| *level == Level::Debug), "{:#?}", all.observer.log);
}

#[test]
fn a_request_and_its_response_are_logged_with_name_size_and_time() {
    let world = world("request");
    let lines: Vec<&str> = world.observer.log.iter().map(|(_, line)| line.as_str()).collect();
    let asked = lines.iter().position(|line| line.contains("127.0.0.1:9093: Produce version")).expect("a request");
    let (_, rest) = lines[asked].split_once("request ").expect("a number");
    let number = rest.split(',').next().expect("a number");
    let answered = format!("Produce answered, request {number}, ");
    let answer = lines[asked..].iter().find(|line| line.contains(&answered)).expect("its answer");
    assert!(answer.starts_with("[request] broker 1 at") && answer.ends_with(" after 100 microseconds"), "{answer}");
}

#[test]
fn a_batch_is_logged_at_each_attempt_and_at_its_end() {
    let world = world("msg");
    let lines: Vec<&str> = world.observer.log.iter().map(|(_, line)| line.as_str()).collect();
    let expected = [
        "[batch] t-1: 1 record in |broker 1 at |attempt 1, |sequence 0",
        "NOT_ENOUGH_REPLICAS|attempt 1 of the batch, trying again",
        "[batch] t-1: 1 record in |attempt 2, |sequence 0",
        "[batch] t-1: 1 record decided after |Written at offset 0",
    ];
    assert_eq!(lines.len(), expected.len(), "{lines:#?}");
    for (line, parts) in lines.iter().zip(expected) {
        assert!(parts.split('|').all(|part| line.contains(part)), "{line}\n{lines:#?}");
    }
}

#[test]
fn facilities_can_be_changed_at_run_time() {
    let debug = Arc::new(DebugSwitch::new(Facilities::NONE));
    let switch = debug.clone();
    let mut world = Setup::with(move |sender| {
        sender.log_level = Level::Error;
        sender.debug = switch;
    })
    .start();
    world.cluster.create_topic("t", 1);
    world.send("t", 0);
    world.run(ms(1000));
    assert_eq!(world.observer.log, []);
    debug.set(Facilities::ALL);
    world.send("t", 0);
    world.run(ms(1000));
    assert_eq!(facilities(&world), ["batch", "request"]);
}
