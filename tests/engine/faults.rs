//! What goes wrong with requests: on the way, or as an answer that their API may give.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use ottla::partition::rng::SplitMix64;
use ottla_test_support::model::{Api, Fault, On, RequestInfo};

use crate::coverage::Shared;
use crate::dice::{self, Dice};

/// The error codes that an API's answers may have.
pub struct Codes {
    pub api: Api,
    /// Nothing was done.
    pub before: &'static [i16],
    /// The same, but only as long as nothing of the kind was done before: to say so later would be a lie.
    pub at_first: &'static [i16],
    /// It was done.
    pub after: &'static [i16],
}

/// The tables of the reference producer.
pub const CODES: &[Codes] = &[
    Codes {
        api: Api::Produce,
        before: &[
            -1, 2, 3, 5, 6, 7, 9, 10, 13, 14, 15, 16, 17, 18, 19, 21, 29, 31, 32, 35, 42, 43, 44, 47, 48, 49, 51, 53,
            56, 72, 74, 75, 76, 87, 89, 90, 100, 103, 120,
        ],
        at_first: &[45, 59],
        after: &[-1, 3, 6, 7, 13, 20, 46, 56],
    },
    Codes { api: Api::Metadata, before: &[3, 5, 7, 29, 129], at_first: &[], after: &[] },
    Codes { api: Api::ApiVersions, before: &[7, 35], at_first: &[], after: &[] },
    Codes { api: Api::FindCoordinator, before: &[7, 14, 15, 30, 53], at_first: &[], after: &[] },
    Codes {
        api: Api::InitProducerId,
        before: &[-1, 7, 14, 15, 16, 31, 42, 47, 48, 49, 50, 51, 53, 90, 120],
        at_first: &[],
        after: &[7, 14, 15, 16, 51],
    },
    Codes {
        api: Api::AddPartitionsToTxn,
        before: &[-1, 3, 7, 14, 15, 16, 29, 47, 48, 49, 51, 53, 55, 59, 90, 120],
        at_first: &[],
        after: &[-1, 7, 14, 15, 16, 51],
    },
    Codes {
        api: Api::AddOffsetsToTxn,
        before: &[-1, 7, 14, 15, 16, 30, 47, 48, 49, 51, 53, 59, 90, 120],
        at_first: &[],
        after: &[-1, 7, 14, 15, 16, 51],
    },
    Codes {
        api: Api::TxnOffsetCommit,
        before: &[-1, 3, 5, 7, 14, 15, 16, 22, 25, 30, 43, 47, 49, 51, 53, 82, 90, 120],
        at_first: &[],
        after: &[-1, 7, 14, 15, 16],
    },
    Codes {
        api: Api::EndTxn,
        before: &[7, 14, 15, 16, 51],
        at_first: &[-1, 42, 47, 48, 49, 53, 59, 90, 120],
        after: &[-1, 7, 14, 15, 16, 51],
    },
];

/// What goes wrong on the way.
pub const TRANSPORT: &[&str] =
    &["drop before", "drop after", "delay", "never answer", "garbage", "truncate", "throttle"];

/// Decides of each request whether and how it goes wrong.
pub struct Faults {
    pub dice: Dice,
    /// How likely a request is to go wrong, of 1000.
    pub rate: Arc<AtomicU32>,
    pub coverage: Shared,
    /// Requests may arrive after those that were sent later: then nobody can tell what was done before.
    pub late: bool,
    /// Batches and ends of transactions that brokers may have handled.
    handled: BTreeSet<String>,
    /// Decides which topics Metadata leaves out.
    left_out: SplitMix64,
}

impl Faults {
    pub fn new(seed: u64, rate: Arc<AtomicU32>, coverage: Shared, late: bool) -> Faults {
        let left_out = dice::stream(seed, "metadata left out");
        Faults { dice: Dice::new(seed), rate, coverage, late, handled: BTreeSet::new(), left_out }
    }

    pub fn of(&mut self, request: &RequestInfo) -> Fault {
        // Those that are few go wrong more often.
        let often = if matches!(request.api, Api::Produce | Api::Metadata | Api::ApiVersions) { 1 } else { 2 };
        let fault = if self.dice.below(1000) < often * self.rate.load(Ordering::Relaxed) {
            if self.dice.once_in(3) { self.transport() } else { self.answer(request) }
        } else {
            Fault::None
        };
        let undone = matches!(fault, Fault::Error(_, On::All) | Fault::DropBefore);
        if !undone {
            self.handled.extend(marks(request));
        }
        self.leave_out(request, fault)
    }

    /// Metadata leaves out a topic that it was asked for, or everything, whatever else is wrong with it.
    fn leave_out(&mut self, request: &RequestInfo, fault: Fault) -> Fault {
        let topics = request.topics.len() as u32;
        if topics == 0 || self.left_out.below(1000) >= self.rate.load(Ordering::Relaxed) {
            return fault;
        }
        let at = self.left_out.below(topics + 1) as usize;
        let (on, what) = match request.topics.get(at) {
            Some(topic) => (On::Topic(topic.clone()), "a topic"),
            None => (On::All, "everything"),
        };
        self.coverage.note(format!("fault: metadata left out {what}"));
        Fault::Many(vec![fault, Fault::LeaveOut(on)])
    }

    fn transport(&mut self) -> Fault {
        let what = match self.dice.below(12) {
            0..3 => "drop before",
            3..6 => "drop after",
            6 | 7 => "delay",
            8 => "never answer",
            9 if self.dice.once_in(4) => "garbage",
            9 | 10 => "truncate",
            _ => "throttle",
        };
        self.coverage.note(format!("fault: {what}"));
        match what {
            "drop before" => Fault::DropBefore,
            "drop after" => Fault::DropAfter,
            "delay" => Fault::Delay(u64::from(self.dice.below(5_000))),
            "never answer" => Fault::NeverAnswer { handled: self.dice.once_in(2) },
            "garbage" => Fault::Garbage((0..self.dice.below(60)).map(|_| self.dice.draw() as u8).collect()),
            "truncate" => Fault::Truncate(self.dice.below(40) as usize),
            _ => Fault::Throttle(self.dice.below(2_000) as i32),
        }
    }

    fn answer(&mut self, request: &RequestInfo) -> Fault {
        let Some(codes) = CODES.iter().find(|codes| codes.api == request.api) else { return Fault::None };
        let first = !self.late && marks(request).all(|mark| !self.handled.contains(&mark));
        let at_first = if first { codes.at_first } else { &[] };
        let count = |codes: &[i16]| codes.len() as u32;
        let mut at = self.dice.below(count(codes.before) + count(at_first) + count(codes.after)) as usize;
        let on = match request.partitions.first() {
            Some(partition) if !self.dice.once_in(3) => On::partition(&partition.topic, partition.partition),
            _ => On::All,
        };
        for (codes, when) in [(codes.before, ""), (at_first, ""), (codes.after, " after it was done")] {
            if let Some(&code) = codes.get(at) {
                if code == DUPLICATE_SEQUENCE && request.partitions.iter().any(|partition| partition.producer_id < 0) {
                    // Batches without a sequence number have no duplicates.
                    return Fault::None;
                }
                self.coverage.note(answer_name(request.api, code, when));
                return match (code, when) {
                    (6, "") => Fault::NotLeader { hint: self.dice.once_in(2), on },
                    (_, "") => Fault::Error(code, on),
                    _ => Fault::ErrorAfter(code, on),
                };
            }
            at -= codes.len();
        }
        unreachable!("drawn below their number")
    }
}

const DUPLICATE_SEQUENCE: i16 = 46;

fn answer_name(api: Api, code: i16, when: &str) -> String {
    format!("answer: {api:?} {code}{when}")
}

/// What a request would have done.
fn marks(request: &RequestInfo) -> impl Iterator<Item = String> + '_ {
    let batches = request
        .partitions
        .iter()
        .map(|p| format!("{}-{} {} {} {}", p.topic, p.partition, p.producer_id, p.producer_epoch, p.base_sequence));
    batches.chain(request.end.iter().map(|(id, epoch, _)| format!("end {id} {epoch}")))
}

/// Each answer and each trouble on the way that runs with these APIs have to meet with, so often in a thousand seeds.
pub fn expected(apis: &[Api], times: u64) -> Vec<(String, u64)> {
    let transport = TRANSPORT.iter().map(|what| format!("fault: {what}"));
    let answers = CODES.iter().filter(|codes| apis.contains(&codes.api)).flat_map(|codes| {
        let before = codes.before.iter().chain(codes.at_first).map(|&code| answer_name(codes.api, code, ""));
        before.chain(codes.after.iter().map(|&code| answer_name(codes.api, code, " after it was done")))
    });
    transport.chain(answers).map(|row| (row, times)).collect()
}
