//! Record batches of format v2: the header, the records, the checksum.
//!
//! The writing functions are on the hot path of `send`. They allocate nothing, and write front to back into room that
//! the caller provides.

use super::wire::Reader;
use crate::record::Header;
use crate::text::counted;
use crate::{Error, ErrorKind, Result};

/// The length of a batch's header, which precedes the records.
pub const HEADER_LEN: usize = 61;
/// The bit of the attributes that marks a batch of a transaction (KIP-98).
pub const TRANSACTIONAL: i16 = 0x10;

/// Where the fields of the header begin.
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
    /// Set: the timestamp is the broker's append time. Not set: it is the producer's create time.
    pub const LOG_APPEND_TIME: i16 = 0x08;
    pub const TRANSACTIONAL: i16 = 0x10;
    pub const CONTROL: i16 = 0x20;
    pub const DELETE_HORIZON: i16 = 0x40;
}

/// The only format that this release writes and reads.
pub const MAGIC: i8 = 2;

/// The part of the header that [`BatchHeader::length`] counts: the bytes after that field.
pub const HEADER_LEN_AFTER_LENGTH: usize = HEADER_LEN - offset::PARTITION_LEADER_EPOCH;

/// The header of a batch. [`BatchHeader::default`] is an empty batch of a producer without idempotence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchHeader {
    pub base_offset: i64,
    /// The number of bytes after this field: [`HEADER_LEN_AFTER_LENGTH`] and the records.
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

    /// Reads a header. Does not check the checksum: see [`crc32c`].
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

/// The checksum of a batch. It covers the header from the attributes on, and the records.
pub fn crc32c<'r>(header: &[u8; HEADER_LEN], records: impl IntoIterator<Item = &'r [u8]>) -> u32 {
    let mut digest = crc_fast::Digest::new(crc_fast::CrcAlgorithm::Crc32Iscsi);
    digest.update(&header[offset::ATTRIBUTES..]);
    for slice in records {
        digest.update(slice);
    }
    digest.finalize() as u32
}

/// Writes the checksum into a header that is otherwise complete.
pub fn set_crc(header: &mut [u8; HEADER_LEN], crc: u32) {
    header[offset::CRC..offset::CRC + 4].copy_from_slice(&crc.to_be_bytes());
}

#[inline(always)]
fn zigzag(value: i64) -> u64 {
    (value << 1 ^ value >> 63) as u64
}

/// The length of a zigzag varint. (A 32-bit value has the same bytes as varint and as varlong.)
#[inline(always)]
pub fn varint_len(value: i64) -> usize {
    match zigzag(value) {
        0..0x80 => 1,
        0x80..0x4000 => 2,
        // Each byte holds seven bits of the value.
        value => (64 - value.leading_zeros() as usize).div_ceil(7),
    }
}

/// Writes a zigzag varint at `position`. Returns the position after it.
///
/// Panics if `out` is too short.
#[inline(always)]
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

#[cold]
fn put_long_varint(out: &mut [u8], mut position: usize, mut value: u64) -> usize {
    while value >= 0x80 {
        out[position] = value as u8 | 0x80;
        value >>= 7;
        position += 1;
    }
    out[position] = value as u8;
    position + 1
}

#[inline(always)]
fn put_bytes(out: &mut [u8], position: usize, bytes: &[u8]) -> usize {
    let end = position + bytes.len();
    out[position..end].copy_from_slice(bytes);
    end
}

/// The encoded length of a nullable field: its length as a varint (-1 for null) and its bytes. (No slice is longer than
/// `i64::MAX`.)
#[inline(always)]
fn sized_len(len: Option<usize>) -> usize {
    match len {
        Some(len) => varint_len(len as i64) + len,
        None => 1,
    }
}

#[inline(always)]
fn put_sized(out: &mut [u8], position: usize, bytes: Option<&[u8]>) -> usize {
    match bytes {
        Some(bytes) => {
            let position = put_varint(out, position, bytes.len() as i64);
            put_bytes(out, position, bytes)
        }
        None => put_varint(out, position, -1),
    }
}

/// The length of a record's body, which is the value of its length field. With that field, the record takes
/// [`record_len_with_prefix`].
///
/// The caller keeps it within `i32::MAX`.
#[inline(always)]
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

/// The length of a whole record, given the length of its body.
#[inline(always)]
pub fn record_len_with_prefix(body_len: usize) -> usize {
    varint_len(body_len as i64) + body_len
}

/// Writes a record to the front of `out`. Returns its length: [`record_len_with_prefix`] of `body_len`, which must be
/// the [`record_len`] of the same arguments.
///
/// Panics if `out` is shorter.
#[inline(always)]
pub fn write_record(
    out: &mut [u8],
    body_len: usize,
    timestamp_delta: i64,
    offset_delta: i32,
    key: Option<&[u8]>,
    value: Option<&[u8]>,
    headers: &[Header<'_>],
) -> usize {
    // Cut once, so that most checks below compare with a known length.
    let out = &mut out[..record_len_with_prefix(body_len)];
    let mut position = write_record_start(out, body_len, timestamp_delta, offset_delta, key, value.map(<[u8]>::len));
    if let Some(value) = value {
        position = put_bytes(out, position, value);
    }
    position += write_record_end(&mut out[position..], headers);
    debug_assert_eq!(position, out.len());
    position
}

/// Writes a record up to the beginning of its value, for a value that is not copied. The value and [`write_record_end`]
/// follow.
#[inline(always)]
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

/// Writes what follows a record's value: the headers.
#[inline(always)]
pub fn write_record_end(out: &mut [u8], headers: &[Header<'_>]) -> usize {
    let mut position = put_varint(out, 0, headers.len() as i64);
    for header in headers {
        position = put_sized(out, position, Some(header.name));
        position = put_sized(out, position, header.value);
    }
    position
}

/// A record in an uncompressed batch.
#[derive(Clone, Debug)]
pub struct RecordView<'a> {
    pub timestamp_delta: i64,
    pub offset_delta: i32,
    pub key: Option<&'a [u8]>,
    pub value: Option<&'a [u8]>,
    pub headers: HeaderIter<'a>,
}

/// Iterates over the records of an uncompressed batch, or of a part of it that begins and ends between records. Ends
/// after an error.
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

    /// The next record. If its value is not among the bytes, `value` is that value.
    pub fn next_around(&mut self, value: Option<&'a [u8]>) -> Option<Result<RecordView<'a>>> {
        if self.reader.remaining() == 0 {
            return None;
        }
        let record = read_record(&mut self.reader, value);
        if record.is_err() {
            self.reader = Reader::new(&[]);
        }
        Some(record)
    }
}

impl<'a> Iterator for RecordIter<'a> {
    type Item = Result<RecordView<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_around(None)
    }
}

impl std::iter::FusedIterator for RecordIter<'_> {}

/// `elsewhere` is the record's value if it is not among the bytes.
fn read_record<'a>(reader: &mut Reader<'a>, elsewhere: Option<&'a [u8]>) -> Result<RecordView<'a>> {
    let at = reader.position();
    let len = i64::from(reader.varint("Record")?) - elsewhere.map_or(0, |value| value.len() as i64);
    let Some(body) = reader.sized(len, at, "Record")? else {
        return Err(reader.bad(at, "Record", format_args!("no length")));
    };
    let body = &mut Reader::new(body);
    body.i8("Record.attributes")?;
    let timestamp_delta = body.varlong("Record.timestamp_delta")?;
    let offset_delta = body.varint("Record.offset_delta")?;
    let key = body.varint_bytes("Record.key")?;
    let at = body.position();
    let value = match elsewhere {
        None => body.varint_bytes("Record.value")?,
        Some(value) if i64::from(body.varint("Record.value")?) == value.len() as i64 => Some(value),
        Some(_) => return Err(body.bad(at, "Record.value", format_args!("not the length of the value that was lent"))),
    };
    let at = body.position();
    let count = body.varint("Record.headers")?;
    // A header takes at least two bytes.
    let Some(left) = usize::try_from(count).ok().filter(|&count| count <= body.remaining() / 2) else {
        return Err(body.bad(
            at,
            "Record.headers",
            format_args!("{} in {}", counted(count, "header"), counted(body.remaining(), "byte")),
        ));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::wire::Writer;

    const HEADERS: [Header<'_>; 2] =
        [Header { name: b"h", value: None }, Header { name: "naïve".as_bytes(), value: Some(b"") }];

    fn encode(
        timestamp_delta: i64,
        offset_delta: i32,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[Header<'_>],
    ) -> Vec<u8> {
        let len = record_len(timestamp_delta, offset_delta, key.map(<[u8]>::len), value.map(<[u8]>::len), headers);
        let mut out = vec![0xee; record_len_with_prefix(len) + 3];
        let written = write_record(&mut out, len, timestamp_delta, offset_delta, key, value, headers);
        assert_eq!(out[written..], [0xee; 3]);
        out.truncate(written);
        out
    }

    fn only(records: &[u8]) -> RecordView<'_> {
        let mut iter = RecordIter::new(records);
        let record = iter.next().unwrap().unwrap();
        assert!(iter.next().is_none());
        assert_eq!(iter.position(), records.len());
        record
    }

    #[test]
    fn a_record_has_the_bytes_of_kafkas_own_client() {
        let headers = [Header { name: b"h", value: Some(b"") }, Header { name: b"", value: Some(b"") }];
        let bytes = encode(0, 0, Some(b"k"), Some(b"v"), &headers);
        assert_eq!(bytes, [0x1a, 0, 0, 0, 2, b'k', 2, b'v', 4, 2, b'h', 0, 0, 0]);
        assert_eq!(encode(-1, 1, None, None, &[]), [12, 0, 1, 2, 1, 1, 0]);
    }

    #[test]
    fn records_come_back_as_they_were_written() {
        let long = vec![b'x'; 20_000];
        let payloads: [Option<&[u8]>; 6] =
            [None, Some(b""), Some(b"k"), Some(&long[..63]), Some(&long[..64]), Some(&long)];
        for timestamp_delta in [0, -1, 63, 64, -65, 8191, 8192, i64::MAX, i64::MIN] {
            for offset_delta in [0, 1, 64, 8192, i32::MAX] {
                for (key, value) in payloads.iter().flat_map(|&key| payloads.map(|value| (key, value))) {
                    for headers in [&[][..], &HEADERS] {
                        let bytes = encode(timestamp_delta, offset_delta, key, value, headers);
                        let record = only(&bytes);
                        assert_eq!((record.timestamp_delta, record.offset_delta), (timestamp_delta, offset_delta));
                        assert_eq!((record.key, record.value), (key, value));
                        assert_eq!(record.headers.len(), headers.len());
                        assert!(record.headers.eq(headers.iter().copied()));
                    }
                }
            }
        }
    }

    #[test]
    fn a_record_in_pieces_is_the_same_record() {
        let (key, value) = (Some(&b"key"[..]), vec![7; 300]);
        let whole = encode(5, 6, key, Some(&value), &HEADERS);
        let len = record_len(5, 6, Some(3), Some(value.len()), &HEADERS);
        let mut start = [0; 64];
        let mut end = [0; 64];
        let start_len = write_record_start(&mut start, len, 5, 6, key, Some(value.len()));
        let end_len = write_record_end(&mut end, &HEADERS);
        assert_eq!([&start[..start_len], &value, &end[..end_len]].concat(), whole);
    }

    #[test]
    fn varints_agree_with_the_writer() {
        let edges = (0..64).flat_map(|bit| [1_i64 << bit, (1_i64 << bit).wrapping_sub(1), -1_i64 << bit]);
        for value in edges.chain([0, i64::MAX, i64::MIN]) {
            let mut expected = Vec::new();
            Writer::new(&mut expected).varlong(value);
            let mut out = [0; 12];
            let end = put_varint(&mut out, 1, value);
            assert_eq!(out[1..end], expected, "{value}");
            assert_eq!(varint_len(value), expected.len(), "{value}");
        }
    }

    fn sample_header() -> BatchHeader {
        BatchHeader {
            base_offset: 0x0102_0304_0506_0708,
            length: 0x1112_1314,
            partition_leader_epoch: 0x2122_2324,
            crc: 0xf1f2_f3f4,
            attributes: 0x3132,
            last_offset_delta: 0x4142_4344,
            base_timestamp: 0x5152_5354_5556_5758,
            max_timestamp: 0x6162_6364_6566_6768,
            producer_id: 0x7172_7374_7576_7778,
            producer_epoch: 0x0a0b,
            base_sequence: 0x1a1b_1c1d,
            record_count: 0x2a2b_2c2d,
        }
    }

    #[test]
    fn the_header_has_its_fields_where_they_belong() {
        let header = sample_header();
        let mut bytes = [0; HEADER_LEN];
        header.write(&mut bytes);
        let expected = "0102030405060708 11121314 21222324 02 f1f2f3f4 3132 41424344 5152535455565758 \
                        6162636465666768 7172737475767778 0a0b 1a1b1c1d 2a2b2c2d";
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, expected.replace(' ', ""));
        assert_eq!(BatchHeader::parse(&bytes).unwrap(), header);

        set_crc(&mut bytes, 0x0001_0203);
        assert_eq!(BatchHeader::parse(&bytes).unwrap(), BatchHeader { crc: 0x0001_0203, ..header });
        bytes[offset::MAGIC] = 1;
        assert_eq!(BatchHeader::parse(&bytes).unwrap_err().kind(), ErrorKind::BadResponse);
    }

    #[test]
    fn the_checksum_begins_at_the_attributes_and_goes_over_all_slices() {
        let mut header = [0; HEADER_LEN];
        sample_header().write(&mut header);
        let records = vec![0x5a; 5000];
        let whole = [&header[21..], &records].concat();
        let expected = bitwise_crc32c(&whole);
        assert_eq!(bitwise_crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(crc32c(&header, [&records[..]]), expected);
        assert_eq!(crc32c(&header, [&records[..7], &[], &records[7..4096], &records[4096..]]), expected);
        header[..21].fill(0);
        assert_eq!(crc32c(&header, [&records[..]]), expected);
    }

    /// CRC-32C by its definition, bit by bit.
    fn bitwise_crc32c(bytes: &[u8]) -> u32 {
        let step = |crc: u32| if crc & 1 == 1 { crc >> 1 ^ 0x82f6_3b78 } else { crc >> 1 };
        !bytes.iter().fold(!0, |crc, &byte| (0..8).fold(crc ^ u32::from(byte), |crc, _| step(crc)))
    }

    #[test]
    fn malformed_records_are_errors_and_end_the_walk() {
        let good = encode(0, 0, Some(b"k"), Some(b"v"), &HEADERS);
        for cut in 1..good.len() {
            let mut iter = RecordIter::new(&good[..cut]);
            assert_eq!(iter.next().unwrap().unwrap_err().kind(), ErrorKind::BadResponse, "cut at {cut}");
            assert!(iter.next().is_none());
        }
        let cases: [(&str, &[u8]); 7] = [
            ("no length", &[1]),
            ("negative length", &[3]),
            ("a byte too many", &[14, 0, 0, 0, 1, 1, 0, 9]),
            ("more headers than bytes", &[14, 0, 0, 0, 1, 1, 4, 0]),
            ("negative header count", &[12, 0, 0, 0, 1, 1, 1]),
            ("null header name", &[16, 0, 0, 0, 1, 1, 2, 1, 1]),
            ("key past the record's end", &[12, 0, 0, 0, 100, 1, 0, 0, 0, 0]),
        ];
        for (what, bytes) in cases {
            assert!(RecordIter::new(bytes).next().unwrap().is_err(), "{what}");
        }
        let too_many_headers = RecordIter::new(cases[3].1).next().unwrap().unwrap_err();
        assert!(too_many_headers.message().contains("2 headers in 1 byte"), "{too_many_headers}");
    }
}
