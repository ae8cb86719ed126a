//! Transactional calls. One can run at a time, and the sender answers it. A call that times out goes on, and the same
//! call again joins it. Offsets that cannot be committed can be given up with an abort.

use super::{Producer, Wait};
use crate::event_loop::Waited;
use ottla_core::accumulator::{Command, OffsetCommit, TransactionCall, TransactionState, Waiting};
use ottla_core::error::{Error, ErrorKind, Result};

/// A call that goes on after its timeout.
pub(super) struct Unfinished {
    name: &'static str,
    ticket: u64,
}

const SEND_OFFSETS: &str = "send_offsets_to_transaction";

impl Producer {
    /// Gets the producer's id and epoch, once. Aborts what an earlier producer with the transactional id left open.
    pub fn init_transactions(&self, wait: Wait) -> Result<()> {
        self.transaction_call("init_transactions", TransactionCall::Init, wait)
    }

    /// Opens a transaction. Sends no request.
    pub fn begin_transaction(&self) -> Result<()> {
        self.transaction_call("begin_transaction", TransactionCall::Begin, Wait::Forever)
    }

    /// Commits a group's offsets within the open transaction.
    pub fn send_offsets_to_transaction(&self, commit: OffsetCommit, wait: Wait) -> Result<()> {
        check_lengths(&commit)?;
        let call = TransactionCall::SendOffsets(Box::new(commit));
        self.transaction_call(SEND_OFFSETS, call, wait)
    }

    /// Commits the open transaction, once all of its records are written.
    pub fn commit_transaction(&self, wait: Wait) -> Result<()> {
        self.transaction_call("commit_transaction", TransactionCall::Commit, wait)
    }

    /// Aborts the open transaction.
    pub fn abort_transaction(&self, wait: Wait) -> Result<()> {
        self.transaction_call("abort_transaction", TransactionCall::Abort, wait)
    }

    pub fn transaction_state(&self) -> TransactionState {
        self.shared.accumulator.gate.transaction_state()
    }

    fn transaction_call(&self, name: &'static str, call: TransactionCall, wait: Wait) -> Result<()> {
        self.check_process()?;
        self.refuse_in_callback(name)?;
        let deadline = self.deadline(wait);
        let Some(mut unfinished) = self.unfinished.try_lock() else {
            let message = format!("{name}: another call of transactions is under way on another thread");
            return Err(Error::new(ErrorKind::InvalidState, message));
        };
        let gives_up = |before: &Unfinished| matches!(call, TransactionCall::Abort) && before.name == SEND_OFFSETS;
        if let Some(before) = unfinished.take_if(|before| gives_up(before)) {
            self.shared.tickets.give_back(before.ticket);
        }
        let ticket = match &*unfinished {
            Some(before) if before.name != name => {
                let message = format!("{name}: {} timed out and goes on: call it again first", before.name);
                return Err(Error::new(ErrorKind::InvalidState, message));
            }
            Some(before) => before.ticket,
            None => {
                let ticket = self.shared.tickets.draw();
                self.shared.accumulator.inbox.command(Command::Transaction { ticket, call });
                ticket
            }
        };
        let mut waited = self.shared.wait(name, ticket, deadline);
        if let Waited::TimedOut = waited {
            let why = self.why_waiting(Waiting::Call(ticket), wait);
            // The call may have ended while its explanation was requested.
            waited = self.shared.tickets.wait(ticket, deadline);
            if let Waited::TimedOut = waited {
                *unfinished = Some(Unfinished { name, ticket });
                let message =
                    format!("{name} was not done in time and goes on: call it again to wait for its end{why}");
                return Err(Error::new(ErrorKind::TimedOut, message));
            }
        }
        *unfinished = None;
        self.shared.tickets.give_back(ticket);
        match waited {
            Waited::Answered(answer) => answer.map(drop),
            _ => Err(self.closed()),
        }
    }
}

/// The protocol has two bytes for the length of a string.
fn check_lengths(commit: &OffsetCommit) -> Result<()> {
    let OffsetCommit { group, offsets } = commit;
    let of_group = [
        ("the group's id", Some(&group.group_id)),
        ("the member's id", Some(&group.member_id)),
        ("group.instance.id", group.group_instance_id.as_ref()),
    ];
    let of_offsets = offsets.iter().flat_map(|offset| {
        [("an offset's topic", Some(&offset.topic)), ("an offset's metadata", offset.metadata.as_ref())]
    });
    let too_long = of_group.into_iter().chain(of_offsets).find_map(|(what, text)| {
        let len = text?.len();
        (len > i16::MAX as usize).then_some((what, len))
    });
    too_long.map_or(Ok(()), |(what, len)| {
        let message = format!("{SEND_OFFSETS}: {what} has {len} bytes; requests have room for {}", i16::MAX);
        Err(Error::new(ErrorKind::InvalidArgument, message))
    })
}
