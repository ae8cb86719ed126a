//! What applications do with transactions, and which answers are allowed.

use ottla_core::accumulator::{GroupMetadata, Offset, OffsetCommit, TransactionCall, TransactionState as State};
use ottla_core::{Error, ErrorKind};

use super::run::{GROUP, Instance, PARTITIONS, Run, TOPICS};
use crate::promises::{End, Transaction};
use crate::world::ms;

/// A call that waits for its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    Init,
    Begin,
    Offsets(i64),
    Commit,
    Abort,
    /// A call that the state forbids.
    Nonsense,
}

impl Call {
    fn name(self) -> &'static str {
        match self {
            Call::Init => "init",
            Call::Begin => "begin",
            Call::Offsets(_) => "offsets",
            Call::Commit => "commit",
            Call::Abort => "abort",
            Call::Nonsense => "nonsense",
        }
    }
}

impl Run {
    pub fn output(&mut self, at: usize) {
        let instance = &self.instances[at];
        if instance.call.is_some() || instance.world.application.closing.is_some() {
            return self.send_meanwhile(at);
        }
        let dice = &mut self.dice.calls;
        match instance.world.accumulator.gate.transaction_state() {
            State::Uninitialized | State::Ready if dice.once_in(10) => self.make_forbidden_call(at),
            State::Uninitialized => self.call(at, Call::Init),
            State::Ready => self.call(at, Call::Begin),
            State::InTransaction => match dice.below(100) {
                0..70 => self.send(at),
                70..80 => self.send_offsets(at),
                80..84 => drop(self.instances[at].world.flush()),
                84 => self.purge(at),
                85 => self.make_forbidden_call(at),
                86..96 => self.call(at, Call::Commit),
                _ => self.call(at, Call::Abort),
            },
            State::AbortRequired if dice.once_in(4) => self.call(at, Call::Commit),
            State::AbortRequired => self.call(at, Call::Abort),
            State::Fatal => self.give_up(at),
            _ => {}
        }
    }

    pub fn call(&mut self, at: usize, call: Call) {
        let request = match call {
            Call::Init => TransactionCall::Init,
            Call::Begin => TransactionCall::Begin,
            Call::Offsets(offset) => offsets(offset),
            Call::Commit => TransactionCall::Commit,
            Call::Abort => TransactionCall::Abort,
            Call::Nonsense => unreachable!("that has many forms"),
        };
        self.request(at, call, request);
    }

    fn request(&mut self, at: usize, call: Call, request: TransactionCall) {
        let number = self.instances[at].number;
        self.print(|| format!("{number} calls {call:?}: {request:?}"));
        let ticket = self.instances[at].world.call(request);
        self.instances[at].call = Some((ticket, call));
    }

    pub fn send_offsets(&mut self, at: usize) {
        self.next_offset += 1;
        self.call(at, Call::Offsets(self.next_offset));
    }

    /// Makes a call, or a send, that the state forbids.
    fn make_forbidden_call(&mut self, at: usize) {
        let state = self.instances[at].world.accumulator.gate.transaction_state();
        let request = match (state, self.dice.calls.below(3)) {
            (State::InTransaction, 0 | 1) => TransactionCall::Begin,
            (State::InTransaction, _) => TransactionCall::Init,
            (_, 0) => {
                let sent = self.instances[at].world.send_sized("t", Some(0), 0);
                assert!(sent.is_err(), "a send without a transaction is taken, in state {state:?}");
                return;
            }
            (_, 1) => TransactionCall::Commit,
            (State::Ready, _) => offsets(0),
            (..) => TransactionCall::Abort,
        };
        self.request(at, Call::Nonsense, request);
    }

    fn send(&mut self, at: usize) {
        for _ in 0..=self.dice.sends.below(5) {
            let dice = &mut self.dice.sends;
            let (topic, partition) = (dice.one_of(&TOPICS), dice.below(PARTITIONS as u32) as i32);
            let padding = if dice.once_in(12) { dice.below(20_000) } else { dice.below(100) };
            self.send_one(at, topic, partition, padding as usize);
        }
    }

    pub fn send_one(&mut self, at: usize, topic: &str, partition: i32, padding: usize) {
        let Instance { world, open, number, .. } = &mut self.instances[at];
        if let Ok(id) = world.send_sized(topic, Some(partition), padding) {
            let open = open.as_mut().expect("a record is taken in an open transaction only");
            assert!(!open.failed, "a record is taken after the transaction failed");
            open.records.push(id);
            let number = *number;
            self.print(|| format!("{number} sends {id} to {topic}-{partition}"));
        }
    }

    /// Another thread sends while the end of the transaction is requested. Records accepted before the gate shuts
    /// belong to it.
    pub fn send_meanwhile(&mut self, at: usize) {
        let Instance { world, call, .. } = &self.instances[at];
        let is_ending = matches!(call, Some((_, Call::Commit | Call::Abort))) && world.application.closing.is_none();
        if is_ending && self.dice.sends.once_in(3) {
            let (state, first) = (world.accumulator.gate.transaction_state(), world.application.next_id);
            self.send(at);
            let taken = self.instances[at].world.application.next_id - first;
            assert!(taken == 0 || state == State::InTransaction, "{taken} records are taken in state {state:?}");
        }
    }

    fn purge(&mut self, at: usize) {
        let (queued, in_flight) = self.dice.calls.one_of(&[(true, true), (true, false), (false, true)]);
        self.instances[at].world.purge(queued, in_flight, None);
        self.coverage.note("purge");
    }

    /// The producer cannot go on: sends are refused with that reason, and it is closed.
    fn give_up(&mut self, at: usize) {
        let world = &mut self.instances[at].world;
        assert!(world.send_sized("t", Some(0), 0).is_err(), "a send is taken in state Fatal");
        let timeout = self.dice.calls.one_of(&[ms(0), ms(100), ms(5_000)]);
        world.close(timeout);
        self.coverage.note("instance: fatal");
        if let Some(open) = self.instances[at].open.take() {
            let perhaps_committed = !open.failed;
            self.abandon(open, perhaps_committed);
        }
    }

    // Answers

    /// Takes the answer to a call, if there is one.
    pub fn take_answer(&mut self, at: usize) {
        let instance = &mut self.instances[at];
        let Some((ticket, call)) = instance.call else { return };
        let Some(answer) = instance.world.application.answers.get(&ticket).cloned() else { return };
        instance.call = None;
        let number = instance.number;
        self.print(|| format!("{number} is answered {call:?}: {answer:?}"));
        match answer {
            Ok(_) => self.take_success(at, call),
            Err(error) => self.take_failure(at, call, &error),
        }
    }

    fn take_success(&mut self, at: usize, call: Call) {
        let Instance { world, open, .. } = &mut self.instances[at];
        match call {
            // A producer that had the transactional id before is fenced. What it left open was aborted.
            Call::Init => self.transactions.settle(self.steps),
            Call::Begin => *open = Some(Transaction { begun: self.steps, ..Transaction::default() }),
            Call::Offsets(offset) => {
                open.as_mut().expect("offsets are taken in a transaction").offset = Some(offset);
            }
            Call::Commit => {
                let committed = open.take().expect("a transaction was committed");
                assert!(!committed.failed, "a failed transaction was committed");
                committed.records.iter().for_each(|id| world.assert_written(*id));
                self.ended(End::Committed, committed);
            }
            Call::Abort => {
                let aborted = open.take().expect("a transaction was aborted");
                let completed = aborted.records.iter().all(|id| world.application.outcomes.contains_key(id));
                assert!(completed, "some record of an aborted transaction has no completion");
                self.ended(End::NotCommitted, aborted);
            }
            Call::Nonsense => panic!("it is not refused"),
        }
    }

    fn take_failure(&mut self, at: usize, call: Call, error: &Error) {
        let Instance { world, open, .. } = &mut self.instances[at];
        let state = world.accumulator.gate.transaction_state();
        match call {
            _ if error.kind() == ErrorKind::Closed => {
                assert!(world.application.closing.is_some(), "closed by nobody: {error}");
            }
            _ if error.is_fatal() => {
                self.coverage.note(format!("reported: fatal, of {}", call.name()));
                if let Some(open) = open.take() {
                    // A commit that the coordinator has begun is not undone by a later error.
                    let perhaps_committed = call == Call::Commit && !open.failed;
                    self.abandon(open, perhaps_committed);
                }
            }
            Call::Init => assert_eq!(state, State::Uninitialized, "{error}"),
            Call::Nonsense => {
                let may_fail = state == State::AbortRequired;
                assert!(error.kind() == ErrorKind::InvalidState || may_fail, "{error}");
            }
            Call::Begin => panic!("a transaction cannot begin: {error}"),
            Call::Offsets(_) | Call::Commit => {
                assert!(error.requires_abort(), "{error}");
                self.coverage.note(format!("reported: abort, of {}", call.name()));
                open.as_mut().expect("a transaction is open").failed = true;
            }
            Call::Abort => panic!("a transaction cannot be aborted: {error}"),
        }
    }

    /// The application will not learn how this transaction ends.
    pub fn abandon(&mut self, transaction: Transaction, perhaps_committed: bool) {
        self.ended(if perhaps_committed { End::Unknown } else { End::NotCommitted }, transaction);
    }

    fn ended(&mut self, end: End, transaction: Transaction) {
        self.coverage.note(match end {
            End::Committed => "transaction: committed",
            End::NotCommitted => "transaction: aborted",
            End::Unknown => "transaction: in doubt",
        });
        self.transactions.add(end, transaction, self.steps);
    }
}

fn offsets(offset: i64) -> TransactionCall {
    let offset = Offset { topic: "in".into(), partition: 0, offset, leader_epoch: None, metadata: None };
    let group = GroupMetadata { group_id: GROUP.into(), ..GroupMetadata::default() };
    TransactionCall::SendOffsets(Box::new(OffsetCommit { group, offsets: vec![offset] }))
}
