//! A record batch (format 2) as a broker reads it. kafka-protocol's reader cannot be used: it keeps headers in a map,
//! which loses repeated names.

use bytes::{Buf, Bytes};
use crc_fast::{CrcAlgorithm, checksum};
use kafka_protocol::ResponseError;
use kafka_protocol::compression::{Decompressor, Gzip, Lz4, Snappy, Zstd};

use super::producer_state::advance;

const HEADER: usize = 61;

/// The size of a message in the oldest format, including offset and length.
const SMALLEST: usize = 26;

/// The header of a batch, and its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    pub base_offset: i64,
    pub partition_leader_epoch: i32,
    pub crc: u32,
    pub attributes: i16,
    pub last_offset_delta: i32,
    pub base_timestamp: i64,
    pub max_timestamp: i64,
    pub producer_id: i64,
    pub producer_epoch: i16,
    pub base_sequence: i32,
    pub count: i32,
    /// The whole batch, beginning with the base offset.
    pub bytes: Bytes,
}

/// A record as it stands in its batch.
pub(super) struct RawRecord {
    pub timestamp: i64,
    pub offset_delta: i32,
    pub key: Option<Bytes>,
    pub value: Option<Bytes>,
    pub headers: Vec<(String, Option<Bytes>)>,
}

impl Batch {
    /// The only batch that a Produce request may carry for a partition.
    pub(super) fn only_one(data: &Bytes) -> Result<Batch, ResponseError> {
        let (batch, rest) = Batch::first(data)?;
        // Brokers ignore an incomplete batch at the end, too.
        if matches!(Batch::first(&rest), Ok(_) | Err(ResponseError::CorruptMessage)) {
            return Err(ResponseError::InvalidRecord);
        }
        Ok(batch)
    }

    fn first(data: &Bytes) -> Result<(Batch, Bytes), ResponseError> {
        if data.len() < HEADER {
            return Err(ResponseError::InvalidRecord);
        }
        let mut head = data.clone();
        let base_offset = head.get_i64();
        let length = head.get_i32();
        let whole = usize::try_from(length).map_err(|_| ResponseError::CorruptMessage)? + 12;
        let partition_leader_epoch = head.get_i32();
        let magic = head.get_i8();
        if whole < SMALLEST || !(0..=2).contains(&magic) {
            return Err(ResponseError::CorruptMessage);
        }
        if whole > data.len() || magic < 2 {
            return Err(ResponseError::InvalidRecord);
        }
        if whole < HEADER {
            return Err(ResponseError::CorruptMessage);
        }
        let batch = Batch {
            base_offset,
            partition_leader_epoch,
            crc: head.get_u32(),
            attributes: head.get_i16(),
            last_offset_delta: head.get_i32(),
            base_timestamp: head.get_i64(),
            max_timestamp: head.get_i64(),
            producer_id: head.get_i64(),
            producer_epoch: head.get_i16(),
            base_sequence: head.get_i32(),
            count: head.get_i32(),
            bytes: data.slice(..whole),
        };
        Ok((batch, data.slice(whole..)))
    }

    /// 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd.
    pub fn codec(&self) -> i16 {
        self.attributes & 7
    }

    pub fn is_transactional(&self) -> bool {
        self.attributes & 0x10 != 0
    }

    pub fn is_control(&self) -> bool {
        self.attributes & 0x20 != 0
    }

    pub fn has_producer_id(&self) -> bool {
        self.producer_id >= 0
    }

    pub fn last_sequence(&self) -> i32 {
        if self.has_producer_id() { advance(self.base_sequence, self.last_offset_delta) } else { -1 }
    }

    pub fn crc_holds(&self) -> bool {
        checksum(CrcAlgorithm::Crc32Iscsi, &self.bytes[21..]) == u64::from(self.crc)
    }

    /// All records, or what is wrong with them.
    pub(super) fn records(&self) -> Result<Vec<RawRecord>, ResponseError> {
        let mut data = self.decompressed()?;
        let mut records = Vec::new();
        for _ in 0..self.count {
            records.push(self.record(&mut data).ok_or(ResponseError::InvalidRecord)?);
        }
        if data.has_remaining() { Err(ResponseError::InvalidRecord) } else { Ok(records) }
    }

    fn decompressed(&self) -> Result<Bytes, ResponseError> {
        let mut data = self.bytes.slice(HEADER..);
        let all = |data: &mut dyn Buf| data.copy_to_bytes(data.remaining());
        let unpacked = match self.codec() {
            0 => return Ok(data),
            1 => Gzip::decompress(&mut data, |data| Ok(all(data))),
            2 => Snappy::decompress(&mut data, |data| Ok(all(data))),
            3 => Lz4::decompress(&mut data, |data| Ok(all(data))),
            4 => Zstd::decompress(&mut data, |data| Ok(all(data))),
            _ => return Err(ResponseError::UnsupportedCompressionType),
        };
        unpacked.map_err(|_| ResponseError::CorruptMessage)
    }

    fn record(&self, data: &mut Bytes) -> Option<RawRecord> {
        let length = usize::try_from(varint(data)?).ok()?;
        if length > data.len() {
            return None;
        }
        let mut data = data.split_to(length);
        data.try_get_i8().ok()?; // attributes: none are defined
        let timestamp = self.base_timestamp.wrapping_add(varint(&mut data)?);
        let offset_delta = i32::try_from(varint(&mut data)?).ok()?;
        let key = bytes(&mut data)?;
        let value = bytes(&mut data)?;
        let mut headers = Vec::new();
        for _ in 0..usize::try_from(varint(&mut data)?).ok()? {
            let name = String::from_utf8(bytes(&mut data)??.to_vec()).ok()?;
            headers.push((name, bytes(&mut data)?));
        }
        data.is_empty().then_some(RawRecord { timestamp, offset_delta, key, value, headers })
    }
}

fn varint(data: &mut Bytes) -> Option<i64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let byte = data.try_get_u8().ok()?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some((value >> 1) as i64 ^ -((value & 1) as i64));
        }
    }
    None
}

/// Bytes preceded by their length. The inner `None` is null.
fn bytes(data: &mut Bytes) -> Option<Option<Bytes>> {
    let length = varint(data)?;
    if length == -1 {
        return Some(None);
    }
    let length = usize::try_from(length).ok().filter(|&length| length <= data.len())?;
    Some(Some(data.split_to(length)))
}
