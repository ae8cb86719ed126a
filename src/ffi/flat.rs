//! The flat form of many records: one buffer, no pointers inside.

use super::boundary::invalid;
use crate::error::{Error, Result};
use crate::record::{Header, Record};

/// Records read from a buffer, in turn.
#[derive(Clone, Copy)]
pub(super) struct Flat<'a> {
    buffer: &'a [u8],
    at: usize,
}

/// One of them; its headers were read apart.
pub(super) struct FlatRecord<'a> {
    pub(super) tag: u64,
    pub(super) record: Record<'a>,
    pub(super) header_count: usize,
}

impl<'a> Flat<'a> {
    pub(super) fn new(buffer: &'a [u8]) -> Self {
        Flat { buffer, at: 0 }
    }

    /// The next record, its headers appended to `headers`.
    pub(super) fn next(&mut self, headers: &mut Vec<Header<'a>>) -> Result<FlatRecord<'a>> {
        let tag = u64::from_ne_bytes(self.fixed()?);
        let timestamp = i64::from_ne_bytes(self.fixed()?);
        let partition = i32::from_ne_bytes(self.fixed()?);
        let key_len = i32::from_ne_bytes(self.fixed()?);
        let value_len = i32::from_ne_bytes(self.fixed()?);
        let header_count = u32::from_ne_bytes(self.fixed()?);
        let record = Record {
            partition: if partition == -1 { None } else { Some(partition) },
            timestamp: if timestamp == -1 { None } else { Some(timestamp) },
            key: self.nullable(key_len)?,
            value: self.nullable(value_len)?,
            headers: &[],
            timeout: None,
            lent: None,
        };
        for _ in 0..header_count {
            let name_len = i32::from_ne_bytes(self.fixed()?);
            let value_len = i32::from_ne_bytes(self.fixed()?);
            let name = self.nullable(name_len)?.ok_or_else(|| self.wrong("a header's name is null"))?;
            headers.push(Header { name, value: self.nullable(value_len)? });
        }
        Ok(FlatRecord { tag, record, header_count: header_count as usize })
    }

    /// The buffer has to end here.
    pub(super) fn end(&self) -> Result<()> {
        let left = self.buffer.len() - self.at;
        if left == 0 { Ok(()) } else { Err(self.wrong(&format!("the records end, and {left} bytes are left"))) }
    }

    fn nullable(&mut self, len: i32) -> Result<Option<&'a [u8]>> {
        match usize::try_from(len) {
            Ok(len) => self.take(len).map(Some),
            Err(_) if len == -1 => Ok(None),
            Err(_) => Err(self.wrong(&format!("{len} is not a length"))),
        }
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N]> {
        Ok(self.take(N)?.try_into().expect("as long as it was asked to be"))
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8]> {
        let left = self.buffer.len() - self.at;
        if len > left {
            return Err(self.wrong(&format!("{len} bytes have to follow, and {left} are left")));
        }
        let taken = &self.buffer[self.at..self.at + len];
        self.at += len;
        Ok(taken)
    }

    #[cold]
    fn wrong(&self, what: &str) -> Error {
        invalid(format!("buffer is not in flat form: at byte {}, {what}", self.at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(partition: i32, key: i32, value: i32, headers: u32) -> Vec<u8> {
        let mut bytes = 7u64.to_ne_bytes().to_vec();
        bytes.extend((-1i64).to_ne_bytes());
        for number in [partition, key, value] {
            bytes.extend(number.to_ne_bytes());
        }
        bytes.extend(headers.to_ne_bytes());
        bytes
    }

    fn sample() -> Vec<u8> {
        let mut bytes = head(-1, -1, 2, 2);
        bytes.extend(b"vv");
        for (name, value) in [(1i32, -1i32), (0, 3)] {
            bytes.extend(name.to_ne_bytes());
            bytes.extend(value.to_ne_bytes());
            bytes.extend(&b"nnn"[..name as usize]);
            bytes.extend(&b"hhh"[..value.max(0) as usize]);
        }
        bytes
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let bytes = sample();
        let (mut flat, mut headers) = (Flat::new(&bytes), Vec::new());
        let one = flat.next(&mut headers).unwrap();
        assert_eq!((one.tag, one.header_count), (7, 2));
        assert_eq!((one.record.partition, one.record.timestamp), (None, None));
        assert_eq!((one.record.key, one.record.value), (None, Some(&b"vv"[..])));
        assert_eq!(headers, [Header { name: b"n", value: None }, Header { name: b"", value: Some(b"hhh") }]);
        flat.end().unwrap();
    }

    #[test]
    fn every_cut_is_noticed() {
        let bytes = sample();
        for len in 0..bytes.len() {
            assert!(Flat::new(&bytes[..len]).next(&mut Vec::new()).is_err(), "{len}");
        }
        let mut longer = bytes.clone();
        longer.push(0);
        let mut flat = Flat::new(&longer);
        flat.next(&mut Vec::new()).unwrap();
        assert!(flat.end().unwrap_err().message().contains("1 bytes are left"));
    }

    #[test]
    fn lengths_and_counts_that_cannot_be_are_refused() {
        for bytes in [head(-1, -2, 0, 0), head(-1, i32::MAX, 0, 0), head(-1, -1, -1, u32::MAX), head(0, i32::MIN, 0, 0)]
        {
            assert!(Flat::new(&bytes).next(&mut Vec::new()).is_err());
        }
    }
}
