//! What goes wrong with requests: in transit, or as an error in a response of their API.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use ottla_mock::codes::{self, *};
use ottla_mock::{Api, Fault, On, RequestInfo};

use crate::coverage::Shared;
use crate::dice::{self, Dice};

/// The error codes that the responses of an API may have.
pub struct Codes {
    pub api: Api,
    /// For requests that were not carried out.
    pub before: &'static [i16],
    /// The same, but only before the first such request was carried out: later the code would contradict the log.
    pub at_first: &'static [i16],
    /// For requests that were carried out.
    pub after: &'static [i16],
}

/// From the tables of Java's producer.
pub const CODES: &[Codes] = &[
    Codes {
        api: Api::Produce,
        before: &[
            UNKNOWN_SERVER_ERROR,
            CORRUPT_MESSAGE,
            UNKNOWN_TOPIC_OR_PARTITION,
            LEADER_NOT_AVAILABLE,
            NOT_LEADER_OR_FOLLOWER,
            REQUEST_TIMED_OUT,
            REPLICA_NOT_AVAILABLE,
            MESSAGE_TOO_LARGE,
            NETWORK_EXCEPTION,
            COORDINATOR_LOAD_IN_PROGRESS,
            COORDINATOR_NOT_AVAILABLE,
            NOT_COORDINATOR,
            INVALID_TOPIC_EXCEPTION,
            RECORD_LIST_TOO_LARGE,
            NOT_ENOUGH_REPLICAS,
            INVALID_REQUIRED_ACKS,
            TOPIC_AUTHORIZATION_FAILED,
            CLUSTER_AUTHORIZATION_FAILED,
            INVALID_TIMESTAMP,
            UNSUPPORTED_VERSION,
            INVALID_REQUEST,
            UNSUPPORTED_FOR_MESSAGE_FORMAT,
            POLICY_VIOLATION,
            INVALID_PRODUCER_EPOCH,
            INVALID_TXN_STATE,
            INVALID_PRODUCER_ID_MAPPING,
            CONCURRENT_TRANSACTIONS,
            TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
            KAFKA_STORAGE_ERROR,
            LISTENER_NOT_FOUND,
            FENCED_LEADER_EPOCH,
            UNKNOWN_LEADER_EPOCH,
            UNSUPPORTED_COMPRESSION_TYPE,
            INVALID_RECORD,
            THROTTLING_QUOTA_EXCEEDED,
            PRODUCER_FENCED,
            UNKNOWN_TOPIC_ID,
            INCONSISTENT_TOPIC_ID,
            TRANSACTION_ABORTABLE,
        ],
        at_first: &[OUT_OF_ORDER_SEQUENCE_NUMBER, UNKNOWN_PRODUCER_ID],
        after: &[
            UNKNOWN_SERVER_ERROR,
            UNKNOWN_TOPIC_OR_PARTITION,
            NOT_LEADER_OR_FOLLOWER,
            REQUEST_TIMED_OUT,
            NETWORK_EXCEPTION,
            NOT_ENOUGH_REPLICAS_AFTER_APPEND,
            DUPLICATE_SEQUENCE_NUMBER,
            KAFKA_STORAGE_ERROR,
        ],
    },
    Codes {
        api: Api::Metadata,
        before: &[
            UNKNOWN_TOPIC_OR_PARTITION,
            LEADER_NOT_AVAILABLE,
            REQUEST_TIMED_OUT,
            TOPIC_AUTHORIZATION_FAILED,
            REBOOTSTRAP_REQUIRED,
        ],
        at_first: &[],
        after: &[],
    },
    Codes { api: Api::ApiVersions, before: &[REQUEST_TIMED_OUT, UNSUPPORTED_VERSION], at_first: &[], after: &[] },
    Codes {
        api: Api::FindCoordinator,
        before: &[
            REQUEST_TIMED_OUT,
            COORDINATOR_LOAD_IN_PROGRESS,
            COORDINATOR_NOT_AVAILABLE,
            GROUP_AUTHORIZATION_FAILED,
            TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
        ],
        at_first: &[],
        after: &[],
    },
    Codes {
        api: Api::InitProducerId,
        before: &[
            UNKNOWN_SERVER_ERROR,
            REQUEST_TIMED_OUT,
            COORDINATOR_LOAD_IN_PROGRESS,
            COORDINATOR_NOT_AVAILABLE,
            NOT_COORDINATOR,
            CLUSTER_AUTHORIZATION_FAILED,
            INVALID_REQUEST,
            INVALID_PRODUCER_EPOCH,
            INVALID_TXN_STATE,
            INVALID_PRODUCER_ID_MAPPING,
            INVALID_TRANSACTION_TIMEOUT,
            CONCURRENT_TRANSACTIONS,
            TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
            PRODUCER_FENCED,
            TRANSACTION_ABORTABLE,
        ],
        at_first: &[],
        after: &[
            REQUEST_TIMED_OUT,
            COORDINATOR_LOAD_IN_PROGRESS,
            COORDINATOR_NOT_AVAILABLE,
            NOT_COORDINATOR,
            CONCURRENT_TRANSACTIONS,
        ],
    },
    Codes {
        api: Api::AddPartitionsToTxn,
        before: &[
            UNKNOWN_SERVER_ERROR,
            UNKNOWN_TOPIC_OR_PARTITION,
            REQUEST_TIMED_OUT,
            COORDINATOR_LOAD_IN_PROGRESS,
            COORDINATOR_NOT_AVAILABLE,
            NOT_COORDINATOR,
            TOPIC_AUTHORIZATION_FAILED,
            INVALID_PRODUCER_EPOCH,
            INVALID_TXN_STATE,
            INVALID_PRODUCER_ID_MAPPING,
            CONCURRENT_TRANSACTIONS,
            TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
            OPERATION_NOT_ATTEMPTED,
            UNKNOWN_PRODUCER_ID,
            PRODUCER_FENCED,
            TRANSACTION_ABORTABLE,
        ],
        at_first: &[],
        after: &[
            UNKNOWN_SERVER_ERROR,
            REQUEST_TIMED_OUT,
            COORDINATOR_LOAD_IN_PROGRESS,
            COORDINATOR_NOT_AVAILABLE,
            NOT_COORDINATOR,
            CONCURRENT_TRANSACTIONS,
        ],
    },
    Codes {
        api: Api::AddOffsetsToTxn,
        before: &[
            UNKNOWN_SERVER_ERROR,
            REQUEST_TIMED_OUT,
            COORDINATOR_LOAD_IN_PROGRESS,
            COORDINATOR_NOT_AVAILABLE,
            NOT_COORDINATOR,
            GROUP_AUTHORIZATION_FAILED,
            INVALID_PRODUCER_EPOCH,
            INVALID_TXN_STATE,
            INVALID_PRODUCER_ID_MAPPING,
            CONCURRENT_TRANSACTIONS,
            TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
            UNKNOWN_PRODUCER_ID,
            PRODUCER_FENCED,
            TRANSACTION_ABORTABLE,
        ],
        at_first: &[],
        after: &[
            UNKNOWN_SERVER_ERROR,
            REQUEST_TIMED_OUT,
            COORDINATOR_LOAD_IN_PROGRESS,
            COORDINATOR_NOT_AVAILABLE,
            NOT_COORDINATOR,
            CONCURRENT_TRANSACTIONS,
        ],
    },
    Codes {
        api: Api::TxnOffsetCommit,
        before: &[
            UNKNOWN_SERVER_ERROR,
            UNKNOWN_TOPIC_OR_PARTITION,
            LEADER_NOT_AVAILABLE,
            REQUEST_TIMED_OUT,
            COORDINATOR_LOAD_IN_PROGRESS,
            COORDINATOR_NOT_AVAILABLE,
            NOT_COORDINATOR,
            ILLEGAL_GENERATION,
            UNKNOWN_MEMBER_ID,
            GROUP_AUTHORIZATION_FAILED,
            UNSUPPORTED_FOR_MESSAGE_FORMAT,
            INVALID_PRODUCER_EPOCH,
            INVALID_PRODUCER_ID_MAPPING,
            CONCURRENT_TRANSACTIONS,
            TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
            FENCED_INSTANCE_ID,
            PRODUCER_FENCED,
            TRANSACTION_ABORTABLE,
        ],
        at_first: &[],
        after: &[
            UNKNOWN_SERVER_ERROR,
            REQUEST_TIMED_OUT,
            COORDINATOR_LOAD_IN_PROGRESS,
            COORDINATOR_NOT_AVAILABLE,
            NOT_COORDINATOR,
        ],
    },
    Codes {
        api: Api::EndTxn,
        before: &[
            REQUEST_TIMED_OUT,
            COORDINATOR_LOAD_IN_PROGRESS,
            COORDINATOR_NOT_AVAILABLE,
            NOT_COORDINATOR,
            CONCURRENT_TRANSACTIONS,
        ],
        at_first: &[
            UNKNOWN_SERVER_ERROR,
            INVALID_REQUEST,
            INVALID_PRODUCER_EPOCH,
            INVALID_TXN_STATE,
            INVALID_PRODUCER_ID_MAPPING,
            TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
            UNKNOWN_PRODUCER_ID,
            PRODUCER_FENCED,
            TRANSACTION_ABORTABLE,
        ],
        after: &[
            UNKNOWN_SERVER_ERROR,
            REQUEST_TIMED_OUT,
            COORDINATOR_LOAD_IN_PROGRESS,
            COORDINATOR_NOT_AVAILABLE,
            NOT_COORDINATOR,
            CONCURRENT_TRANSACTIONS,
        ],
    },
];

/// What goes wrong in transit.
pub const TRANSPORT: &[&str] =
    &["drop before", "drop after", "delay", "never answer", "garbage", "truncate", "throttle"];

/// Decides for each request whether and how it goes wrong.
pub struct Faults {
    dice: Dice,
    /// The probability that a request goes wrong, per thousand.
    rate: Arc<AtomicU32>,
    coverage: Shared,
    /// Requests may arrive after later ones. Then the order in which they are carried out is unknown.
    late: bool,
    /// Batches and ends of transactions that brokers may have carried out.
    handled: BTreeSet<String>,
    /// Decides which topics metadata leaves out.
    left_out: Dice,
}

impl Faults {
    pub fn new(seed: u64, rate: Arc<AtomicU32>, coverage: Shared, late: bool) -> Faults {
        let (dice, left_out) = (dice::stream(seed, "faults"), dice::stream(seed, "metadata left out"));
        Faults { dice, rate, coverage, late, handled: BTreeSet::new(), left_out }
    }

    pub fn of(&mut self, request: &RequestInfo) -> Fault {
        // Rare requests go wrong more often.
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

    /// Metadata leaves out a requested topic, or everything, in addition to any other fault.
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
                if code == DUPLICATE_SEQUENCE_NUMBER
                    && request.partitions.iter().any(|partition| partition.producer_id < 0)
                {
                    // Batches without sequence numbers have no duplicates.
                    return Fault::None;
                }
                self.coverage.note(answer_name(request.api, code, when));
                return match (code, when) {
                    (NOT_LEADER_OR_FOLLOWER, "") => Fault::NotLeader { hint: self.dice.once_in(2), on },
                    (_, "") => Fault::Error(code, on),
                    _ => Fault::ErrorAfter(code, on),
                };
            }
            at -= codes.len();
        }
        unreachable!("drawn below their number")
    }
}

fn answer_name(api: Api, code: i16, when: &str) -> String {
    format!("answer: {api:?} {}{when}", codes::name(code))
}

/// What the request would carry out.
fn marks(request: &RequestInfo) -> impl Iterator<Item = String> + '_ {
    let batches = request
        .partitions
        .iter()
        .map(|p| format!("{}-{} {} {} {}", p.topic, p.partition, p.producer_id, p.producer_epoch, p.base_sequence));
    batches.chain(request.end.iter().map(|(id, epoch, _)| format!("end {id} {epoch}")))
}

/// Each error code and each transit fault that runs with these APIs must encounter, this often per thousand seeds.
pub fn expected(apis: &[Api], times: u64) -> Vec<(String, u64)> {
    let transport = TRANSPORT.iter().map(|what| format!("fault: {what}"));
    let answers = CODES.iter().filter(|codes| apis.contains(&codes.api)).flat_map(|codes| {
        let before = codes.before.iter().chain(codes.at_first).map(|&code| answer_name(codes.api, code, ""));
        before.chain(codes.after.iter().map(|&code| answer_name(codes.api, code, " after it was done")))
    });
    transport.chain(answers).map(|row| (row, times)).collect()
}
