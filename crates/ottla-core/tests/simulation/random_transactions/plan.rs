//! The plan of a random run of transactions: everything that the run depends on.

use std::time::Duration;

use crate::dice;
use crate::plans::{Helpers, Intervals, Release};
use crate::world::{Setup, ms};

#[derive(Clone, Debug)]
pub struct Plan {
    /// The events of each step are drawn from streams of this seed.
    pub seed: u64,
    /// How many transactions end while there is trouble.
    pub transactions: usize,
    /// The producers, in the order in which they start. After the last, the list starts over.
    pub producers: Vec<Producer>,

    // The brokers
    pub release: Release,
    pub transaction_version: i16,
    pub first_epoch: i16,
    /// Brokers close a connection when they read a request above this size.
    pub max_request_bytes: Option<usize>,
    /// The probability that a request goes wrong, per thousand.
    pub fault_rate: u32,
    /// Requests may reach their brokers up to this much later, even after later ones.
    pub late_requests: Option<Duration>,
    /// Sometimes all brokers are down for two seconds.
    pub outages: bool,
}

#[derive(Clone, Debug)]
pub struct Producer {
    pub seed: u64,
    pub transaction_timeout_ms: i32,
    pub request_timeout: Duration,
    pub delivery_timeout: Duration,
    pub linger: Duration,
    pub max_in_flight: usize,
    /// Applies to the first producer only: for the others, brokers know the sequences of their predecessors.
    pub first_sequence: i32,
    pub intervals: Option<Intervals>,
    pub helpers: Option<Helpers>,
    pub buffer_memory: usize,
    /// Each batch has one record.
    pub single_records: bool,
    /// Sockets accept every write at once.
    pub eager_sockets: bool,
}

/// Producers with Java's defaults, on healthy brokers of the newest release.
impl Default for Plan {
    fn default() -> Plan {
        Plan {
            seed: 1,
            transactions: 6,
            producers: vec![Producer::default()],
            release: Release::Kafka4_3,
            transaction_version: 2,
            first_epoch: 0,
            max_request_bytes: None,
            fault_rate: 0,
            late_requests: None,
            outages: false,
        }
    }
}

impl Default for Producer {
    fn default() -> Producer {
        Producer {
            seed: 1,
            transaction_timeout_ms: 60_000,
            request_timeout: ms(30_000),
            delivery_timeout: ms(120_000),
            linger: ms(5),
            max_in_flight: 5,
            first_sequence: 0,
            intervals: None,
            helpers: None,
            buffer_memory: 32 << 20,
            single_records: false,
            eager_sockets: false,
        }
    }
}

impl Plan {
    /// Draws each knob from its own stream.
    pub fn draw(seed: u64) -> Plan {
        let knob = |name: &str| dice::stream(seed, &format!("transactions: {name}"));
        let any_intervals = knob("any intervals").once_in(3);
        let release = knob("release").one_of(RELEASES);
        let has_version_2 = release == Release::Kafka4_3 && !knob("transaction version").once_in(3);
        Plan {
            seed,
            transactions: 6 + knob("transactions").below(10) as usize,
            producers: (0..PRODUCERS).map(|number| Producer::draw(seed, number, any_intervals)).collect(),
            release,
            transaction_version: if has_version_2 { 2 } else { 1 },
            first_epoch: knob("first epoch").one_of(&[0, 0, 0, 32_757, 32_764, 32_766]),
            max_request_bytes: knob("max request bytes").one_of(MAX_REQUEST_BYTES),
            fault_rate: knob("fault rate").one_of(&[0, 20, 60, 150]),
            late_requests: knob("late requests").once_in(3).then(|| ms(3_000)),
            outages: any_intervals,
        }
    }
}

/// How many producers are drawn.
const PRODUCERS: usize = 8;
const RELEASES: &[Release] =
    &[Release::Kafka2_1, Release::Kafka2_8, Release::Kafka3_9, Release::Kafka4_3, Release::Kafka4_3, Release::Kafka4_3];
/// One run in six has a limit.
const MAX_REQUEST_BYTES: &[Option<usize>] =
    &[None, None, None, None, None, None, None, None, None, None, Some(1_000), Some(5_000)];

impl Producer {
    fn draw(seed: u64, number: usize, any_intervals: bool) -> Producer {
        let knob = |name: &str| dice::stream(seed, &format!("transactions: {name} of producer {number}"));
        let late_sequence = number == 0 && knob("late first sequence").once_in(3);
        Producer {
            seed: knob("seed").draw(),
            transaction_timeout_ms: knob("transaction timeout").one_of(&[3_000, 10_000, 60_000]),
            request_timeout: knob("request timeout").one_of(&[ms(1_500), ms(1_500), ms(30_000)]),
            delivery_timeout: knob("delivery timeout").one_of(&[ms(4_000), ms(15_000), ms(120_000)]),
            linger: knob("linger").one_of(&[ms(0), ms(5), ms(50)]),
            max_in_flight: knob("max in flight").one_of(&[1, 2, 5, 5]),
            first_sequence: if late_sequence { i32::MAX - knob("first sequence").below(30) as i32 } else { 0 },
            intervals: any_intervals.then(|| Intervals::draw(knob)),
            helpers: Helpers::draw(knob),
            buffer_memory: knob("buffer memory").one_of(&[64 << 10, 32 << 20]),
            single_records: knob("single records").once_in(4),
            eager_sockets: knob("eager sockets").once_in(3),
        }
    }

    /// The world's setup for this producer, with the transactional id `id`.
    pub fn setup(&self, id: &str) -> Setup {
        let mut setup = Setup::with(|sender| {
            sender.transaction = Some((id.into(), self.transaction_timeout_ms));
            sender.seed = self.seed;
            sender.request_timeout = self.request_timeout;
            sender.delivery_timeout = self.delivery_timeout;
            sender.linger = self.linger;
            sender.max_in_flight = self.max_in_flight;
            sender.first_sequence = self.first_sequence;
            sender.bootstrap_servers = vec![("first".into(), 9093), ("second".into(), 9094)];
        });
        if let Some(helpers) = &self.helpers {
            helpers.apply(&mut setup.sender);
        }
        if let Some(intervals) = &self.intervals {
            intervals.apply(&mut setup.sender);
        }
        setup.accumulator.seed = self.seed;
        setup.accumulator.buffer_memory = self.buffer_memory;
        if self.single_records { setup.single_records() } else { setup }
    }
}
