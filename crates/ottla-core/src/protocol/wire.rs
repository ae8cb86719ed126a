//! The primitive types of the protocol: a bounded [`Reader`] and a [`Writer`].

use crate::text::counted;
use crate::{Error, ErrorKind, Result};

/// How lengths and counts are encoded: as fixed integers or, in flexible versions (KIP-482), as varints that are one
/// higher, so that 0 can mean null.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Classic,
    Compact,
}

impl Form {
    pub fn of(version: i16, flexible_since: i16) -> Self {
        if version >= flexible_since { Form::Compact } else { Form::Classic }
    }

    pub fn is_flexible(self) -> bool {
        self == Form::Compact
    }
}

/// Reads the primitive types of one frame.
///
/// Each method takes the name of the value for its error, which also has the byte at which the value began. Positions
/// count from the start of the slice given to [`Reader::new`], also inside tagged fields.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Reader { bytes, position: 0 }
    }

    pub fn position(&self) -> usize {
        self.position
    }

    /// The number of unread bytes.
    pub fn remaining(&self) -> usize {
        self.bytes.len() - self.position
    }

    /// Fails if bytes are left.
    pub fn finish(&self, what: &'static str) -> Result<()> {
        match self.remaining() {
            0 => Ok(()),
            left => Err(self.bad(self.position, what, format_args!("behind its end: {}", counted(left, "byte")))),
        }
    }

    /// The error for the value that began at byte `at`.
    #[cold]
    pub(super) fn bad(&self, at: usize, what: &'static str, problem: std::fmt::Arguments<'_>) -> Error {
        Error::new(ErrorKind::BadResponse, format!("reading {what} at byte {at}: {problem}"))
    }

    /// The next `len` bytes, unchanged.
    pub fn raw(&mut self, len: usize, what: &'static str) -> Result<&'a [u8]> {
        self.slice(len, self.position, what)
    }

    /// The next `len` bytes, for a value that began (with its length) at byte `at`.
    fn slice(&mut self, len: usize, at: usize, what: &'static str) -> Result<&'a [u8]> {
        let left = self.remaining();
        if len > left {
            return Err(self.bad(at, what, format_args!("{} wanted, {left} left", counted(len, "byte"))));
        }
        let slice = &self.bytes[self.position..self.position + len];
        self.position += len;
        Ok(slice)
    }

    fn fixed<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N]> {
        match self.bytes[self.position..].first_chunk::<N>() {
            Some(chunk) => {
                self.position += N;
                Ok(*chunk)
            }
            None => Err(self.bad(
                self.position,
                what,
                format_args!("{} wanted, {} left", counted(N, "byte"), self.remaining()),
            )),
        }
    }

    pub fn i8(&mut self, what: &'static str) -> Result<i8> {
        self.fixed(what).map(i8::from_be_bytes)
    }

    pub fn i16(&mut self, what: &'static str) -> Result<i16> {
        self.fixed(what).map(i16::from_be_bytes)
    }

    pub fn i32(&mut self, what: &'static str) -> Result<i32> {
        self.fixed(what).map(i32::from_be_bytes)
    }

    pub fn i64(&mut self, what: &'static str) -> Result<i64> {
        self.fixed(what).map(i64::from_be_bytes)
    }

    pub fn u32(&mut self, what: &'static str) -> Result<u32> {
        self.fixed(what).map(u32::from_be_bytes)
    }

    /// Any byte but 0 is true, as in Kafka.
    pub fn bool(&mut self, what: &'static str) -> Result<bool> {
        self.i8(what).map(|byte| byte != 0)
    }

    pub fn uuid(&mut self, what: &'static str) -> Result<[u8; 16]> {
        self.fixed(what)
    }

    /// An unsigned 32-bit varint.
    pub fn unsigned_varint(&mut self, what: &'static str) -> Result<u32> {
        let at = self.position;
        let value = self.unsigned_varlong(what)?;
        if self.position - at > 5 {
            return Err(self.bad(at, what, format_args!("a varint of more than 5 bytes")));
        }
        u32::try_from(value).map_err(|_| self.bad(at, what, format_args!("varint {value} exceeds 32 bits")))
    }

    /// An unsigned 64-bit varint.
    pub fn unsigned_varlong(&mut self, what: &'static str) -> Result<u64> {
        let at = self.position;
        let mut value = 0;
        for (index, &byte) in self.bytes[at..].iter().take(10).enumerate() {
            if index == 9 && byte > 1 {
                return Err(self.bad(at, what, format_args!("a varint of more than 64 bits")));
            }
            value |= u64::from(byte & 0x7f) << (7 * index);
            if byte < 0x80 {
                self.position = at + index + 1;
                return Ok(value);
            }
        }
        Err(self.bad(at, what, format_args!("the bytes end inside a varint")))
    }

    /// A 32-bit zigzag varint.
    pub fn varint(&mut self, what: &'static str) -> Result<i32> {
        let value = self.unsigned_varint(what)?;
        Ok((value >> 1) as i32 ^ -((value & 1) as i32))
    }

    /// A 64-bit zigzag varint.
    pub fn varlong(&mut self, what: &'static str) -> Result<i64> {
        let value = self.unsigned_varlong(what)?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    pub fn string(&mut self, form: Form, what: &'static str) -> Result<&'a str> {
        let at = self.position;
        self.nullable_string(form, what)?.ok_or_else(|| self.bad(at, what, format_args!("null where a string must be")))
    }

    pub fn nullable_string(&mut self, form: Form, what: &'static str) -> Result<Option<&'a str>> {
        let at = self.position;
        let len = match form {
            Form::Classic => self.i16(what)?.into(),
            Form::Compact => self.compact_len(what)?,
        };
        let Some(bytes) = self.sized(len, at, what)? else { return Ok(None) };
        match std::str::from_utf8(bytes) {
            Ok(string) => Ok(Some(string)),
            Err(error) => Err(self.bad(at, what, format_args!("not UTF-8: {error}"))),
        }
    }

    pub fn bytes(&mut self, form: Form, what: &'static str) -> Result<&'a [u8]> {
        let at = self.position;
        self.nullable_bytes(form, what)?.ok_or_else(|| self.bad(at, what, format_args!("null where bytes must be")))
    }

    pub fn nullable_bytes(&mut self, form: Form, what: &'static str) -> Result<Option<&'a [u8]>> {
        let at = self.position;
        let len = self.count(form, what)?;
        self.sized(len, at, what)
    }

    /// Bytes as in records: with a zigzag varint length, -1 for null.
    pub fn varint_bytes(&mut self, what: &'static str) -> Result<Option<&'a [u8]>> {
        let at = self.position;
        let len = self.varint(what)?.into();
        self.sized(len, at, what)
    }

    /// The number of elements that follow. `min_element_len` is the least number of bytes of an element. A count that
    /// cannot fit into the remaining bytes is an error, so the count can bound a loop.
    pub fn array_len(&mut self, form: Form, min_element_len: usize, what: &'static str) -> Result<usize> {
        let at = self.position;
        self.nullable_array_len(form, min_element_len, what)?
            .ok_or_else(|| self.bad(at, what, format_args!("null where an array must be")))
    }

    pub fn nullable_array_len(
        &mut self,
        form: Form,
        min_element_len: usize,
        what: &'static str,
    ) -> Result<Option<usize>> {
        let at = self.position;
        let count = self.count(form, what)?;
        let left = self.remaining();
        match usize::try_from(count) {
            Ok(count) if count <= left / min_element_len.max(1) => Ok(Some(count)),
            Ok(count) => {
                Err(self.bad(at, what, format_args!("{} cannot be in the {left} left", counted(count, "element"))))
            }
            Err(_) if count == -1 => Ok(None),
            Err(_) => Err(self.bad(at, what, format_args!("negative count {count}"))),
        }
    }

    /// An array whose elements `read` reads.
    pub fn array<T>(
        &mut self,
        form: Form,
        min_element_len: usize,
        what: &'static str,
        read: impl FnMut(&mut Self) -> Result<T>,
    ) -> Result<Vec<T>> {
        let count = self.array_len(form, min_element_len, what)?;
        self.elements(count, read)
    }

    pub fn nullable_array<T>(
        &mut self,
        form: Form,
        min_element_len: usize,
        what: &'static str,
        read: impl FnMut(&mut Self) -> Result<T>,
    ) -> Result<Option<Vec<T>>> {
        match self.nullable_array_len(form, min_element_len, what)? {
            Some(count) => self.elements(count, read).map(Some),
            None => Ok(None),
        }
    }

    /// Reserves no more memory than there are bytes left, whatever the size of a `T`. Beyond that, the vector grows
    /// with the elements that were read.
    fn elements<T>(&mut self, count: usize, mut read: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        let room = self.remaining() / size_of::<T>().max(1);
        let mut elements = Vec::with_capacity(count.min(room));
        for _ in 0..count {
            elements.push(read(self)?);
        }
        Ok(elements)
    }

    /// The tagged fields at the end of a struct of a flexible version. `visit` gets each tag, and a reader that ends
    /// with the field. What it leaves unread is skipped.
    pub fn tagged_fields(
        &mut self,
        what: &'static str,
        mut visit: impl FnMut(u32, &mut Reader<'a>) -> Result<()>,
    ) -> Result<()> {
        let count = self.unsigned_varint(what)?;
        for _ in 0..count {
            let tag = self.unsigned_varint(what)?;
            let at = self.position;
            let len = self.unsigned_varint(what)?;
            let start = self.position;
            self.slice(len as usize, at, what)?;
            let mut field = Reader { bytes: &self.bytes[..self.position], position: start };
            visit(tag, &mut field)?;
        }
        Ok(())
    }

    pub fn skip_tagged_fields(&mut self, form: Form, what: &'static str) -> Result<()> {
        if form.is_flexible() {
            self.tagged_fields(what, |_, _| Ok(()))?;
        }
        Ok(())
    }

    /// A length or count, -1 for null.
    fn count(&mut self, form: Form, what: &'static str) -> Result<i64> {
        match form {
            Form::Classic => self.i32(what).map(i64::from),
            Form::Compact => self.compact_len(what),
        }
    }

    fn compact_len(&mut self, what: &'static str) -> Result<i64> {
        self.unsigned_varint(what).map(|value| i64::from(value) - 1)
    }

    /// `len` bytes, null for -1, of a value that began at byte `at`.
    pub(super) fn sized(&mut self, len: i64, at: usize, what: &'static str) -> Result<Option<&'a [u8]>> {
        match usize::try_from(len) {
            Ok(len) => self.slice(len, at, what).map(Some),
            Err(_) if len == -1 => Ok(None),
            Err(_) => Err(self.bad(at, what, format_args!("negative length {len}"))),
        }
    }
}

/// Appends the primitive types to a buffer.
///
/// The caller keeps lengths within the protocol's limits: a classic string longer than [`MAX_STRING`] panics. The
/// strings that a producer sends (client id, transactional id, topic and group names) are checked where the application
/// passes them.
#[derive(Debug)]
pub struct Writer<'v> {
    out: &'v mut Vec<u8>,
}

/// The longest string of the classic form, in bytes.
pub const MAX_STRING: usize = i16::MAX as usize;

impl<'v> Writer<'v> {
    pub fn new(out: &'v mut Vec<u8>) -> Self {
        Writer { out }
    }

    pub fn raw(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    pub fn i8(&mut self, value: i8) {
        self.raw(&value.to_be_bytes());
    }

    pub fn i16(&mut self, value: i16) {
        self.raw(&value.to_be_bytes());
    }

    pub fn i32(&mut self, value: i32) {
        self.raw(&value.to_be_bytes());
    }

    pub fn i64(&mut self, value: i64) {
        self.raw(&value.to_be_bytes());
    }

    pub fn u32(&mut self, value: u32) {
        self.raw(&value.to_be_bytes());
    }

    pub fn bool(&mut self, value: bool) {
        self.i8(value.into());
    }

    pub fn uuid(&mut self, value: &[u8; 16]) {
        self.raw(value);
    }

    pub fn unsigned_varint(&mut self, value: u32) {
        self.unsigned_varlong(value.into());
    }

    pub fn unsigned_varlong(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.out.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.out.push(value as u8);
    }

    pub fn varint(&mut self, value: i32) {
        self.varlong(value.into());
    }

    pub fn varlong(&mut self, value: i64) {
        self.unsigned_varlong((value << 1 ^ value >> 63) as u64);
    }

    pub fn string(&mut self, form: Form, value: &str) {
        self.nullable_string(form, Some(value));
    }

    pub fn nullable_string(&mut self, form: Form, value: Option<&str>) {
        match form {
            Form::Classic => {
                let len = value.map_or(Ok(-1), |value| i16::try_from(value.len()));
                self.i16(len.expect("strings are bounded where they come in"));
            }
            Form::Compact => self.compact_len(value.map(str::len)),
        }
        self.raw(value.unwrap_or_default().as_bytes());
    }

    pub fn bytes(&mut self, form: Form, value: &[u8]) {
        self.nullable_bytes(form, Some(value));
    }

    pub fn nullable_bytes(&mut self, form: Form, value: Option<&[u8]>) {
        self.nullable_array_len(form, value.map(<[u8]>::len));
        self.raw(value.unwrap_or_default());
    }

    pub fn array_len(&mut self, form: Form, count: usize) {
        self.nullable_array_len(form, Some(count));
    }

    pub fn nullable_array_len(&mut self, form: Form, count: Option<usize>) {
        match form {
            Form::Classic => {
                let count = count.map_or(Ok(-1), i32::try_from);
                self.i32(count.expect("a request is far smaller than 2 GiB"));
            }
            Form::Compact => self.compact_len(count),
        }
    }

    /// Ends a struct. In flexible versions, it has no tagged fields.
    pub fn no_tagged_fields(&mut self, form: Form) {
        if form.is_flexible() {
            self.out.push(0);
        }
    }

    fn compact_len(&mut self, len: Option<usize>) {
        let written = len.map_or(Ok(0), |len| u32::try_from(len + 1));
        self.unsigned_varint(written.expect("a request is far smaller than 2 GiB"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORMS: [Form; 2] = [Form::Classic, Form::Compact];

    fn written(write: impl FnOnce(&mut Writer)) -> Vec<u8> {
        let mut out = Vec::new();
        write(&mut Writer::new(&mut out));
        out
    }

    fn message<T: std::fmt::Debug>(result: Result<T>) -> String {
        let error = result.expect_err("malformed input was read");
        assert_eq!(error.kind(), ErrorKind::BadResponse);
        error.message().to_owned()
    }

    #[test]
    fn integers_are_big_endian() {
        let out = written(|w| {
            w.i8(-2);
            w.i16(0x0102);
            w.i32(0x0304_0506);
            w.i64(-3);
            w.u32(0xfeff_ffff);
            w.bool(true);
            w.uuid(&[7; 16]);
        });
        assert_eq!(out[..7], [0xfe, 1, 2, 3, 4, 5, 6]);
        let mut reader = Reader::new(&out);
        assert_eq!(reader.i8("a").unwrap(), -2);
        assert_eq!(reader.i16("b").unwrap(), 0x0102);
        assert_eq!(reader.i32("c").unwrap(), 0x0304_0506);
        assert_eq!(reader.i64("d").unwrap(), -3);
        assert_eq!(reader.u32("e").unwrap(), 0xfeff_ffff);
        assert!(reader.bool("f").unwrap());
        assert_eq!(reader.uuid("g").unwrap(), [7; 16]);
        reader.finish("all").unwrap();
    }

    #[test]
    fn varints_have_kafkas_bytes() {
        let cases: [(i64, &[u8]); 9] = [
            (0, &[0]),
            (-1, &[1]),
            (1, &[2]),
            (63, &[0x7e]),
            (-64, &[0x7f]),
            (64, &[0x80, 1]),
            (8191, &[0xfe, 0x7f]),
            (i64::from(i32::MIN), &[0xff, 0xff, 0xff, 0xff, 0x0f]),
            (i64::MIN, &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]),
        ];
        for (value, bytes) in cases {
            assert_eq!(written(|w| w.varlong(value)), bytes);
            assert_eq!(Reader::new(bytes).varlong("v").unwrap(), value);
            if let Ok(value) = i32::try_from(value) {
                assert_eq!(written(|w| w.varint(value)), bytes);
                assert_eq!(Reader::new(bytes).varint("v").unwrap(), value);
            }
        }
        assert_eq!(written(|w| w.unsigned_varint(300)), [0xac, 2]);
        assert_eq!(Reader::new(&[0xac, 2]).unsigned_varint("v").unwrap(), 300);
    }

    #[test]
    fn varints_too_long_or_cut_short_are_errors() {
        assert!(message(Reader::new(&[]).varint("n")).contains("reading n at byte 0"));
        assert!(message(Reader::new(&[0x80]).varint("n")).contains("end inside"));
        assert!(message(Reader::new(&[0xff, 0xff, 0xff, 0xff, 0x1f]).varint("n")).contains("exceeds 32 bits"));
        assert!(message(Reader::new(&[0x80, 0x80, 0x80, 0x80, 0x80, 0]).varint("n")).contains("more than 5"));
        let bit_65 = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2];
        assert!(message(Reader::new(&bit_65).varlong("n")).contains("more than 64 bits"));
        assert!(message(Reader::new(&[0xff; 9]).varlong("n")).contains("end inside"));
    }

    #[test]
    fn strings_and_bytes_come_back_in_both_forms() {
        let long = "é".repeat(100);
        for form in FORMS {
            let out = written(|w| {
                w.string(form, "");
                w.string(form, &long);
                w.nullable_string(form, None);
                w.bytes(form, &[1, 2]);
                w.nullable_bytes(form, None);
                w.nullable_bytes(form, Some(&[]));
            });
            let mut reader = Reader::new(&out);
            assert_eq!(reader.string(form, "a").unwrap(), "");
            assert_eq!(reader.nullable_string(form, "b").unwrap(), Some(&*long));
            assert_eq!(reader.nullable_string(form, "c").unwrap(), None);
            assert_eq!(reader.bytes(form, "d").unwrap(), [1, 2]);
            assert_eq!(reader.nullable_bytes(form, "e").unwrap(), None);
            assert_eq!(reader.nullable_bytes(form, "f").unwrap(), Some(&[][..]));
            reader.finish("all").unwrap();
        }
        assert_eq!(written(|w| w.string(Form::Classic, "ab")), [0, 2, b'a', b'b']);
        assert_eq!(written(|w| w.string(Form::Compact, "ab")), [3, b'a', b'b']);
        assert_eq!(written(|w| w.bytes(Form::Classic, b"ab")), [0, 0, 0, 2, b'a', b'b']);
    }

    #[test]
    fn an_error_names_the_field_and_the_byte() {
        let mut reader = Reader::new(&[0, 0, 0, 9, 0, 5, b'x']);
        reader.i32("first").unwrap();
        assert_eq!(
            message(reader.string(Form::Classic, "Topic.name")),
            "reading Topic.name at byte 4: 5 bytes wanted, 1 left"
        );
        assert!(message(Reader::new(&[0xff, 0xff]).string(Form::Classic, "s")).contains("null"));
        assert!(message(Reader::new(&[0xff, 0xfe]).string(Form::Classic, "s")).contains("negative length -2"));
        assert!(message(Reader::new(&[0]).bytes(Form::Compact, "s")).contains("null"));
        assert!(message(Reader::new(&[2, 0xff]).string(Form::Compact, "s")).contains("UTF-8"));
        assert!(message(Reader::new(&[1]).finish("s")).ends_with("behind its end: 1 byte"));
    }

    #[test]
    fn a_count_that_cannot_fit_is_an_error() {
        let twelve_bytes_left = [0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(Reader::new(&twelve_bytes_left).array_len(Form::Classic, 3, "a").unwrap(), 4);
        assert!(message(Reader::new(&twelve_bytes_left).array_len(Form::Classic, 4, "a")).contains("4 elements"));
        assert!(message(Reader::new(&[0x7f, 0xff, 0xff, 0xff, 0]).array_len(Form::Classic, 1, "a")).contains("2147"));
        assert!(message(Reader::new(&[0xff, 0xff, 0xff, 0xfe]).array_len(Form::Classic, 1, "a")).contains("negative"));
        assert!(message(Reader::new(&[0]).array_len(Form::Compact, 1, "a")).contains("null"));
        assert_eq!(Reader::new(&[0]).nullable_array_len(Form::Compact, 1, "a").unwrap(), None);
    }

    #[test]
    fn room_for_elements_is_bounded_by_the_bytes_left() {
        let bytes = [9, 1, 2, 3, 4, 5, 6, 7, 8];
        let elements = Reader::new(&bytes).array(Form::Compact, 1, "a", |reader| {
            let byte = reader.i8("byte")?;
            if byte == 3 { Err(reader.bad(0, "byte", format_args!("three"))) } else { Ok([i64::from(byte); 8]) }
        });
        assert!(message(elements).contains("three"));
        let mut reader = Reader::new(&bytes[1..]);
        let elements = reader.elements(4, |_| Ok([0_i64; 8])).unwrap();
        assert_eq!(elements.len(), 4);
        let untouched = Reader::new(&bytes[1..]).elements(8, |_| Err::<i64, _>(Error::new(ErrorKind::Closed, "")));
        assert_eq!(untouched.unwrap_err().kind(), ErrorKind::Closed);
    }

    #[test]
    fn tagged_fields_are_visited_or_skipped_within_their_bounds() {
        let bytes = [2, 0, 2, 0, 5, 9, 1, 0xaa, 0x77];
        let mut seen = Vec::new();
        let mut reader = Reader::new(&bytes);
        reader
            .tagged_fields("tags", |tag, field| {
                seen.push((tag, field.remaining(), field.position()));
                if tag == 0 {
                    assert_eq!(field.i16("short")?, 5);
                }
                Ok(())
            })
            .unwrap();
        assert_eq!(seen, [(0, 2, 3), (9, 1, 7)]);
        assert_eq!(reader.i8("after").unwrap(), 0x77);

        let mut reader = Reader::new(&bytes);
        let past_its_end = reader.tagged_fields("tags", |_, field| field.i32("wide").map(drop));
        assert_eq!(message(past_its_end), "reading wide at byte 3: 4 bytes wanted, 2 left");
        assert!(message(Reader::new(&[1, 0, 3, 1]).skip_tagged_fields(Form::Compact, "t")).contains("3 bytes wanted"));
        Reader::new(&[]).skip_tagged_fields(Form::Classic, "t").unwrap();
    }
}
