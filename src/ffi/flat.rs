//! The flat form of many records: one buffer, no pointers inside.

use super::boundary::invalid;
use super::flagged::{Flagged, check_flags};
use super::record::{PARTITION, TIMESTAMP};
use super::send::{OTTLA_FLAT_KEY, OTTLA_FLAT_VALUE};
use crate::allocate;
use crate::error::{Error, Result};
use crate::record::{Header, Record};
use crate::text::{Counted, counted};

const KEY: Flagged = Flagged { flag: OTTLA_FLAT_KEY, name: "OTTLA_FLAT_KEY", otherwise: "the key is null" };
const VALUE: Flagged = Flagged { flag: OTTLA_FLAT_VALUE, name: "OTTLA_FLAT_VALUE", otherwise: "the value is null" };

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
        let tag = self.number(u64::from_ne_bytes, "tag")?.value;
        let timestamp = self.number(i64::from_ne_bytes, "timestamp")?;
        let partition = self.number(i32::from_ne_bytes, "partition")?;
        let flags = self.flags(&[&PARTITION, &TIMESTAMP, &KEY, &VALUE])?;
        let timestamp = timestamp.flagged(&TIMESTAMP, flags)?;
        let partition = partition.flagged(&PARTITION, flags)?;
        let key_len = self.flagged_length(&KEY, flags, "key_len")?;
        let value_len = self.flagged_length(&VALUE, flags, "value_len")?;
        let header_count = self.number(u32::from_ne_bytes, "header_count")?.value;
        let record = Record {
            partition,
            timestamp,
            key: self.nullable(key_len)?,
            value: self.nullable(value_len)?,
            headers: &[],
            timeout: None,
            lent: None,
        };
        for _ in 0..header_count {
            allocate::reserve(headers, 1)?;
            headers.push(self.header()?);
        }
        Ok(FlatRecord { tag, record, header_count: header_count as usize })
    }

    fn header(&mut self) -> Result<Header<'a>> {
        let name_len = self.length("name_len")?;
        let flags = self.flags(&[&VALUE])?;
        let value_len = self.flagged_length(&VALUE, flags, "value_len")?;
        Ok(Header { name: self.bytes_of(&name_len)?, value: self.nullable(value_len)? })
    }

    /// The buffer has to end here.
    pub(super) fn end(&self) -> Result<()> {
        let left = self.buffer.len() - self.at;
        match left {
            0 => Ok(()),
            _ => Err(wrong(self.at, &format!("the records end, and the buffer goes on for {}", counted(left, "byte")))),
        }
    }

    fn flags(&mut self, known: &[&Flagged]) -> Result<u32> {
        let flags = self.number(u32::from_ne_bytes, "flags")?;
        check_flags(flags.value, known, flags.name)
            .map_err(|error| error.with_message(not_flat(flags.at, error.message())))?;
        Ok(flags.value)
    }

    fn length(&mut self, name: &'static str) -> Result<Number<i32>> {
        self.number(i32::from_ne_bytes, name)
    }

    /// `None`: null.
    fn flagged_length(&mut self, member: &Flagged, flags: u32, name: &'static str) -> Result<Option<Number<i32>>> {
        let length = self.length(name)?;
        Ok(length.flagged(member, flags)?.map(|_| length))
    }

    fn nullable(&mut self, length: Option<Number<i32>>) -> Result<Option<&'a [u8]>> {
        length.map(|length| self.bytes_of(&length)).transpose()
    }

    fn bytes_of(&mut self, length: &Number<i32>) -> Result<&'a [u8]> {
        let bytes = usize::try_from(length.value).ok().and_then(|len| self.bytes(len));
        bytes.ok_or_else(|| self.wrong_length(length))
    }

    fn number<const N: usize, T>(&mut self, decode: fn([u8; N]) -> T, name: &'static str) -> Result<Number<T>> {
        let at = self.at;
        let bytes = self.bytes(N).ok_or_else(|| self.cut_short(N))?;
        Ok(Number { at, name, value: decode(bytes.try_into().expect("as long as it was asked to be")) })
    }

    /// The next `len` bytes; `None` if the buffer ends before.
    fn bytes(&mut self, len: usize) -> Option<&'a [u8]> {
        let taken = self.buffer[self.at..].get(..len)?;
        self.at += len;
        Some(taken)
    }

    #[cold]
    fn wrong_length(&self, length: &Number<i32>) -> Error {
        let Number { at, name, value } = *length;
        match value {
            0.. => wrong(at, &format!("{name} is {value}, and the buffer ends after {}", self.left())),
            _ => wrong(at, &format!("{name} is {value}: it is at least 0")),
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

/// A number, at which byte it stands, and its name.
struct Number<T> {
    at: usize,
    name: &'static str,
    value: T,
}

impl<T: Copy + Into<i64>> Number<T> {
    fn flagged(&self, member: &Flagged, flags: u32) -> Result<Option<T>> {
        member
            .read(flags, self.value, self.name)
            .map_err(|error| error.with_message(not_flat(self.at, error.message())))
    }
}

#[cold]
fn wrong(at: usize, what: &str) -> Error {
    invalid(not_flat(at, what))
}

fn not_flat(at: usize, what: &str) -> String {
    format!("buffer is not in flat form: at byte {at}, {what}")
}

#[cfg(test)]
mod tests {
    use super::super::record::{OTTLA_RECORD_PARTITION, OTTLA_RECORD_TIMESTAMP};
    use super::*;

    fn head(flags: u32, key: i32, value: i32, headers: u32) -> Vec<u8> {
        let mut bytes = 7u64.to_ne_bytes().to_vec();
        bytes.extend([0; 12]);
        bytes.extend(flags.to_ne_bytes());
        bytes.extend(key.to_ne_bytes());
        bytes.extend(value.to_ne_bytes());
        bytes.extend(headers.to_ne_bytes());
        bytes
    }

    fn sample() -> Vec<u8> {
        let mut bytes = head(OTTLA_FLAT_VALUE, 0, 2, 2);
        bytes.extend(b"vv");
        for (name, flags, value) in [(1u32, 0, 0u32), (0, OTTLA_FLAT_VALUE, 3)] {
            for number in [name, flags, value] {
                bytes.extend(number.to_ne_bytes());
            }
            bytes.extend(&b"nnn"[..name as usize]);
            bytes.extend(&b"hhh"[..value as usize]);
        }
        bytes
    }

    fn refused(bytes: &[u8]) -> String {
        let refused = Flat::new(bytes).next(&mut Vec::new()).err().expect("refused");
        refused.message().to_owned()
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let bytes = sample();
        let (mut flat, mut headers) = (Flat::new(&bytes), Vec::new());
        let one = flat.next(&mut headers).unwrap();
        assert_eq!((one.tag, one.header_count), (7, 2));
        assert_eq!((one.record.key, one.record.value), (None, Some(&b"vv"[..])));
        assert_eq!(headers, [Header { name: b"n", value: None }, Header { name: b"", value: Some(b"hhh") }]);
        flat.end().unwrap();
    }

    #[test]
    fn a_head_of_zeros_asks_for_nothing() {
        let one = Flat::new(&[0; 36]).next(&mut Vec::new()).unwrap();
        assert_eq!((one.tag, one.header_count), (0, 0));
        let Record { partition, timestamp, key, value, .. } = one.record;
        assert_eq!((partition, timestamp, key, value), (None, None, None, None));
    }

    #[test]
    fn a_flag_makes_zero_a_value() {
        let flags = OTTLA_RECORD_PARTITION | OTTLA_RECORD_TIMESTAMP | OTTLA_FLAT_KEY | OTTLA_FLAT_VALUE;
        let bytes = head(flags, 0, 0, 0);
        let Record { partition, timestamp, key, value, .. } = Flat::new(&bytes).next(&mut Vec::new()).unwrap().record;
        assert_eq!((partition, timestamp), (Some(0), Some(0)));
        assert_eq!((key, value), (Some(&b""[..]), Some(&b""[..])));
    }

    #[test]
    fn a_value_without_its_flag_is_refused_at_its_byte_by_the_name_of_the_flag() {
        for (at, flag) in [(8, "RECORD_TIMESTAMP"), (16, "RECORD_PARTITION"), (24, "FLAT_KEY"), (28, "FLAT_VALUE")] {
            let mut bytes = head(0, 0, 0, 0);
            bytes[at..at + 4].fill(0xff);
            let message = refused(&bytes);
            assert!(message.contains(&format!("at byte {at}, ")) && message.contains(flag), "{message}");
        }
        let mut bytes = head(0, 0, 0, 1);
        [0i32, 0, -1].iter().for_each(|number| bytes.extend(number.to_ne_bytes()));
        let message = refused(&bytes);
        assert!(message.contains("at byte 44, value_len is -1") && message.contains("FLAT_VALUE"), "{message}");
        bytes[40] = 1;
        assert!(refused(&bytes).contains("at byte 40, flags is 0x1"), "{}", refused(&bytes));
        assert!(refused(&head(16, 0, 0, 0)).contains("at byte 20, flags is 0x10"));
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
        assert!(error.message().ends_with("at byte 66, the records end, and the buffer goes on for 1 byte"), "{error}");
    }

    #[test]
    fn a_length_that_cannot_be_is_reported_where_it_stands() {
        let with_header = |name: i32, flags: u32, value: i32| {
            let numbers = [name.to_ne_bytes(), flags.to_ne_bytes(), value.to_ne_bytes()].concat();
            [head(0, 0, 0, 1), numbers, b"n".to_vec()].concat()
        };
        let (key, value) = (OTTLA_FLAT_KEY, OTTLA_FLAT_VALUE);
        let cases = [
            (head(key, -5, 0, 0), "at byte 24, key_len is -5: it is at least 0"),
            (head(key, i32::MIN, 0, 0), "at byte 24, key_len is -2147483648: it is at least 0"),
            (head(key, i32::MAX, 0, 0), "at byte 24, key_len is 2147483647, and the buffer ends after 0 bytes"),
            (head(value, 0, -2, 0), "at byte 28, value_len is -2: it is at least 0"),
            (head(value, 0, 1, 0), "at byte 28, value_len is 1, and the buffer ends after 0 bytes"),
            (head(0, 0, 0, u32::MAX), "at byte 36, a field of 4 bytes begins, and the buffer ends after 0 bytes"),
            (with_header(-1, 0, 0), "at byte 36, name_len is -1: it is at least 0"),
            (with_header(2, 0, 0), "at byte 36, name_len is 2, and the buffer ends after 1 byte"),
            (with_header(1, value, -7), "at byte 44, value_len is -7: it is at least 0"),
        ];
        for (bytes, reason) in cases {
            assert_eq!(refused(&bytes), format!("buffer is not in flat form: {reason}"));
        }
    }
}
