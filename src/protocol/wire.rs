//! The primitive types, read with bounds and written in place.

use crate::error::{Error, ErrorKind, Result};

/// Reads from a response. Every count and length is checked against the bytes that are left before it is believed,
/// so hostile bytes can make neither a large allocation nor a long loop.
#[derive(Clone, Copy)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Reader { bytes, at: 0 }
    }

    pub fn remaining(&self) -> usize {
        self.bytes.len() - self.at
    }

    pub fn error(&self, field: &str, what: &str) -> Error {
        let message = format!("a response could not be read: {field} at byte {}: {what}", self.at);
        Error::new(ErrorKind::BadResponse, message)
    }

    pub fn take(&mut self, len: usize, field: &str) -> Result<&'a [u8]> {
        let Some(bytes) = self.bytes[self.at..].get(..len) else {
            return Err(self.error(field, &format!("{len} bytes wanted, {} left", self.remaining())));
        };
        self.at += len;
        Ok(bytes)
    }

    fn array<const N: usize>(&mut self, field: &str) -> Result<[u8; N]> {
        Ok(self.take(N, field)?.try_into().expect("take() gave N bytes"))
    }

    pub fn i8(&mut self, field: &str) -> Result<i8> {
        Ok(i8::from_be_bytes(self.array(field)?))
    }

    pub fn bool(&mut self, field: &str) -> Result<bool> {
        Ok(self.i8(field)? != 0)
    }

    pub fn i16(&mut self, field: &str) -> Result<i16> {
        Ok(i16::from_be_bytes(self.array(field)?))
    }

    pub fn i32(&mut self, field: &str) -> Result<i32> {
        Ok(i32::from_be_bytes(self.array(field)?))
    }

    pub fn i64(&mut self, field: &str) -> Result<i64> {
        Ok(i64::from_be_bytes(self.array(field)?))
    }

    pub fn uuid(&mut self, field: &str) -> Result<[u8; 16]> {
        self.array(field)
    }

    pub fn unsigned_varint(&mut self, field: &str) -> Result<u32> {
        let value = self.unsigned_varlong(5, field)?;
        u32::try_from(value).map_err(|_| self.error(field, "a varint of more than 32 bits"))
    }

    fn unsigned_varlong(&mut self, most: u32, field: &str) -> Result<u64> {
        let mut value = 0u64;
        for i in 0..most {
            let [byte] = self.array(field)?;
            value |= u64::from(byte & 0x7f) << (7 * i);
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(self.error(field, "a varint without an end"))
    }

    pub fn varint(&mut self, field: &str) -> Result<i32> {
        let value = self.unsigned_varint(field)?;
        Ok((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    pub fn varlong(&mut self, field: &str) -> Result<i64> {
        let value = self.unsigned_varlong(10, field)?;
        Ok((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    /// The number of elements of an array; `None` for null. Each takes a byte at least.
    pub fn array_len(&mut self, compact: bool, field: &str) -> Result<Option<usize>> {
        let len = self.len(compact, field, |reader| reader.i32(field))?;
        match len {
            Some(len) if len > self.remaining() => {
                Err(self.error(field, &format!("{len} elements announced, {} bytes left", self.remaining())))
            }
            len => Ok(len),
        }
    }

    /// A compact length is one more than it says, and 0 for null; a classic one is -1 for null.
    fn len(&mut self, compact: bool, field: &str, classic: impl Fn(&mut Self) -> Result<i32>) -> Result<Option<usize>> {
        if compact {
            return Ok(self.unsigned_varint(field)?.checked_sub(1).map(|len| len as usize));
        }
        match classic(self)? {
            -1 => Ok(None),
            len => usize::try_from(len).map(Some).map_err(|_| self.error(field, "a negative length")),
        }
    }

    pub fn nullable_string(&mut self, compact: bool, field: &str) -> Result<Option<&'a str>> {
        let len = self.len(compact, field, |reader| reader.i16(field).map(i32::from))?;
        let Some(len) = len else { return Ok(None) };
        let bytes = self.take(len, field)?;
        std::str::from_utf8(bytes).map(Some).map_err(|_| self.error(field, "not UTF-8"))
    }

    pub fn string(&mut self, compact: bool, field: &str) -> Result<&'a str> {
        self.nullable_string(compact, field)?.ok_or_else(|| self.error(field, "null where a string is needed"))
    }

    /// Reads tagged fields, calling `each` with a reader of those it may know.
    pub fn tagged_fields(&mut self, mut each: impl FnMut(u32, &mut Reader<'a>) -> Result<()>) -> Result<()> {
        let count = self.unsigned_varint("tagged fields")?;
        if count as usize > self.remaining() {
            return Err(self.error("tagged fields", "more announced than bytes are left"));
        }
        for _ in 0..count {
            let tag = self.unsigned_varint("tag")?;
            let len = self.unsigned_varint("tagged field")?;
            let mut field = Reader::new(self.take(len as usize, "tagged field")?);
            each(tag, &mut field)?;
        }
        Ok(())
    }

    pub fn skip_tagged_fields(&mut self) -> Result<()> {
        self.tagged_fields(|_, _| Ok(()))
    }
}

/// Appends to a request.
pub struct Writer<'a>(pub &'a mut Vec<u8>);

impl Writer<'_> {
    pub fn bool(&mut self, value: bool) {
        self.0.push(u8::from(value));
    }

    pub fn i16(&mut self, value: i16) {
        self.0.extend_from_slice(&value.to_be_bytes());
    }

    pub fn i32(&mut self, value: i32) {
        self.0.extend_from_slice(&value.to_be_bytes());
    }

    pub fn i64(&mut self, value: i64) {
        self.0.extend_from_slice(&value.to_be_bytes());
    }

    pub fn uuid(&mut self, value: &[u8; 16]) {
        self.0.extend_from_slice(value);
    }

    pub fn unsigned_varint(&mut self, mut value: u32) {
        while value >= 0x80 {
            self.0.push((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    pub fn array_len(&mut self, compact: bool, len: Option<usize>) {
        match (compact, len) {
            (true, len) => self.unsigned_varint(len.map_or(0, |len| len as u32 + 1)),
            (false, len) => self.i32(len.map_or(-1, |len| len as i32)),
        }
    }

    pub fn nullable_string(&mut self, compact: bool, value: Option<&str>) {
        match (compact, value) {
            (true, value) => self.unsigned_varint(value.map_or(0, |value| value.len() as u32 + 1)),
            (false, value) => self.i16(value.map_or(-1, |value| value.len() as i16)),
        }
        self.0.extend_from_slice(value.unwrap_or_default().as_bytes());
    }

    pub fn string(&mut self, compact: bool, value: &str) {
        self.nullable_string(compact, Some(value));
    }

    pub fn no_tagged_fields(&mut self) {
        self.0.push(0);
    }
}
