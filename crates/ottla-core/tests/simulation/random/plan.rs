//! The plan of a random run: everything that the run depends on.

use std::time::Duration;

use ottla_core::accumulator::{Keyless, Partitioner, TopicSettings};
use ottla_core::compress::Codec;
use ottla_core::partition::hash::Hash;
use ottla_core::sender::Acks;

use crate::dice;
use crate::plans::{Helpers, Intervals, Release, level};
use crate::world::{Setup, ms};

#[derive(Clone, Debug)]
pub struct Plan {
    /// The events of each step are drawn from streams of this seed.
    pub seed: u64,

    // The producer
    pub idempotence: bool,
    pub acks: Acks,
    pub max_in_flight: usize,
    pub retries: u32,
    pub linger: Duration,
    /// Deliveries, requests and topics have timeouts of a few seconds.
    pub short_timeouts: bool,
    pub availability_timeout: Option<Duration>,
    pub codec: Codec,
    pub helpers: Option<Helpers>,
    pub first_sequence: i32,
    pub buffer_memory: usize,
    pub retain: bool,
    pub batch_size: usize,
    pub batch_limit: usize,
    pub partitioner: Partitioning,
    pub intervals: Option<Intervals>,

    // The topics
    pub topics: Vec<Topic>,
    /// Brokers create topics on request. Then all topics have as many partitions as the first.
    pub auto_create: bool,
    pub max_message_bytes: Option<usize>,

    // The application
    /// How many records are sent while there is trouble.
    pub records: u64,
    /// Some records have individual timeouts.
    pub record_timeouts: bool,
    /// Some records are refused by their topics.
    pub poison: bool,
    pub purges: bool,
    pub ending: Ending,

    // The network and the brokers
    pub release: Release,
    pub first_epoch: i16,
    /// Brokers close a connection when they read a request above this size.
    pub max_request_bytes: Option<usize>,
    /// Sockets accept every write at once.
    pub eager_sockets: bool,
    /// The probability that a request goes wrong, per thousand.
    pub fault_rate: u32,
    /// Requests may reach their brokers up to this much later, even after later ones. Only for runs in which all topics
    /// are idempotent and none is recreated: otherwise brokers cannot recognize late requests.
    pub late_requests: Option<Duration>,
    /// Sometimes all brokers are down for two seconds.
    pub outages: bool,
    /// Topics are deleted and created again, also with another number of partitions.
    pub recreated_topics: bool,
    /// When the trouble is over, metadata leaves out a new topic for a while.
    pub new_topic_left_out: bool,
}

#[derive(Clone, Copy, Debug)]
pub enum Partitioning {
    Sticky,
    RoundRobin,
    Random,
    Crc32,
}

#[derive(Clone, Debug)]
pub struct Topic {
    pub partitions: i32,
    pub overrides: Option<Overrides>,
}

/// The settings in which a topic differs from the others.
#[derive(Clone, Debug)]
pub struct Overrides {
    pub acks: Option<Acks>,
    pub linger: Duration,
    pub codec: Codec,
    pub delivery_timeout: Duration,
    pub request_timeout: Duration,
}

#[derive(Clone, Copy, Debug)]
pub enum Ending {
    /// The trouble ends, the producer recovers, and is closed.
    AfterTrouble,
    /// The producer is closed with this timeout amid the trouble.
    AmidTrouble(Duration),
}

/// A producer with Java's defaults, on healthy brokers of the newest release.
impl Default for Plan {
    fn default() -> Plan {
        Plan {
            seed: 1,
            idempotence: true,
            acks: Acks::All,
            max_in_flight: 5,
            retries: u32::MAX >> 1,
            linger: ms(5),
            short_timeouts: false,
            availability_timeout: None,
            codec: Codec::None,
            helpers: None,
            first_sequence: 0,
            buffer_memory: 32 << 20,
            retain: false,
            batch_size: 16384,
            batch_limit: 1 << 20,
            partitioner: Partitioning::Sticky,
            intervals: None,
            topics: vec![Topic { partitions: 3, overrides: None }],
            auto_create: false,
            max_message_bytes: None,
            records: 100,
            record_timeouts: false,
            poison: false,
            purges: false,
            ending: Ending::AfterTrouble,
            release: Release::Kafka4_3,
            first_epoch: 0,
            max_request_bytes: None,
            eager_sockets: false,
            fault_rate: 0,
            late_requests: None,
            outages: false,
            recreated_topics: false,
            new_topic_left_out: false,
        }
    }
}

impl Plan {
    /// Draws each knob from its own stream.
    pub fn draw(seed: u64) -> Plan {
        let knob = |name: &str| dice::stream(seed, name);
        let idempotence = !knob("idempotence").once_in(4);
        let acks = if idempotence { Acks::All } else { knob("acks").one_of(ACKS) };
        let few_retries = knob("few retries").once_in(6);
        // The configuration rejects idempotence without retries.
        let retries = knob("retries").below(4) + u32::from(idempotence);
        let late_sequence = idempotence && knob("late first sequence").once_in(3);
        let batch_size = knob("batch size").one_of(&[1, 100, 1000, 16384]);
        let any_intervals = knob("any intervals").once_in(3);
        let auto_create = knob("auto create").once_in(4);
        let topics = draw_topics(seed, auto_create);
        let recreated_topics = knob("recreated topics").once_in(4);
        let all_idempotent = idempotence && topics.iter().all(Topic::may_be_idempotent);
        let may_be_late = all_idempotent && !recreated_topics && knob("late requests").once_in(3);
        Plan {
            seed,
            idempotence,
            acks,
            max_in_flight: knob("max in flight").one_of(&[1, 2, 5, 5]),
            retries: if few_retries { retries } else { u32::MAX >> 1 },
            linger: knob("linger").one_of(&[ms(0), ms(0), ms(5), ms(50)]),
            short_timeouts: knob("short timeouts").once_in(3),
            availability_timeout: knob("availability timeout").once_in(4).then(|| ms(200)),
            codec: if knob("codec").once_in(5) { Codec::Lz4 } else { Codec::None },
            helpers: Helpers::draw(knob),
            first_sequence: if late_sequence { i32::MAX - knob("first sequence").below(60) as i32 } else { 0 },
            buffer_memory: knob("buffer memory").one_of(&[64 << 10, 1 << 20, 32 << 20]),
            retain: knob("retain").once_in(3),
            batch_size,
            batch_limit: if knob("batch limit").once_in(3) { batch_size } else { 1 << 20 },
            partitioner: knob("partitioner").one_of(PARTITIONERS),
            intervals: any_intervals.then(|| Intervals::draw(knob)),
            topics,
            auto_create,
            max_message_bytes: knob("max message bytes").once_in(4).then_some(400),
            records: 50 + u64::from(knob("records").below(300)),
            record_timeouts: knob("record timeouts").once_in(3),
            poison: knob("poison").once_in(4),
            purges: knob("purges").once_in(3),
            ending: draw_ending(seed),
            release: knob("release").one_of(RELEASES),
            first_epoch: knob("first epoch").one_of(&[0, 0, 32_766, 32_767]),
            max_request_bytes: knob("max request bytes").one_of(MAX_REQUEST_BYTES),
            eager_sockets: knob("eager sockets").once_in(3),
            fault_rate: knob("fault rate").one_of(&[0, 50, 150, 400]),
            // The engine relies on `Late::AT_MOST` as the limit of how late a request may be.
            late_requests: may_be_late.then(|| ms(1_000)),
            outages: any_intervals,
            recreated_topics,
            new_topic_left_out: knob("new topic left out").once_in(4),
        }
    }

    pub fn setup(&self) -> Setup {
        let mut setup = Setup::with(|sender| {
            sender.idempotence = self.idempotence;
            sender.acks = self.acks;
            sender.max_in_flight = self.max_in_flight;
            sender.linger = self.linger;
            sender.retries = self.retries;
            sender.seed = self.seed;
            sender.availability_timeout = self.availability_timeout;
            if self.short_timeouts {
                sender.delivery_timeout = ms(3_000);
                sender.request_timeout = ms(1_000);
                sender.topic_timeout = ms(2_000);
            }
            (sender.codec, sender.compression_level) = (self.codec, level(self.codec));
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
        setup.accumulator.retain = self.retain;
        setup.accumulator.batch_size = self.batch_size;
        setup.accumulator.batch_limit = self.batch_limit;
        setup.accumulator.topic.partitioner = match self.partitioner {
            Partitioning::Sticky => Partitioner::default(),
            Partitioning::RoundRobin => Partitioner::RoundRobin,
            Partitioning::Random => Partitioner::Random,
            Partitioning::Crc32 => {
                Partitioner::Hashed { hash: Hash::Crc32, keyless: Keyless::NullOrEmpty, adaptive: false }
            }
        };
        setup
    }
}

const ACKS: &[Acks] = &[Acks::All, Acks::All, Acks::Leader, Acks::None];
const PARTITIONERS: &[Partitioning] = &[
    Partitioning::RoundRobin,
    Partitioning::RoundRobin,
    Partitioning::Random,
    Partitioning::Crc32,
    Partitioning::Sticky,
    Partitioning::Sticky,
    Partitioning::Sticky,
    Partitioning::Sticky,
];
const RELEASES: &[Release] =
    &[Release::Kafka2_1, Release::Kafka2_8, Release::Kafka3_9, Release::Kafka4_3, Release::Kafka4_3];
/// One run in four has a limit.
const MAX_REQUEST_BYTES: &[Option<usize>] =
    &[None, None, None, None, None, None, None, None, None, Some(700), Some(1_500), Some(4_000)];

fn draw_topics(seed: u64, alike: bool) -> Vec<Topic> {
    let knob = |name: &str| dice::stream(seed, name);
    let (mut counts, mut overrides) = (knob("partitions"), knob("topics with overrides"));
    let some_override = knob("overrides").once_in(3);
    let first = 1 + counts.below(4) as i32;
    let topic = |n| Topic {
        partitions: if alike { first } else { 1 + counts.below(4) as i32 },
        overrides: (some_override && overrides.once_in(2)).then(|| Overrides::draw(seed, n)),
    };
    (0..=knob("topics").below(3)).map(topic).collect()
}

fn draw_ending(seed: u64) -> Ending {
    if dice::stream(seed, "close amid trouble").once_in(3) {
        let timeout = dice::stream(seed, "close timeout").one_of(&[ms(0), ms(10), ms(500), ms(5_000)]);
        Ending::AmidTrouble(timeout)
    } else {
        Ending::AfterTrouble
    }
}

impl Topic {
    fn may_be_idempotent(&self) -> bool {
        self.overrides.as_ref().and_then(|own| own.acks).is_none_or(|acks| acks == Acks::All)
    }
}

impl Overrides {
    fn draw(seed: u64, topic: u32) -> Overrides {
        let knob = |name: &str| dice::stream(seed, &format!("{name} of topic {topic}"));
        Overrides {
            acks: knob("acks").one_of(&[Some(Acks::Leader), Some(Acks::None), None, None]),
            linger: knob("linger").one_of(&[ms(0), ms(1), ms(20), ms(200)]),
            codec: knob("codec").one_of(&[Codec::None, Codec::Snappy, Codec::Gzip]),
            delivery_timeout: knob("delivery timeout").one_of(&[ms(2_000), ms(10_000), ms(120_000)]),
            request_timeout: knob("request timeout").one_of(&[ms(500), ms(1_500), ms(30_000)]),
        }
    }

    pub fn apply(&self, settings: &mut TopicSettings) {
        settings.acks = self.acks.unwrap_or(settings.acks);
        settings.idempotence &= settings.acks == Acks::All;
        settings.linger = self.linger;
        (settings.codec, settings.compression_level) = (self.codec, level(self.codec));
        settings.delivery_timeout = self.delivery_timeout;
        settings.request_timeout = self.request_timeout;
        settings.topic_timeout = self.delivery_timeout.min(settings.topic_timeout);
    }
}
