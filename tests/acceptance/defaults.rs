//! The defaults, in the table of properties and in the engine's behaviour, and suggestions for the names that are most
//! often misspelled.

use ottla_core::accumulator::NotAccepted;
use ottla_engine::{Config, ErrorKind, Fate};
use ottla_mock::{Api, Fault, On, codes};

use crate::warm;
use crate::world::ms;

#[test]
fn the_table_has_the_defaults_of_the_definition() {
    for (name, value) in [
        ("batch.size", "16384"),
        ("buffer.memory", "33554432"),
        ("max.in.flight.requests.per.connection", "5"),
        ("retries", "2147483647"),
        ("retry.backoff.ms", "100"),
        ("request.timeout.ms", "30000"),
        ("delivery.timeout.ms", "120000"),
        ("linger.ms", "5"),
    ] {
        assert_eq!(Config::new().get(name).as_deref(), Some(value), "{name}");
        let documented = include_str!("../../CONFIGURATION.md").split(&format!("\n### {name}\n")).nth(1);
        let line = documented.and_then(|text| text.trim_start().lines().next()).unwrap_or_default();
        assert!(line.contains(&format!(" default `{value}` ")), "CONFIGURATION.md says of {name}: {line}");
    }
}

#[test]
fn a_batch_of_16_kb_does_not_linger_and_a_smaller_one_does() {
    let mut world = warm(&[("linger.ms", "5000")], "t", 1);
    let most = world.send_sized("t", Some(0), 16_000).expect("accepted");
    world.run(ms(100));
    assert!(!world.application.outcomes.contains_key(&most), "a batch below 16384 bytes was sent at once");
    let last = world.send_sized("t", Some(0), 400).expect("accepted");
    world.run(ms(100));
    world.assert_written(most);
    world.assert_written(last);
}

#[test]
fn a_lone_record_lingers_for_5_ms() {
    let mut world = warm(&[], "t", 1);
    let start = world.now;
    let id = world.send("t", 0);
    world.run(ms(1_000));
    let took = world.outcome(id).at.since(start);
    assert!((ms(5)..ms(7)).contains(&took), "{took:?}");
}

#[test]
fn records_are_held_up_to_32_mb() {
    let mut world = warm(&[], "t", 1);
    world.cluster.stop_broker(world.cluster.leader("t", 0).expect("a leader"));
    let refused = loop {
        if let Err(refused) = world.send_sized("t", Some(0), 100_000) {
            break refused;
        }
    };
    assert!(matches!(refused, NotAccepted::NoRoom(_)), "{refused:?}");
    let held = world.memory_used();
    assert!((33_554_432 - 200_000..=33_554_432).contains(&held), "{held} bytes are held");
}

#[test]
fn five_requests_are_in_flight_to_a_broker() {
    let mut world = warm(&[("batch.size", "0"), ("max.request.size", "200")], "t", 1);
    world.cluster.script(Api::Produce, [Fault::Delay(1_000)]);
    let ids: Vec<u64> = (0..20).map(|_| world.send("t", 0)).collect();
    world.run(ms(900));
    assert_eq!(world.cluster.requests_of(Api::Produce).len(), 5);
    world.run(ms(1_000));
    ids.iter().for_each(|&id| world.assert_written(id));
}

#[test]
fn a_first_retry_comes_after_100_ms() {
    let mut world = warm(&[], "t", 1);
    world.cluster.script(Api::Produce, [Fault::Error(codes::NOT_ENOUGH_REPLICAS, On::All)]);
    let id = world.send("t", 0);
    world.run(ms(1_000));
    world.assert_written(id);
    let pause = world.observer.written[1].0.since(world.observer.written[0].0);
    assert!((ms(80)..ms(122)).contains(&pause), "{pause:?}");
}

/// With 2^31-1 retries, only the delivery timeout can end the attempts.
#[test]
fn only_the_delivery_timeout_of_120_s_ends_retries() {
    let mut world = warm(&[("retry.backoff.ms", "1"), ("retry.backoff.max.ms", "1")], "t", 1);
    world.cluster.on_request(|request| match request.api {
        Api::Produce => Fault::Error(codes::NOT_ENOUGH_REPLICAS, On::All),
        _ => Fault::None,
    });
    let start = world.now;
    let id = world.send("t", 0);
    world.run(ms(119_900));
    assert!(!world.application.outcomes.contains_key(&id), "{:?}", world.application.outcomes.get(&id));
    world.run(ms(200));
    world.assert_failed(id, ErrorKind::DeliveryTimedOut, Fate::NotWritten);
    let took = world.outcome(id).at.since(start);
    assert!((ms(120_000)..ms(120_050)).contains(&took), "{took:?}");
    assert!(world.outcome(id).attempts > 10_000, "{} attempts", world.outcome(id).attempts);
}

#[test]
fn a_request_is_given_up_after_30_s() {
    let mut world = warm(&[], "t", 1);
    world.cluster.script(Api::Produce, [Fault::NeverAnswer { handled: true }]);
    let id = world.send("t", 0);
    world.run(ms(29_900));
    assert_eq!((world.application.outcomes.contains_key(&id), world.counts().requests_timed_out), (false, 0));
    world.run(ms(1_000));
    assert_eq!(world.counts().requests_timed_out, 1);
    world.assert_written(id);
}

#[test]
fn two_names_that_are_often_misspelled_get_the_right_suggestion() {
    for (written, meant) in [
        ("max.inflight.request.per.connection", "max.in.flight.requests.per.connection"),
        ("deliver.timeout.ms", "delivery.timeout.ms"),
    ] {
        let error = Config::new().set(written, "5").expect_err("no such property");
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
        assert!(error.message().contains(written), "{error}");
        assert!(error.message().contains(&format!("did you mean {meant}")), "{error}");
    }
}
