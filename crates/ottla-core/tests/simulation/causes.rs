//! Every message about a time limit names what was waited for and the last error.

use std::time::Duration;

use ottla_core::accumulator::{About, Command, TransactionCall as Call, Waiting};
use ottla_core::sender::Acks;
use ottla_core::{ErrorKind, Level};
use ottla_mock::{Api, Fault, On, codes};

use crate::delivery::warm;
use crate::transactions::{ID, both, offsets, ready, setup as transactional, world_of};
use crate::world::{Setup, World, ms};

const LEADER: &str = "broker 1 at 127.0.0.1:9093";

fn alone() -> Setup {
    Setup { brokers: 1, ..Setup::default() }
}

fn assert_contains(message: &str, words: &[&str]) {
    words.iter().for_each(|word| assert!(message.contains(word), "{word:?} is missing: {message}"));
}

/// The message of a record that fails within `limit`.
fn failure(world: &mut World, id: u64, limit: Duration) -> String {
    world.run(limit);
    assert!(world.outcome(id).error.is_some());
    world.outcome(id).message.clone()
}

/// What the command with this ticket waits for.
fn waits_for(world: &mut World, waiting: Waiting) -> String {
    let ticket = world.command(|ticket| Command::Explain { ticket, waiting });
    world.turn();
    match &world.application.answers[&ticket] {
        Ok(ottla_core::sender::Answer::Waits(Some(why))) => why.clone(),
        other => panic!("no explanation: {other:?}"),
    }
}

#[test]
fn a_record_that_expires_under_a_quota_names_the_throttle() {
    let mut world = warm(Setup { brokers: 1, ..Setup::with(|sender| sender.delivery_timeout = ms(4_000)) }, "t", 1);
    world.cluster.script(Api::Produce, [Fault::Throttle(60_000)]);
    world.send("t", 0);
    world.run(ms(100));
    let id = world.send("t", 0);
    let message = failure(&mut world, id, ms(5_000));
    let left = "asked to hold requests back for 60000 ms (a quota), of which 55900 ms are left";
    assert_contains(&message, &["delivery.timeout.ms=4000", "it was not sent", LEADER, left]);
}

#[test]
fn a_record_that_expires_while_its_leader_is_connected_to_names_the_state_of_the_connection() {
    type Break<'a> = &'a dyn Fn(&mut World);
    let cases: [(Break<'_>, &[&str]); 5] = [
        (&|world| world.cluster.set_address(1, "elsewhere", 9093), &["elsewhere:9093", "no such name", "in a row: "]),
        (
            &|world| {
                world.cluster.set_address(1, "127.0.0.9", 9093);
                world.network.silent.insert(([127, 0, 0, 9], 9093).into());
            },
            &["broker 1 at 127.0.0.9:9093: the connection is not established after 2"],
        ),
        (
            &|world| {
                world.cluster.set_address(1, "127.0.0.9", 9093);
                world.network.listeners.insert(([127, 0, 0, 9], 9093).into(), 1);
                world.cluster.script(Api::ApiVersions, [Fault::None, Fault::NeverAnswer { handled: false }]);
            },
            &["127.0.0.9:9093: connected, but it has not answered ApiVersions after 2", "security.protocol"],
        ),
        (
            &|world| {
                world.cluster.set_address(1, "127.0.0.9", 9093);
                world.network.listeners.insert(([127, 0, 0, 9], 9093).into(), 1);
                world.network.unsecured.insert(([127, 0, 0, 9], 9093).into());
            },
            &["127.0.0.9:9093: connected, but the TLS handshake has not ended after 2", "security.protocol"],
        ),
        (
            &|world| world.cluster.script(Api::InitProducerId, [Fault::NeverAnswer { handled: false }]),
            &["waiting for a producer id", "has not answered InitProducerId after 2"],
        ),
    ];
    for (break_it, words) in cases {
        let mut world = Setup { brokers: 1, ..Setup::with(|sender| sender.delivery_timeout = ms(3_000)) }.start();
        world.cluster.create_topic("t", 1);
        break_it(&mut world);
        let id = world.send("t", 0);
        assert_contains(&failure(&mut world, id, ms(4_000)), &[words, &["it was not sent"]].concat());
    }
}

/// Another broker is down, which is not why this record is late.
#[test]
fn the_error_of_a_record_names_no_unrelated_broker() {
    let mut world = warm(Setup::with(|sender| sender.delivery_timeout = ms(4_000)), "t", 2);
    let (leader, other) = (world.cluster.leader("t", 0).expect("led"), world.cluster.leader("t", 1).expect("led"));
    assert_ne!(leader, other);
    world.cluster.on_request(move |request| match request.api {
        Api::Produce if request.broker == leader => Fault::NeverAnswer { handled: false },
        Api::Metadata => Fault::NeverAnswer { handled: false },
        _ => Fault::None,
    });
    let id = world.send("t", 0);
    world.run(ms(3_900));
    world.stop_broker(other);
    let message = failure(&mut world, id, ms(200));
    assert_contains(&message, &[&format!("broker {leader} at "), "has not answered Produce after 4000 ms"]);
    assert!(!message.contains(&format!("broker {other} at ")), "{message}");
}

#[test]
fn a_record_that_expires_while_lingering_says_so() {
    let mut world = warm(Setup { brokers: 1, ..Setup::with(|sender| sender.linger = ms(5_000)) }, "t", 1);
    world.send("t", 0);
    world.run(ms(1_000));
    assert_contains(&waits_for(&mut world, Waiting::Records(Some("t".into()))), &["t-0", "linger.ms=5000"]);
}

#[test]
fn a_retried_record_names_the_last_error_and_what_it_waits_for() {
    let mut world = warm(Setup { brokers: 1, ..Setup::with(|sender| sender.delivery_timeout = ms(4_000)) }, "t", 1);
    world.cluster.script(
        Api::Produce,
        [Fault::Error(codes::NOT_ENOUGH_REPLICAS, On::All), Fault::NeverAnswer { handled: false }],
    );
    let id = world.send("t", 0);
    let message = failure(&mut world, id, ms(5_000));
    assert_contains(
        &message,
        &["it was sent 2 times", LEADER, "has not answered Produce after 3", "last error: NOT_ENOUGH_REPL"],
    );
}

#[test]
fn a_check_that_fails_while_every_broker_throttles_says_so() {
    let mut world = warm(alone(), "t", 1);
    world.cluster.script(Api::Produce, [Fault::Throttle(60_000)]);
    world.send("t", 0);
    world.run(ms(100));
    let (asked_at, deadline) = (world.now, world.now.after(ms(2_000)));
    let ticket = world.command(|ticket| Command::Inquire { ticket, about: About::Cluster, asked_at, deadline });
    world.run(ms(2_100));
    let error = world.application.answers[&ticket].clone().expect_err("throttled");
    assert_contains(error.message(), &[LEADER, "asked to hold requests back for 60000 ms"]);
}

#[test]
fn an_unavailable_coordinator_is_named_with_its_error_and_a_suggestion() {
    let mut world = world_of(2, Setup { brokers: 1, ..transactional() });
    world.cluster.on_request(|request| match request.api {
        Api::FindCoordinator => Fault::Error(codes::COORDINATOR_NOT_AVAILABLE, On::All),
        _ => Fault::None,
    });
    let ticket = world.call(Call::Init);
    world.run(ms(5_000));
    let why = waits_for(&mut world, Waiting::Call(ticket));
    let hint = "transaction.state.log.replication.factor";
    assert_contains(&why, &["answered FindCoordinator", ID, "COORDINATOR_NOT_AVAILABLE", "127.0.0.1:9093", hint]);
}

#[test]
fn a_transactional_call_that_times_out_names_the_unanswered_request() {
    both(|generation| {
        for (api, call) in [
            (Api::FindCoordinator, Call::Init),
            (Api::InitProducerId, Call::Init),
            (Api::TxnOffsetCommit, offsets("t", 1)),
            (Api::AddPartitionsToTxn, Call::Commit),
            (Api::Produce, Call::Commit),
            (Api::Produce, Call::Abort),
            (Api::EndTxn, Call::Commit),
            (Api::EndTxn, Call::Abort),
        ] {
            if api == Api::AddPartitionsToTxn && generation == 2 {
                continue;
            }
            let mut world = if call == Call::Init { world_of(generation, transactional()) } else { ready(generation) };
            if call != Call::Init {
                world.transact(Call::Begin).expect("begun");
                world.send("t", 0);
                world.run(if api == Api::EndTxn { ms(1_000) } else { ms(0) });
            }
            world.cluster.on_request(move |request| match request.api == api {
                true => Fault::NeverAnswer { handled: false },
                false => Fault::None,
            });
            if matches!(api, Api::Produce | Api::AddPartitionsToTxn) {
                world.send("t", 1);
                world.run(ms(100));
            }
            let ticket = world.call(call.clone());
            world.run(ms(2_000));
            let why = waits_for(&mut world, Waiting::Call(ticket));
            let words = format!("has not answered {api:?} after ");
            assert_contains(&why, &[&words, ":909"]);
        }
    });
}

#[test]
fn a_commit_that_waits_for_records_says_what_the_records_wait_for() {
    let mut world = ready(2);
    world.transact(Call::Begin).expect("begun");
    world.cluster.on_request(|request| match request.api {
        Api::Produce => Fault::Error(codes::NOT_ENOUGH_REPLICAS, On::All),
        _ => Fault::None,
    });
    world.send("t", 1);
    let ticket = world.call(Call::Commit);
    world.run(ms(3_000));
    let why = waits_for(&mut world, Waiting::Call(ticket));
    assert_contains(&why, &["t-1", "NOT_ENOUGH_REPLICAS"]);
}

#[test]
fn a_coordinator_that_cannot_be_reached_is_named() {
    let mut world = ready(2);
    world.transact(Call::Begin).expect("begun");
    world.send("t", 0);
    world.run(ms(100));
    (1..=3).for_each(|broker| world.stop_broker(broker));
    let ticket = world.call(Call::Commit);
    world.run(ms(3_000));
    let why = waits_for(&mut world, Waiting::Call(ticket));
    assert_contains(&why, &["refused"]);
}

#[test]
fn a_partition_that_waits_to_be_added_names_the_coordinators_error() {
    let mut world = ready(1);
    world.cluster.on_request(|request| match request.api {
        Api::AddPartitionsToTxn => Fault::Error(codes::CONCURRENT_TRANSACTIONS, On::All),
        _ => Fault::None,
    });
    world.transact(Call::Begin).expect("begun");
    let id = world.send("t", 0);
    let message = failure(&mut world, id, ms(125_000));
    assert_contains(&message, &["it was not sent", "answered AddPartitionsToTxn", "CONCURRENT_TRANSACTIONS"]);
}

#[test]
fn calls_ended_by_the_close_say_what_they_waited_for() {
    let mut world = world_of(2, transactional());
    world.cluster.on_request(|request| match request.api {
        Api::FindCoordinator => Fault::Error(codes::COORDINATOR_NOT_AVAILABLE, On::All),
        _ => Fault::None,
    });
    let call = world.call(Call::Init);
    world.run(ms(2_000));
    world.cluster.script(Api::Metadata, [Fault::NeverAnswer { handled: false }]);
    let (asked_at, deadline) = (world.now, world.now.after(ms(60_000)));
    let question = world.command(|ticket| Command::Inquire { ticket, about: About::Cluster, asked_at, deadline });
    world.run(ms(500));
    world.close(ms(0));
    world.run(ms(10));
    for (ticket, words) in [(call, "COORDINATOR_NOT_AVAILABLE"), (question, "has not answered Metadata after 500 ms")] {
        let error = world.application.answers[&ticket].clone().expect_err("closed");
        assert_eq!(error.kind(), ErrorKind::Closed);
        assert_contains(error.message(), &[words]);
    }
}

#[test]
fn a_caller_that_waits_for_one_topic_learns_what_its_records_wait_for() {
    let mut world = warm(alone(), "t", 1);
    world.cluster.script(Api::Produce, [Fault::NeverAnswer { handled: false }]);
    world.send("t", 0);
    world.send("missing", 0);
    world.run(ms(1_500));
    let of = |topic: &str| Waiting::Records(Some(topic.into()));
    assert_contains(&waits_for(&mut world, of("t")), &["t-0", "has not answered Produce after 1500 ms"]);
    assert_contains(&waits_for(&mut world, of("missing")), &["topic missing", "UNKNOWN_TOPIC_OR_PARTITION"]);
    assert_contains(&waits_for(&mut world, Waiting::Records(None)), &["t-0", "topic missing"]);
}

#[test]
fn a_listener_that_closes_at_the_request_after_api_versions_may_require_sasl() {
    let mut world = alone().start();
    world.cluster.on_request(|request| match request.api {
        Api::ApiVersions => Fault::None,
        _ => Fault::DropBefore,
    });
    let (asked_at, deadline) = (world.now, world.now.after(ms(3_000)));
    let ticket = world.command(|ticket| Command::Inquire { ticket, about: About::Cluster, asked_at, deadline });
    world.run(ms(60_000));
    let error = world.application.answers[&ticket].clone().expect_err("nothing answers");
    let words = ["bootstrap server first:9093", "ApiVersions", "SASL", "security.protocol"];
    assert_contains(error.message(), &words);
    let warnings: Vec<_> =
        world.observer.log.iter().filter(|(level, line)| *level <= Level::Warning && line.contains("SASL")).collect();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    // The listener speaks plaintext again, and requires SASL again later.
    world.cluster.clear_faults();
    world.run(ms(5_000));
    assert!(world.counts().metadata_updates > 0);
}

/// A refused record, and a record lost with its connection, are no signs of SASL.
#[test]
fn a_produce_request_that_kills_its_connection_is_no_sign_of_sasl() {
    for acks in [Acks::All, Acks::Leader] {
        let mut setup = Setup::with(|sender| sender.delivery_timeout = ms(10_000));
        setup.sender.acks = acks;
        let mut world = warm(setup, "t", 3);
        world.cluster.on_request(|request| match request.api {
            Api::Produce => Fault::DropBefore,
            _ => Fault::None,
        });
        let ids: Vec<u64> = (0..3).map(|partition| world.send("t", partition)).collect();
        world.run(ms(12_000));
        ids.iter()
            .for_each(|&id| assert!(!world.outcome(id).message.contains("SASL"), "{}", world.outcome(id).message));
        assert!(!world.observer.log.iter().any(|(_, line)| line.contains("SASL")));
    }
}

#[test]
fn a_listener_that_closes_at_the_first_bytes_may_require_tls() {
    let mut world = Setup::with(|sender| sender.delivery_timeout = ms(3_000)).start();
    world.cluster.on_request(|_| Fault::DropBefore);
    let id = world.send("t", 0);
    world.run(ms(61_000));
    world.assert_failed(id, ErrorKind::MetadataTimedOut, ottla_core::Fate::NotWritten);
    assert_contains(&world.outcome(id).message, &["first:9093", "TLS", "security.protocol"]);
}
