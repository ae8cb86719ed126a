//! Transactions apart from their calls: time, other requests, closes, epochs, and state that the cluster forgets.

use ottla_core::ErrorKind;
use ottla_core::Fate;
use ottla_core::accumulator::{TransactionCall as Call, TransactionState as State};
use ottla_mock::{Api, Fault, On, Phase, UnknownProducer, Versions, codes};

use crate::transactions::{ID, both, committed, fence, offsets, ready, setup, state, world_of};
use crate::world::{Setup, World, ms};

fn transact_one(world: &mut World) -> u64 {
    world.transact(Call::Begin).expect("begun");
    let id = world.send("t", 0);
    world.transact(Call::Commit).expect("committed");
    id
}

/// The coordinator leads no partition, so its responses wait for no others.
fn ready_with(generation: i16, change: impl FnOnce(&mut Setup)) -> World {
    let mut setup = setup();
    change(&mut setup);
    let mut world = world_of(generation, setup);
    world.cluster.move_coordinator(ID, 3);
    world.transact(Call::Init).expect("initialized");
    world
}

/// Epoch and first sequence of each batch in partition 0, in order.
fn numbers(world: &World) -> Vec<(i16, i32)> {
    world.cluster.records("t", 0).iter().map(|record| (record.epoch, record.sequence)).collect()
}

// Commit

#[test]
fn a_commit_ends_linger() {
    both(|generation| {
        let mut world = ready_with(generation, |setup| setup.sender.linger = ms(60_000));
        world.transact(Call::Begin).unwrap();
        let ids = [world.send("t", 0), world.send("t", 1)];
        world.run(ms(1_000));
        assert!(!world.application.outcomes.contains_key(&ids[0]));
        let start = world.now;
        world.transact(Call::Commit).unwrap();
        assert!(world.now.since(start) < ms(50));
        assert_eq!((committed(&world, 0), committed(&world, 1)), (vec![ids[0]], vec![ids[1]]));
    });
}

#[test]
fn the_end_is_requested_after_the_last_record_is_written() {
    both(|generation| {
        let mut world = ready_with(generation, |_| {});
        world.transact(Call::Begin).unwrap();
        world.cluster.script(Api::Produce, [Fault::Delay(700)]);
        let id = world.send("t", 0);
        world.run(ms(50));
        let ticket = world.call(Call::Commit);
        world.run(ms(600));
        assert!(world.cluster.requests_of(Api::EndTxn).is_empty() && !world.application.answers.contains_key(&ticket));
        assert_eq!(state(&world), State::Committing);
        world.run(ms(1_000));
        world.assert_written(id);
        assert_eq!(world.application.answers[&ticket], Ok(ottla_core::sender::Answer::Done));
    });
}

/// After a record has failed, librdkafka keeps a commit waiting for the whole transaction timeout.
#[test]
fn a_commit_ends_with_the_first_record_that_fails() {
    both(|generation| {
        let mut world = ready(generation);
        world.transact(Call::Begin).unwrap();
        world.cluster.script(
            Api::Produce,
            [Fault::Many(vec![Fault::Delay(100), Fault::Error(codes::TOPIC_AUTHORIZATION_FAILED, On::All)])],
        );
        world.send("t", 0);
        world.run(ms(50));
        let waits: Vec<u64> = (0..10).map(|_| world.send("t", 1)).collect();
        let leader = world.cluster.leader("t", 1).expect("a leader");
        world.cluster.move_coordinator(ID, 1 + leader % 3);
        world.stop_broker(leader);
        let start = world.now;
        let error = world.transact(Call::Commit).unwrap_err();
        assert!(
            error.requires_abort() && error.kind() == ErrorKind::Broker(codes::TOPIC_AUTHORIZATION_FAILED),
            "{error}"
        );
        assert!(world.now.since(start) < ms(200));
        world.transact(Call::Abort).unwrap();
        assert!(world.now.since(start) < ms(1_000), "what waits is not waited for");
        waits.iter().for_each(|id| assert_eq!(world.outcome(*id).error, Some(ErrorKind::TransactionAborted)));
    });
}

/// The deadlines of its records bound a commit, and records that expire fail it.
#[test]
fn records_that_expire_fail_their_transaction() {
    both(|generation| {
        for sent in [false, true] {
            let mut world = ready_with(generation, |setup| setup.sender.delivery_timeout = ms(5_000));
            world.transact(Call::Begin).unwrap();
            let first = world.send("t", 0);
            world.run(ms(50));
            world.assert_written(first);
            match sent {
                true => world.cluster.script(Api::Produce, vec![Fault::NeverAnswer { handled: false }; 2]),
                false => [0, 1].into_iter().for_each(|partition| world.cluster.remove_leader("t", partition)),
            }
            if !sent {
                world.cluster.script(Api::Produce, vec![Fault::Error(codes::NOT_LEADER_OR_FOLLOWER, On::All); 40]);
            }
            let expired = [world.send("t", 0), world.send("t", 1)];
            let start = world.now;
            let error = world.transact(Call::Commit).unwrap_err();
            assert!(world.now.since(start) < ms(5_200));
            assert_eq!((error.kind(), error.requires_abort()), (ErrorKind::DeliveryTimedOut, true), "{error}");
            world.cluster.clear_faults();
            (0..2).for_each(|partition| world.cluster.move_leader("t", partition, 1));
            (1..=3).for_each(|broker| world.cut_all_to(broker));
            world.transact(Call::Abort).unwrap();
            expired.iter().for_each(|id| assert!(world.outcome(*id).error.is_some()));
            let kept = transact_one(&mut world);
            assert_eq!((committed(&world, 0), committed(&world, 1)), (vec![kept], vec![]));
        }
    });
}

/// A refused record is not part of the transaction. An accepted record that fails makes the transaction fail.
#[test]
fn a_refused_send_leaves_the_transaction_intact_and_a_record_of_a_missing_topic_fails_it() {
    both(|generation| {
        let mut world = ready_with(generation, |setup| setup.sender.delivery_timeout = ms(5_000));
        world.transact(Call::Begin).unwrap();
        let id = world.send("t", 0);
        world.run(ms(50));
        world.send_sized("t", Some(7), 0).expect_err("there are two partitions");
        world.transact(Call::Commit).unwrap();
        assert_eq!(committed(&world, 0), [id]);
        world.transact(Call::Begin).unwrap();
        let kept = world.send("t", 0);
        let missing = world.send("missing", 0);
        let error = world.transact(Call::Commit).unwrap_err();
        assert!(error.requires_abort() && world.outcome(missing).error.is_some(), "{error}");
        world.transact(Call::Abort).unwrap();
        world.assert_written(kept);
        let next = transact_one(&mut world);
        assert_eq!(committed(&world, 0), [id, next]);
    });
}

#[test]
fn a_batch_that_is_split_stays_in_its_transaction() {
    both(|generation| {
        let mut world = ready_with(generation, |setup| setup.sender.linger = ms(5));
        world.cluster.set_topic_options("t", |options| options.max_message_bytes = 300);
        world.transact(Call::Begin).unwrap();
        let ids: Vec<u64> = (0..40).map(|_| world.send("t", 0)).collect();
        world.transact(Call::Commit).unwrap();
        assert!(world.counts().batches_split > 0);
        assert_eq!(committed(&world, 0), ids);
        let sequences: Vec<i32> = numbers(&world).into_iter().map(|(_, sequence)| sequence).collect();
        assert_eq!(sequences, (0..40).collect::<Vec<i32>>());
    });
}

/// As many as without transactions. librdkafka sends one request at a time.
#[test]
fn a_transaction_has_five_requests_in_flight() {
    both(|generation| {
        let mut world = ready_with(generation, |setup| setup.accumulator.batch_limit = 1);
        world.transact(Call::Begin).unwrap();
        world.send("t", 0);
        world.run(ms(50));
        world.cluster.clear_requests();
        world.cluster.script(Api::Produce, [Fault::Delay(500)]);
        let ids: Vec<u64> = (0..9).map(|_| world.send("t", 0)).collect();
        world.run(ms(400));
        assert_eq!(world.cluster.requests_of(Api::Produce).len(), 5);
        world.transact(Call::Commit).unwrap();
        assert_eq!(committed(&world, 0)[1..], ids);
    });
}

/// This holds whether the commit succeeds or not: when it returns, the outcome of each record is known.
#[test]
fn completions_are_reported_before_the_end_of_their_transaction() {
    both(|generation| {
        for fault in [
            Fault::None,
            Fault::Error(codes::TOPIC_AUTHORIZATION_FAILED, On::All),
            Fault::Error(codes::PRODUCER_FENCED, On::All),
        ] {
            let mut world = ready(generation);
            world.transact(Call::Begin).unwrap();
            world.cluster.script(Api::Produce, [fault]);
            world.send("t", 0);
            let ticket = world.call(Call::Commit);
            assert!(world.run_until(ms(5_000), |world| world.application.answers.contains_key(&ticket)));
            assert_eq!(world.application.completed_before[&ticket], 1, "{:?}", world.application.answers[&ticket]);
            if state(&world) == State::AbortRequired {
                let ticket = world.call(Call::Abort);
                assert!(world.run_until(ms(5_000), |world| world.application.answers.contains_key(&ticket)));
                assert_eq!(world.application.completed_before[&ticket], 1);
            }
        }
    });
}

// Abort

#[test]
fn a_record_that_fails_during_the_abort_changes_nothing() {
    both(|generation| {
        for code in [
            codes::TOPIC_AUTHORIZATION_FAILED,
            codes::INVALID_PRODUCER_EPOCH,
            codes::INVALID_TXN_STATE,
            codes::TRANSACTION_ABORTABLE,
            codes::NOT_ENOUGH_REPLICAS,
        ] {
            let mut world = ready_with(generation, |_| {});
            world.transact(Call::Begin).unwrap();
            world.send("t", 0);
            world.run(ms(50));
            world.cluster.script(Api::Produce, [Fault::Many(vec![Fault::Delay(500), Fault::Error(code, On::All)])]);
            let failed = world.send("t", 0);
            world.run(ms(50));
            world.transact(Call::Abort).unwrap_or_else(|error| panic!("{code}: {error}"));
            assert!(world.outcome(failed).error.is_some());
            let kept = transact_one(&mut world);
            assert_eq!(committed(&world, 0), [kept], "{code}");
        }
    });
}

#[test]
fn a_coordinator_is_searched_again_after_a_failure() {
    both(|generation| {
        let mut world = ready(generation);
        world.transact(Call::Begin).unwrap();
        world.cluster.script(Api::Produce, [Fault::None, Fault::Error(codes::TOPIC_AUTHORIZATION_FAILED, On::All)]);
        world.send("t", 0);
        world.run(ms(50));
        world.send("t", 0);
        world.run(ms(50));
        assert_eq!(state(&world), State::AbortRequired);
        let searches = world.cluster.requests_of(Api::FindCoordinator).len();
        world.cluster.move_coordinator(ID, 3);
        world.transact(Call::Abort).unwrap();
        assert!(world.cluster.requests_of(Api::FindCoordinator).len() > searches);
        transact_one(&mut world);
    });
}

/// The coordinator knows no transaction then, and says so in its response to the abort. That is no error.
#[test]
fn an_abort_succeeds_after_the_coordinator_refused_to_begin_the_transaction() {
    both(|generation| {
        for committed_before in [false, true] {
            let mut world = ready(generation);
            let mut before = Vec::new();
            if committed_before {
                before.push(transact_one(&mut world));
            }
            let fault = || Fault::Error(codes::TOPIC_AUTHORIZATION_FAILED, On::All);
            world.cluster.script(if generation == 1 { Api::AddPartitionsToTxn } else { Api::Produce }, [fault()]);
            world.transact(Call::Begin).unwrap();
            world.send("t", 0);
            assert!(world.transact(Call::Commit).unwrap_err().requires_abort());
            world.transact(Call::Abort).unwrap_or_else(|error| panic!("generation {generation}: {error}"));
            world.cluster.script(if generation == 1 { Api::AddOffsetsToTxn } else { Api::TxnOffsetCommit }, [fault()]);
            world.transact(Call::Begin).unwrap();
            assert!(world.transact(offsets("in", 7)).unwrap_err().requires_abort());
            world.transact(Call::Abort).unwrap_or_else(|error| panic!("generation {generation}: {error}"));
            before.push(transact_one(&mut world));
            assert_eq!(committed(&world, 0), before);
        }
    });
}

// Close

#[test]
fn a_close_lets_a_commit_end() {
    both(|generation| {
        let mut world = ready_with(generation, |_| {});
        world.transact(Call::Begin).unwrap();
        world.cluster.script(Api::Produce, [Fault::Delay(500)]);
        let id = world.send("t", 0);
        world.run(ms(50));
        let ticket = world.call(Call::Commit);
        world.run(ms(50));
        world.close(ms(10_000));
        assert!(world.run_until(ms(2_000), |world| world.application.closed));
        assert!(world.application.answers[&ticket].is_ok(), "{:?}", world.application.answers[&ticket]);
        assert_eq!(committed(&world, 0), [id]);
    });
}

#[test]
fn a_close_ends_any_pending_call_within_its_bound() {
    both(|generation| {
        let apis = [
            Api::FindCoordinator,
            Api::InitProducerId,
            Api::AddPartitionsToTxn,
            Api::AddOffsetsToTxn,
            Api::TxnOffsetCommit,
            Api::Produce,
            Api::EndTxn,
        ];
        for api in apis {
            let mut world = world_of(generation, setup());
            world.cluster.script(api, vec![Fault::NeverAnswer { handled: true }; 9]);
            let mut ticket = world.call(Call::Init);
            world.run(ms(200));
            for call in [Call::Begin, offsets("in", 7), Call::Commit] {
                if world.application.answers.contains_key(&ticket) {
                    if call == Call::Commit {
                        world.send("t", 0);
                        world.run(ms(50));
                    }
                    ticket = world.call(call);
                    world.run(ms(200));
                }
            }
            world.close(ms(1_000));
            assert!(world.run_until(ms(1_001), |world| world.application.closed), "{api:?}");
            assert!(world.application.answers.contains_key(&ticket) && world.all_completed(), "{api:?}");
            assert_eq!(world.memory_used(), 0, "{api:?}");
        }
    });
}

#[test]
fn a_close_ends_a_transaction_that_failed() {
    both(|generation| {
        let mut world = ready(generation);
        world.transact(Call::Begin).unwrap();
        world.send("t", 0);
        world.run(ms(50));
        world.cluster.script(Api::Produce, [Fault::Error(codes::TOPIC_AUTHORIZATION_FAILED, On::All)]);
        world.send("t", 0);
        world.run(ms(50));
        assert_eq!(state(&world), State::AbortRequired);
        world.close(ms(10_000));
        assert!(world.run_until(ms(1_000), |world| world.application.closed));
        // `Empty`, because the producer had already asked for the next epoch.
        assert!(matches!(
            world.cluster.transaction(ID).unwrap().phase,
            Phase::Empty | Phase::Complete { commit: false }
        ));
        assert!(committed(&world, 0).is_empty());
    });
}

/// The producer's failure does not decide the fate of such a record. The broker's response does.
#[test]
fn batches_in_flight_when_the_producer_fails_get_their_true_fate() {
    both(|generation| {
        let mut world = ready(generation);
        world.transact(Call::Begin).unwrap();
        let first = [world.send("t", 0), world.send("t", 1)];
        world.run(ms(50));
        first.iter().for_each(|id| world.assert_written(*id));
        world.cluster.script(Api::Produce, [Fault::Delay(500), Fault::Error(codes::PRODUCER_FENCED, On::All)]);
        let late = world.send("t", 0);
        world.run(ms(10));
        let fenced = world.send("t", 1);
        world.run(ms(50));
        assert_eq!(state(&world), State::Fatal);
        world.assert_failed(fenced, ErrorKind::Broker(codes::PRODUCER_FENCED), Fate::NotWritten);
        assert!(!world.application.outcomes.contains_key(&late));
        world.run(ms(1_000));
        world.assert_written(late);
        assert!(committed(&world, 0).is_empty());
    });
}

// Other requests

#[test]
fn a_throttled_coordinator_holds_up_nothing_but_its_own_requests() {
    both(|generation| {
        let mut world = world_of(generation, setup());
        world.cluster.move_coordinator(ID, 3);
        world.cluster.script(Api::InitProducerId, [Fault::Throttle(1_000)]);
        let start = world.now;
        world.transact(Call::Init).unwrap();
        assert!(world.now.since(start) < ms(500), "the answer counts at once");
        world.run(ms(1_500));
        world.transact(Call::Begin).unwrap();
        world.send("t", 0);
        world.run(ms(50));
        world.cluster.script(Api::AddPartitionsToTxn, [Fault::Throttle(1_000)]);
        let late = world.send("t", 1);
        world.run(ms(50));
        let early = world.send("t", 0);
        world.run(ms(50));
        world.assert_written(early);
        world.transact(Call::Commit).unwrap();
        world.assert_written(late);
        transact_one(&mut world);
    });
}

/// Both partitions have the same leader. The one that waits to be added must not delay the other.
#[test]
fn a_partition_that_waits_to_be_added_holds_up_no_other_of_its_broker() {
    let mut world = world_of(1, setup());
    world.cluster.create_topic("six", 6);
    world.cluster.move_coordinator(ID, 3);
    world.transact(Call::Init).unwrap();
    world.transact(Call::Begin).unwrap();
    (0..6).for_each(|partition| world.cluster.move_leader("six", partition, 1));
    world.send("six", 0);
    world.run(ms(500));
    world.cluster.script(Api::AddPartitionsToTxn, [Fault::Delay(2_000)]);
    let waits: Vec<u64> = (1..6).map(|partition| world.send("six", partition)).collect();
    for _ in 0..20 {
        let id = world.send("six", 0);
        world.run(ms(10));
        world.assert_written(id);
    }
    assert!(waits.iter().all(|id| !world.application.outcomes.contains_key(id)));
    world.transact(Call::Commit).unwrap();
}

#[test]
fn a_cluster_without_coordinators_is_named_as_the_reason() {
    let mut world = setup().start();
    world.cluster.set_versions(Versions::kafka_3_9().without(Api::FindCoordinator));
    let error = world.transact(Call::Init).unwrap_err();
    assert!(error.is_fatal() && error.kind() == ErrorKind::UnsupportedBroker, "{error}");
    assert!(error.message().contains("FindCoordinator"), "{error}");
}

// Epochs and sequences

/// In the first generation sequences continue, unless there is a hole. After a hole, and always in the second
/// generation, they begin at 0 in a new epoch.
#[test]
fn sequences_continue_after_an_abort_or_begin_at_0_in_a_new_epoch() {
    for (generation, expected) in [(1, [(0, 0), (0, 1), (1, 0), (1, 1)]), (2, [(0, 0), (1, 0), (2, 0), (3, 0)])] {
        let mut world = ready(generation);
        world.transact(Call::Begin).unwrap();
        world.send("t", 0);
        world.run(ms(50));
        world.transact(Call::Abort).unwrap();
        world.transact(Call::Begin).unwrap();
        world.send("t", 0);
        world.run(ms(50));
        world.cluster.script(Api::Produce, [Fault::Error(codes::INVALID_RECORD, On::All)]);
        world.send("t", 0);
        world.run(ms(50));
        world.transact(Call::Abort).unwrap();
        let kept = [transact_one(&mut world), transact_one(&mut world)];
        assert_eq!((numbers(&world), committed(&world, 0)), (expected.to_vec(), kept.to_vec()));
        // An abort without records, after a commit.
        world.transact(Call::Begin).unwrap();
        world.transact(Call::Abort).unwrap();
        transact_one(&mut world);
    }
}

#[test]
fn sequences_wrap_in_transactions_too() {
    let mut world = ready_with(1, |setup| setup.accumulator.batch_limit = 1);
    transact_one(&mut world);
    world.sender.set_sequence("t", 0, i32::MAX - 2);
    world.cluster.log_mut("t", 0).producers.forget_all();
    world.transact(Call::Begin).unwrap();
    world.cluster.script(Api::Produce, [Fault::None, Fault::DropAfter]);
    let ids: Vec<u64> = (0..6).map(|_| world.send("t", 0)).collect();
    world.transact(Call::Commit).unwrap();
    assert_eq!(committed(&world, 0)[1..], ids);
    let sequences: Vec<i32> = numbers(&world)[1..].iter().map(|(_, sequence)| *sequence).collect();
    assert_eq!(sequences, [i32::MAX - 2, i32::MAX - 1, i32::MAX, 0, 1, 2]);
}

/// The coordinator grants another producer id, in its response to EndTxn or to InitProducerId.
#[test]
fn when_epochs_are_used_up_another_producer_id_is_taken() {
    both(|generation| {
        let mut world = ready(generation);
        transact_one(&mut world);
        let id = world.cluster.transaction(ID).unwrap().producer_id;
        // Other producers used up most of them.
        world.cluster.transaction_mut(ID).unwrap().epoch = i16::MAX - 2;
        let mut world = {
            let mut next = setup().start();
            std::mem::swap(&mut next.cluster, &mut world.cluster);
            next.application.next_id = 100;
            next
        };
        world.transact(Call::Init).unwrap();
        let mut kept = Vec::new();
        for _ in 0..3 {
            kept.push(transact_one(&mut world));
            world.transact(Call::Begin).unwrap();
            world.cluster.script(Api::Produce, [Fault::Error(codes::INVALID_RECORD, On::All)]);
            world.send("t", 0);
            world.transact(Call::Commit).unwrap_err();
            world.transact(Call::Abort).unwrap();
        }
        assert_ne!(world.cluster.transaction(ID).unwrap().producer_id, id);
        assert_eq!(committed(&world, 0)[1..], kept);
        assert_eq!(state(&world), State::Ready);
    });
}

/// Brokers before 2.5 cannot raise an epoch on request. The producer asks for a new one as if it were just starting.
#[test]
fn old_brokers_recover_from_a_hole_in_the_sequence() {
    let mut world = setup().start();
    world.cluster.set_versions(Versions::kafka_3_9().with(Api::InitProducerId, 0..=2).with(Api::Produce, 3..=7));
    world.cluster.create_topic("t", 2);
    world.transact(Call::Init).unwrap();
    world.transact(Call::Begin).unwrap();
    world.cluster.script(Api::Produce, [Fault::Error(codes::INVALID_RECORD, On::All)]);
    world.send("t", 0);
    assert!(world.transact(Call::Commit).unwrap_err().requires_abort());
    world.transact(Call::Abort).unwrap();
    let kept = transact_one(&mut world);
    assert_eq!((committed(&world, 0), numbers(&world)), (vec![kept], vec![(1, 0)]));
}

#[test]
fn a_downgrade_of_the_cluster_is_followed() {
    let mut world = ready(2);
    let a = transact_one(&mut world);
    world.transact(Call::Begin).unwrap();
    let b = world.send("t", 0);
    world.cluster.set_transaction_version(1);
    (1..=3).for_each(|broker| world.cut_all_to(broker));
    world.transact(Call::Commit).unwrap();
    let c = transact_one(&mut world);
    assert_eq!(committed(&world, 0), [a, b, c]);
    assert_eq!(world.cluster.requests_of(Api::AddPartitionsToTxn).len(), 1);
}

// What the cluster forgets

#[test]
fn a_producer_forgotten_by_partitions_goes_on() {
    both(|generation| {
        let mut world = ready(generation);
        let mut kept = vec![transact_one(&mut world)];
        world.cluster.log_mut("t", 0).producers.forget_all();
        kept.push(transact_one(&mut world));
        world.transact(Call::Begin).unwrap();
        kept.push(world.send("t", 0));
        world.run(ms(50));
        world.cluster.log_mut("t", 0).producers.forget_all();
        kept.push(world.send("t", 0));
        world.transact(Call::Commit).unwrap();
        assert_eq!(committed(&world, 0), kept);
        // Brokers before 2.5 report that they do not know the producer. The transaction is repeated in another epoch.
        world.cluster.unknown_producer = UnknownProducer::Refused;
        world.transact(Call::Begin).unwrap();
        world.send("t", 0);
        world.run(ms(50));
        world.cluster.log_mut("t", 0).producers.forget_all();
        world.send("t", 0);
        let error = world.transact(Call::Commit).unwrap_err();
        assert!(error.requires_abort() && error.kind() == ErrorKind::Broker(codes::UNKNOWN_PRODUCER_ID), "{error}");
        world.transact(Call::Abort).unwrap();
        kept.push(transact_one(&mut world));
        assert_eq!(committed(&world, 0), kept);
    });
}

/// The id expires after `transactional.id.expiration.ms` without a transaction. A producer that initializes it makes it
/// known again.
#[test]
fn a_forgotten_transactional_id_is_reported_and_another_producer_goes_on() {
    both(|generation| {
        let mut world = ready(generation);
        transact_one(&mut world);
        world.cluster.forget_transactional_id(ID);
        world.transact(Call::Begin).unwrap();
        world.send("t", 0);
        let error = world.transact(Call::Commit).unwrap_err();
        assert_eq!(
            (error.kind(), error.is_fatal()),
            (ErrorKind::Broker(codes::INVALID_PRODUCER_ID_MAPPING), true),
            "{error}"
        );
        let before = committed(&world, 0);
        fence(&mut world);
        let mut next = setup().start();
        next.application.next_id = 100;
        std::mem::swap(&mut next.cluster, &mut world.cluster);
        next.transact(Call::Init).unwrap();
        let kept = transact_one(&mut next);
        assert_eq!(committed(&next, 0), [before, vec![kept]].concat());
    });
}
