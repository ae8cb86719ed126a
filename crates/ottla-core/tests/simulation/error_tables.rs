//! What each error code of a broker leads to, row by row: the tables of Java's producer (`Sender`,
//! `TransactionManager`), with what the application sees. A row says where Java differs, and why we do.
//!
//! This covers the C API as well: its functions pass on the error's code ([`ErrorKind::code`]), its class and the
//! state, and decide nothing. `tests/c/transaction_errors.c` checks one code of each class.

mod coordinators;
mod produce;

use ottla_core::accumulator::{Barred, GroupMetadata, NotAccepted, Offset, OffsetCommit};
use ottla_core::accumulator::{TransactionCall as Call, TransactionState as State};
use ottla_core::{Error, ErrorKind};
use ottla_mock::codes;

use crate::world::{Setup, World, id_of, ms};

const ID: &str = "mine";

/// The last code. No table has rows for all codes up to here; those without a row are tried as well.
const LAST_CODE: i16 = 133;

/// What happens to a transaction when a response has the code once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Becomes {
    /// The application notices nothing: the request is repeated after the backoff.
    AskedAgain,
    /// The same, but after 20 ms.
    AskedSoon,
    /// The same, once the new coordinator is known.
    AskedElsewhere,
    /// The call fails and has changed nothing, so it can be repeated.
    Refused,
    /// The transaction fails. After an abort the producer goes on.
    Aborted,
    /// The coordinator is asked for another epoch. If it grants one, the transaction fails as in `Aborted`. If it knows
    /// a newer producer, or has aborted the transaction for its age, the error is fatal and carries the coordinator's
    /// answer.
    Doubted,
    /// The producer is unusable from now on.
    Fatal,
}

fn setup() -> Setup {
    Setup::with(|sender| sender.transaction = Some((ID.into(), 60_000)))
}

/// A world with this generation of the protocol. The coordinator leads no partition, so its responses wait for no
/// others.
fn world_of(generation: i16, setup: Setup) -> World {
    let mut world = setup.start();
    world.cluster.set_transaction_version(generation);
    world.cluster.create_topic("t", 2);
    world.cluster.move_coordinator(ID, 3);
    world.cluster.move_coordinator("g", 3);
    world
}

/// The same, with an open transaction.
fn begun(generation: i16, setup: Setup) -> World {
    let mut world = world_of(generation, setup);
    world.transact(Call::Init).expect("initialized");
    world.transact(Call::Begin).expect("begun");
    world
}

/// The same, with an open transaction and a written record in it.
fn open(generation: i16, setup: Setup) -> World {
    let mut world = begun(generation, setup);
    let first = world.send("t", 0);
    world.run(ms(50));
    world.assert_written(first);
    world
}

fn state(world: &World) -> State {
    world.accumulator.gate.transaction_state()
}

fn committed(world: &World) -> Vec<u64> {
    let of = |partition| world.cluster.committed("t", partition);
    let mut ids: Vec<u64> = (0..2).flat_map(of).map(|record| id_of(record.value.as_deref())).collect();
    ids.sort_unstable();
    ids
}

fn offsets() -> Call {
    let offset = Offset { topic: "in".into(), partition: 0, offset: 7, leader_epoch: None, metadata: None };
    let group = GroupMetadata { group_id: "g".into(), ..GroupMetadata::default() };
    Call::SendOffsets(Box::new(OffsetCommit { group, offsets: vec![offset] }))
}

/// What C sees of an error: code, retriable, requires abort, fatal.
fn class(error: &Error) -> (i32, bool, bool, bool) {
    (error.kind().code(), error.is_retriable(), error.requires_abort(), error.is_fatal())
}

fn refused_send(world: &mut World) -> Error {
    match world.send_sized("t", Some(0), 0) {
        Err(NotAccepted::Barred(Barred::Shut(error))) => error,
        other => panic!("{other:?}"),
    }
}

fn wrong_state(world: &mut World, call: Call) {
    let error = world.transact(call.clone()).expect_err("not in this state");
    assert_eq!(class(&error), (ErrorKind::InvalidState.code(), false, false, false), "{call:?}: {error}");
}

/// Commits another transaction. Then only its record and `before` are visible.
fn goes_on(world: &mut World, before: &[u64]) {
    world.transact(Call::Begin).expect("the producer goes on");
    let more = [world.send("t", 0), world.send("t", 1)];
    world.transact(Call::Commit).expect("the producer goes on");
    assert_eq!(committed(world), [before, &more].concat());
    assert_eq!(state(world), State::Ready);
}

/// Checks that everything requires an abort, and that the abort leaves no trace.
fn assert_aborted(world: &mut World, error: &Error, code: i32, retriable: bool) {
    assert_eq!(class(error), (code, retriable, true, false), "{error}");
    assert!(error.message().contains("abort"), "{error}");
    for call in [Call::Commit, offsets()] {
        assert_eq!(&world.transact(call).expect_err("failed"), error);
    }
    assert_eq!(&refused_send(world), error);
    world.run(ms(2_000));
    assert_eq!(state(world), State::AbortRequired);
    wrong_state(world, Call::Begin);
    wrong_state(world, Call::Init);
    world.transact(Call::Abort).expect("aborted");
    assert!(world.all_completed() && committed(world).is_empty());
    goes_on(world, &[]);
}

/// Checks that everything reports the producer as unusable, and that it still closes.
fn assert_fatal(world: &mut World, error: &Error, code: i32, before: &[u64]) {
    assert_eq!(class(error), (code, false, false, true), "{error}");
    assert!(error.message().contains("close it"), "{error}");
    world.run(ms(2_000));
    for call in [Call::Init, Call::Begin, offsets(), Call::Commit, Call::Abort] {
        assert_eq!(class(&world.transact(call).expect_err("fatal")), class(error));
    }
    assert_eq!(class(&refused_send(world)), class(error));
    assert_eq!(state(world), State::Fatal);
    assert!(world.all_completed(), "records wait for nothing");
    world.close(ms(1_000));
    assert!(world.run_until(ms(100), |world| world.application.closed), "there is nothing left to wait for");
    assert_eq!((committed(world), world.memory_used()), (before.to_vec(), 0));
}

/// Checks a response with `code` that means an old epoch or a transaction that is gone, for each possible reason.
fn assert_doubted(code: i16, generation: i16, respond: impl Fn(World) -> (World, Result<(), Error>)) {
    let mut world = open(generation, setup());
    fence(&mut world);
    let (mut world, result) = respond(world);
    let mut error = result.expect_err("failed");
    // In the first generation an earlier response may already have given the reason.
    if !error.is_fatal() {
        assert_eq!(class(&error), (code.into(), false, true, false), "{error}");
        error = world.transact(Call::Abort).expect_err("it is of no use");
    }
    assert_fatal(&mut world, &error, codes::PRODUCER_FENCED.into(), &[]);
    // The coordinator has given up the transaction. Asked for another epoch, it grants one (transaction.version 2).
    let mut world = open(generation, setup());
    world.run(ms(61_000));
    world.cluster.expire_transactions();
    let (mut world, result) = respond(world);
    match result.expect_err("failed") {
        error if error.is_fatal() => assert_fatal(&mut world, &error, codes::PRODUCER_FENCED.into(), &[]),
        error => assert_aborted(&mut world, &error, code.into(), false),
    }
    if generation == 2 && code == codes::INVALID_PRODUCER_EPOCH {
        // The coordinator does not know the transaction yet, so it grants another epoch.
        let (mut world, result) = respond(begun(generation, setup()));
        assert_aborted(&mut world, &result.expect_err("failed"), code.into(), false);
    }
}

/// Another producer with the same transactional id.
fn fence(world: &mut World) {
    let mut other = setup().start();
    std::mem::swap(&mut other.cluster, &mut world.cluster);
    other.transact(Call::Init).expect("the newer one");
    std::mem::swap(&mut other.cluster, &mut world.cluster);
}

/// Codes without a row in the table.
fn others(named: impl Iterator<Item = i16>) -> Vec<i16> {
    let named: Vec<i16> = named.collect();
    let mut once = named.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), named.len(), "a code is in two rows");
    (-1..=LAST_CODE).filter(|code| *code != 0 && !named.contains(code)).collect()
}
