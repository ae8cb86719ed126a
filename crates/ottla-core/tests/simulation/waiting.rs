//! Linger, flush, close and memory: what keeps batches waiting, and what ends the wait.

use ottla_core::accumulator::{Barred, Command, Lingering, NotAccepted, Waiting};
use ottla_core::sender::Answer;
use ottla_core::{ErrorKind, Fate};
use ottla_mock::{Api, Fault, On, codes};

use crate::delivery::warm;
use crate::world::{Setup, World, ms};

fn lingering(linger: u64) -> Setup {
    Setup::with(|sender| sender.linger = ms(linger))
}

#[test]
fn a_hundred_partitions_in_one_linger_take_few_requests() {
    let mut setup = lingering(50);
    setup.brokers = 1;
    let mut world = warm(setup, "t", 100);
    world.cluster.clear_requests();
    for round in 0..10 {
        (0..100).for_each(|partition| {
            world.send("t", partition);
        });
        world.run(ms(if round < 9 { 3 } else { 100 }));
    }
    assert!(world.all_completed());
    let requests = world.cluster.requests_of(Api::Produce).len();
    assert!(requests <= 3, "{requests} requests");
}

#[test]
fn lingering_batches_ride_along() {
    let mut setup = lingering(1_000);
    setup.brokers = 1;
    let mut world = warm(setup, "t", 3);
    world.cluster.clear_requests();
    let waiting = world.send("t", 0);
    world.run(ms(10));
    let urgent = world.send_as("t", Some(1), 0, Lingering::Skipped).expect("accepted");
    world.run(ms(10));
    world.assert_written(urgent);
    world.assert_written(waiting);
    assert_eq!(world.cluster.requests_of(Api::Produce).len(), 1);
}

#[test]
fn linger_is_kept_and_batch_size_ends_it() {
    let mut world = warm(lingering(200).batch_size(1_000), "t", 1);
    let start = world.now;
    let slow = world.send("t", 0);
    world.run(ms(300));
    let took = world.outcome(slow).at.since(start);
    assert!((ms(200)..ms(202)).contains(&took), "{took:?}");
    let full: Vec<u64> = (0..3).map(|_| world.send_sized("t", Some(0), 500).expect("accepted")).collect();
    world.run(ms(10));
    full.iter().for_each(|&id| world.assert_written(id));
}

#[test]
fn flush_ends_linger_and_waits_for_earlier_records_only() {
    let mut world = warm(lingering(5_000), "t", 2);
    let leader = world.cluster.leader("t", 1).expect("a leader");
    let before = world.send("t", 0);
    let ticket = world.flush();
    world.run(ms(10));
    world.assert_written(before);
    assert_eq!(world.application.flushed, [ticket]);
    // Records sent after a flush are not part of it.
    let held = world.send("t", 0);
    let ticket = world.flush();
    world.turn();
    world.cluster.on_request(move |request| match request.api {
        Api::Produce if request.broker == leader => Fault::Error(codes::NOT_ENOUGH_REPLICAS, On::All),
        _ => Fault::None,
    });
    let after = world.send("t", 1);
    world.run(ms(1_000));
    world.assert_written(held);
    assert!(!world.application.outcomes.contains_key(&after));
    assert_eq!(world.application.flushed.last(), Some(&ticket));
}

#[test]
fn flush_waits_for_a_topic_that_is_not_known_yet() {
    let mut world = lingering(5_000).start();
    let id = world.send("late", 0);
    let ticket = world.flush();
    world.run(ms(2_000));
    assert!(world.application.flushed.is_empty());
    world.cluster.create_topic("late", 1);
    world.run(ms(2_000));
    world.assert_written(id);
    assert_eq!(world.application.flushed, [ticket]);
    let never = world.send("never", 0);
    let ticket = world.flush();
    world.run(ms(61_000));
    world.assert_failed(never, ErrorKind::Broker(codes::UNKNOWN_TOPIC_OR_PARTITION), Fate::NotWritten);
    assert_eq!(world.application.flushed.last(), Some(&ticket));
}

#[test]
fn a_flush_of_nothing_ends_at_once() {
    let mut world = Setup::default().start();
    let ticket = world.flush();
    world.turn();
    assert_eq!(world.application.flushed, [ticket]);
}

#[test]
fn close_delivers_accepted_records() {
    let mut world = lingering(5_000).start();
    world.cluster.create_topic("t", 3);
    let ids: Vec<u64> = (0..9).map(|n| world.send("t", n % 3)).collect();
    world.close(ms(60_000));
    assert_eq!(world.send_sized("t", Some(0), 0), Err(NotAccepted::Barred(Barred::Closed)));
    assert!(world.run_until(ms(5_000), |world| world.application.closed));
    ids.iter().for_each(|&id| world.assert_written(id));
    assert!(world.network.links().is_empty());
}

#[test]
fn close_completes_remaining_records_at_its_deadline() {
    let mut world = warm(Setup::default().single_records(), "t", 2);
    let (a, b) = (world.cluster.leader("t", 0), world.cluster.leader("t", 1));
    assert_ne!(a, b);
    world.cluster.script(Api::Produce, [Fault::NeverAnswer { handled: true }]);
    let asked = world.send("t", 0);
    world.run(ms(1));
    world.stop_broker(b.expect("a leader"));
    world.cluster.remove_leader("t", 1);
    let unsent = world.send("t", 1);
    let unknown = world.send("unknown", 0);
    let ticket = world.flush();
    world.close(ms(3_000));
    world.run(ms(2_900));
    assert!(!world.application.closed);
    world.run(ms(101));
    assert!(world.application.closed);
    world.assert_failed(asked, ErrorKind::Closed, Fate::Unknown);
    world.assert_failed(unsent, ErrorKind::Closed, Fate::NotWritten);
    world.assert_failed(unknown, ErrorKind::Closed, Fate::NotWritten);
    assert_eq!(world.application.flushed, [ticket]);
    assert!(world.network.links().is_empty());
    assert_eq!(world.memory_used(), 0);
    for (id, words) in [
        (asked, &["127.0.0.1:909", "has not answered"][..]),
        (unsent, &["127.0.0.1:909", "refused"]),
        (unknown, &["127.0.0.1:909", "has not answered"]),
    ] {
        let message = &world.outcome(id).message;
        words.iter().for_each(|word| assert!(message.contains(word), "{word:?} is missing: {message}"));
        assert!(!message.contains("would have"), "a promise: {message}");
    }
}

#[test]
fn close_with_nothing_left_does_not_wait_for_a_broker_that_is_down() {
    let mut world = warm(Setup::with(|sender| sender.delivery_timeout = ms(5_000)), "t", 1);
    (1..=3).for_each(|broker| world.stop_broker(broker));
    let id = world.send("t", 0);
    world.close(ms(60_000));
    world.run(ms(5_100));
    world.assert_failed(id, ErrorKind::DeliveryTimedOut, Fate::NotWritten);
    assert!(world.application.closed, "everything is completed, and the close still waits");
}

#[test]
fn a_second_close_can_only_shorten_the_first() {
    let mut world = Setup::default().start();
    world.send("unknown", 0);
    world.close(ms(30_000));
    world.run(ms(100));
    world.close(ms(1_000));
    world.run(ms(1_100));
    assert!(world.application.closed && world.all_completed());
}

#[test]
fn full_memory_ends_linger() {
    let mut setup = lingering(60_000);
    setup.accumulator.buffer_memory = 64 << 10;
    let mut world = warm(setup, "t", 4);
    let mut last = 0;
    while let Ok(id) = world.send_sized("t", Some((last % 4) as i32), 300) {
        last = id;
    }
    assert_eq!(world.application.outcomes.len(), 4);
    world.accumulator.inbox.request_room();
    world.run(ms(20));
    assert!(world.all_completed(), "a full buffer did not end the linger");
    assert_eq!(world.memory_used(), 0);
    world.send_sized("t", Some(0), 300).expect("room again");
}

#[test]
fn a_record_without_linger_ends_its_batchs_linger() {
    let mut world = warm(lingering(60_000), "t", 1);
    let first = world.send("t", 0);
    let second = world.send_as("t", Some(0), 0, Lingering::Skipped).expect("accepted");
    world.run(ms(10));
    world.assert_written(first);
    world.assert_written(second);
}

#[test]
fn memory_is_held_by_reports_until_they_are_dropped() {
    let mut world = warm(Setup::default(), "t", 1);
    world.application.keep_reports = true;
    world.send("t", 0);
    world.run(ms(10));
    assert!(world.memory_used() > 0);
    world.application.reports.clear();
    assert_eq!(world.memory_used(), 0);
}

fn keyless(world: &mut World, count: usize) -> Vec<u64> {
    (0..count)
        .map(|_| {
            let id = world.send_sized("t", None, 500).expect("accepted");
            world.run(ms(1));
            id
        })
        .collect()
}

#[test]
fn partitions_of_a_slow_broker_are_avoided_and_used_again() {
    let mut setup = Setup::with(|sender| {
        sender.availability_timeout = Some(ms(500));
        sender.metadata_max_age = ms(3_600_000);
    });
    setup.accumulator.batch_size = 1_000;
    let mut world = warm(setup, "t", 3);
    let slow = world.cluster.leader("t", 1).expect("a leader");
    // The broker does not respond for a while, and accepts no more than five requests.
    world.cluster.on_request(move |request| match request.api {
        Api::Produce if request.broker == slow => Fault::Delay(5_000),
        _ => Fault::None,
    });
    for _ in 0..10 {
        world.send("t", 1);
        world.run(ms(1));
    }
    world.run(ms(600));
    keyless(&mut world, 4);
    let avoided = keyless(&mut world, 60);
    world.run(ms(100));
    assert!(
        avoided.iter().all(|id| world.application.outcomes.get(id).is_some_and(|reported| reported.partition != 1))
    );
    world.cluster.clear_faults();
    world.run(ms(30_000));
    let taken_back = keyless(&mut world, 100);
    world.run(ms(1_000));
    assert!(taken_back.iter().any(|id| world.outcome(*id).partition == 1), "it is never taken back");
}

/// With keyless records alone, nothing would connect to the broker again.
#[test]
fn partitions_of_a_broker_that_was_down_are_used_again() {
    let mut setup = Setup::with(|sender| {
        sender.availability_timeout = Some(ms(500));
        sender.delivery_timeout = ms(5_000);
        sender.metadata_max_age = ms(3_600_000);
    });
    setup.accumulator.batch_size = 1_000;
    let mut world = warm(setup, "t", 3);
    let down = std::net::SocketAddr::from(([127, 0, 0, 1], 9094));
    world.cluster.hold_metadata();
    let listener = world.network.listeners.remove(&down).expect("broker 2");
    world.cut_all_to(2);
    world.send("t", 1);
    world.run(ms(6_000));
    assert!(world.all_completed());
    let avoided = keyless(&mut world, 60);
    world.run(ms(100));
    assert!(avoided.iter().all(|id| world.outcome(*id).partition != 1));
    world.network.listeners.insert(down, listener);
    world.run(ms(30_000));
    let taken_back = keyless(&mut world, 100);
    world.run(ms(1_000));
    assert!(taken_back.iter().any(|id| world.outcome(*id).partition == 1), "it is never taken back");
}

#[test]
fn a_close_that_gives_up_records_says_that_their_topic_is_missing() {
    let mut world = Setup::default().start();
    let id = world.send("absent", 0);
    world.close(ms(3_000));
    world.run(ms(3_100));
    world.assert_failed(id, ErrorKind::Closed, Fate::NotWritten);
    let message = &world.outcome(id).message;
    for word in
        ["topic absent", "127.0.0.1:909", "UNKNOWN_TOPIC_OR_PARTITION", "no broker has described it for 2.", "create"]
    {
        assert!(message.contains(word), "{word:?} is missing: {message}");
    }
}

/// The error of a flush that ends before all its records are decided.
fn held(world: &mut World, topic: Option<&str>) -> Option<String> {
    let waiting = Waiting::Records(topic.map(Into::into));
    let ticket = world.command(|ticket| Command::Explain { ticket, waiting });
    world.turn();
    match &world.application.answers[&ticket] {
        Ok(Answer::Waits(held)) => held.clone(),
        other => panic!("no explanation: {other:?}"),
    }
}

#[test]
fn a_flush_that_ends_early_says_what_the_records_wait_for() {
    type Case<'a> = (&'a str, &'a dyn Fn(&mut World), &'a str, &'a [&'a str]);
    let cases: [Case<'_>; 6] = [
        ("a missing topic", &|_| (), "absent", &["127.0.0.1:909", "UNKNOWN_TOPIC_OR_PARTITION", "for 2."]),
        (
            "a topic that is left out",
            &|world| {
                let left_out = vec![Fault::LeaveOut(On::Topic("fresh".into())); 30];
                world.cluster.script(Api::Metadata, left_out);
            },
            "fresh",
            &["127.0.0.1:909", "left topic fresh out"],
        ),
        ("no broker", &|world| (1..=3).for_each(|broker| world.stop_broker(broker)), "t", &[":909", "refused"]),
        (
            "no broker, a topic that is not known",
            &|world| (1..=3).for_each(|broker| world.stop_broker(broker)),
            "fresh",
            &[":909", "refused"],
        ),
        (
            "no answer",
            &|world| world.cluster.script(Api::Produce, [Fault::NeverAnswer { handled: false }]),
            "t",
            &["127.0.0.1:909", "has not answered"],
        ),
        (
            "an error",
            &|world| world.cluster.script(Api::Produce, vec![Fault::Error(codes::NOT_ENOUGH_REPLICAS, On::All); 30]),
            "t",
            &["127.0.0.1:909", "NOT_ENOUGH_REPLICAS"],
        ),
    ];
    for (what, break_it, topic, words) in cases {
        let mut world = warm(Setup::default(), "t", 1);
        world.cluster.create_topic("fresh", 1);
        break_it(&mut world);
        (0..3).for_each(|_| {
            world.send(topic, 0);
        });
        world.flush();
        world.run(ms(2_500));
        let reported = held(&mut world, None).expect(what);
        for word in words.iter().chain(&["3 records for "]) {
            assert!(reported.contains(word), "{what}: {word:?} is missing: {reported}");
        }
        assert_eq!(held(&mut world, Some(topic)).as_ref(), Some(&reported), "{what}");
        assert_eq!(held(&mut world, Some("another")), None, "{what}");
    }
}

#[test]
fn records_with_the_same_reason_are_named_together_and_the_rest_is_counted() {
    let mut world = warm(lingering(60_000), "t", 4);
    assert_eq!(held(&mut world, None), None);
    (0..4).for_each(|partition| {
        world.send("t", partition);
    });
    for topic in ["a", "b", "c", "d"] {
        world.topic_with(topic, |settings| settings.linger = ms(0));
        world.send(topic, 0);
    }
    world.run(ms(1_000));
    let reported = held(&mut world, None).expect("held");
    assert!(reported.starts_with("4 records of 4 partitions: waiting for linger.ms=60000 to pass"), "{reported}");
    assert!(reported.ends_with("; 2 records wait for something else"), "{reported}");
}
