//! The application: what it sends and asks for, and what is reported to it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ottla_core::accumulator::{Accumulator, Command, Lingering, NotAccepted, Purge, Submission, Topic};
use ottla_core::batch::{Completion, Report, Room};
use ottla_core::compress::Codec;
use ottla_core::sender::{Acks, Answer};
use ottla_core::sync::{Clock, Time};
use ottla_core::{Error, ErrorKind, Fate, Record};

use super::lender::Lender;
use super::values::{POISON, id_of, value_of};

/// What was reported about a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    pub fate: Fate,
    pub offset: i64,
    pub timestamp: i64,
    pub error: Option<ErrorKind>,
    /// The error says that the producer cannot go on.
    pub fatal: bool,
    pub message: String,
    pub attempts: u32,
    pub partition: i32,
    /// Address and length of a lent value.
    pub lent: Option<(usize, usize)>,
    pub at: Time,
}

/// A record that was accepted.
#[derive(Clone, Debug)]
pub struct Accepted {
    pub topic: String,
    /// The partition that the record names.
    pub partition: Option<i32>,
    pub padding: usize,
    pub acks: Acks,
    pub compressed: bool,
}

/// The world's time, as the accumulator sees it.
pub struct Hand(pub Time);

impl Clock for Hand {
    fn monotonic(&self) -> Time {
        self.0
    }

    fn wall_ms(&self) -> i64 {
        1_700_000_000_000 + (self.0.0 / 1_000_000) as i64
    }
}

/// A close that was requested.
#[derive(Clone, Copy, Debug)]
pub struct Closing {
    /// When it has to end.
    pub deadline: Time,
    /// Commands with smaller tickets came before it.
    pub ticket: u64,
}

pub struct Application {
    pub accepted: BTreeMap<u64, Accepted>,
    pub outcomes: BTreeMap<u64, Outcome>,
    /// Flushes by ticket, with the id of the first record after each.
    pub flushes: BTreeMap<u64, u64>,
    /// Flushes that ended, in their order.
    pub flushed: Vec<u64>,
    /// Purges by ticket, with the id of the first record after each.
    pub purges: BTreeMap<u64, (Purge, u64)>,
    /// The answers to commands other than flushes, by ticket.
    pub answers: BTreeMap<u64, ottla_core::Result<Answer>>,
    /// How many records were completed when that answer came.
    pub completed_before: BTreeMap<u64, usize>,
    pub closing: Option<Closing>,
    pub closed: bool,
    pub lender: Lender,
    /// Records that were sent poisoned.
    pub poisoned: BTreeSet<u64>,
    /// Reports are kept instead of dropped.
    pub keep_reports: bool,
    /// Reports show their records.
    pub retains: bool,
    pub reports: Vec<Report>,
    /// The id of the next record.
    pub next_id: u64,
    next_ticket: u64,
}

impl Application {
    pub fn new(retains: bool) -> Application {
        Application {
            accepted: BTreeMap::new(),
            outcomes: BTreeMap::new(),
            flushes: BTreeMap::new(),
            flushed: Vec::new(),
            purges: BTreeMap::new(),
            answers: BTreeMap::new(),
            completed_before: BTreeMap::new(),
            closing: None,
            closed: false,
            lender: Lender::default(),
            poisoned: BTreeSet::new(),
            keep_reports: false,
            retains,
            reports: Vec::new(),
            next_id: 1,
            next_ticket: 1,
        }
    }

    /// Sends a record with a value that identifies it.
    pub fn send_record(
        &mut self,
        (accumulator, now): (&Accumulator, Time),
        topic: &str,
        record: Record<'_>,
        padding: usize,
        fill: u8,
        lingering: Lingering,
    ) -> Result<u64, NotAccepted> {
        let (id, partition) = (self.next_id, record.partition);
        let value = value_of(id, padding, fill);
        let record = Record { value: Some(&value), ..record };
        let to = accumulator.topics.get(topic);
        let (completion, clock) = (Completion::Tag(id), Hand(now));
        let submission = Submission { lingering, ..Submission::new(&to, &record, &completion, &clock) };
        accumulator.accept(&submission, &mut Room::default())?;
        if fill == POISON {
            self.poisoned.insert(id);
        }
        Ok(self.accept(&to, partition, padding))
    }

    /// Sends a record with a lent value.
    pub fn send_lent(
        &mut self,
        (accumulator, now): (&Accumulator, Time),
        topic: &str,
        partition: Option<i32>,
        padding: usize,
    ) -> Result<u64, NotAccepted> {
        let id = self.next_id;
        let to = accumulator.topics.get(topic);
        self.lender.lend(id, value_of(id, padding, b'.'), |value, lent| {
            let record = Record { partition, value: Some(value), lent: Some(lent), ..Record::default() };
            let (completion, clock) = (Completion::Tag(id), Hand(now));
            accumulator.accept(&Submission::new(&to, &record, &completion, &clock), &mut Room::default())
        })?;
        Ok(self.accept(&to, partition, padding))
    }

    /// Notes that the accumulator accepted the next record.
    pub fn accept(&mut self, to: &Topic, partition: Option<i32>, padding: usize) -> u64 {
        let id = self.next_id;
        let (topic, acks) = (to.name.to_string(), to.settings.acks);
        let compressed = to.settings.codec != Codec::None;
        self.accepted.insert(id, Accepted { topic, partition, padding, acks, compressed });
        self.next_id += 1;
        id
    }

    pub fn command(&mut self, accumulator: &Accumulator, command: impl FnOnce(u64) -> Command) -> u64 {
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        accumulator.inbox.command(command(ticket));
        ticket
    }

    pub fn flush(&mut self, accumulator: &Accumulator) -> u64 {
        let ticket = self.command(accumulator, |ticket| Command::Flush { ticket });
        self.flushes.insert(ticket, self.next_id);
        ticket
    }

    pub fn purge(&mut self, accumulator: &Accumulator, what: Purge) -> u64 {
        let ticket = self.command(accumulator, |ticket| Command::Purge { ticket, what: what.clone() });
        self.purges.insert(ticket, (what, self.next_id));
        ticket
    }

    pub fn close(&mut self, accumulator: &Accumulator, now: Time, timeout: Duration) {
        let deadline = now.after(timeout);
        self.closing = Some(Closing { deadline, ticket: self.next_ticket });
        accumulator.gate.close();
        accumulator.inbox.command(Command::Close { deadline });
    }

    /// A report shows the records as they were sent, if they are retained; otherwise none.
    fn check_records(&self, report: &Report) {
        let mut records = report.records();
        for delivery in report.deliveries().filter(|_| self.retains) {
            let record = records.next().expect("a record for each delivery");
            let value = record.value.expect("every record has a value");
            let padding = self.accepted.get(&delivery.tag).map(|accepted| accepted.padding);
            assert_eq!((id_of(Some(value)), Some(value.len() - 10)), (delivery.tag, padding));
        }
        assert!(records.next().is_none(), "a record without a delivery");
    }

    /// Notes the completions of a batch's records.
    pub fn report(&mut self, report: Report, now: Time) {
        self.check_records(&report);
        let attempts = report.attempts();
        for delivery in report.deliveries() {
            let outcome = Outcome {
                fate: delivery.fate,
                offset: delivery.offset,
                timestamp: delivery.timestamp,
                error: delivery.error.map(Error::kind),
                fatal: delivery.error.is_some_and(Error::is_fatal),
                message: delivery.error.map_or_else(String::new, ToString::to_string),
                attempts,
                partition: delivery.partition,
                lent: delivery.lent.map(|value| (value.address, value.len)),
                at: now,
            };
            assert!(self.accepted.contains_key(&delivery.tag), "record {} was never accepted", delivery.tag);
            let before = self.outcomes.insert(delivery.tag, outcome);
            assert!(before.is_none(), "record {} completed twice: {before:?}", delivery.tag);
        }
        if self.keep_reports {
            self.reports.push(report);
        }
    }

    /// Notes the answer to a command.
    pub fn answered(&mut self, ticket: u64, answer: ottla_core::Result<Answer>) {
        if self.flushes.contains_key(&ticket) {
            answer.expect("a flush does not fail");
            return self.flushed.push(ticket);
        }
        self.completed_before.insert(ticket, self.outcomes.len());
        let before = self.answers.insert(ticket, answer);
        assert!(before.is_none(), "ticket {ticket} is answered twice: {before:?}");
    }

    /// Notes the end of the close.
    pub fn closed(&mut self) {
        assert!(!self.closed, "closed twice");
        self.closed = true;
    }

    /// Whether a command came before the close.
    pub fn is_before_close(&self, ticket: u64) -> bool {
        self.closing.is_none_or(|closing| ticket < closing.ticket)
    }

    pub fn all_completed(&self) -> bool {
        self.outcomes.len() == self.accepted.len()
    }

    /// Records without a completion.
    pub fn incomplete(&self) -> Vec<u64> {
        self.accepted.keys().copied().filter(|id| !self.outcomes.contains_key(id)).collect()
    }
}
