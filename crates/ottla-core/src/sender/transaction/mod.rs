//! Transactions (KIP-98; KIP-890 if the cluster's transaction.version is 2): the state that the application sees, its
//! calls, and the next request to the coordinator. DESIGN.md has the diagram of the states.
//!
//! One request of a transaction is in flight at a time. Producing goes on meanwhile: a partition that is not added yet
//! holds up only itself.

mod coordinator;
mod offsets;
mod requests;

use std::collections::VecDeque;

use super::flush::Waiter;
use super::index::{BrokerIndex, PartitionIndex};
use super::request::Role;
use super::{Answer, Place, Sender, Timer};
use crate::accumulator::{Command, TransactionCall as Call, TransactionState};
use crate::batch::ProducerEpoch;
use crate::config::Facility;
use crate::error::{Error, ErrorCode, ErrorKind, Result};
use crate::planted::{Fault, planted};
use crate::sync::Time;
use coordinator::{Coordinators, Found};

/// The transactions of one producer, one after the other.
pub struct Transaction {
    id: String,
    timeout_ms: i32,
    state: State,
    /// Producer id and epoch, given by the coordinator.
    producer: Option<ProducerEpoch>,
    /// KIP-890: brokers add partitions themselves, and every transaction has an epoch of its own.
    implicit: bool,
    /// Counts transactions. A partition that belongs to the present one has its number.
    serial: u64,
    /// The coordinator knows, or may know, the present transaction, so its end must be reported to it.
    reported: bool,
    /// The coordinator has confirmed this: it added a partition or a group.
    begun: bool,
    /// A sequence may have a gap, or the protocol generation changed, so the next transaction needs another epoch.
    renew: bool,
    /// Partitions that wait to be added.
    joining: VecDeque<PartitionIndex>,
    /// Some of them were not requested yet.
    unasked: bool,
    offsets: Option<offsets::Pending>,
    /// The ticket of the call that waits.
    ticket: Option<u64>,
    coordinators: Coordinators,
    asked: bool,
    failures: u32,
    not_before: Time,
    /// Why the present state makes no progress: the last error of a broker, or a missing response.
    pub last_error: Option<Error>,
}

#[derive(Clone, Debug)]
enum State {
    Uninitialized,
    Initializing,
    Ready,
    Open,
    Ending(End, Phase),
    /// A broker reported that the epoch is old or the transaction was aborted. Only the coordinator knows whether a
    /// newer instance of this producer exists or the transaction was given up, so it is asked.
    Doubted(Error),
    Failed(Error),
    Fatal(Error),
}

impl State {
    /// The name in debug lines.
    fn name(&self) -> &'static str {
        match self {
            State::Uninitialized => "uninitialized",
            State::Initializing => "initializing",
            State::Ready => "ready",
            State::Open => "open",
            State::Ending(End::Commit, Phase::Draining) => "commit: draining",
            State::Ending(End::Commit, Phase::Telling) => "commit: telling",
            State::Ending(End::Commit, Phase::Renewing) => "commit: renewing",
            State::Ending(End::Abort, Phase::Draining) => "abort: draining",
            State::Ending(End::Abort, Phase::Telling) => "abort: telling",
            State::Ending(End::Abort, Phase::Renewing) => "abort: renewing",
            State::Doubted(_) => "doubted",
            State::Failed(_) => "failed",
            State::Fatal(_) => "fatal",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Commit,
    Abort,
}

/// How far the end of a transaction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Records are still in flight or queued.
    Draining,
    /// The end is reported to the coordinator.
    Telling,
    /// Another epoch is requested.
    Renewing,
}

/// The next request to a coordinator.
enum Step {
    Init,
    AddPartitions,
    AddOffsets,
    CommitOffsets,
    End(End),
}

impl Transaction {
    pub fn new(id: String, timeout_ms: i32) -> Self {
        Transaction {
            id,
            timeout_ms,
            state: State::Uninitialized,
            producer: None,
            implicit: false,
            serial: 0,
            reported: false,
            begun: false,
            renew: false,
            joining: VecDeque::new(),
            unasked: false,
            offsets: None,
            ticket: None,
            coordinators: Coordinators::default(),
            asked: false,
            failures: 0,
            not_before: Time::ZERO,
            last_error: None,
        }
    }

    pub fn id(&self) -> &str {
        &self.id
    }

    /// The key for FindCoordinator: the transactional id, or the group whose offsets are committed.
    fn asked_about(&self, role: Role) -> &str {
        match (role, &self.offsets) {
            (Role::Group, Some(pending)) => pending.group_id(),
            _ => &self.id,
        }
    }

    pub fn producer(&self) -> Option<ProducerEpoch> {
        self.producer
    }

    /// Whether brokers add partitions themselves (KIP-890).
    pub fn is_implicit(&self) -> bool {
        self.implicit
    }

    pub fn is_asked_for(&self, ticket: u64) -> bool {
        self.ticket == Some(ticket)
    }

    /// The coordinator for the next request, if it is known.
    pub fn next_coordinator(&self) -> Option<BrokerIndex> {
        let role = if let Some(Step::CommitOffsets) = self.step() { Role::Group } else { Role::Transaction };
        self.coordinators.of(role).map(Found::broker)
    }

    fn seen(&self) -> TransactionState {
        match self.state {
            State::Uninitialized => TransactionState::Uninitialized,
            State::Initializing => TransactionState::Initializing,
            State::Ready => TransactionState::Ready,
            State::Open => TransactionState::InTransaction,
            State::Ending(End::Commit, _) => TransactionState::Committing,
            State::Ending(End::Abort, _) => TransactionState::Aborting,
            State::Doubted(_) | State::Failed(_) => TransactionState::AbortRequired,
            State::Fatal(_) => TransactionState::Fatal,
        }
    }

    /// The next request to a coordinator, if there is one.
    fn step(&self) -> Option<Step> {
        match &self.state {
            State::Initializing | State::Doubted(_) | State::Ending(_, Phase::Renewing) => Some(Step::Init),
            State::Ending(end, Phase::Telling) => Some(Step::End(*end)),
            State::Open | State::Ending(End::Commit, Phase::Draining) if !self.joining.is_empty() => {
                Some(Step::AddPartitions)
            }
            State::Open => self.offsets.as_ref().map(|pending| {
                if self.implicit || pending.is_added() { Step::CommitOffsets } else { Step::AddOffsets }
            }),
            _ => None,
        }
    }
}

impl Sender {
    /// A transactional producer accepts records only in a transaction.
    pub(super) fn shut_gate_for_transactions(&mut self) {
        if self.transaction.is_some() {
            self.accumulator.gate.shut(uninitialized());
            self.enter(State::Uninitialized);
        }
    }

    /// Handles a call of the application. The result goes to `ticket`, now or later.
    pub(super) fn transaction_call(&mut self, ticket: u64, call: Call) {
        match self.take_call(ticket, call) {
            Ok(()) => self.drive_transaction(),
            Err(error) => self.answer(ticket, Err(error)),
        }
    }

    fn take_call(&mut self, ticket: u64, call: Call) -> Result<()> {
        if self.closing.is_some() {
            return Err(Error::new(ErrorKind::Closed, "the producer is closing"));
        }
        let Some(transaction) = &mut self.transaction else {
            let message = "the producer has no transactions: set transactional.id";
            return Err(Error::new(ErrorKind::InvalidState, message));
        };
        match (call, transaction.state.clone()) {
            (_, State::Fatal(error)) => Err(error),
            (Call::Init, State::Uninitialized) => {
                transaction.ticket = Some(ticket);
                self.enter(State::Initializing);
                Ok(())
            }
            (Call::Begin, State::Ready) => {
                transaction.serial += 1;
                self.enter(State::Open);
                self.accumulator.gate.open();
                self.answer(ticket, Ok(Answer::Done));
                Ok(())
            }
            (Call::SendOffsets(commit), State::Open) => {
                if commit.offsets.is_empty() {
                    self.answer(ticket, Ok(Answer::Done));
                    return Ok(());
                }
                transaction.ticket = Some(ticket);
                transaction.offsets = Some(offsets::Pending::new(*commit));
                Ok(())
            }
            (Call::Commit, State::Open) => {
                self.end_transaction(Some(ticket), End::Commit);
                Ok(())
            }
            (Call::Abort, State::Open | State::Failed(_) | State::Doubted(_)) => {
                // A call that timed out, and whose caller gives it up.
                self.answer_call(Err(aborted()));
                self.end_transaction(Some(ticket), End::Abort);
                Ok(())
            }
            (Call::SendOffsets(_) | Call::Commit, State::Failed(error)) => Err(error),
            (Call::SendOffsets(_) | Call::Commit, State::Doubted(_)) => {
                transaction.ticket = Some(ticket);
                Ok(())
            }
            (call, _) => Err(wrong_state(&call, transaction.seen())),
        }
    }

    fn enter(&mut self, state: State) {
        self.change(state);
        let Some(transaction) = &mut self.transaction else { return };
        transaction.failures = 0;
        self.accumulator.gate.show(transaction.seen());
    }

    fn change(&mut self, state: State) {
        let Some(transaction) = &mut self.transaction else { return };
        let (before, after) = (transaction.state.name(), state.name());
        transaction.state = state;
        transaction.last_error = None;
        self.debug(Facility::Idempotence, || format!("transaction: {before} -> {after}"));
    }

    /// No more records join the transaction. Those that were accepted before are in their slots, but the inbox may not
    /// have announced all of them yet. So the end continues with a command, which follows their mail.
    fn end_transaction(&mut self, ticket: Option<u64>, end: End) {
        let Some(transaction) = &mut self.transaction else { return };
        transaction.ticket = ticket;
        self.enter(State::Ending(end, Phase::Draining));
        let why = match end {
            End::Commit => "the transaction is being committed",
            End::Abort => "the transaction is being aborted",
        };
        if !planted(Fault::GateLeftOpen) {
            self.accumulator.gate.shut(Error::new(ErrorKind::InvalidState, format!("{why}: begin another first")));
        }
        if planted(Fault::MailLeftOut) {
            return self.drain_transaction();
        }
        self.accumulator.inbox.command(Command::DrainTransaction);
    }

    /// All records of the transaction are known now. A commit waits for them. An abort fails those that were not sent,
    /// and waits for the others.
    pub(super) fn drain_transaction(&mut self) {
        let Some(Transaction { state: State::Ending(end, Phase::Draining), .. }) = self.transaction else { return };
        if end == End::Abort {
            self.fail_unsent(&aborted());
        }
        if planted(if end == End::Abort { Fault::AbortBeforeAnswered } else { Fault::CommitBeforeDecided }) {
            return self.transaction_drained();
        }
        self.flush(Waiter::TransactionEnd);
    }

    /// Whether the transaction is being aborted.
    pub(super) fn is_aborting(&self) -> bool {
        self.transaction.as_ref().is_some_and(|transaction| matches!(transaction.state, State::Ending(End::Abort, _)))
    }

    fn fail_unsent(&mut self, error: &Error) {
        if let Some(transaction) = &mut self.transaction {
            transaction.joining.clear();
            transaction.offsets.take_if(|_| !planted(Fault::OffsetsAfterAbort));
        }
        for index in self.partitions.active().to_vec() {
            self.fail_queued(index, error);
            if self.partition(index).is_topic_queue() {
                self.queue_emptied(index);
            } else {
                self.reconsider(index);
            }
        }
    }

    /// All records of the transaction are decided.
    pub(super) fn transaction_drained(&mut self) {
        let Some(transaction) = &mut self.transaction else { return };
        let State::Ending(end, Phase::Draining) = transaction.state else { return };
        if transaction.reported && !(end == End::Abort && planted(Fault::AbortUntold)) {
            self.change(State::Ending(end, Phase::Telling));
        } else {
            self.transaction_reported();
        }
        self.drive_transaction();
    }

    /// The coordinator knows how the transaction ends, or never knew the transaction.
    fn transaction_reported(&mut self) {
        let Some(transaction) = &mut self.transaction else { return };
        let State::Ending(end, _) = transaction.state else { return };
        transaction.reported = false;
        transaction.begun = false;
        transaction.joining.clear();
        let implicit = self.cluster_adds_partitions();
        let Some(transaction) = &mut self.transaction else { return };
        transaction.renew |= implicit != transaction.implicit;
        if transaction.renew {
            self.change(State::Ending(end, Phase::Renewing));
        } else {
            self.transaction_ended();
        }
    }

    fn transaction_ended(&mut self) {
        self.enter(State::Ready);
        self.accumulator.gate.shut(no_transaction());
        self.answer_call(Ok(()));
    }

    /// A record failed, or a coordinator refused to go on with the transaction, so it must be aborted. A fatal error
    /// ends the producer.
    pub(super) fn transaction_failed(&mut self, error: &Error) {
        if error.kind() == ErrorKind::Broker(ErrorCode::INVALID_PRODUCER_EPOCH) {
            self.transaction_doubted(error);
        } else {
            self.break_transaction(error, State::Failed);
        }
    }

    /// There may be a newer producer. A waiting call gets the coordinator's answer.
    fn transaction_doubted(&mut self, error: &Error) {
        self.break_transaction(error, State::Doubted);
    }

    fn break_transaction(&mut self, error: &Error, broken: fn(Error) -> State) {
        let Some(transaction) = &mut self.transaction else { return };
        let ending = matches!(transaction.state, State::Ending(End::Commit, _)) && !planted(Fault::CommitAfterFailure);
        let open = ending || matches!(transaction.state, State::Open);
        if error.is_fatal() {
            return self.transaction_fatal(error);
        }
        if !open {
            return;
        }
        let error = error.context("the transaction has to be aborted").requiring_abort();
        transaction.joining.clear();
        transaction.offsets.take_if(|_| !planted(Fault::OffsetsAfterAbort));
        self.accumulator.gate.shut(error.clone());
        let broken = broken(error.clone());
        let known = matches!(broken, State::Failed(_));
        self.enter(broken);
        if known {
            self.answer_call(Err(error));
        } else {
            self.note_transaction_error(&error);
        }
        self.drive_transaction();
    }

    /// The producer is defunct.
    pub(super) fn transaction_fatal(&mut self, error: &Error) {
        let Some(Transaction { state, .. }) = &self.transaction else { return };
        if matches!(state, State::Fatal(_)) {
            return;
        }
        // The commit succeeded. Only the epoch for the next transaction could not be requested.
        let committed = matches!(state, State::Ending(End::Commit, Phase::Renewing));
        let error = error.note("this producer cannot go on: close it").fatal();
        self.log(super::Level::Error, || error.to_string());
        self.enter(State::Fatal(error.clone()));
        self.accumulator.gate.shut(error.clone());
        self.answer_call(if committed { Ok(()) } else { Err(error.clone()) });
        self.fail_unsent(&error);
    }

    /// What the present call waits for.
    pub(super) fn transaction_waits_for(&self) -> Option<String> {
        let transaction = self.transaction.as_ref()?;
        match (&transaction.state, transaction.step()) {
            (State::Ending(_, Phase::Draining), None) => self.records_wait_for(None),
            _ => self.transaction_request_waits_for(),
        }
    }

    fn answer_call(&mut self, outcome: Result<()>) {
        if let Some(ticket) = self.transaction.as_mut().and_then(|transaction| transaction.ticket.take()) {
            self.answer(ticket, outcome.map(|()| Answer::Done));
        }
    }

    /// Partitions will begin again at 0, for which the next transaction needs another epoch.
    pub(super) fn renew_transaction(&mut self) {
        if let Some(transaction) = &mut self.transaction {
            transaction.renew = true;
        }
    }

    /// A batch of a transaction failed. If it had sequence numbers, they may leave a gap, which another epoch ends.
    pub(super) fn transaction_decided(&mut self, renews_epoch: bool, error: &Error) {
        let Some(transaction) = &mut self.transaction else { return };
        transaction.renew |= renews_epoch;
        self.transaction_failed(error);
    }

    /// Whether a partition may send. If it must be added to the transaction first, that is queued.
    pub(super) fn may_join(&mut self, index: PartitionIndex) -> bool {
        let Some(transaction) = &mut self.transaction else { return true };
        let partition = &self.partitions[index];
        if partition.queue.is_empty() && partition.slot.status().oldest.is_none() {
            // It has nothing to send.
            return true;
        }
        if !matches!(transaction.state, State::Open | State::Ending(End::Commit, Phase::Draining)) {
            return false;
        }
        let serial = transaction.serial;
        if transaction.implicit {
            transaction.reported = true;
            return true;
        }
        if partition.joined == serial || planted(Fault::PartitionNotAdded) {
            return true;
        }
        if !transaction.joining.contains(&index) {
            transaction.joining.push_back(index);
            transaction.unasked = true;
        }
        false
    }

    /// Adds the partitions that this step found missing: all in one request, after the request in flight.
    pub(super) fn settle_joining(&mut self) {
        if let Some(transaction) = self.transaction.as_mut().filter(|transaction| transaction.unasked) {
            transaction.unasked = false;
            self.drive_transaction();
        }
    }

    /// The producer closes. An open transaction is aborted, and one that is ending goes on to its end.
    pub(super) fn close_transaction(&mut self) {
        const CLOSED: &str = "the producer was closed";
        let Some(transaction) = &self.transaction else { return };
        match transaction.state {
            State::Open | State::Failed(_) | State::Doubted(_) => {
                // A call that commits offsets may be waiting.
                self.answer_call(Err(self.closed_before_done(CLOSED)));
                self.end_transaction(None, End::Abort);
            }
            State::Initializing => {
                self.answer_call(Err(self.closed_before_done(CLOSED)));
                self.enter(State::Uninitialized);
            }
            _ => {}
        }
    }

    /// Whether the producer may end: no transaction is being committed or aborted.
    pub(super) fn transaction_is_settled(&self) -> bool {
        self.transaction.as_ref().is_none_or(|transaction| !matches!(transaction.state, State::Ending(..)))
    }

    /// Fails the waiting call, because the producer has ended.
    pub(super) fn abandon_transaction(&mut self) {
        let message = "the producer was closed before the call was done; the coordinator ends the transaction after \
                       transaction.timeout.ms";
        self.answer_call(Err(self.closed_before_done(message)));
    }

    fn closed_before_done(&self, message: &str) -> Error {
        let why = self.transaction_waits_for().map_or_else(String::new, |why| format!("; {why}"));
        Error::new(ErrorKind::Closed, format!("{message}{why}"))
    }

    pub(super) fn joined(&mut self, index: PartitionIndex) {
        let Some(transaction) = &mut self.transaction else { return };
        transaction.begun = true;
        let serial = transaction.serial;
        self.partition(index).joined = serial;
        if self.partition(index).place == Place::Gated {
            self.reconsider(index);
        }
    }

    /// Waits after an attempt to connect failed, which may have been to a coordinator.
    pub(super) fn transaction_waits_until(&mut self, at: Time) {
        if self.transaction.as_ref().is_some_and(|transaction| transaction.step().is_some()) {
            self.wait_for_transaction(at);
        }
    }

    fn wait_for_transaction(&mut self, at: Time) {
        self.timers.arm(Timer::Transaction, at);
    }
}

/// The error for sends before the first transaction can begin.
fn uninitialized() -> Error {
    Error::new(
        ErrorKind::InvalidState,
        "the producer has transactions: call init_transactions and begin_transaction first",
    )
}

pub fn aborted() -> Error {
    Error::new(ErrorKind::TransactionAborted, "its transaction was aborted before it was sent")
}

/// The error for sends while no transaction is open.
pub fn no_transaction() -> Error {
    Error::new(ErrorKind::InvalidState, "no transaction is open: begin one before sending")
}

fn wrong_state(call: &Call, state: TransactionState) -> Error {
    let what = match call {
        Call::Init => "init_transactions",
        Call::Begin => "begin_transaction",
        Call::SendOffsets(_) => "send_offsets_to_transaction",
        Call::Commit => "commit_transaction",
        Call::Abort => "abort_transaction",
    };
    let advice = match state {
        TransactionState::Uninitialized => "call init_transactions first",
        TransactionState::Ready => "no transaction is open: call begin_transaction",
        TransactionState::InTransaction => "a transaction is open: commit or abort it",
        TransactionState::AbortRequired => "the transaction failed: call abort_transaction",
        _ => "another call is under way: wait for its end",
    };
    Error::new(ErrorKind::InvalidState, format!("{what} in state {state:?}: {advice}"))
}
