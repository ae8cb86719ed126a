//! Transactions on the modelled cluster, in both generations of the protocol: KIP-98, where a request adds partitions,
//! and KIP-890 (transaction.version 2), where brokers add them.

use ottla_core::accumulator::{
    GroupMetadata, Offset, OffsetCommit, TransactionCall as Call, TransactionState as State,
};
use ottla_core::{ErrorKind, Fate};
use ottla_mock::{Api, Fault, On, Phase, Versions, codes};

use crate::world::{Setup, World, ms};

pub const ID: &str = "mine";

pub fn setup() -> Setup {
    Setup::with(|sender| sender.transaction = Some((ID.into(), 60_000)))
}

/// A world whose cluster uses this generation, with a topic of two partitions.
pub fn world_of(generation: i16, setup: Setup) -> World {
    let mut world = setup.start();
    world.cluster.set_transaction_version(generation);
    world.cluster.create_topic("t", 2);
    world
}

pub fn ready(generation: i16) -> World {
    let mut world = world_of(generation, setup());
    world.transact(Call::Init).expect("initialized");
    world
}

pub fn both(test: impl Fn(i16)) {
    for generation in [1, 2] {
        test(generation);
    }
}

pub fn state(world: &World) -> State {
    world.accumulator.gate.transaction_state()
}

pub fn committed(world: &World, partition: i32) -> Vec<u64> {
    world.cluster.committed("t", partition).iter().map(|record| crate::world::id_of(record.value.as_deref())).collect()
}

pub fn offsets(topic: &str, offset: i64) -> Call {
    let offset = Offset { topic: topic.into(), partition: 0, offset, leader_epoch: None, metadata: Some("m".into()) };
    let group = GroupMetadata { group_id: "g".into(), ..GroupMetadata::default() };
    Call::SendOffsets(Box::new(OffsetCommit { group, offsets: vec![offset] }))
}

#[test]
fn committed_records_are_seen_and_aborted_ones_are_not() {
    both(|generation| {
        let mut world = ready(generation);
        world.transact(Call::Begin).unwrap();
        let (a, b) = (world.send("t", 0), world.send("t", 1));
        world.transact(Call::Commit).unwrap();
        world.assert_written(a);
        world.assert_written(b);
        world.transact(Call::Begin).unwrap();
        let c = world.send("t", 0);
        world.run(ms(50));
        world.assert_written(c);
        world.transact(Call::Abort).unwrap();
        world.transact(Call::Begin).unwrap();
        let d = world.send("t", 0);
        world.transact(Call::Commit).unwrap();
        assert_eq!((committed(&world, 0), committed(&world, 1)), (vec![a, d], vec![b]), "generation {generation}");
        assert_eq!(state(&world), State::Ready);
    });
}

#[test]
fn a_send_outside_a_transaction_is_refused_before_anything_is_appended() {
    both(|generation| {
        let mut world = world_of(generation, setup());
        let refused = |world: &mut World| format!("{:?}", world.send_sized("t", Some(0), 0).unwrap_err());
        assert!(refused(&mut world).contains("init_transactions"));
        world.transact(Call::Init).unwrap();
        assert!(refused(&mut world).contains("no transaction is open"));
        world.transact(Call::Begin).unwrap();
        let a = world.send("t", 0);
        world.transact(Call::Commit).unwrap();
        assert!(refused(&mut world).contains("no transaction is open"));
        world.transact(Call::Begin).unwrap();
        world.transact(Call::Commit).unwrap();
        assert_eq!(world.in_log("t", 0), [a]);
        assert_eq!(world.memory_used(), 0);
    });
}

#[test]
fn calls_in_a_wrong_state_are_refused_and_change_nothing() {
    let mut world = world_of(2, setup());
    let invalid = |world: &mut World, call| {
        let error = world.transact(call).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidState, "{error}");
        assert!(!error.is_fatal() && !error.requires_abort());
    };
    for call in [Call::Begin, Call::Commit, Call::Abort, offsets("t", 1)] {
        invalid(&mut world, call);
    }
    world.transact(Call::Init).unwrap();
    for call in [Call::Init, Call::Commit, Call::Abort, offsets("t", 1)] {
        invalid(&mut world, call);
    }
    world.transact(Call::Begin).unwrap();
    invalid(&mut world, Call::Init);
    invalid(&mut world, Call::Begin);
    world.transact(Call::Abort).unwrap();
    invalid(&mut world, Call::Commit);
    assert_eq!(state(&world), State::Ready);
}

#[test]
fn a_transaction_without_records_sends_no_end_txn() {
    both(|generation| {
        let mut world = ready(generation);
        world.transact(Call::Begin).unwrap();
        world.transact(Call::Commit).unwrap();
        assert!(world.cluster.requests_of(Api::EndTxn).is_empty());
    });
}

#[test]
fn offsets_take_effect_with_the_commit_only() {
    both(|generation| {
        let mut world = ready(generation);
        world.transact(Call::Begin).unwrap();
        world.transact(offsets("in", 7)).unwrap();
        assert!(world.cluster.group("g").unwrap().offsets.is_empty());
        world.transact(Call::Abort).unwrap();
        assert!(world.cluster.group("g").unwrap().offsets.is_empty());
        world.transact(Call::Begin).unwrap();
        world.transact(offsets("in", 8)).unwrap();
        world.send("t", 0);
        world.transact(Call::Commit).unwrap();
        let held = &world.cluster.group("g").unwrap().offsets;
        assert_eq!(held.get(&("in".into(), 0)), Some(&(8, Some("m".into()))));
        let added = world.cluster.requests_of(Api::AddOffsetsToTxn).len();
        assert_eq!(added, if generation == 1 { 2 } else { 0 });
    });
}

#[test]
fn an_id_that_flips_back_causes_no_false_success() {
    both(|generation| {
        let setup = Setup::with(|sender| {
            sender.transaction = Some((ID.into(), 60_000));
            sender.metadata_max_age = ms(1_000);
        });
        let mut world = world_of(generation, setup);
        world.transact(Call::Init).unwrap();
        let transaction = |world: &mut World| {
            world.transact(Call::Begin).unwrap();
            let id = world.send("t", 0);
            world.transact(Call::Commit).unwrap();
            id
        };
        transaction(&mut world);
        let old = world.cluster.view();
        world.cluster.recreate_topic("t");
        world.run(ms(2_000));
        let first = transaction(&mut world);
        world.cluster.hold_view(old);
        world.run(ms(2_500));
        world.cluster.release_metadata();
        world.run(ms(2_500));
        let second = transaction(&mut world);
        assert_eq!(committed(&world, 0), [first, second], "generation {generation}");
    });
}

#[test]
fn each_generation_uses_its_own_versions() {
    let mut world = ready(1);
    world.transact(Call::Begin).unwrap();
    world.send("t", 0);
    world.transact(Call::Commit).unwrap();
    assert_eq!(world.cluster.requests_of(Api::Produce)[0].version, 11);
    assert_eq!(world.cluster.requests_of(Api::EndTxn)[0].version, 4);
    assert_eq!(world.cluster.requests_of(Api::AddPartitionsToTxn).len(), 1);
    let mut world = ready(2);
    world.transact(Call::Begin).unwrap();
    world.send("t", 0);
    world.transact(Call::Commit).unwrap();
    assert_eq!(world.cluster.requests_of(Api::Produce)[0].version, 13);
    assert_eq!(world.cluster.requests_of(Api::EndTxn)[0].version, 5);
    assert!(world.cluster.requests_of(Api::AddPartitionsToTxn).is_empty());
}

#[test]
fn an_upgrade_of_the_cluster_is_followed() {
    let mut world = ready(1);
    world.transact(Call::Begin).unwrap();
    let a = world.send("t", 0);
    world.cluster.set_transaction_version(2);
    // Features are exchanged when a connection opens.
    (1..=3).for_each(|broker| world.cut_all_to(broker));
    world.transact(Call::Commit).unwrap();
    world.transact(Call::Begin).unwrap();
    let b = world.send("t", 0);
    world.transact(Call::Commit).unwrap();
    assert_eq!(committed(&world, 0), [a, b]);
    assert_eq!(world.cluster.requests_of(Api::EndTxn).last().unwrap().version, 5);
}

#[test]
fn a_newer_producer_fences_the_older_for_good() {
    both(|generation| {
        let mut world = ready(generation);
        world.transact(Call::Begin).unwrap();
        let a = world.send("t", 0);
        world.run(ms(50));
        world.assert_written(a);
        fence(&mut world);
        world.send("t", 0);
        let error = world.transact(Call::Commit).unwrap_err();
        world.run(ms(5_000));
        assert_eq!(state(&world), State::Fatal, "generation {generation}: {error}");
        let error = world.transact(Call::Abort).unwrap_err();
        assert!(error.is_fatal() && error.message().contains("newer producer"), "{error}");
        assert!(world.transact(Call::Begin).unwrap_err().is_fatal());
        assert!(format!("{:?}", world.send_sized("t", Some(0), 0).unwrap_err()).contains("cannot go on"));
        assert_eq!(committed(&world, 0), [0; 0]);
        assert!(world.all_completed());
    });
}

/// Another producer with the same transactional id.
pub fn fence(world: &mut World) {
    let mut other = setup().start();
    std::mem::swap(&mut other.cluster, &mut world.cluster);
    other.transact(Call::Init).expect("the newer one");
    std::mem::swap(&mut other.cluster, &mut world.cluster);
}

#[test]
fn a_waiting_call_learns_whether_there_is_a_newer_producer() {
    both(|generation| {
        for call in [Call::Commit, offsets("in", 1)] {
            // At first it is in doubt why the epoch is old, whether a record or the group's coordinator shows it.
            let mut world = ready(generation);
            world.transact(Call::Begin).unwrap();
            world.send("t", 0);
            world.run(ms(50));
            fence(&mut world);
            world.send("t", 0);
            let error = world.transact(call.clone()).unwrap_err();
            assert!(error.is_fatal() && error.message().contains("newer producer"), "{call:?}: {error}");
            // The coordinator has given up the transaction.
            let mut world = ready(generation);
            world.transact(Call::Begin).unwrap();
            world.send("t", 0);
            world.run(ms(61_000));
            world.cluster.expire_transactions();
            world.send("t", 0);
            let ticket = world.call(call.clone());
            world.cluster.script(Api::InitProducerId, [Fault::Delay(300)]);
            world.run(ms(200));
            assert!(world.application.answers.contains_key(&ticket) == (state(&world) == State::Fatal), "{call:?}");
            world.run(ms(2_000));
            let error = world.application.answers[&ticket].clone().unwrap_err();
            assert!(error.is_fatal() || error.requires_abort(), "{call:?}: {error}");
        }
    });
}

#[test]
fn a_failed_record_makes_the_transaction_abortable_only() {
    both(|generation| {
        let mut world = ready(generation);
        world.transact(Call::Begin).unwrap();
        let a = world.send("t", 0);
        world.run(ms(50));
        world.cluster.script(Api::Produce, [Fault::Error(codes::TOPIC_AUTHORIZATION_FAILED, On::All)]);
        let b = world.send("t", 1);
        world.run(ms(50));
        world.assert_written(a);
        world.assert_failed(b, ErrorKind::Broker(codes::TOPIC_AUTHORIZATION_FAILED), Fate::NotWritten);
        assert_eq!(state(&world), State::AbortRequired);
        let error = world.transact(Call::Commit).unwrap_err();
        assert!(error.requires_abort() && error.message().contains("TOPIC_AUTHORIZATION_FAILED"), "{error}");
        assert!(world.send_sized("t", Some(0), 0).is_err());
        world.transact(Call::Abort).unwrap();
        world.transact(Call::Begin).unwrap();
        let c = world.send("t", 0);
        let d = world.send("t", 1);
        world.transact(Call::Commit).unwrap();
        assert_eq!((committed(&world, 0), committed(&world, 1)), (vec![c], vec![d]), "generation {generation}");
    });
}

#[test]
fn an_abort_cancels_unsent_records() {
    both(|generation| {
        let mut world = world_of(generation, {
            let mut setup = setup();
            setup.sender.linger = ms(60_000);
            setup
        });
        world.transact(Call::Init).unwrap();
        world.transact(Call::Begin).unwrap();
        let a = world.send("t", 0);
        world.run(ms(100));
        world.transact(Call::Abort).unwrap();
        world.assert_failed(a, ErrorKind::TransactionAborted, Fate::NotWritten);
        assert!(world.in_log("t", 0).is_empty());
        assert_eq!(state(&world), State::Ready);
    });
}

#[test]
fn coordinators_that_move_are_found_again() {
    both(|generation| {
        let mut world = ready(generation);
        world.transact(Call::Begin).unwrap();
        let a = world.send("t", 0);
        world.run(ms(50));
        world.cluster.move_coordinator(ID, 3);
        world.transact(Call::Commit).unwrap();
        world.cluster.move_coordinator(ID, 2);
        world.transact(Call::Begin).unwrap();
        let b = world.send("t", 1);
        world.transact(Call::Commit).unwrap();
        assert_eq!((committed(&world, 0), committed(&world, 1)), (vec![a], vec![b]));
    });
}

#[test]
fn requests_with_lost_responses_are_repeated() {
    both(|generation| {
        for api in [Api::FindCoordinator, Api::InitProducerId, Api::AddPartitionsToTxn, Api::EndTxn, Api::Produce] {
            for fault in [Fault::DropBefore, Fault::DropAfter] {
                let mut world = world_of(generation, setup());
                world.cluster.script(api, [fault.clone()]);
                world.transact(Call::Init).unwrap();
                world.transact(Call::Begin).unwrap();
                let a = world.send("t", 0);
                world.transact(Call::Commit).unwrap_or_else(|error| panic!("{api:?} {fault:?}: {error}"));
                world.transact(Call::Begin).unwrap();
                let b = world.send("t", 0);
                world.transact(Call::Commit).unwrap();
                assert_eq!(committed(&world, 0), [a, b], "generation {generation}, {api:?}, {fault:?}");
            }
        }
    });
}

/// The brokers are upgraded one by one.
#[test]
fn a_newer_coordinator_recognizes_a_repeated_commit() {
    let mut world = ready(2);
    world.transact(Call::Begin).unwrap();
    let a = world.send("t", 0);
    world.run(ms(100));
    let coordinator = world.cluster.coordinator(ID).expect("one");
    world.cluster.set_broker_versions(coordinator, Versions::kafka_4_3().with(Api::EndTxn, 0..=4));
    world.cut_all_to(coordinator);
    world.cluster.script(Api::EndTxn, [Fault::DropAfter]);
    let ticket = world.call(Call::Commit);
    assert!(world.run_until(ms(1_000), |world| !world.cluster.requests_of(Api::EndTxn).is_empty()));
    world.cluster.set_broker_versions(coordinator, Versions::kafka_4_3());
    assert!(world.run_until(ms(10_000), |world| world.application.answers.contains_key(&ticket)));
    world.application.answers[&ticket].clone().expect("committed");
    let versions: Vec<i16> = world.cluster.requests_of(Api::EndTxn).iter().map(|request| request.version).collect();
    assert_eq!(versions, [4, 4]);
    world.transact(Call::Begin).unwrap();
    let b = world.send("t", 0);
    world.transact(Call::Commit).unwrap();
    assert_eq!(committed(&world, 0), [a, b]);
}

#[test]
fn offsets_survive_lost_responses_and_moves() {
    both(|generation| {
        for api in [Api::AddOffsetsToTxn, Api::TxnOffsetCommit] {
            for fault in [
                Fault::DropBefore,
                Fault::DropAfter,
                Fault::Error(codes::COORDINATOR_LOAD_IN_PROGRESS, On::All),
                Fault::Error(codes::NOT_COORDINATOR, On::All),
            ] {
                let mut world = ready(generation);
                world.cluster.script(api, [fault]);
                world.transact(Call::Begin).unwrap();
                world.transact(offsets("in", 5)).unwrap();
                world.transact(Call::Commit).unwrap();
                assert_eq!(world.cluster.group("g").unwrap().offsets[&("in".into(), 0)].0, 5);
            }
        }
    });
}

#[test]
fn the_transaction_of_a_crashed_instance_is_aborted() {
    both(|generation| {
        let mut world = ready(generation);
        world.transact(Call::Begin).unwrap();
        let lost = world.send("t", 0);
        world.run(ms(50));
        world.assert_written(lost);
        let id = world.cluster.transaction(ID).unwrap().producer_id;
        let mut next = setup().start();
        std::mem::swap(&mut next.cluster, &mut world.cluster);
        next.cluster.transactions.slow_markers = true;
        let ticket = next.call(Call::Init);
        next.run(ms(500));
        assert!(!next.application.answers.contains_key(&ticket), "the markers are not written yet");
        next.cluster.write_markers();
        next.cluster.transactions.slow_markers = false;
        assert!(next.run_until(ms(5_000), |world| world.application.answers.contains_key(&ticket)));
        next.transact(Call::Begin).unwrap();
        let kept = next.send("t", 0);
        next.transact(Call::Commit).unwrap();
        assert_eq!(next.cluster.committed("t", 0).len(), 1, "{kept}");
        assert_eq!(next.cluster.transaction(ID).unwrap().producer_id, id);
    });
}

#[test]
fn a_close_aborts_an_open_transaction() {
    both(|generation| {
        let mut world = ready(generation);
        world.transact(Call::Begin).unwrap();
        world.send("t", 0);
        world.run(ms(50));
        world.close(ms(10_000));
        assert!(world.run_until(ms(10_000), |world| world.application.closed));
        assert_eq!(world.cluster.transaction(ID).unwrap().phase, Phase::Complete { commit: false });
        assert!(world.all_completed());
    });
}

#[test]
fn a_close_keeps_its_bound_without_a_coordinator() {
    both(|generation| {
        let mut world = ready(generation);
        world.transact(Call::Begin).unwrap();
        world.send("t", 0);
        world.run(ms(50));
        let ticket = world.call(Call::Commit);
        (1..=3).for_each(|broker| world.stop_broker(broker));
        world.run(ms(100));
        world.close(ms(3_000));
        assert!(world.run_until(ms(3_001), |world| world.application.closed));
        assert!(world.application.answers[&ticket].is_err());
    });
}

#[test]
fn producing_goes_on_while_partitions_are_added() {
    let mut world = world_of(1, setup());
    // Responses on a connection come in order, so the coordinator is moved to a broker that leads no partition of this
    // test.
    world.cluster.move_coordinator(ID, 3);
    world.transact(Call::Init).unwrap();
    world.transact(Call::Begin).unwrap();
    world.send("t", 0);
    world.run(ms(50));
    world.cluster.script(Api::AddPartitionsToTxn, [Fault::Delay(2_000)]);
    let late = world.send("t", 1);
    world.run(ms(50));
    let early = world.send("t", 0);
    world.run(ms(100));
    world.assert_written(early);
    assert!(!world.application.outcomes.contains_key(&late));
    world.transact(Call::Commit).unwrap();
    assert_eq!(committed(&world, 1), [late]);
}

#[test]
fn a_timed_out_transaction_is_not_committed() {
    both(|generation| {
        let mut world = ready(generation);
        world.transact(Call::Begin).unwrap();
        world.send("t", 0);
        world.run(ms(61_000));
        world.cluster.expire_transactions();
        let error = world.transact(Call::Commit).unwrap_err();
        // EndTxn 4 says PRODUCER_FENCED in either case. EndTxn 5 distinguishes a newer producer from a timeout.
        assert_eq!((error.is_fatal(), error.requires_abort()), (generation == 1, generation == 2), "{error}");
        world.run(ms(5_000));
        assert!(committed(&world, 0).is_empty());
        if generation == 2 {
            world.transact(Call::Abort).unwrap();
            world.transact(Call::Begin).unwrap();
            let again = world.send("t", 0);
            world.transact(Call::Commit).unwrap();
            assert_eq!(committed(&world, 0), [again]);
        }
    });
}

#[test]
fn an_abort_waits_for_batches_in_flight_and_retries_none() {
    let mut world = world_of(
        2,
        Setup::with(|sender| {
            sender.transaction = Some((ID.into(), 60_000));
            sender.request_timeout = ms(2_000);
        }),
    );
    world.transact(Call::Init).unwrap();
    world.transact(Call::Begin).unwrap();
    world.cluster.script(
        Api::Produce,
        [Fault::NeverAnswer { handled: false }, Fault::Error(codes::INVALID_PRODUCER_EPOCH, On::All)],
    );
    let late = world.send("t", 1);
    world.run(ms(50));
    let doubted = world.send("t", 0);
    // The coordinator does not know the transaction yet, and grants another epoch while the abort is under way.
    world.cluster.script(Api::InitProducerId, [Fault::Delay(300)]);
    world.run(ms(50));
    assert!(world.application.outcomes.contains_key(&doubted) && !world.application.outcomes.contains_key(&late));
    let ticket = world.call(Call::Abort);
    world.run(ms(1_000));
    assert_eq!((state(&world), world.application.answers.contains_key(&ticket)), (State::Aborting, false));
    assert!(
        world.run_until(ms(5_000), |world| world.application.answers.contains_key(&ticket)),
        "{:#?}",
        world.log_tail()
    );
    assert!(world.application.answers[&ticket].is_ok(), "{:?}", world.application.answers[&ticket]);
    world.assert_failed(late, ErrorKind::TransactionAborted, Fate::Unknown);
    world.transact(Call::Begin).unwrap();
    let kept = world.send("t", 1);
    world.transact(Call::Commit).unwrap();
    assert_eq!((committed(&world, 0), committed(&world, 1)), (vec![], vec![kept]));
}

#[test]
fn a_partition_that_must_be_added_is_not_put_into_the_request_being_built() {
    let mut world = ready(1);
    // The coordinating broker leads both partitions.
    (0..2).for_each(|partition| world.cluster.move_leader("t", partition, 1));
    world.cluster.move_coordinator(ID, 1);
    world.transact(Call::Begin).unwrap();
    let a = world.send("t", 0);
    world.run(ms(1_000));
    world.assert_written(a);
    // One partition is part of the transaction, the other is not. So a batch and a request to add a partition compete
    // for one connection.
    world.network.eager = false;
    let (b, c) = (world.send("t", 1), world.send("t", 0));
    world.turn();
    world.network.eager = true;
    world.network.writable().into_iter().for_each(|line| world.finish_write(line));
    world.transact(Call::Commit).unwrap();
    assert_eq!((committed(&world, 0), committed(&world, 1)), (vec![a, c], vec![b]));
}

#[test]
fn an_unreachable_coordinator_is_retried_and_sometimes_searched_again() {
    let mut world = world_of(2, setup());
    world.cluster.move_coordinator(ID, 2);
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], 9094));
    world.network.listeners.remove(&address);
    let ticket = world.call(Call::Init);
    world.run(ms(30_000));
    assert!(!world.application.answers.contains_key(&ticket));
    let asked = world.cluster.requests_of(Api::FindCoordinator).len();
    assert!((2..30).contains(&asked), "asked {asked} times in half a minute");
    world.network.listeners.insert(address, 2);
    world.run(ms(2_000));
    assert!(world.application.answers[&ticket].is_ok(), "{:#?}", world.log_tail());
}

#[test]
fn an_abort_gives_up_offsets_that_cannot_be_committed() {
    both(|generation| {
        let mut world = ready(generation);
        world.transact(Call::Begin).unwrap();
        let doomed = world.send("t", 0);
        // UNKNOWN_TOPIC_OR_PARTITION on every attempt: the consumed topic is gone.
        world
            .cluster
            .script(Api::TxnOffsetCommit, (0..1000).map(|_| Fault::Error(codes::UNKNOWN_TOPIC_OR_PARTITION, On::All)));
        let waiting = world.call(offsets("t", 7));
        world.run(ms(5_000));
        assert!(!world.application.answers.contains_key(&waiting));
        world.transact(Call::Abort).unwrap();
        let given_up = world.application.answers[&waiting].clone().unwrap_err();
        assert_eq!(given_up.kind(), ErrorKind::TransactionAborted, "{given_up}");
        world.assert_written(doomed);
        world.transact(Call::Begin).unwrap();
        let kept = world.send("t", 0);
        world.transact(Call::Commit).unwrap();
        assert_eq!(committed(&world, 0), [kept], "generation {generation}");
    });
}

/// Before transaction.version 2, successive transactions may have the same epoch, and a late EndTxn could end the wrong
/// one.
#[test]
fn an_end_that_is_handled_late_ends_no_later_transaction() {
    let mut world = ready(1);
    world.transact(Call::Begin).unwrap();
    let first = world.send("t", 0);
    world.run(ms(50));
    world.cluster.script(Api::EndTxn, [Fault::NeverAnswer { handled: false }]);
    let before = world.cluster.requests_of(Api::EndTxn).len();
    world.transact(Call::Commit).unwrap();
    let epochs = |world: &World| {
        let ends = world.cluster.requests_of(Api::EndTxn);
        ends[before..].iter().filter_map(|request| request.end).map(|(_, epoch, _)| epoch).collect::<Vec<_>>()
    };
    let reported = epochs(&world);
    world.transact(Call::Begin).unwrap();
    let second = world.send("t", 0);
    world.transact(Call::Commit).unwrap();
    let last = *epochs(&world).last().expect("it was committed");
    assert!(reported.iter().all(|&epoch| epoch < last), "{reported:?}, then {last}");
    assert_eq!(committed(&world, 0), [first, second]);
}
