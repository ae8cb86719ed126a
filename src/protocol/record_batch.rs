//! Record batches of format v2: the header, the records, the checksum.
//!
//! The writing functions are the hot path of `send`: they allocate nothing and write forward into room the caller has.

use super::wire::Reader;
use crate::record::Header;
use crate::{Error, ErrorKind, Result};

/// The length of a batch's header: what precedes the records.
pub const HEADER_LEN: usize = 61;

/// Where the header's fields begin.
pub mod offset {
    pub const BASE_OFFSET: usize = 0;
    pub const LENGTH: usize = 8;
    pub const PARTITION_LEADER_EPOCH: usize = 12;
    pub const MAGIC: usize = 16;
    pub const CRC: usize = 17;
    pub const ATTRIBUTES: usize = 21;
    pub const LAST_OFFSET_DELTA: usize = 23;
    pub const BASE_TIMESTAMP: usize = 27;
    pub const MAX_TIMESTAMP: usize = 35;
    pub const PRODUCER_ID: usize = 43;
    pub const PRODUCER_EPOCH: usize = 51;
    pub const BASE_SEQUENCE: usize = 53;
    pub const RECORD_COUNT: usize = 57;
}

/// The bits of [`BatchHeader::attributes`].
pub mod attributes {
    pub const CODEC_MASK: i16 = 0x07;
    pub const CODEC_NONE: i16 = 0;
    pub const CODEC_GZIP: i16 = 1;
    pub const CODEC_SNAPPY: i16 = 2;
    pub const CODEC_LZ4: i16 = 3;
    pub const CODEC_ZSTD: i16 = 4;
    /// Set: the broker's append time; not set: the producer's create time.
    pub const LOG_APPEND_TIME: i16 = 0x08;
    pub const TRANSACTIONAL: i16 = 0x10;
    pub const CONTROL: i16 = 0x20;
    pub const DELETE_HORIZON: i16 = 0x40;
}

/// The only format this release writes and reads.
pub const MAGIC: i8 = 2;

/// What [`BatchHeader::length`] counts of the header: the bytes after that field.
pub const HEADER_LEN_AFTER_LENGTH: usize = HEADER_LEN - offset::PARTITION_LEADER_EPOCH;

/// The header of a batch. [`BatchHeader::default`] is an empty batch of a producer without idempotence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchHeader {
    pub base_offset: i64,
    /// The bytes that follow this field: [`HEADER_LEN_AFTER_LENGTH`] and the records.
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

impl Default for BatchHeader {
    fn default() -> Self {
        BatchHeader {
            base_offset: 0,
            length: HEADER_LEN_AFTER_LENGTH as i32,
            partition_leader_epoch: -1,
            crc: 0,
            attributes: 0,
            last_offset_delta: -1,
            base_timestamp: -1,
            max_timestamp: -1,
            producer_id: -1,
            producer_epoch: -1,
            base_sequence: -1,
            record_count: 0,
        }
    }
}

impl BatchHeader {
    pub fn write(&self, out: &mut [u8; HEADER_LEN]) {
        fn put<const N: usize>(out: &mut [u8; HEADER_LEN], at: usize, bytes: [u8; N]) {
            out[at..at + N].copy_from_slice(&bytes);
        }
        put(out, offset::BASE_OFFSET, self.base_offset.to_be_bytes());
        put(out, offset::LENGTH, self.length.to_be_bytes());
        put(out, offset::PARTITION_LEADER_EPOCH, self.partition_leader_epoch.to_be_bytes());
        put(out, offset::MAGIC, MAGIC.to_be_bytes());
        put(out, offset::CRC, self.crc.to_be_bytes());
        put(out, offset::ATTRIBUTES, self.attributes.to_be_bytes());
        put(out, offset::LAST_OFFSET_DELTA, self.last_offset_delta.to_be_bytes());
        put(out, offset::BASE_TIMESTAMP, self.base_timestamp.to_be_bytes());
        put(out, offset::MAX_TIMESTAMP, self.max_timestamp.to_be_bytes());
        put(out, offset::PRODUCER_ID, self.producer_id.to_be_bytes());
        put(out, offset::PRODUCER_EPOCH, self.producer_epoch.to_be_bytes());
        put(out, offset::BASE_SEQUENCE, self.base_sequence.to_be_bytes());
        put(out, offset::RECORD_COUNT, self.record_count.to_be_bytes());
    }

    /// Reads a header. The checksum is not compared: see [`crc32c`].
    pub fn parse(bytes: &[u8; HEADER_LEN]) -> Result<Self> {
        let reader = &mut Reader::new(bytes);
        let base_offset = reader.i64("BatchHeader.base_offset")?;
        let length = reader.i32("BatchHeader.length")?;
        let partition_leader_epoch = reader.i32("BatchHeader.partition_leader_epoch")?;
        let magic = reader.i8("BatchHeader.magic")?;
        if magic != MAGIC {
            return Err(Error::new(ErrorKind::BadResponse, format!("a record batch of format {magic}, not {MAGIC}")));
        }
        Ok(BatchHeader {
            base_offset,
            length,
            partition_leader_epoch,
            crc: reader.u32("BatchHeader.crc")?,
            attributes: reader.i16("BatchHeader.attributes")?,
            last_offset_delta: reader.i32("BatchHeader.last_offset_delta")?,
            base_timestamp: reader.i64("BatchHeader.base_timestamp")?,
            max_timestamp: reader.i64("BatchHeader.max_timestamp")?,
            producer_id: reader.i64("BatchHeader.producer_id")?,
            producer_epoch: reader.i16("BatchHeader.producer_epoch")?,
            base_sequence: reader.i32("BatchHeader.base_sequence")?,
            record_count: reader.i32("BatchHeader.record_count")?,
        })
    }
}

/// The checksum of a batch: of its header from the attributes on, and of its records.
pub fn crc32c<'r>(header: &[u8; HEADER_LEN], records: impl IntoIterator<Item = &'r [u8]>) -> u32 {
    let mut digest = crc_fast::Digest::new(crc_fast::CrcAlgorithm::Crc32Iscsi);
    digest.update(&header[offset::ATTRIBUTES..]);
    for slice in records {
        digest.update(slice);
    }
    digest.finalize() as u32
}

/// Writes the checksum into a header that is complete but for it.
pub fn set_crc(header: &mut [u8; HEADER_LEN], crc: u32) {
    header[offset::CRC..offset::CRC + 4].copy_from_slice(&crc.to_be_bytes());
}

fn zigzag(value: i64) -> u64 {
    (value << 1 ^ value >> 63) as u64
}

/// The length of a zigzag varint. (A 32-bit value takes the same bytes as a varint and as a varlong.)
#[inline]
pub fn varint_len(value: i64) -> usize {
    match zigzag(value) {
        0..0x80 => 1,
        0x80..0x4000 => 2,
        // Seven bits of the value for each byte, rounded up.
        value => (64 - value.leading_zeros() as usize).div_ceil(7),
    }
}

/// Writes a zigzag varint at `position`; returns the position after it.
///
/// Panics if `out` ends before.
#[inline]
pub fn put_varint(out: &mut [u8], position: usize, value: i64) -> usize {
    let value = zigzag(value);
    if value < 0x80 {
        out[position] = value as u8;
        return position + 1;
    }
    if value < 0x4000 {
        out[position..position + 2].copy_from_slice(&[value as u8 | 0x80, (value >> 7) as u8]);
        return position + 2;
    }
    put_long_varint(out, position, value)
}

fn put_long_varint(out: &mut [u8], mut position: usize, mut value: u64) -> usize {
    while value >= 0x80 {
        out[position] = value as u8 | 0x80;
        value >>= 7;
        position += 1;
    }
    out[position] = value as u8;
    position + 1
}

fn put_bytes(out: &mut [u8], position: usize, bytes: &[u8]) -> usize {
    let end = position + bytes.len();
    out[position..end].copy_from_slice(bytes);
    end
}

/// A length as records write it: -1 for null. (No slice is longer than `i64::MAX`.)
#[inline]
fn sized_len(len: Option<usize>) -> usize {
    match len {
        Some(len) => varint_len(len as i64) + len,
        None => 1,
    }
}

#[inline]
fn put_sized(out: &mut [u8], position: usize, bytes: Option<&[u8]>) -> usize {
    match bytes {
        Some(bytes) => {
            let position = put_varint(out, position, bytes.len() as i64);
            put_bytes(out, position, bytes)
        }
        None => put_varint(out, position, -1),
    }
}

/// The length of a record's body, which its length field tells. With that field, the record takes
/// [`record_len_with_prefix`].
///
/// The caller keeps it within `i32::MAX`.
#[inline]
pub fn record_len(
    timestamp_delta: i64,
    offset_delta: i32,
    key_len: Option<usize>,
    value_len: Option<usize>,
    headers: &[Header<'_>],
) -> usize {
    let attributes = 1;
    attributes
        + varint_len(timestamp_delta)
        + varint_len(offset_delta.into())
        + sized_len(key_len)
        + sized_len(value_len)
        + varint_len(headers.len() as i64)
        + headers
            .iter()
            .map(|header| sized_len(Some(header.name.len())) + sized_len(header.value.map(<[u8]>::len)))
            .sum::<usize>()
}

/// The room a record takes, given the length of its body.
#[inline]
pub fn record_len_with_prefix(body_len: usize) -> usize {
    varint_len(body_len as i64) + body_len
}

/// Writes a record to the front of `out`; returns how many bytes it took: [`record_len_with_prefix`] of `body_len`,
/// which is what [`record_len`] said of the same arguments.
///
/// Panics if `out` is shorter than that.
#[inline]
pub fn write_record(
    out: &mut [u8],
    body_len: usize,
    timestamp_delta: i64,
    offset_delta: i32,
    key: Option<&[u8]>,
    value: Option<&[u8]>,
    headers: &[Header<'_>],
) -> usize {
    // One cut, so that most of the checks below are against a length that is known.
    let out = &mut out[..record_len_with_prefix(body_len)];
    let mut position = write_record_start(out, body_len, timestamp_delta, offset_delta, key, value.map(<[u8]>::len));
    if let Some(value) = value {
        position = put_bytes(out, position, value);
    }
    position += write_record_end(&mut out[position..], headers);
    debug_assert_eq!(position, out.len());
    position
}

/// Writes a record up to where its value begins: for a value that stays where it is. The value and
/// [`write_record_end`] follow.
#[inline]
pub fn write_record_start(
    out: &mut [u8],
    body_len: usize,
    timestamp_delta: i64,
    offset_delta: i32,
    key: Option<&[u8]>,
    value_len: Option<usize>,
) -> usize {
    let mut position = put_varint(out, 0, body_len as i64);
    out[position] = 0;
    position = put_varint(out, position + 1, timestamp_delta);
    position = put_varint(out, position, offset_delta.into());
    position = put_sized(out, position, key);
    put_varint(out, position, value_len.map_or(-1, |len| len as i64))
}

/// Writes what follows a record's value: its headers.
#[inline]
pub fn write_record_end(out: &mut [u8], headers: &[Header<'_>]) -> usize {
    let mut position = put_varint(out, 0, headers.len() as i64);
    for header in headers {
        position = put_sized(out, position, Some(header.name));
        position = put_sized(out, position, header.value);
    }
    position
}

/// A record as it lies in an uncompressed batch.
#[derive(Clone, Debug)]
pub struct RecordView<'a> {
    pub timestamp_delta: i64,
    pub offset_delta: i32,
    pub key: Option<&'a [u8]>,
    pub value: Option<&'a [u8]>,
    pub headers: HeaderIter<'a>,
}

/// Walks the records of an uncompressed batch, or of a part of one that begins and ends between records. After an
/// error there is nothing more.
#[derive(Clone, Debug)]
pub struct RecordIter<'a> {
    reader: Reader<'a>,
}

impl<'a> RecordIter<'a> {
    pub fn new(records: &'a [u8]) -> Self {
        RecordIter { reader: Reader::new(records) }
    }

    /// Where the next record begins.
    pub fn position(&self) -> usize {
        self.reader.position()
    }
}

impl<'a> Iterator for RecordIter<'a> {
    type Item = Result<RecordView<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.reader.remaining() == 0 {
            return None;
        }
        let record = read_record(&mut self.reader);
        if record.is_err() {
            self.reader = Reader::new(&[]);
        }
        Some(record)
    }
}

impl std::iter::FusedIterator for RecordIter<'_> {}

fn read_record<'a>(reader: &mut Reader<'a>) -> Result<RecordView<'a>> {
    let at = reader.position();
    let Some(body) = reader.varint_bytes("Record")? else {
        return Err(reader.bad(at, "Record", format_args!("no length")));
    };
    let body = &mut Reader::new(body);
    body.i8("Record.attributes")?;
    let timestamp_delta = body.varlong("Record.timestamp_delta")?;
    let offset_delta = body.varint("Record.offset_delta")?;
    let key = body.varint_bytes("Record.key")?;
    let value = body.varint_bytes("Record.value")?;
    let at = body.position();
    let count = body.varint("Record.headers")?;
    // A header takes two bytes at least.
    let Some(left) = usize::try_from(count).ok().filter(|&count| count <= body.remaining() / 2) else {
        return Err(body.bad(at, "Record.headers", format_args!("{count} headers in {} bytes", body.remaining())));
    };
    let headers = HeaderIter { reader: body.clone(), left };
    for _ in 0..left {
        read_header(body)?;
    }
    body.finish("Record")?;
    Ok(RecordView { timestamp_delta, offset_delta, key, value, headers })
}

fn read_header<'a>(reader: &mut Reader<'a>) -> Result<Header<'a>> {
    let at = reader.position();
    let Some(name) = reader.varint_bytes("Header.name")? else {
        return Err(reader.bad(at, "Header.name", format_args!("null")));
    };
    Ok(Header { name, value: reader.varint_bytes("Header.value")? })
}

/// The headers of a record, in order.
#[derive(Clone, Debug)]
pub struct HeaderIter<'a> {
    reader: Reader<'a>,
    left: usize,
}

impl<'a> Iterator for HeaderIter<'a> {
    type Item = Header<'a>;

    fn next(&mut self) -> Option<Header<'a>> {
        self.left = self.left.checked_sub(1)?;
        Some(read_header(&mut self.reader).expect("the headers were read through with their record"))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for HeaderIter<'_> {}
