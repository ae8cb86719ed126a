//! The flat form of many records: one buffer, no pointers inside.

use super::boundary::invalid;
use crate::error::{Error, Result};
use crate::record::{Header, Record};
use crate::text::{Counted, counted};

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
        let start = self.at;
        let tag = u64::from_ne_bytes(self.fixed()?);
        let timestamp = i64::from_ne_bytes(self.fixed()?);
        let partition = i32::from_ne_bytes(self.fixed()?);
        let key_len = i32::from_ne_bytes(self.fixed()?);
        let value_len = i32::from_ne_bytes(self.fixed()?);
        let header_count = u32::from_ne_bytes(self.fixed()?);
        let record = Record {
            partition: if partition == -1 { None } else { Some(partition) },
            timestamp: if timestamp == -1 { None } else { Some(timestamp) },
            key: self.nullable(key_len, "key_len", start + 20)?,
            value: self.nullable(value_len, "value_len", start + 24)?,
            headers: &[],
            timeout: None,
            lent: None,
        };
        for _ in 0..header_count {
            let start = self.at;
            let name_len = i32::from_ne_bytes(self.fixed()?);
            let value_len = i32::from_ne_bytes(self.fixed()?);
            let name = self.nullable(name_len, "name_len", start)?;
            let name = name.ok_or_else(|| wrong(start, "name_len is -1, and a header's name is never null"))?;
            headers.push(Header { name, value: self.nullable(value_len, "value_len", start + 4)? });
        }
        Ok(FlatRecord { tag, record, header_count: header_count as usize })
    }

    /// The buffer has to end here.
    pub(super) fn end(&self) -> Result<()> {
        let left = self.buffer.len() - self.at;
        match left {
            0 => Ok(()),
            _ => Err(wrong(self.at, &format!("the records end, and the buffer goes on for {}", counted(left, "byte")))),
        }
    }

    /// The bytes whose length, in the field `name` at byte `at`, is `len`.
    fn nullable(&mut self, len: i32, name: &str, at: usize) -> Result<Option<&'a [u8]>> {
        if len == -1 {
            return Ok(None);
        }
        let bytes = usize::try_from(len).ok().and_then(|len| self.bytes(len));
        bytes.map(Some).ok_or_else(|| self.wrong_length(len, name, at))
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N]> {
        let bytes = self.bytes(N).ok_or_else(|| self.cut_short(N))?;
        Ok(bytes.try_into().expect("as long as it was asked to be"))
    }

    /// The next `len` bytes; `None` if the buffer ends before.
    fn bytes(&mut self, len: usize) -> Option<&'a [u8]> {
        let taken = self.buffer[self.at..].get(..len)?;
        self.at += len;
        Some(taken)
    }

    #[cold]
    fn wrong_length(&self, len: i32, name: &str, at: usize) -> Error {
        match len {
            0.. => wrong(at, &format!("{name} is {len}, and the buffer ends after {}", self.left())),
            _ => wrong(at, &format!("{name} is {len}: it is at least 0, or -1 for null")),
        }
    }

    #[cold]
    fn cut_short(&self, field: usize) -> Error {
        wrong(self.at, &format!("a field of {field} bytes begins, and the buffer ends after {}", self.left()))
    }

    fn left(&self) -> Counted {
        counted(self.buffer.len() - self.at, "byte")
    }
}

#[cold]
fn wrong(at: usize, what: &str) -> Error {
    invalid(format!("buffer is not in flat form: at byte {at}, {what}"))
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
        let error = flat.end().expect_err("a byte is left");
        assert!(error.message().ends_with("at byte 54, the records end, and the buffer goes on for 1 byte"), "{error}");
    }

    #[test]
    fn a_length_that_cannot_be_is_reported_where_it_stands() {
        let with_header = |name: i32, value: i32| {
            [head(-1, -1, -1, 1), name.to_ne_bytes().to_vec(), value.to_ne_bytes().to_vec(), b"n".to_vec()].concat()
        };
        let cases = [
            (head(-1, -5, 0, 0), "at byte 20, key_len is -5: it is at least 0, or -1 for null"),
            (head(0, i32::MIN, 0, 0), "at byte 20, key_len is -2147483648: it is at least 0, or -1 for null"),
            (head(-1, i32::MAX, 0, 0), "at byte 20, key_len is 2147483647, and the buffer ends after 0 bytes"),
            (head(-1, -1, -2, 0), "at byte 24, value_len is -2: it is at least 0, or -1 for null"),
            (head(-1, -1, 1, 0), "at byte 24, value_len is 1, and the buffer ends after 0 bytes"),
            (head(-1, -1, -1, u32::MAX), "at byte 32, a field of 4 bytes begins, and the buffer ends after 0 bytes"),
            (with_header(-1, 0), "at byte 32, name_len is -1, and a header's name is never null"),
            (with_header(-2, 0), "at byte 32, name_len is -2: it is at least 0, or -1 for null"),
            (with_header(2, 0), "at byte 32, name_len is 2, and the buffer ends after 1 byte"),
            (with_header(1, -7), "at byte 36, value_len is -7: it is at least 0, or -1 for null"),
        ];
        for (bytes, reason) in cases {
            let refused = Flat::new(&bytes).next(&mut Vec::new()).err().expect("it is refused");
            assert_eq!(refused.message(), format!("buffer is not in flat form: {reason}"));
        }
    }
}
