//! Batches that Java wrote (crates/ottla-core/tests/vectors/batches): our decoder reads them, and our encoder writes
//! them byte for byte.

use std::collections::BTreeMap;
use std::sync::Arc;

use ottla_core::batch::{Batch, Charge, Memory, Room};
use ottla_core::compress::{Codec, decompress};
use ottla_core::protocol::record_batch::{self, BatchHeader, HEADER_LEN, RecordIter};
use ottla_core::sync::Time;
use ottla_engine::{Completion, Header, Record};

struct Golden {
    name: String,
    fields: BTreeMap<String, String>,
    records: Vec<GoldenRecord>,
    bytes: Vec<u8>,
}

struct GoldenRecord {
    offset: i64,
    timestamp: i64,
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    headers: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

impl Golden {
    fn parse(text: &str) -> Golden {
        let mut golden =
            Golden { name: String::new(), fields: BTreeMap::new(), records: Vec::new(), bytes: Vec::new() };
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (name, value) = line.split_once(' ').expect("a name and a value");
            match name {
                "record" => golden.records.push(GoldenRecord::parse(value)),
                "batch" => golden.bytes = bytes(value).expect("bytes"),
                "name" => golden.name = value.into(),
                _ => drop(golden.fields.insert(name.into(), value.into())),
            }
        }
        golden
    }

    fn number<T: std::str::FromStr>(&self, field: &str) -> T {
        self.fields[field].parse().unwrap_or_else(|_| panic!("{}: {field} is no number", self.name))
    }

    fn is(&self, field: &str, value: &str) -> bool {
        self.fields[field] == value
    }

    fn codec(&self) -> Codec {
        let codecs = [Codec::None, Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd];
        codecs.into_iter().find(|codec| self.is("codec", codec.name())).expect("a codec")
    }

    /// The header that the text describes.
    fn header(&self) -> [u8; HEADER_LEN] {
        let flag = |field, value, bit| if self.is(field, value) { bit } else { 0 };
        let header = BatchHeader {
            base_offset: self.number("base_offset"),
            length: (self.bytes.len() - record_batch::offset::PARTITION_LEADER_EPOCH) as i32,
            partition_leader_epoch: self.number("partition_leader_epoch"),
            crc: u32::from_str_radix(&self.fields["crc"], 16).expect("a checksum"),
            attributes: self.codec().attribute_bits()
                | flag("timestamp_type", "append", 8)
                | flag("transactional", "true", 16)
                | flag("control", "true", 32),
            last_offset_delta: (self.number::<i64>("last_offset") - self.number::<i64>("base_offset")) as i32,
            base_timestamp: self.number("base_timestamp"),
            max_timestamp: self.number("max_timestamp"),
            producer_id: self.number("producer_id"),
            producer_epoch: self.number("producer_epoch"),
            base_sequence: self.number("base_sequence"),
            record_count: self.records.len() as i32,
        };
        let mut bytes = [0; HEADER_LEN];
        header.write(&mut bytes);
        bytes
    }
}

impl GoldenRecord {
    fn parse(text: &str) -> GoldenRecord {
        let words: Vec<&str> = text.split(' ').collect();
        let [offset, timestamp, key, value, headers] = words[..] else { panic!("not a record: {text}") };
        let header = |text: &str| {
            let (name, value) = text.split_once(':').expect("a header");
            (bytes(name).expect("a name"), bytes(value))
        };
        GoldenRecord {
            offset: offset.parse().expect("an offset"),
            timestamp: timestamp.parse().expect("a timestamp"),
            key: bytes(key),
            value: bytes(value),
            headers: if headers == "." { Vec::new() } else { headers.split(',').map(header).collect() },
        }
    }
}

/// `-` is null, `.` is empty; otherwise hex, with `*COUNT` for repetitions.
fn bytes(text: &str) -> Option<Vec<u8>> {
    let (unit, count) = text.split_once('*').unwrap_or((text, "1"));
    let digits = |at: usize| u8::from_str_radix(&unit[at..at + 2], 16).expect("hex");
    match unit {
        "-" => None,
        "." => Some(Vec::new()),
        _ => {
            let unit: Vec<u8> = (0..unit.len()).step_by(2).map(digits).collect();
            Some(unit.repeat(count.parse().expect("a count")))
        }
    }
}

fn goldens() -> Vec<Golden> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/crates/ottla-core/tests/vectors/batches");
    let files =
        std::fs::read_dir(folder).expect("the folder of golden batches").map(|entry| entry.expect("a file").path());
    let texts = files.filter(|path| path.extension().is_some_and(|extension| extension == "txt"));
    let goldens: Vec<Golden> = texts.map(|path| Golden::parse(&std::fs::read_to_string(path).expect("text"))).collect();
    assert!(goldens.len() >= 50, "{} golden batches", goldens.len());
    goldens
}

#[test]
fn batches_written_by_java_are_read() {
    for golden in goldens() {
        let name = &golden.name;
        assert_eq!(golden.bytes[..HEADER_LEN], golden.header(), "{name}: its header");
        let compressed = &golden.bytes[HEADER_LEN..];
        let crc = record_batch::crc32c(&golden.header(), [compressed]);
        assert_eq!(format!("{crc:08x}"), golden.fields["crc"], "{name}: its checksum");
        let plain = decompress(golden.codec(), compressed, 64 << 20).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut records = RecordIter::new(&plain);
        for expected in &golden.records {
            let read = records.next().unwrap_or_else(|| panic!("{name}: a record is missing"));
            let read = read.unwrap_or_else(|error| panic!("{name}: {error}"));
            let timestamp = match golden.is("timestamp_type", "append") {
                true => golden.number("max_timestamp"),
                false => golden.number::<i64>("base_timestamp") + read.timestamp_delta,
            };
            assert_eq!(timestamp, expected.timestamp, "{name}");
            assert_eq!(golden.number::<i64>("base_offset") + i64::from(read.offset_delta), expected.offset, "{name}");
            assert_eq!((read.key, read.value), (expected.key.as_deref(), expected.value.as_deref()), "{name}");
            let headers: Vec<_> = read.headers.map(|header| (header.name, header.value)).collect();
            let wanted: Vec<_> = expected.headers.iter().map(|(name, value)| (&name[..], value.as_deref())).collect();
            assert_eq!(headers, wanted, "{name}");
        }
        assert!(records.next().is_none(), "{name}: there are more records");
    }
}

#[test]
fn the_same_records_make_the_same_bytes_as_java() {
    let memory = Arc::new(Memory::new(64 << 20, false));
    let mut compared = 0;
    for golden in goldens() {
        // Only brokers write control batches and append times.
        if golden.codec() != Codec::None || golden.is("control", "true") || golden.is("timestamp_type", "append") {
            continue;
        }
        let name = &golden.name;
        let mut batch = Batch::new(&memory, &"golden".into(), 0, Time::ZERO, 0);
        for record in &golden.records {
            let headers: Vec<Header<'_>> =
                record.headers.iter().map(|(name, value)| Header { name, value: value.as_deref() }).collect();
            let (key, value) = (record.key.as_deref(), record.value.as_deref());
            let sent = Record { key, value, headers: &headers, ..Record::default() };
            let appended =
                batch.append(&sent, record.timestamp, &Completion::Tag(0), Charge::Ask, &mut Room::default());
            assert!(appended.is_ok(), "{name}: there is room");
        }
        assert_eq!(batch.base_timestamp, golden.number::<i64>("base_timestamp"), "{name}");
        assert_eq!(batch.max_timestamp, golden.number::<i64>("max_timestamp"), "{name}");
        assert_eq!(batch.count() as usize, golden.records.len(), "{name}");
        batch.seal();
        let mut written = golden.header().to_vec();
        written.extend(batch.payload().slices().flatten());
        assert_eq!(written, golden.bytes, "{name}");
        batch.dissolve();
        compared += 1;
    }
    assert!(compared >= 7, "{compared} batches were compared");
}
