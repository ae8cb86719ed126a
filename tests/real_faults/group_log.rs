//! The log of a consumer group's offsets, as a read-committed consumer sees it.

use ottla_testkit::kafka::{Cluster, DEFAULT_VERSION, Isolation, Reader};

/// An offset that a group committed.
#[derive(Debug)]
pub struct Committed {
    pub partition: i32,
    pub offset: u64,
    pub metadata: String,
}

/// Every commit of a group, in log order. Repeated commits with the same content are repeated here.
pub fn committed(cluster: &Cluster, group: &str) -> Vec<Committed> {
    let reader = Reader::Java(DEFAULT_VERSION);
    let records = cluster.read_records_with("__consumer_offsets", reader, Isolation::ReadCommitted);
    let commit = |record: ottla_testkit::kafka::ReadRecord| parse(&record.key?, &record.value?, group);
    records.into_iter().filter_map(commit).collect()
}

/// Parses OffsetCommitKey and OffsetCommitValue, each preceded by its version (i16). Returns `None` if this is not a
/// commit of the group.
fn parse(key: &[u8], value: &[u8], group: &str) -> Option<Committed> {
    let mut key = Fields(key);
    // Version 2 is the metadata of a group.
    if i16::from_be_bytes(key.take()) > 1 || key.string() != group {
        return None;
    }
    let _topic = key.string();
    let partition = i32::from_be_bytes(key.take());
    let mut value = Fields(value);
    let version = i16::from_be_bytes(value.take());
    assert!(version >= 3, "before Kafka 2.1");
    let offset = u64::from_be_bytes(value.take());
    let _leader_epoch: [u8; 4] = value.take();
    let metadata = if version == 3 { value.string() } else { value.compact_string() };
    Some(Committed { partition, offset, metadata })
}

struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let (field, rest) = self.0.split_first_chunk().expect("a whole record");
        self.0 = rest;
        *field
    }

    fn string(&mut self) -> String {
        let length = u16::from_be_bytes(self.take());
        self.text(usize::from(length))
    }

    /// A compact string of up to 126 bytes.
    fn compact_string(&mut self) -> String {
        let [length] = self.take();
        self.text(usize::from(length) - 1)
    }

    fn text(&mut self, length: usize) -> String {
        let (text, rest) = self.0.split_at(length);
        self.0 = rest;
        String::from_utf8(text.to_vec()).expect("text")
    }
}
