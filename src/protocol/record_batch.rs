//! Record batches in format 2 (KIP-98): the header, and records encoded straight into a batch's memory.

use super::Reader;
use crate::error::Result;
use crate::record::Record;

pub const HEADER_LEN: usize = 61;
/// The batch's length field counts from here.
pub const LENGTH_FROM: usize = 12;
const CRC_AT: usize = 17;
/// The checksum covers everything from here on.
const CRC_FROM: usize = 21;

/// The 61 bytes before a batch's records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchHeader {
    pub base_offset: i64,
    pub length: i32,
    pub partition_leader_epoch: i32,
    pub crc: u32,
    pub attributes: i16,
    pub last_offset_delta: i32,
    pub base_timestamp: i64,
    pub max_timestamp: i64,
    pub producer_id: i64,
    pub producer_epoch: i16,
    pub base_sequence: i32,
    pub record_count: i32,
}

impl BatchHeader {
    pub fn write(&self, out: &mut [u8; HEADER_LEN]) {
        out[0..8].copy_from_slice(&self.base_offset.to_be_bytes());
        out[8..12].copy_from_slice(&self.length.to_be_bytes());
        out[12..16].copy_from_slice(&self.partition_leader_epoch.to_be_bytes());
        out[16] = 2;
        out[17..21].copy_from_slice(&self.crc.to_be_bytes());
        out[21..23].copy_from_slice(&self.attributes.to_be_bytes());
        out[23..27].copy_from_slice(&self.last_offset_delta.to_be_bytes());
        out[27..35].copy_from_slice(&self.base_timestamp.to_be_bytes());
        out[35..43].copy_from_slice(&self.max_timestamp.to_be_bytes());
        out[43..51].copy_from_slice(&self.producer_id.to_be_bytes());
        out[51..53].copy_from_slice(&self.producer_epoch.to_be_bytes());
        out[53..57].copy_from_slice(&self.base_sequence.to_be_bytes());
        out[57..61].copy_from_slice(&self.record_count.to_be_bytes());
    }
}

/// CRC-32C over what a batch's checksum covers: its header from the attributes on, then its records.
pub fn crc32c<'a>(header: &[u8; HEADER_LEN], records: impl Iterator<Item = &'a [u8]>) -> u32 {
    let mut digest = crc_fast::Digest::new(crc_fast::CrcAlgorithm::Crc32Iscsi);
    digest.update(&header[CRC_FROM..]);
    records.for_each(|slice| digest.update(slice));
    digest.finalize() as u32
}

pub fn set_crc(header: &mut [u8; HEADER_LEN], crc: u32) {
    header[CRC_AT..CRC_FROM].copy_from_slice(&crc.to_be_bytes());
}

/// The sequence number `count` after `sequence`: it wraps from 2147483647 to 0.
pub fn sequence_after(sequence: i32, count: i32) -> i32 {
    (i64::from(sequence) + i64::from(count)).rem_euclid(1 << 31) as i32
}

/// How long a value is as a zigzag varint.
#[inline]
pub fn varint_len(value: i32) -> usize {
    unsigned_len(u64::from(zigzag32(value)))
}

#[inline]
fn varlong_len(value: i64) -> usize {
    unsigned_len(zigzag64(value))
}

#[inline]
fn unsigned_len(value: u64) -> usize {
    // Seven bits a byte; a value of no bits takes one too.
    (70 - (value | 1).leading_zeros() as usize) / 7
}

#[inline]
fn zigzag32(value: i32) -> u32 {
    ((value << 1) ^ (value >> 31)).cast_unsigned()
}

#[inline]
fn zigzag64(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

#[inline]
fn nullable_len(bytes: Option<&[u8]>) -> usize {
    bytes.map_or(1, |bytes| varint_len(bytes.len() as i32) + bytes.len())
}

/// The length of a record, without the varint that says it.
#[inline]
pub fn record_body_len(timestamp_delta: i64, offset_delta: i32, record: &Record<'_>) -> usize {
    let headers: usize = record
        .headers
        .iter()
        .map(|header| varint_len(header.name.len() as i32) + header.name.len() + nullable_len(header.value))
        .sum();
    1 + varlong_len(timestamp_delta)
        + varint_len(offset_delta)
        + nullable_len(record.key)
        + nullable_len(record.value)
        + varint_len(record.headers.len() as i32)
        + headers
}

/// Writes a record into `out`, which has exactly the room for it. `body_len` is that of [`record_body_len`].
#[inline]
pub fn write_record(out: &mut [u8], body_len: usize, timestamp_delta: i64, offset_delta: i32, record: &Record<'_>) {
    let mut to = Cursor { out, at: 0 };
    to.varint(body_len as i32);
    to.byte(0);
    to.unsigned(zigzag64(timestamp_delta));
    to.varint(offset_delta);
    to.nullable(record.key);
    to.nullable(record.value);
    to.varint(record.headers.len() as i32);
    for header in record.headers {
        to.nullable(Some(header.name));
        to.nullable(header.value);
    }
    debug_assert_eq!(to.at, to.out.len(), "a record's length is known before it is written");
}

struct Cursor<'a> {
    out: &'a mut [u8],
    at: usize,
}

impl Cursor<'_> {
    #[inline]
    fn byte(&mut self, byte: u8) {
        self.out[self.at] = byte;
        self.at += 1;
    }

    #[inline]
    fn unsigned(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.byte(value as u8 | 0x80);
            value >>= 7;
        }
        self.byte(value as u8);
    }

    #[inline]
    fn varint(&mut self, value: i32) {
        self.unsigned(u64::from(zigzag32(value)));
    }

    #[inline]
    fn nullable(&mut self, bytes: Option<&[u8]>) {
        let Some(bytes) = bytes else { return self.varint(-1) };
        self.varint(bytes.len() as i32);
        self.out[self.at..self.at + bytes.len()].copy_from_slice(bytes);
        self.at += bytes.len();
    }
}

/// Walks the records of an uncompressed batch.
pub struct RecordIter<'a> {
    reader: Reader<'a>,
    failed: bool,
}

/// A record as it lies in a batch.
#[derive(Clone, Copy)]
pub struct EncodedRecord<'a> {
    pub timestamp_delta: i64,
    pub offset_delta: i32,
    pub key: Option<&'a [u8]>,
    pub value: Option<&'a [u8]>,
    header_count: i32,
    headers: Reader<'a>,
}

impl<'a> RecordIter<'a> {
    pub fn new(records: &'a [u8]) -> Self {
        RecordIter { reader: Reader::new(records), failed: false }
    }

    fn read(&mut self) -> Result<EncodedRecord<'a>> {
        let len = self.reader.varint("record length")?;
        let len = usize::try_from(len).map_err(|_| self.reader.error("record length", "negative"))?;
        let mut body = Reader::new(self.reader.take(len, "record")?);
        body.i8("record attributes")?;
        Ok(EncodedRecord {
            timestamp_delta: body.varlong("timestamp delta")?,
            offset_delta: body.varint("offset delta")?,
            key: nullable(&mut body, "key")?,
            value: nullable(&mut body, "value")?,
            header_count: body.varint("header count")?,
            headers: body,
        })
    }
}

fn nullable<'a>(reader: &mut Reader<'a>, field: &str) -> Result<Option<&'a [u8]>> {
    match reader.varint(field)? {
        -1 => Ok(None),
        len => {
            let len = usize::try_from(len).map_err(|_| reader.error(field, "a negative length"))?;
            reader.take(len, field).map(Some)
        }
    }
}

impl<'a> Iterator for RecordIter<'a> {
    type Item = Result<EncodedRecord<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed || self.reader.remaining() == 0 {
            return None;
        }
        let record = self.read();
        self.failed = record.is_err();
        Some(record)
    }
}

impl<'a> EncodedRecord<'a> {
    /// Its headers: name, value.
    pub fn headers(&self) -> impl Iterator<Item = Result<(&'a [u8], Option<&'a [u8]>)>> + use<'a> {
        let mut reader = self.headers;
        let mut left = self.header_count;
        std::iter::from_fn(move || {
            if left <= 0 {
                return None;
            }
            left -= 1;
            let header = nullable(&mut reader, "header name").and_then(|name| {
                let name = name.ok_or_else(|| reader.error("header name", "null"))?;
                Ok((name, nullable(&mut reader, "header value")?))
            });
            if header.is_err() {
                left = 0;
            }
            Some(header)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Header;

    #[test]
    fn a_record_is_as_java_writes_it() {
        let headers = [Header { name: b"h", value: Some(b"") }, Header { name: b"h", value: None }];
        let record = Record { key: Some(b"k"), value: Some(b"v"), headers: &headers, ..Record::default() };
        let body = record_body_len(0, 0, &record);
        let mut out = vec![0; body + varint_len(body as i32)];
        write_record(&mut out, body, 0, 0, &record);
        assert_eq!(out, [0x1a, 0, 0, 0, 2, b'k', 2, b'v', 4, 2, b'h', 0, 2, b'h', 1]);
    }

    #[test]
    fn what_is_written_is_read_back() {
        let big = vec![7u8; 70_000];
        let headers = [Header { name: b"trace", value: Some(&big) }, Header { name: b"", value: None }];
        for (delta, offset) in [(0, 0), (-1, 63), (64, 64), (i64::MIN, i32::MAX), (i64::MAX, 8191), (1 << 40, 8192)] {
            for key in [None, Some(&b""[..]), Some(&b"key"[..])] {
                let record = Record { key, value: Some(&big), headers: &headers, ..Record::default() };
                let body = record_body_len(delta, offset, &record);
                let mut out = vec![0; body + varint_len(body as i32)];
                write_record(&mut out, body, delta, offset, &record);
                let mut records = RecordIter::new(&out);
                let read = records.next().expect("one record").expect("well formed");
                assert_eq!(
                    (read.timestamp_delta, read.offset_delta, read.key, read.value),
                    (delta, offset, key, Some(&big[..]))
                );
                let read: Vec<_> = read.headers().collect::<Result<_>>().expect("well formed");
                assert_eq!(read, [(&b"trace"[..], Some(&big[..])), (&b""[..], None)]);
                assert!(records.next().is_none());
            }
        }
    }

    #[test]
    fn a_truncated_record_is_an_error() {
        let record = Record { key: Some(b"key"), value: Some(b"value"), ..Record::default() };
        let body = record_body_len(5, 1, &record);
        let mut out = vec![0; body + varint_len(body as i32)];
        write_record(&mut out, body, 5, 1, &record);
        for end in 1..out.len() {
            assert!(RecordIter::new(&out[..end]).next().is_some_and(|record| record.is_err()), "cut at {end}");
        }
    }

    #[test]
    fn sequences_wrap_to_zero() {
        assert_eq!(sequence_after(0, 5), 5);
        assert_eq!(sequence_after(i32::MAX, 1), 0);
        assert_eq!(sequence_after(i32::MAX - 1, 3), 1);
    }

    #[test]
    fn the_checksum_covers_header_and_records() {
        let mut header = [0; HEADER_LEN];
        let whole = crc32c(&header, [&b"records"[..]].into_iter());
        assert_eq!(crc32c(&header, [&b"rec"[..], b"ords"].into_iter()), whole);
        header[60] = 1;
        assert_ne!(crc32c(&header, [&b"records"[..]].into_iter()), whole);
        header[60] = 0;
        header[0] = 1;
        assert_eq!(crc32c(&header, [&b"records"[..]].into_iter()), whole, "the base offset is not covered");
    }
}
