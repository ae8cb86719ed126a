//! Questions about the cluster and about topics. Each is answered, or fails with a reason, within its bound.

use std::time::Duration;

use ottla_core::accumulator::{About, Command};
use ottla_core::sender::{Answer, PartitionInfo};
use ottla_core::{Error, ErrorKind};
use ottla_mock::{Api, Fault, On, TopicOptions, codes};

use crate::delivery::warm;
use crate::world::{Setup, World, ms};

fn ask(world: &mut World, about: About, limit: Duration) -> u64 {
    let (asked_at, deadline) = (world.now, world.now.after(limit));
    world.command(|ticket| Command::Inquire { ticket, about, asked_at, deadline })
}

fn check(world: &mut World, limit: Duration) -> u64 {
    ask(world, About::Cluster, limit)
}

fn topic(name: &str, led: bool) -> About {
    About::Topic { name: name.into(), led }
}

/// Waits for the answer to a ticket. Returns it, and how long that took.
fn outcome(world: &mut World, ticket: u64) -> (ottla_core::Result<Answer>, Duration) {
    let begin = world.now;
    assert!(world.run_until(ms(100_000), |world| world.application.answers.contains_key(&ticket)), "never answered");
    (world.application.answers[&ticket].clone(), world.now.since(begin))
}

fn partitions(outcome: ottla_core::Result<Answer>) -> Vec<PartitionInfo> {
    match outcome {
        Ok(Answer::Partitions(partitions)) => partitions.to_vec(),
        other => panic!("no partitions: {other:?}"),
    }
}

fn assert_contains(error: &Error, words: &[&str]) {
    words.iter().for_each(|word| assert!(error.message().contains(word), "{word:?} is missing: {error}"));
}

#[test]
fn a_check_is_answered_by_a_request_made_for_it() {
    let mut world = Setup::default().start();
    let first = check(&mut world, ms(5_000));
    let (answer, took) = outcome(&mut world, first);
    assert!(answer.is_ok() && took < ms(10), "{answer:?} after {took:?}");
    // What is known from the first check does not answer the second.
    for broker in 1..=3 {
        world.stop_broker(broker);
    }
    let second = check(&mut world, ms(5_000));
    let (answer, took) = outcome(&mut world, second);
    assert!(answer.is_err() && took >= ms(5_000) && took < ms(5_100), "{answer:?} after {took:?}");
}

#[test]
fn a_check_is_not_answered_by_metadata_requested_earlier() {
    let mut world = Setup::default().start();
    world.cluster.script(Api::Metadata, [Fault::Delay(300), Fault::Delay(200)]);
    world.run(ms(100));
    let ticket = check(&mut world, ms(5_000));
    let (answer, took) = outcome(&mut world, ticket);
    assert!(answer.is_ok() && took >= ms(400), "{answer:?} after {took:?}");
}

#[test]
fn a_check_does_not_wait_for_the_backoff_of_a_missing_topic() {
    let mut world = Setup::default().start();
    world.send("missing", 0);
    world.run(ms(5_050));
    for _ in 0..10 {
        let ticket = check(&mut world, ms(1_000));
        let (answer, took) = outcome(&mut world, ticket);
        assert!(answer.is_ok() && took < ms(10), "{answer:?} after {took:?}");
        world.run(ms(130));
    }
}

#[test]
fn a_check_that_times_out_says_why() {
    type Case<'a> = (&'a str, &'a dyn Fn(&mut World), ErrorKind, &'a [&'a str]);
    let unreachable: [Case<'_>; 6] = [
        ("no name", &|world| world.network.names.clear(), ErrorKind::Resolve, &["first:9093", "no such name"]),
        ("refused", &|world| world.network.listeners.clear(), ErrorKind::Io, &["first:9093", "refused"]),
        (
            "no connection",
            &|world| world.network.silent.extend(world.network.listeners.keys().copied()),
            ErrorKind::TimedOut,
            &["first:9093", "not established"],
        ),
        (
            "mute",
            &|world| world.cluster.script(Api::ApiVersions, [Fault::NeverAnswer { handled: false }]),
            ErrorKind::TimedOut,
            &["first:9093", "security.protocol"],
        ),
        (
            "TLS does not begin",
            &|world| world.network.unsecured.extend(world.network.listeners.keys().copied()),
            ErrorKind::TimedOut,
            &["first:9093", "the TLS handshake has not ended", "security.protocol"],
        ),
        (
            "no metadata",
            &|world| world.cluster.script(Api::Metadata, [Fault::NeverAnswer { handled: false }]),
            ErrorKind::TimedOut,
            &["first:9093", "has not answered"],
        ),
    ];
    for (what, break_it, kind, words) in unreachable {
        let mut world = Setup::default().start();
        break_it(&mut world);
        let ticket = check(&mut world, ms(2_000));
        let (answer, took) = outcome(&mut world, ticket);
        let error = answer.expect_err(what);
        assert_eq!(error.kind(), kind, "{what}: {error}");
        assert_contains(&error, words);
        assert_contains(&error, &["2000 ms"]);
        assert!((ms(2_000)..ms(2_100)).contains(&took), "{what}: {took:?}");
    }
}

#[test]
fn a_slow_connection_setup_names_the_step_that_takes_long() {
    type Case<'a> = (&'a dyn Fn(&mut World), ErrorKind, &'a [&'a str], &'a [&'a str]);
    let phases: [Case<'_>; 4] = [
        (
            &|world| world.network.no_resolver = true,
            ErrorKind::Resolve,
            &["first:9093", "its name was not resolved within", "resolv.conf"],
            &["firewall", "security.protocol"],
        ),
        (
            &|world| world.network.silent.extend(world.network.listeners.keys().copied()),
            ErrorKind::Io,
            &["first:9093", "the connection was not established within", "firewall"],
            &["resolv", "security.protocol"],
        ),
        (
            &|world| world.network.unsecured.extend(world.network.listeners.keys().copied()),
            ErrorKind::Io,
            &["first:9093", "did not end the TLS handshake within", "security.protocol"],
            &["resolv", "firewall"],
        ),
        (
            &|world| world.cluster.script(Api::ApiVersions, vec![Fault::NeverAnswer { handled: false }; 4]),
            ErrorKind::Io,
            &["first:9093", "did not answer ApiVersions within", "security.protocol"],
            &["resolv", "firewall"],
        ),
    ];
    for (break_it, kind, words, others) in phases {
        let mut world = Setup::default().start();
        break_it(&mut world);
        let ticket = check(&mut world, ms(15_000));
        let error = outcome(&mut world, ticket).0.expect_err("nothing answers");
        assert_eq!(error.kind(), kind, "{error}");
        assert_contains(&error, words);
        assert_contains(&error, &["socket.connection.setup.timeout.ms"]);
        assert!(others.iter().all(|other| !error.message().contains(other)), "{error}");
    }
}

#[test]
fn questions_end_with_the_producer() {
    let mut world = Setup::default().start();
    (1..=3).for_each(|broker| world.stop_broker(broker));
    let ticket = check(&mut world, ms(60_000));
    world.run(ms(100));
    world.close(ms(10));
    world.run(ms(20));
    assert_eq!(world.application.answers[&ticket].as_ref().expect_err("closed").kind(), ErrorKind::Closed);
}

#[test]
fn partitions_are_described_as_the_broker_sees_them() {
    let mut world = Setup::default().start();
    world.cluster.create_topic("t", 4);
    world.cluster.set_isr("t", 2, &[3]);
    world.cluster.move_leader("t", 2, 3);
    world.cluster.remove_leader("t", 1);
    let ticket = ask(&mut world, topic("t", false), ms(5_000));
    let (answer, took) = outcome(&mut world, ticket);
    assert!(took < ms(10), "{took:?}");
    let found = partitions(answer);
    assert_eq!(found.iter().map(|p| p.partition).collect::<Vec<_>>(), [0, 1, 2, 3]);
    assert_eq!((found[1].leader, &found[1].leader_address), (None, &None));
    assert_eq!((found[2].leader, found[2].leader_epoch, &found[2].in_sync[..]), (Some(3), Some(1), &[3][..]));
    assert_eq!(found[2].leader_address, Some(("127.0.0.1".into(), 9095)));
    assert_eq!(found[0].replicas.len(), 3);
    // The topic is known now, so its first record waits for nothing.
    let requests = world.cluster.requests_of(Api::Metadata).len();
    let id = world.send("t", 0);
    world.run(ms(10));
    world.assert_written(id);
    assert_eq!(world.cluster.requests_of(Api::Metadata).len(), requests);
}

#[test]
fn a_partition_inquiry_always_requests_metadata() {
    let mut world = warm(Setup::default(), "t", 1);
    world.cluster.add_partitions("t", 3);
    let ticket = ask(&mut world, topic("t", false), ms(5_000));
    let (answer, _) = outcome(&mut world, ticket);
    assert_eq!(partitions(answer).len(), 3);
}

#[test]
fn a_topic_is_waited_for_until_it_exists_and_is_led() {
    let mut world = Setup::default().start();
    let ticket = ask(&mut world, topic("t", true), ms(20_000));
    world.run(ms(3_000));
    world.cluster.create_topic("t", 2);
    world.cluster.remove_leader("t", 1);
    world.run(ms(3_000));
    assert!(world.application.answers.is_empty());
    world.cluster.move_leader("t", 1, 2);
    let (answer, took) = outcome(&mut world, ticket);
    assert!(took < ms(1_300), "{took:?}");
    assert_eq!(partitions(answer).len(), 2);
}

#[test]
fn an_unmet_wait_for_a_topic_says_what_is_missing() {
    let mut world = Setup::default().start();
    world.cluster.create_topic("headless", 2);
    world.cluster.remove_leader("headless", 1);
    for (about, code, words) in [
        (
            topic("missing", true),
            codes::UNKNOWN_TOPIC_OR_PARTITION,
            &["missing", "UNKNOWN_TOPIC_OR_PARTITION", "create it"][..],
        ),
        (topic("missing", false), codes::UNKNOWN_TOPIC_OR_PARTITION, &["missing", "UNKNOWN_TOPIC_OR_PARTITION"]),
        (topic("headless", true), codes::LEADER_NOT_AVAILABLE, &["headless-1", "no leader"]),
    ] {
        let ticket = ask(&mut world, about, ms(2_000));
        let (answer, took) = outcome(&mut world, ticket);
        let error = answer.expect_err("not as asked for");
        assert_eq!(error.kind(), ErrorKind::Broker(code), "{error}");
        assert_contains(&error, words);
        assert!((ms(2_000)..ms(2_100)).contains(&took), "{took:?}");
    }
}

#[test]
fn a_permanent_topic_error_is_reported_at_once() {
    let mut world = Setup::default().start();
    world.cluster.create_topic("secret", 1);
    world.cluster.on_request(|request| match request.api {
        Api::Metadata => Fault::Error(codes::TOPIC_AUTHORIZATION_FAILED, On::Topic("secret".into())),
        _ => Fault::None,
    });
    for (name, code) in [("secret", codes::TOPIC_AUTHORIZATION_FAILED), ("not a name", codes::INVALID_TOPIC_EXCEPTION)]
    {
        let ticket = ask(&mut world, topic(name, true), ms(60_000));
        let (answer, took) = outcome(&mut world, ticket);
        assert_eq!(answer.expect_err("refused").kind(), ErrorKind::Broker(code));
        assert!(took < ms(10), "{took:?}");
    }
}

#[test]
fn an_auto_created_topic_is_described_once_it_exists() {
    let mut world = Setup::default().start();
    world.cluster.auto_create = Some(TopicOptions { partitions: 3, ..Default::default() });
    let ticket = ask(&mut world, topic("made", true), ms(5_000));
    let (answer, _) = outcome(&mut world, ticket);
    assert_eq!(partitions(answer).len(), 3);
}

#[test]
fn a_question_about_a_topic_survives_a_lost_answer() {
    let mut world = warm(Setup::default(), "t", 1);
    world.cluster.script(Api::Metadata, [Fault::DropAfter, Fault::Garbage(vec![1, 2, 3])]);
    let ticket = ask(&mut world, topic("t", true), ms(50_000));
    let (answer, took) = outcome(&mut world, ticket);
    assert!(answer.is_ok() && took < ms(35_000), "{answer:?} after {took:?}");
}

/// The bootstrap address responds, but the leaders' addresses that it gives are wrong.
#[test]
fn a_wait_for_a_led_topic_fails_while_its_leader_refuses_connections() {
    for rebootstrap in [true, false] {
        let mut world = Setup::with(|sender| sender.rebootstrap = rebootstrap).start();
        world.cluster.create_topic("t", 3);
        world.cluster.set_address(2, "127.0.0.1", 1);
        for _ in 0..3 {
            let ticket = ask(&mut world, topic("t", true), ms(2_000));
            let (answer, took) = outcome(&mut world, ticket);
            let error = answer.expect_err("one leader refuses connections");
            assert_eq!(error.kind(), ErrorKind::Io, "{error}");
            assert_contains(&error, &["t-1", "broker 2 at 127.0.0.1:1", "refused", "advertised.listeners", "2000 ms"]);
            assert!((ms(2_000)..ms(2_100)).contains(&took), "{took:?}");
        }
        // Its partitions are known nevertheless.
        let ticket = ask(&mut world, topic("t", false), ms(2_000));
        assert_eq!(partitions(outcome(&mut world, ticket).0).len(), 3);
        // Once the address is right, the check finds the leader by itself.
        let ticket = ask(&mut world, topic("t", true), ms(20_000));
        world.run(ms(3_000));
        assert!(!world.application.answers.contains_key(&ticket));
        world.cluster.set_address(2, "127.0.0.1", 9094);
        let (answer, took) = outcome(&mut world, ticket);
        assert!(answer.is_ok() && took < ms(2_500), "{answer:?} after {took:?}");
    }
}

#[test]
fn a_check_waits_for_a_leader_that_is_being_connected_to() {
    let mut world = Setup::default().start();
    world.cluster.create_topic("t", 3);
    world.network.silent.insert(std::net::SocketAddr::from(([127, 0, 0, 1], 9094)));
    let ticket = ask(&mut world, topic("t", true), ms(2_000));
    let (answer, took) = outcome(&mut world, ticket);
    let error = answer.expect_err("one leader swallows packets");
    assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
    assert_contains(&error, &["t-1", "broker 2 at 127.0.0.1:9094", "not established"]);
    assert!((ms(2_000)..ms(2_100)).contains(&took), "{took:?}");
    world.network.silent.clear();
    let ticket = ask(&mut world, topic("t", true), ms(30_000));
    let (answer, _) = outcome(&mut world, ticket);
    assert!(answer.is_ok(), "{answer:?}");
    assert_eq!(world.network.links_to(2).len(), 1, "the check made the connection");
}

#[test]
fn a_check_of_a_healthy_topic_reaches_its_leaders_at_once() {
    let mut world = Setup::default().start();
    world.cluster.create_topic("t", 6);
    let ticket = ask(&mut world, topic("t", true), ms(5_000));
    let (answer, took) = outcome(&mut world, ticket);
    assert!(answer.is_ok() && took < ms(10), "{answer:?} after {took:?}");
    assert_eq!(
        (1..=3).map(|broker| world.network.links_to(broker).len()).sum::<usize>(),
        4,
        "and the bootstrap address"
    );
}

#[test]
fn a_question_about_a_topic_survives_an_answer_that_leaves_it_out() {
    for led in [true, false] {
        let mut world = warm(Setup::default(), "other", 1);
        world.cluster.create_topic("t", 1);
        let left_out = || Fault::LeaveOut(On::Topic("t".into()));
        world.cluster.script(Api::Metadata, [left_out(), left_out()]);
        let ticket = ask(&mut world, topic("t", led), ms(5_000));
        let (answer, took) = outcome(&mut world, ticket);
        assert!(partitions(answer).len() == 1 && took < ms(500), "{took:?}");
        world.cluster.script(Api::Metadata, vec![left_out(); 30]);
        let ticket = ask(&mut world, topic("t", led), ms(2_000));
        let (answer, _) = outcome(&mut world, ticket);
        let error = answer.expect_err("left out");
        assert_contains(&error, &["topic t", "left", "127.0.0.1:909"]);
        assert!(!error.message().contains("no broker of the cluster"), "{error}");
    }
}
