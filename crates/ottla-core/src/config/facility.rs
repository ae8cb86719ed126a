//! Facilities: the parts of the producer that have debug lines of their own.

/// One part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Facility {
    /// Connecting, greeting, losing and closing connections.
    Connection,
    /// What becomes of brokers: backoff, throttling, availability.
    Broker,
    /// Metadata asked for and taken in: topics, partitions, leaders.
    Metadata,
    /// Each request and its answer.
    Request,
    /// Each batch: sent, sent again, split, decided.
    Batch,
    /// Producer ids, epochs, sequences.
    Idempotence,
    /// Records that wait for their topic or for room.
    Queue,
    /// Which partitions records without a key may go to.
    Partitioner,
    /// What the producer was configured with.
    Config,
}

/// The words of `debug`, and what each turns on. The second half are librdkafka's: those that mean nothing to a producer
/// here are accepted, and turn on nothing.
const WORDS: &[(&str, Facilities)] = &[
    ("all", Facilities::ALL),
    ("connection", Facilities::of(Facility::Connection)),
    ("broker", Facilities::of(Facility::Broker).and(Facility::Connection)),
    ("metadata", Facilities::of(Facility::Metadata)),
    ("request", Facilities::of(Facility::Request)),
    ("batch", Facilities::of(Facility::Batch)),
    ("idempotence", Facilities::of(Facility::Idempotence)),
    ("queue", Facilities::of(Facility::Queue)),
    ("partitioner", Facilities::of(Facility::Partitioner)),
    ("config", Facilities::of(Facility::Config)),
    ("generic", Facilities::of(Facility::Config)),
    ("topic", Facilities::of(Facility::Metadata)),
    ("msg", Facilities::of(Facility::Batch)),
    ("protocol", Facilities::of(Facility::Request)),
    ("eos", Facilities::of(Facility::Idempotence)),
    ("feature", Facilities::of(Facility::Connection)),
    ("conf", Facilities::of(Facility::Config)),
    ("security", Facilities::NONE),
    ("interceptor", Facilities::NONE),
    ("plugin", Facilities::NONE),
    ("telemetry", Facilities::NONE),
    ("mock", Facilities::NONE),
    ("admin", Facilities::NONE),
    ("cgrp", Facilities::NONE),
    ("fetch", Facilities::NONE),
    ("consumer", Facilities::NONE),
    ("assignor", Facilities::NONE),
];

/// Ottla's own words, which come first, for messages.
const OWN: usize = 10;

/// A set of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Facilities(u32);

impl Facilities {
    pub const NONE: Facilities = Facilities(0);
    pub const ALL: Facilities = Facilities((1 << (Facility::Config as u32 + 1)) - 1);

    pub const fn of(facility: Facility) -> Self {
        Facilities(1 << facility as u32)
    }

    const fn and(self, facility: Facility) -> Self {
        Facilities(self.0 | 1 << facility as u32)
    }

    pub fn has(self, facility: Facility) -> bool {
        self.0 & Facilities::of(facility).0 != 0
    }

    /// Reads words separated by commas; the error is the word that is not known.
    pub fn parse(list: &str) -> Result<Self, &str> {
        let mut all = 0;
        for word in list.split(',').map(super::trim).filter(|word| !word.is_empty()) {
            all |= WORDS.iter().find(|(known, _)| word.eq_ignore_ascii_case(known)).ok_or(word)?.1.0;
        }
        Ok(Facilities(all))
    }

    /// For messages.
    pub fn words() -> String {
        let words: Vec<_> = WORDS[..OWN].iter().map(|(word, _)| *word).collect();
        words.join(", ")
    }

    pub fn bits(self) -> u32 {
        self.0
    }

    pub fn from_bits(bits: u32) -> Self {
        Facilities(bits & Facilities::ALL.0)
    }
}

impl std::fmt::Display for Facility {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Facility::Connection => "connection",
            Facility::Broker => "broker",
            Facility::Metadata => "metadata",
            Facility::Request => "request",
            Facility::Batch => "batch",
            Facility::Idempotence => "idempotence",
            Facility::Queue => "queue",
            Facility::Partitioner => "partitioner",
            Facility::Config => "config",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EACH: [Facility; 9] = [
        Facility::Connection,
        Facility::Broker,
        Facility::Metadata,
        Facility::Request,
        Facility::Batch,
        Facility::Idempotence,
        Facility::Queue,
        Facility::Partitioner,
        Facility::Config,
    ];

    #[test]
    fn each_facility_is_turned_on_by_its_name_and_by_all() {
        for facility in EACH {
            assert!(Facilities::parse(&facility.to_string()).unwrap().has(facility), "{facility}");
            assert!(Facilities::parse("all").unwrap().has(facility));
            assert!(!Facilities::parse("").unwrap().has(facility));
            assert!(Facilities::words().contains(&facility.to_string()));
        }
    }

    #[test]
    fn librdkafka_s_words_are_understood() {
        let broker_topic = Facilities::parse(" broker, topic,,").unwrap();
        assert!(broker_topic.has(Facility::Broker) && broker_topic.has(Facility::Metadata));
        assert!(!broker_topic.has(Facility::Batch));
        assert_eq!(Facilities::parse("MSG,Protocol"), Facilities::parse("batch,request"));
        assert_eq!(Facilities::parse("cgrp,fetch"), Ok(Facilities::NONE));
        assert_eq!(Facilities::parse("broker,brokers"), Err("brokers"));
        assert_eq!(Facilities::from_bits(broker_topic.bits()), broker_topic);
    }
}
