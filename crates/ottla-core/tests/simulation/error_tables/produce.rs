//! Produce, without transactions and with them.

use ottla_core::accumulator::TransactionCall as Call;
use ottla_core::{ErrorKind, Fate};
use ottla_mock::codes::{self, *};
use ottla_mock::{Api, Fault, On};

use super::Becomes::{self, Aborted, AskedAgain, Doubted, Fatal};
use super::{assert_aborted, assert_doubted, assert_fatal, goes_on, open, others, setup, state};
use crate::delivery::warm;
use crate::world::{Setup, World, ms};

/// What happens to the batch of an idempotent producer when a response has the code once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Batch {
    /// It is retried unchanged after a backoff. `refresh`: metadata is requested. If every retry gets the code, the
    /// batch has this fate.
    Again { refresh: bool, fate: Fate },
    /// It is written, but its offset is unknown.
    Known,
    /// It is sent again in parts. A single record fails.
    Split,
    /// Earlier batches are missing from the log. Its partition begins a new epoch, and the batch is sent again.
    Renumbered,
    /// It fails, its number is given back, and the next batch is written.
    Fails(Fate),
}

use Batch::{Again, Fails, Known, Renumbered, Split};
use Fate::{NotWritten, Unknown};

/// Codes (empty: all others), consequence for an idempotent producer's batch, consequence for the transaction of a
/// transactional producer's, and where Java differs and why we do.
struct Row(&'static [i16], Batch, Becomes, &'static str);

const DEFUNCT: &str = "in Java the producer is unusable even without transactions: here the broker's proof of a hole (45) \
                       leads to a repair, and missing rights may be granted";
const STEPS_DOWN: &str =
    "a leader that steps down may respond so for batches that it has appended: Java reports a failure";
const METADATA: &str = "Java requests no metadata: the leader may have changed while it waited";
const PROOF: &str = "in Java the epoch rises after any failure: here only after the broker's proof, so that nothing can \
                     be written twice";
const HOLE: &str =
    "Java decides about a retry by its knowledge of the log: an abort is safe, and these brokers are old";
const WHY: &str = "Java's error says that a newer producer exists: here the coordinator is asked";
const FAR: &str = "the broker does not say how far it got: Java reports a failure";

const TABLE: &[Row] = &[
    Row(&[CORRUPT_MESSAGE], Again { refresh: false, fate: NotWritten }, AskedAgain, ""),
    Row(
        &[UNKNOWN_TOPIC_OR_PARTITION, KAFKA_STORAGE_ERROR],
        Again { refresh: true, fate: Unknown },
        AskedAgain,
        STEPS_DOWN,
    ),
    Row(
        &[LEADER_NOT_AVAILABLE, REPLICA_NOT_AVAILABLE, LISTENER_NOT_FOUND],
        Again { refresh: true, fate: NotWritten },
        AskedAgain,
        "",
    ),
    Row(&[NOT_LEADER_OR_FOLLOWER], Again { refresh: true, fate: Unknown }, AskedAgain, STEPS_DOWN),
    Row(&[FENCED_LEADER_EPOCH], Again { refresh: true, fate: NotWritten }, AskedAgain, ""),
    Row(&[UNKNOWN_LEADER_EPOCH], Again { refresh: false, fate: NotWritten }, AskedAgain, ""),
    Row(&[REQUEST_TIMED_OUT], Again { refresh: true, fate: Unknown }, AskedAgain, METADATA),
    Row(&[NETWORK_EXCEPTION], Again { refresh: true, fate: Unknown }, AskedAgain, ""),
    Row(&[NOT_ENOUGH_REPLICAS], Again { refresh: false, fate: NotWritten }, AskedAgain, ""),
    Row(&[NOT_ENOUGH_REPLICAS_AFTER_APPEND], Again { refresh: false, fate: Unknown }, AskedAgain, ""),
    Row(
        &[
            COORDINATOR_LOAD_IN_PROGRESS,
            COORDINATOR_NOT_AVAILABLE,
            NOT_COORDINATOR,
            CONCURRENT_TRANSACTIONS,
            THROTTLING_QUOTA_EXCEEDED,
        ],
        Again { refresh: false, fate: NotWritten },
        AskedAgain,
        "",
    ),
    Row(&[UNKNOWN_TOPIC_ID, INCONSISTENT_TOPIC_ID], Again { refresh: true, fate: NotWritten }, AskedAgain, ""),
    Row(&[MESSAGE_TOO_LARGE], Split, AskedAgain, ""),
    Row(&[RECORD_LIST_TOO_LARGE], Fails(NotWritten), Aborted, PROOF),
    Row(&[OUT_OF_ORDER_SEQUENCE_NUMBER], Renumbered, Aborted, ""),
    Row(&[DUPLICATE_SEQUENCE_NUMBER], Known, AskedAgain, ""),
    Row(&[UNKNOWN_PRODUCER_ID], Renumbered, Aborted, HOLE),
    Row(&[INVALID_PRODUCER_EPOCH], Renumbered, Doubted, WHY),
    Row(&[INVALID_TXN_STATE, TRANSACTION_ABORTABLE], Fails(NotWritten), Aborted, PROOF),
    Row(
        &[
            PRODUCER_FENCED,
            INVALID_PRODUCER_ID_MAPPING,
            TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
            CLUSTER_AUTHORIZATION_FAILED,
            UNSUPPORTED_VERSION,
        ],
        Fails(NotWritten),
        Fatal,
        DEFUNCT,
    ),
    Row(&[TOPIC_AUTHORIZATION_FAILED], Fails(NotWritten), Aborted, PROOF),
    Row(
        &[
            INVALID_TOPIC_EXCEPTION,
            INVALID_REQUIRED_ACKS,
            INVALID_TIMESTAMP,
            INVALID_REQUEST,
            UNSUPPORTED_FOR_MESSAGE_FORMAT,
        ],
        Fails(NotWritten),
        Aborted,
        PROOF,
    ),
    Row(&[POLICY_VIOLATION, UNSUPPORTED_COMPRESSION_TYPE, INVALID_RECORD], Fails(NotWritten), Aborted, PROOF),
    Row(&[UNKNOWN_SERVER_ERROR], Fails(Unknown), Aborted, FAR),
    Row(&[], Fails(NotWritten), Aborted, PROOF),
];

fn each_row(check: impl Fn(i16, &Row)) {
    let rest = others(TABLE.iter().flat_map(|row| row.0.iter().copied()));
    for row @ Row(codes, batch, becomes, java) in TABLE {
        for &code in if codes.is_empty() { &rest[..] } else { codes } {
            eprintln!("Produce answered with {}: {batch:?}, {becomes:?}; {java}", codes::name(code));
            check(code, row);
        }
    }
}

fn kind_of(code: i16) -> ErrorKind {
    ErrorKind::from_broker(code).expect("an error")
}

/// Sends a batch of two records. Returns the ids of both.
fn send_two(setup: Setup, faults: Vec<Fault>) -> (World, [u64; 2]) {
    let mut world = warm(setup, "t", 1);
    world.cluster.clear_requests();
    world.cluster.script(Api::Produce, faults);
    let ids = [world.send("t", 0), world.send("t", 0)];
    assert!(world.run_until(ms(10_000), World::all_completed), "{:#?}", world.log_tail());
    (world, ids)
}

fn plain() -> Setup {
    Setup::with(|sender| {
        sender.linger = ms(5);
        sender.retries = 2;
    })
}

/// Checks that the next record is written after those in the log, whatever happened before.
fn assert_flows(world: &mut World, before: &[u64]) {
    let next = world.send("t", 0);
    world.run(ms(1_000));
    world.assert_written(next);
    assert_eq!(world.in_log("t", 0), [before, &[next]].concat());
    assert_eq!(world.memory_used(), 0);
}

fn check_batch(code: i16, batch: Batch) {
    let (mut world, ids) = send_two(plain(), vec![Fault::Error(code, On::All)]);
    let bumped = world.counts().epochs_bumped;
    let kind = kind_of(code);
    if let Fails(fate) = batch {
        for id in ids {
            world.assert_failed(id, kind, fate);
            assert!(!world.outcome(id).fatal, "the producer goes on");
        }
        assert_flows(&mut world, &[1]);
        // A batch that may be in the log keeps its number. If it is there, the next one follows it.
        assert_eq!(world.counts().epochs_bumped, u64::from(fate == Unknown));
        return;
    }
    ids.iter().for_each(|id| world.assert_written(*id));
    assert_eq!(bumped, u64::from(batch == Renumbered));
    match batch {
        Again { refresh, .. } => {
            assert_eq!(world.cluster.requests_of(Api::Produce).len(), 2);
            world.run(ms(200));
            assert_eq!(!world.cluster.requests_of(Api::Metadata).is_empty(), refresh);
        }
        Split => {
            let parts: Vec<i32> =
                world.cluster.requests_of(Api::Produce).iter().map(|request| request.partitions[0].records).collect();
            assert_eq!(parts, [2, 1, 1]);
        }
        Known => return assert_eq!(world.outcome(ids[0]).offset, -1),
        _ => {}
    }
    assert_flows(&mut world, &[1, ids[0], ids[1]]);
}

/// The same code in response to every retry.
fn check_batch_to_the_end(code: i16, batch: Batch) {
    let (mut world, ids) = send_two(plain(), vec![Fault::Error(code, On::All); 8]);
    let fate = match batch {
        Known => return,
        Again { fate, .. } | Fails(fate) => fate,
        Split | Renumbered => NotWritten,
    };
    for id in ids {
        world.assert_failed(id, kind_of(code), fate);
        assert!(!world.outcome(id).fatal, "the producer goes on");
        let attempts = match batch {
            Fails(_) => 1,
            Split => 2,
            _ => 3,
        };
        assert_eq!(world.outcome(id).attempts, attempts, "{batch:?}");
    }
    world.cluster.clear_faults();
    assert_flows(&mut world, &[1]);
}

fn check_in_transaction(code: i16, becomes: Becomes, batch: Batch, generation: i16) {
    let kind = kind_of(code);
    let refused = |mut world: World| {
        world.cluster.script(Api::Produce, [Fault::Error(code, On::All)]);
        let id = world.send("t", 0);
        let result = world.transact(Call::Commit);
        (world, id, result)
    };
    let (mut world, id, result) = refused(open(generation, setup()));
    match becomes {
        // A single record cannot be split.
        AskedAgain if batch == Split => {
            world.assert_failed(id, kind, NotWritten);
            assert_aborted(&mut world, &result.expect_err("failed"), kind.code(), false);
        }
        AskedAgain => {
            result.expect("it was sent again");
            world.assert_written(id);
            // The code claims that the record is in the log already, which is not true here.
            let before: &[u64] = if batch == Known { &[1] } else { &[1, id] };
            if batch != Known {
                goes_on(&mut world, before);
            }
        }
        Aborted => {
            world.assert_failed(id, kind, if let Fails(fate) = batch { fate } else { NotWritten });
            assert_aborted(&mut world, &result.expect_err("failed"), kind.code(), kind.is_retriable());
        }
        Doubted => assert_doubted(code, generation, |world| {
            let (world, id, result) = refused(world);
            world.assert_failed(id, kind, NotWritten);
            (world, result)
        }),
        Fatal => {
            world.assert_failed(id, kind, NotWritten);
            assert_fatal(&mut world, &result.expect_err("fatal"), kind.code(), &[]);
        }
        other => panic!("no row says {other:?}"),
    }
}

#[test]
fn an_idempotent_producers_batch() {
    each_row(|code, row| check_batch(code, row.1));
}

#[test]
fn an_idempotent_producers_batch_to_the_end_of_its_retries() {
    each_row(|code, row| check_batch_to_the_end(code, row.1));
}

#[test]
fn a_transactions_batch() {
    for generation in [1, 2] {
        each_row(|code, row| check_in_transaction(code, row.2, row.1, generation));
    }
}

/// A batch that exhausts its retries fails its transaction, with the code of the last response.
#[test]
fn a_transactions_batch_to_the_end_of_its_retries() {
    each_row(|code, row| {
        let Again { fate, .. } = row.1 else { return };
        for generation in [1, 2] {
            let mut setup = setup();
            setup.sender.retries = 2;
            let mut world = open(generation, setup);
            world.cluster.script(Api::Produce, vec![Fault::Error(code, On::All); 3]);
            let id = world.send("t", 0);
            let error = world.transact(Call::Commit).expect_err("no retry is left");
            world.assert_failed(id, kind_of(code), fate);
            assert_aborted(&mut world, &error, code.into(), true);
        }
    });
}

/// A batch behind one that is retried is out of order until that one is written. That is no reason to abort.
#[test]
fn a_batch_behind_one_that_is_sent_again_waits_for_it() {
    for generation in [1, 2] {
        let mut world = open(generation, setup().single_records());
        world.cluster.script(Api::Produce, [Fault::Error(NOT_ENOUGH_REPLICAS, On::All)]);
        let ids: Vec<u64> = (0..5).map(|_| world.send("t", 0)).collect();
        world.transact(Call::Commit).unwrap_or_else(|error| panic!("generation {generation}: {error}"));
        assert_eq!(world.in_log("t", 0), [&[1], &ids[..]].concat());
        assert_eq!(state(&world), ottla_core::accumulator::TransactionState::Ready);
    }
}
