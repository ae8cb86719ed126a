//! What goes wrong with a request: scripted faults, or a hook that decides for each request.

use std::collections::{BTreeMap, VecDeque};

use kafka_protocol::messages::ApiKey;

use super::codes::NOT_LEADER_OR_FOLLOWER;
use super::{Reaction, RequestInfo};

/// What goes wrong with one request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    #[default]
    None,
    /// The response has this code. Nothing was done.
    Error(i16, On),
    /// The request was carried out, but the response has this code (NOT_ENOUGH_REPLICAS_AFTER_APPEND,
    /// REQUEST_TIMED_OUT).
    ErrorAfter(i16, On),
    /// Produce: the response is NOT_LEADER_OR_FOLLOWER, and nothing was done. With `hint`, it names the leader
    /// (KIP-951).
    NotLeader { hint: bool, on: On },
    /// The connection is closed before the request is handled.
    DropBefore,
    /// The connection is closed after the request was handled.
    DropAfter,
    /// The request is handled at once; the response comes after so many milliseconds.
    Delay(u64),
    /// The response has this throttle time.
    Throttle(i32),
    /// The request is handled, but these bytes are written instead of the response.
    Garbage(Vec<u8>),
    /// The request is handled. Only this many bytes of the response (including its length) are written, then the
    /// connection is closed.
    Truncate(usize),
    /// This request and later ones on its connection get no response. The connection stays open.
    NeverAnswer { handled: bool },
    /// Metadata: the response leaves this out, as that of a starting broker may (KAFKA-7924). `On::All`: every broker
    /// and every topic.
    LeaveOut(On),
    /// All of these.
    Many(Vec<Fault>),
}

/// The part of a request that an error concerns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum On {
    #[default]
    All,
    Topic(String),
    Partition(String, i32),
}

impl On {
    pub fn partition(topic: &str, partition: i32) -> On {
        On::Partition(topic.to_owned(), partition)
    }

    fn covers(&self, topic: &str, partition: Option<i32>) -> bool {
        match self {
            On::All => true,
            On::Topic(name) => name == topic,
            On::Partition(name, index) => name == topic && partition.is_none_or(|partition| partition == *index),
        }
    }
}

type Hook = Box<dyn FnMut(&RequestInfo) -> Fault + Send>;

/// Where faults come from.
#[derive(Default)]
pub(super) struct Faults {
    scripts: BTreeMap<i16, VecDeque<Fault>>,
    hook: Option<Hook>,
}

impl Faults {
    pub fn script(&mut self, api: ApiKey, faults: impl IntoIterator<Item = Fault>) {
        self.scripts.entry(api as i16).or_default().extend(faults);
    }

    pub fn hook(&mut self, hook: Option<Hook>) {
        self.hook = hook;
    }

    pub fn clear(&mut self) {
        *self = Faults::default();
    }

    /// The script of the request's API comes first. When it is used up, the hook is called.
    pub fn plan(&mut self, request: &RequestInfo) -> Plan {
        let scripted = self.scripts.get_mut(&(request.api as i16)).and_then(VecDeque::pop_front);
        let fault = match (scripted, &mut self.hook) {
            (Some(fault), _) => fault,
            (None, Some(hook)) => hook(request),
            (None, None) => Fault::None,
        };
        let mut plan = Plan::default();
        plan.add(fault);
        plan
    }
}

/// The faults of one request, sorted by the stage at which they apply.
#[derive(Default)]
pub(super) struct Plan {
    errors: Vec<PlannedError>,
    pub cut_before: bool,
    pub ignore: bool,
    cut_after: bool,
    stall: bool,
    pub delay_ms: u64,
    pub throttle_ms: i32,
    instead: Option<Vec<u8>>,
    left_out: Vec<On>,
    keep: Option<usize>,
}

#[derive(Clone)]
pub(super) struct PlannedError {
    pub code: i16,
    pub handled: bool,
    pub hint: bool,
    on: On,
}

impl Plan {
    fn add(&mut self, fault: Fault) {
        match fault {
            Fault::None => {}
            Fault::Error(code, on) => self.errors.push(PlannedError { code, handled: false, hint: true, on }),
            Fault::ErrorAfter(code, on) => self.errors.push(PlannedError { code, handled: true, hint: true, on }),
            Fault::NotLeader { hint, on } => {
                self.errors.push(PlannedError { code: NOT_LEADER_OR_FOLLOWER, handled: false, hint, on })
            }
            Fault::DropBefore => self.cut_before = true,
            Fault::DropAfter => self.cut_after = true,
            Fault::Delay(delay_ms) => self.delay_ms += delay_ms,
            Fault::Throttle(throttle_ms) => self.throttle_ms = throttle_ms,
            Fault::Garbage(bytes) => self.instead = Some(bytes),
            Fault::Truncate(length) => self.keep = Some(length),
            Fault::NeverAnswer { handled } => {
                self.stall = true;
                self.ignore |= !handled;
            }
            Fault::LeaveOut(on) => self.left_out.push(on),
            Fault::Many(faults) => faults.into_iter().for_each(|fault| self.add(fault)),
        }
    }

    /// The error planned for a partition, if any.
    pub fn for_partition(&self, topic: &str, partition: i32) -> Option<&PlannedError> {
        self.errors.iter().find(|error| error.on.covers(topic, Some(partition)))
    }

    /// The error planned for a topic, or for any of its partitions.
    pub fn for_topic(&self, topic: &str) -> Option<&PlannedError> {
        self.errors.iter().find(|error| error.on.covers(topic, None))
    }

    /// The error planned for the whole request.
    pub fn for_all(&self) -> Option<&PlannedError> {
        self.errors.iter().find(|error| error.on == On::All)
    }

    /// Whether Metadata leaves out every broker and topic.
    pub fn leaves_out_all(&self) -> bool {
        self.left_out.contains(&On::All)
    }

    /// Whether Metadata leaves out the topic, or this partition of it.
    pub fn leaves_out(&self, topic: &str, partition: Option<i32>) -> bool {
        self.left_out.iter().any(|on| match (on, partition) {
            (On::Partition(..), None) => false,
            _ => on.covers(topic, partition),
        })
    }

    /// What happens to a response, which includes its length and is empty if there is none.
    pub fn deliver(&self, answer: Vec<u8>) -> Reaction {
        if self.stall || self.cut_after {
            return Reaction {
                delay_ms: self.delay_ms,
                bytes: Vec::new(),
                close: self.cut_after,
                stall: self.stall && !self.cut_after,
            };
        }
        let mut bytes = self.instead.clone().unwrap_or(answer);
        bytes.truncate(self.keep.unwrap_or(usize::MAX));
        Reaction { delay_ms: self.delay_ms, bytes, close: self.keep.is_some(), stall: false }
    }
}
