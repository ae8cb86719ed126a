//! FindCoordinator, InitProducerId, AddPartitionsToTxn, AddOffsetsToTxn, TxnOffsetCommit and EndTxn.

use std::time::Duration;

use ottla_core::accumulator::{TransactionCall as Call, TransactionState as State};
use ottla_core::{Error, ErrorKind, Fate};
use ottla_mock::codes::{self, *};
use ottla_mock::{Api, Fault, On, Versions};

use super::Becomes::{self, Aborted, AskedAgain, AskedElsewhere, AskedSoon, Doubted, Fatal, Refused};
use super::{assert_aborted, assert_doubted, assert_fatal, class, committed, goes_on, offsets, open, others, setup};
use super::{state, world_of, wrong_state};
use crate::world::{World, ms};

/// The request whose response has the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum To {
    /// The first FindCoordinator for the transactional id.
    Find,
    /// A later one, during a transaction.
    FindAgain,
    FindGroup,
    /// The first InitProducerId.
    Init,
    /// A later one, for a new epoch after a failed transaction was aborted.
    Renew,
    AddPartitions,
    AddOffsets,
    CommitOffsets,
    Commit,
    Abort,
}

/// Request, codes (empty: all others), consequence, and where Java differs and why we do.
struct Row(To, &'static [i16], Becomes, &'static str);

/// Java's RetriableExceptions, except those with which a coordinator means itself.
const RETRIABLE: &[i16] = &[
    REQUEST_TIMED_OUT,
    CORRUPT_MESSAGE,
    UNKNOWN_TOPIC_OR_PARTITION,
    LEADER_NOT_AVAILABLE,
    NOT_LEADER_OR_FOLLOWER,
    REPLICA_NOT_AVAILABLE,
    NETWORK_EXCEPTION,
    COORDINATOR_LOAD_IN_PROGRESS,
    NOT_ENOUGH_REPLICAS,
    NOT_ENOUGH_REPLICAS_AFTER_APPEND,
    KAFKA_STORAGE_ERROR,
    LISTENER_NOT_FOUND,
    FENCED_LEADER_EPOCH,
    UNKNOWN_LEADER_EPOCH,
    PREFERRED_LEADER_NOT_AVAILABLE,
    ELIGIBLE_LEADERS_NOT_AVAILABLE,
    ELECTION_NOT_NEEDED,
    THROTTLING_QUOTA_EXCEEDED,
    UNKNOWN_TOPIC_ID,
    INCONSISTENT_TOPIC_ID,
];
const RETRIABLE_BUT_TIMED_OUT: &[i16] = RETRIABLE.split_at(1).1;
const OTHER: &[i16] = &[];

const LATER: &str = "fatal in Java: a missing right may be granted, and then the call can be repeated";
const GONE: &str = "fatal in Java: the transaction was aborted, and the coordinator knows why";
const OLD: &str = "fatal in Java: a group's coordinator knows that the epoch is old, not why";
const ABORT: &str = "fatal in Java: an abort loses nothing, and if the abort fails that is fatal";
const KIND: &str = "abortable in Java: codes about identity or an unsupported request are permanent";
const SOON: &str =
    "after retry.backoff.ms in Java: the markers of the previous transaction are written within milliseconds";
const PAIR: &str = "abortable in Java: the code says that another partition failed, whose own code decides";
const NONE: &str = "abortable in Java, where there is no transaction to abort yet";

const TABLE: &[Row] = &[
    Row(To::Find, &[NOT_COORDINATOR], AskedElsewhere, ""),
    Row(To::Find, &[COORDINATOR_NOT_AVAILABLE], AskedAgain, ""),
    Row(To::Find, &[CONCURRENT_TRANSACTIONS], AskedSoon, SOON),
    Row(To::Find, RETRIABLE, AskedAgain, ""),
    Row(To::Find, &[TRANSACTIONAL_ID_AUTHORIZATION_FAILED], Refused, LATER),
    Row(To::Find, &[CLUSTER_AUTHORIZATION_FAILED], Refused, LATER),
    Row(To::Find, OTHER, Fatal, ""),
    Row(To::FindAgain, &[NOT_COORDINATOR], AskedElsewhere, ""),
    Row(To::FindAgain, &[COORDINATOR_NOT_AVAILABLE], AskedAgain, ""),
    Row(To::FindAgain, &[CONCURRENT_TRANSACTIONS], AskedSoon, SOON),
    Row(To::FindAgain, RETRIABLE, AskedAgain, ""),
    Row(To::FindAgain, OTHER, Fatal, ""),
    Row(To::FindGroup, &[NOT_COORDINATOR], AskedElsewhere, ""),
    Row(To::FindGroup, &[COORDINATOR_NOT_AVAILABLE], AskedAgain, ""),
    Row(To::FindGroup, &[CONCURRENT_TRANSACTIONS], AskedSoon, SOON),
    Row(To::FindGroup, RETRIABLE, AskedAgain, ""),
    Row(To::FindGroup, &[GROUP_AUTHORIZATION_FAILED], Aborted, ""),
    Row(
        To::FindGroup,
        &[
            CLUSTER_AUTHORIZATION_FAILED,
            UNSUPPORTED_VERSION,
            INVALID_PRODUCER_EPOCH,
            INVALID_PRODUCER_ID_MAPPING,
            TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
            PRODUCER_FENCED,
        ],
        Fatal,
        "",
    ),
    Row(To::FindGroup, OTHER, Aborted, ABORT),
    Row(To::Init, &[COORDINATOR_NOT_AVAILABLE, NOT_COORDINATOR], AskedElsewhere, ""),
    Row(To::Init, &[CONCURRENT_TRANSACTIONS], AskedSoon, SOON),
    Row(To::Init, RETRIABLE, AskedAgain, ""),
    Row(To::Init, &[CLUSTER_AUTHORIZATION_FAILED, TRANSACTIONAL_ID_AUTHORIZATION_FAILED], Refused, ""),
    Row(To::Init, &[INVALID_TRANSACTION_TIMEOUT], Refused, "fatal in Java: the broker's limit can be raised"),
    Row(To::Init, &[TRANSACTION_ABORTABLE], Refused, NONE),
    Row(To::Init, &[INVALID_PRODUCER_EPOCH, PRODUCER_FENCED], Fatal, ""),
    Row(To::Init, OTHER, Fatal, ""),
    Row(To::Renew, &[COORDINATOR_NOT_AVAILABLE, NOT_COORDINATOR], AskedElsewhere, ""),
    Row(To::Renew, &[CONCURRENT_TRANSACTIONS], AskedSoon, SOON),
    Row(To::Renew, RETRIABLE, AskedAgain, ""),
    Row(To::Renew, OTHER, Fatal, ""),
    Row(To::AddPartitions, &[COORDINATOR_NOT_AVAILABLE, NOT_COORDINATOR], AskedElsewhere, ""),
    Row(To::AddPartitions, &[CONCURRENT_TRANSACTIONS], AskedSoon, ""),
    Row(To::AddPartitions, RETRIABLE, AskedAgain, ""),
    Row(To::AddPartitions, &[INVALID_PRODUCER_EPOCH, PRODUCER_FENCED], Fatal, ""),
    Row(
        To::AddPartitions,
        &[TRANSACTIONAL_ID_AUTHORIZATION_FAILED, INVALID_TXN_STATE, INVALID_PRODUCER_ID_MAPPING],
        Fatal,
        "",
    ),
    Row(To::AddPartitions, &[TOPIC_AUTHORIZATION_FAILED], Aborted, ""),
    Row(To::AddPartitions, &[OPERATION_NOT_ATTEMPTED], AskedAgain, PAIR),
    Row(To::AddPartitions, &[UNKNOWN_PRODUCER_ID], Aborted, ""),
    Row(To::AddPartitions, &[TRANSACTION_ABORTABLE], Aborted, ""),
    Row(To::AddPartitions, &[CLUSTER_AUTHORIZATION_FAILED, UNSUPPORTED_VERSION], Fatal, KIND),
    Row(To::AddPartitions, OTHER, Aborted, ""),
    Row(To::AddOffsets, &[COORDINATOR_NOT_AVAILABLE, NOT_COORDINATOR], AskedElsewhere, ""),
    Row(To::AddOffsets, &[CONCURRENT_TRANSACTIONS], AskedSoon, SOON),
    Row(To::AddOffsets, RETRIABLE, AskedAgain, ""),
    Row(To::AddOffsets, &[INVALID_PRODUCER_EPOCH, PRODUCER_FENCED], Fatal, ""),
    Row(
        To::AddOffsets,
        &[TRANSACTIONAL_ID_AUTHORIZATION_FAILED, INVALID_TXN_STATE, INVALID_PRODUCER_ID_MAPPING],
        Fatal,
        "",
    ),
    Row(To::AddOffsets, &[GROUP_AUTHORIZATION_FAILED], Aborted, ""),
    Row(To::AddOffsets, &[UNKNOWN_PRODUCER_ID], Aborted, ""),
    Row(To::AddOffsets, &[TRANSACTION_ABORTABLE], Aborted, ""),
    Row(To::AddOffsets, &[CLUSTER_AUTHORIZATION_FAILED, UNSUPPORTED_VERSION], Fatal, ""),
    Row(To::AddOffsets, OTHER, Aborted, ABORT),
    Row(To::CommitOffsets, &[COORDINATOR_NOT_AVAILABLE, NOT_COORDINATOR, REQUEST_TIMED_OUT], AskedElsewhere, ""),
    Row(To::CommitOffsets, &[CONCURRENT_TRANSACTIONS], AskedSoon, SOON),
    Row(To::CommitOffsets, RETRIABLE_BUT_TIMED_OUT, AskedAgain, ""),
    Row(To::CommitOffsets, &[GROUP_AUTHORIZATION_FAILED, FENCED_INSTANCE_ID, TRANSACTION_ABORTABLE], Aborted, ""),
    Row(To::CommitOffsets, &[ILLEGAL_GENERATION, UNKNOWN_MEMBER_ID], Aborted, ""),
    Row(To::CommitOffsets, &[INVALID_PRODUCER_EPOCH], Doubted, OLD),
    Row(To::CommitOffsets, &[PRODUCER_FENCED], Fatal, ""),
    Row(To::CommitOffsets, &[TRANSACTIONAL_ID_AUTHORIZATION_FAILED, UNSUPPORTED_FOR_MESSAGE_FORMAT], Fatal, ""),
    Row(
        To::CommitOffsets,
        &[CLUSTER_AUTHORIZATION_FAILED, UNSUPPORTED_VERSION, INVALID_PRODUCER_ID_MAPPING],
        Fatal,
        "",
    ),
    Row(To::CommitOffsets, OTHER, Aborted, ABORT),
    Row(To::Commit, &[COORDINATOR_NOT_AVAILABLE, NOT_COORDINATOR], AskedElsewhere, ""),
    Row(To::Commit, &[CONCURRENT_TRANSACTIONS], AskedSoon, SOON),
    Row(To::Commit, RETRIABLE, AskedAgain, ""),
    Row(To::Commit, &[INVALID_PRODUCER_EPOCH, PRODUCER_FENCED], Fatal, ""),
    Row(To::Commit, &[TRANSACTIONAL_ID_AUTHORIZATION_FAILED, INVALID_PRODUCER_ID_MAPPING], Fatal, ""),
    Row(To::Commit, &[INVALID_TXN_STATE], Doubted, GONE),
    Row(To::Commit, &[UNKNOWN_PRODUCER_ID], Aborted, ""),
    Row(To::Commit, &[TRANSACTION_ABORTABLE], Aborted, ""),
    Row(To::Commit, OTHER, Fatal, ""),
    Row(To::Abort, &[COORDINATOR_NOT_AVAILABLE, NOT_COORDINATOR], AskedElsewhere, ""),
    Row(To::Abort, &[CONCURRENT_TRANSACTIONS], AskedSoon, SOON),
    Row(To::Abort, RETRIABLE, AskedAgain, ""),
    Row(To::Abort, &[INVALID_PRODUCER_EPOCH, PRODUCER_FENCED], Fatal, ""),
    Row(To::Abort, &[TRANSACTIONAL_ID_AUTHORIZATION_FAILED, INVALID_TXN_STATE, INVALID_PRODUCER_ID_MAPPING], Fatal, ""),
    Row(To::Abort, &[UNKNOWN_PRODUCER_ID], Fatal, "abortable in Java, but this request is the abort"),
    Row(To::Abort, &[TRANSACTION_ABORTABLE], Fatal, ""),
    Row(To::Abort, OTHER, Fatal, ""),
];

impl To {
    fn api(self) -> Api {
        match self {
            To::Find | To::FindAgain | To::FindGroup => Api::FindCoordinator,
            To::Init | To::Renew => Api::InitProducerId,
            To::AddPartitions => Api::AddPartitionsToTxn,
            To::AddOffsets => Api::AddOffsetsToTxn,
            To::CommitOffsets => Api::TxnOffsetCommit,
            To::Commit | To::Abort => Api::EndTxn,
        }
    }

    /// With KIP-890, brokers add partitions and groups, and the response to EndTxn has an epoch.
    fn is_of_kip_890(self) -> bool {
        !matches!(self, To::AddPartitions | To::AddOffsets | To::Renew)
    }

    /// The call that gets the result.
    fn call(self) -> Call {
        match self {
            To::Find | To::Init => Call::Init,
            To::FindAgain | To::AddPartitions | To::Commit => Call::Commit,
            To::FindGroup | To::AddOffsets | To::CommitOffsets => offsets(),
            To::Renew | To::Abort => Call::Abort,
        }
    }

    /// The state in which the request is made.
    fn prepare(self, generation: i16) -> World {
        match self {
            To::Find | To::Init => world_of(generation, setup()),
            To::Renew => {
                let mut world = open(generation, setup());
                world.cluster.script(Api::Produce, [Fault::Error(INVALID_RECORD, On::All)]);
                let failed = world.send("t", 0);
                world.run(ms(50));
                world.assert_failed(failed, ErrorKind::Broker(INVALID_RECORD), Fate::NotWritten);
                world
            }
            To::FindAgain => {
                let mut world = open(generation, setup());
                world.cluster.move_coordinator(super::ID, 2);
                world
            }
            _ => open(generation, setup()),
        }
    }
}

/// A response with the code, and the result and duration of the call that waited for it.
struct Answered {
    world: World,
    result: Result<(), Error>,
    took: Duration,
    /// FindCoordinator requests meanwhile.
    found: usize,
    /// A record that waits until its partition is added.
    waits: Option<u64>,
}

fn answer_with(to: To, code: i16, mut world: World) -> Answered {
    world.cluster.script(to.api(), [Fault::Error(code, On::All)]);
    let found = world.cluster.requests_of(Api::FindCoordinator).len();
    let start = world.now;
    let waits = (to == To::AddPartitions).then(|| world.send("t", 1));
    let result = world.transact(to.call());
    let took = world.now.since(start);
    let found = world.cluster.requests_of(Api::FindCoordinator).len() - found;
    Answered { world, result, took, found, waits }
}

/// Checks that the producer goes on as if nothing had happened.
fn assert_unnoticed(answered: Answered, to: To) {
    let Answered { mut world, result, .. } = answered;
    result.expect("the request was repeated");
    match to {
        To::Find | To::Init | To::Renew | To::Abort => goes_on(&mut world, &[]),
        To::FindAgain | To::Commit => goes_on(&mut world, &[1]),
        To::AddPartitions => goes_on(&mut world, &[1, 2]),
        To::FindGroup | To::AddOffsets | To::CommitOffsets => {
            world.transact(Call::Commit).expect("nothing is wrong with the transaction");
            assert_eq!(world.cluster.group("g").expect("known").offsets[&("in".into(), 0)].0, 7);
            goes_on(&mut world, &[1]);
        }
    }
}

fn check(to: To, code: i16, becomes: Becomes, generation: i16) {
    let answered = answer_with(to, code, to.prepare(generation));
    let kind = ErrorKind::from_broker(code).expect("an error");
    let retriable = kind.is_retriable();
    let searches = usize::from(matches!(to, To::Find | To::FindAgain | To::FindGroup));
    match becomes {
        AskedAgain | AskedElsewhere => {
            // The second search during a transaction follows an earlier backoff.
            let bounds = if to == To::FindAgain { ms(200)..ms(400) } else { ms(80)..ms(200) };
            assert!(bounds.contains(&answered.took), "{:?}", answered.took);
            let first = usize::from(matches!(to, To::Init | To::AddOffsets | To::CommitOffsets));
            let more = usize::from(becomes == AskedElsewhere || searches == 1);
            assert!(answered.found >= first + more, "{} searches", answered.found);
            assert_unnoticed(answered, to);
        }
        AskedSoon => {
            let before = if to == To::FindAgain { ms(80) } else { ms(0) };
            assert!((before + ms(20)..before + ms(60)).contains(&answered.took), "{:?}", answered.took);
            assert_unnoticed(answered, to);
        }
        Refused => {
            let Answered { mut world, result, .. } = answered;
            let error = result.expect_err("refused");
            assert_eq!(class(&error), (kind.code(), retriable, false, false), "{error}");
            assert_eq!(state(&world), State::Uninitialized);
            wrong_state(&mut world, Call::Begin);
            world.transact(Call::Init).expect("the second call succeeds");
            goes_on(&mut world, &[]);
        }
        Aborted => {
            let Answered { mut world, result, waits, .. } = answered;
            assert_aborted(&mut world, &result.expect_err("failed"), kind.code(), retriable);
            waits.inspect(|id| world.assert_failed(*id, ErrorKind::TransactionAborted, Fate::NotWritten));
        }
        Doubted => assert_doubted(code, generation, |world| {
            let Answered { world, result, .. } = answer_with(to, code, world);
            (world, result)
        }),
        Fatal => {
            let Answered { mut world, result, waits, .. } = answered;
            waits.inspect(|id| world.assert_failed(*id, kind, Fate::NotWritten));
            assert_fatal(&mut world, &result.expect_err("fatal"), kind.code(), &[]);
        }
    }
}

fn check_table(to: To) {
    let rows = || TABLE.iter().filter(move |row| row.0 == to);
    let rest = others(rows().flat_map(|row| row.1.iter().copied()));
    for Row(_, codes, becomes, java) in rows() {
        let codes = if codes.is_empty() { &rest[..] } else { codes };
        for &code in codes {
            for generation in [1, 2] {
                if generation == 2 && !to.is_of_kip_890() {
                    continue;
                }
                let row = format!("{to:?} answered with {} in generation {generation}: {becomes:?}", codes::name(code));
                eprintln!("{row}{}{java}", if java.is_empty() { "" } else { "; " });
                check(to, code, *becomes, generation);
            }
        }
    }
}

#[test]
fn find_coordinator() {
    check_table(To::Find);
}

#[test]
fn find_coordinator_during_a_transaction() {
    check_table(To::FindAgain);
}

#[test]
fn find_coordinator_of_a_group() {
    check_table(To::FindGroup);
}

#[test]
fn init_producer_id() {
    check_table(To::Init);
}

#[test]
fn init_producer_id_for_another_epoch() {
    check_table(To::Renew);
}

#[test]
fn add_partitions_to_txn() {
    check_table(To::AddPartitions);
}

#[test]
fn add_offsets_to_txn() {
    check_table(To::AddOffsets);
}

#[test]
fn txn_offset_commit() {
    check_table(To::CommitOffsets);
}

#[test]
fn end_txn_to_commit() {
    check_table(To::Commit);
}

#[test]
fn end_txn_to_abort() {
    check_table(To::Abort);
}

/// A commit is reported as such even if no epoch can be had for the next transaction.
#[test]
fn a_commit_succeeds_although_the_next_epoch_is_refused() {
    for code in [CLUSTER_AUTHORIZATION_FAILED, TRANSACTIONAL_ID_AUTHORIZATION_FAILED, PRODUCER_FENCED, INVALID_REQUEST]
    {
        let mut world = open(1, setup());
        world.cluster.set_transaction_version(2);
        (1..=3).for_each(|broker| world.cut_all_to(broker));
        world.run(ms(500));
        world.cluster.script(Api::InitProducerId, [Fault::Error(code, On::All)]);
        world.transact(Call::Commit).expect("it is committed");
        assert_eq!((committed(&world), state(&world)), (vec![1], State::Fatal), "{}", codes::name(code));
        let error = world.transact(Call::Begin).expect_err("fatal");
        assert_fatal(&mut world, &error, code.into(), &[1]);
    }
}

/// A transaction on brokers with versions 0 to 2 of a request.
fn old_world(api: Api) -> World {
    let mut world = setup().start();
    world.cluster.set_versions(Versions::kafka_3_9().with(api, 0..=2));
    world.cluster.create_topic("t", 2);
    world.transact(Call::Init).expect("initialized");
    world.transact(Call::Begin).expect("begun");
    world
}

/// A coordinator that cannot compare epochs would take the request for another epoch for that of a newer producer.
#[test]
fn an_old_coordinator_is_not_asked_to_resolve_a_doubt() {
    let mut world = old_world(Api::InitProducerId);
    world.cluster.script(Api::Produce, [Fault::Error(INVALID_PRODUCER_EPOCH, On::All)]);
    world.send("t", 0);
    world.transact(Call::Commit).expect_err("in doubt");
    let error = world.transact(Call::Abort).expect_err("for good");
    assert_fatal(&mut world, &error, INVALID_PRODUCER_EPOCH.into(), &[]);
    assert_eq!(world.cluster.requests_of(Api::InitProducerId).len(), 1);
}

/// Without the member's id in the request, the coordinator cannot tell a consumer that lost its partitions from the one
/// that has them now. Java ends the producer. An abort loses nothing, and without a member id the application can go
/// on.
#[test]
fn offsets_of_a_member_are_not_sent_to_a_coordinator_that_cannot_check_them() {
    let old = || old_world(Api::TxnOffsetCommit);
    for (member_id, generation_id, instance) in
        [("m", Some(3), None), ("m", None, None), ("", Some(3), None), ("", None, Some("i"))]
    {
        let mut world = old();
        let Call::SendOffsets(mut commit) = offsets() else { unreachable!() };
        commit.group.member_id = member_id.into();
        commit.group.generation_id = generation_id;
        commit.group.group_instance_id = instance.map(Into::into);
        let error = world.transact(Call::SendOffsets(commit)).expect_err("not sent");
        assert_aborted(&mut world, &error, ErrorKind::UnsupportedBroker.code(), false);
    }
    let mut world = old();
    world.transact(offsets()).expect("nobody's");
    world.transact(Call::Commit).expect("committed");
}
