//! The buffer that a serializer writes to.

use crate::allocate;
use crate::error::{Error, Result};
use crate::record::Header;

/// The bytes of a key or a value, and the headers that its serializer adds. Reused for many records, so that in the
/// long run nothing is allocated.
#[derive(Default)]
pub struct Serialized {
    bytes: Vec<u8>,
    is_null: bool,
    /// Names and values of the headers, one after the other.
    header_bytes: Vec<u8>,
    /// Where each name and each value ends in `header_bytes`.
    headers: Vec<(usize, Option<usize>)>,
    /// The first error. The content is incomplete then.
    refused: Option<Error>,
}

/// How much of a buffer is kept after a large value: as much as a record may have by default.
const KEPT: usize = 1 << 20;

impl Serialized {
    /// Appends bytes. If there is no memory, nothing is appended, and [`Serialized::check`] fails.
    pub fn append(&mut self, bytes: &[u8]) {
        self.is_null = false;
        let appended = allocate::append(&mut self.bytes, bytes);
        self.note(appended);
    }

    /// Makes the key or value null, whatever was appended before. Appending again makes it non-null.
    pub fn set_null(&mut self) {
        self.bytes.clear();
        self.is_null = true;
    }

    /// Adds a header. Out of memory, it fails like [`Serialized::append`].
    pub fn add_header(&mut self, name: &[u8], value: Option<&[u8]>) {
        let added = self.try_add_header(name, value);
        self.note(added);
    }

    fn try_add_header(&mut self, name: &[u8], value: Option<&[u8]>) -> Result<()> {
        allocate::reserve(&mut self.headers, 1)?;
        allocate::reserve(&mut self.header_bytes, name.len() + value.map_or(0, <[u8]>::len))?;
        self.header_bytes.extend_from_slice(name);
        let name_end = self.header_bytes.len();
        self.header_bytes.extend_from_slice(value.unwrap_or_default());
        self.headers.push((name_end, value.map(|_| self.header_bytes.len())));
        Ok(())
    }

    fn note(&mut self, written: Result<()>) {
        if let Err(error) = written {
            self.refused.get_or_insert(error);
        }
    }

    /// Fails if something could not be written.
    pub fn check(&self) -> Result<()> {
        self.refused.clone().map_or(Ok(()), Err)
    }

    pub fn bytes(&self) -> Option<&[u8]> {
        (!self.is_null).then_some(&self.bytes)
    }

    pub fn headers(&self) -> impl ExactSizeIterator<Item = Header<'_>> {
        let mut start = 0;
        self.headers.iter().map(move |&(name_end, value_end)| {
            let name = &self.header_bytes[start..name_end];
            start = value_end.unwrap_or(name_end);
            Header { name, value: value_end.map(|end| &self.header_bytes[name_end..end]) }
        })
    }

    /// Empties it.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(KEPT);
        self.is_null = false;
        self.header_bytes.clear();
        self.header_bytes.shrink_to(KEPT);
        self.headers.clear();
        self.refused = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_and_empty_differ_and_the_last_word_counts() {
        let mut out = Serialized::default();
        assert_eq!(out.bytes(), Some(&[][..]));
        out.append(b"ab");
        out.append(b"c");
        assert_eq!(out.bytes(), Some(&b"abc"[..]));
        out.set_null();
        assert_eq!(out.bytes(), None);
        out.append(b"");
        assert_eq!(out.bytes(), Some(&[][..]));
    }

    #[test]
    fn headers_are_read_back_in_order() {
        let mut out = Serialized::default();
        let headers =
            [("a", Some(&b"1"[..])), ("", None), ("b", Some(&[][..])), ("c", None), ("d", Some(b"long enough"))];
        for (name, value) in headers {
            out.add_header(name.as_bytes(), value);
        }
        let read: Vec<_> = out.headers().map(|header| (header.name, header.value)).collect();
        assert_eq!(read, headers.map(|(name, value)| (name.as_bytes(), value)));
        out.clear();
        assert_eq!(out.headers().len(), 0);
    }

    #[test]
    fn room_is_kept_but_not_that_of_a_giant() {
        let mut out = Serialized::default();
        out.append(&[1; 5000]);
        out.clear();
        assert!(out.bytes.capacity() >= 5000);
        out.append(&vec![1; 3 * KEPT]);
        out.clear();
        assert!((5000..=KEPT).contains(&out.bytes.capacity()));
        assert_eq!(out.bytes(), Some(&[][..]));
    }
}
