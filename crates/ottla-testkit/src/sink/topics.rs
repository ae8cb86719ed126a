//! The topics of a sink, created when they are first named, with their next offsets and encoded metadata.

use std::collections::HashMap;
use std::net::SocketAddr;

use super::SinkOptions;
use super::wire::Writer;

/// The first bytes of every topic id. The last four are the topic's index.
const ID_PREFIX: [u8; 12] = *b"sink-topic-\x01";

pub(super) struct Topics {
    by_name: HashMap<Box<[u8]>, usize>,
    all: Vec<Topic>,
    default_partitions: u32,
    brokers: usize,
}

pub(super) struct Topic {
    name: Box<[u8]>,
    index: usize,
    /// The next offset of each partition.
    pub next_offsets: Vec<i64>,
    /// The topic's part of a metadata response, by version.
    metadata: HashMap<i16, Vec<u8>>,
}

impl Topics {
    pub fn new(options: &SinkOptions, addrs: &[SocketAddr]) -> Topics {
        let mut topics = Topics {
            by_name: HashMap::new(),
            all: Vec::new(),
            default_partitions: options.default_partitions.max(1),
            brokers: addrs.len(),
        };
        for (name, partitions) in &options.topics {
            topics.create(name.as_bytes(), *partitions);
        }
        topics
    }

    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// The index of the topic with this name, which is created if it is new.
    pub fn named(&mut self, name: &[u8]) -> usize {
        match self.by_name.get(name) {
            Some(&index) => index,
            None => self.create(name, self.default_partitions),
        }
    }

    pub fn with_id(&self, id: &[u8; 16]) -> Option<usize> {
        let (prefix, index) = id.split_at(ID_PREFIX.len());
        let index = u32::from_be_bytes(index.try_into().ok()?) as usize;
        (prefix == ID_PREFIX && index < self.all.len()).then_some(index)
    }

    pub fn get(&mut self, index: usize) -> &mut Topic {
        &mut self.all[index]
    }

    /// The topic's part of a metadata response. It is encoded once per version.
    pub fn metadata(&mut self, index: usize, version: i16) -> &[u8] {
        let brokers = self.brokers;
        let Topic { name, index, next_offsets, metadata } = &mut self.all[index];
        metadata.entry(version).or_insert_with(|| encode(name, *index, next_offsets.len(), brokers, version))
    }

    fn create(&mut self, name: &[u8], partitions: u32) -> usize {
        let index = self.all.len();
        self.all.push(Topic {
            name: name.into(),
            index,
            next_offsets: vec![0; partitions as usize],
            metadata: HashMap::new(),
        });
        self.by_name.insert(name.into(), index);
        index
    }
}

fn encode(name: &[u8], index: usize, partitions: usize, brokers: usize, version: i16) -> Vec<u8> {
    let flexible = version >= 9;
    let mut out = Vec::with_capacity(64 + partitions * 32);
    out.i16(0);
    out.string(name, flexible);
    if version >= 10 {
        out.put(&ID_PREFIX);
        out.i32(index as i32);
    }
    out.i8(0); // not internal
    out.length(partitions, flexible);
    for partition in 0..partitions {
        let leader = ((index + partition) % brokers) as i32 + 1;
        out.i16(0);
        out.i32(partition as i32);
        out.i32(leader);
        if version >= 7 {
            out.i32(0); // leader epoch
        }
        for _ in ["replicas", "in sync"] {
            out.length(1, flexible);
            out.i32(leader);
        }
        if version >= 5 {
            out.length(0, flexible); // offline replicas
        }
        out.no_tags(flexible);
    }
    if version >= 8 {
        out.i32(i32::MIN); // authorized operations: not requested
    }
    out.no_tags(flexible);
    out
}
