//! Elements of DER, as far as key stores need them. Other libraries read the keys and certificates inside.
#![forbid(unsafe_code)]

use x509_cert::der::asn1::ObjectIdentifier;

pub const INTEGER: u8 = 0x02;
pub const OCTET_STRING: u8 = 0x04;
pub const OID: u8 = 0x06;
pub const SEQUENCE: u8 = 0x30;
pub const SET: u8 = 0x31;
/// `[0]`, constructed.
pub const CONTEXT_0: u8 = 0xa0;
/// `[0]`, primitive.
pub const CONTEXT_0_PRIMITIVE: u8 = 0x80;

/// One element: its tag, and the bytes in it.
#[derive(Clone, Copy)]
pub struct Element<'a> {
    pub tag: u8,
    pub content: &'a [u8],
    /// With tag and length.
    pub whole: &'a [u8],
}

/// Elements that follow each other.
#[derive(Clone, Copy)]
pub struct Elements<'a>(&'a [u8]);

const DAMAGED: &str = "its ASN.1 is damaged or cut off";
const INDEFINITE: &str = "it is written in BER with indefinite lengths, and only DER is read; `openssl pkcs12 -in OLD -nodes \
                          | openssl pkcs12 -export -out NEW` rewrites such a store";

impl<'a> Elements<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Elements(bytes)
    }

    pub fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// The next element, whatever it is.
    pub fn any(&mut self) -> Result<Element<'a>, String> {
        let bytes = self.0;
        let [tag, first, ..] = *bytes else { return Err(DAMAGED.into()) };
        if first == 0x80 {
            return Err(INDEFINITE.into());
        }
        let (start, length) = match usize::from(first) {
            short @ ..0x80 => (2, short),
            long => {
                let digits = bytes.get(2..2 + (long & 0x7f)).filter(|digits| digits.len() <= 4).ok_or(DAMAGED)?;
                (2 + digits.len(), digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)))
            }
        };
        let content = bytes[start..].get(..length).ok_or(DAMAGED)?;
        let (whole, rest) = bytes.split_at(start + length);
        self.0 = rest;
        Ok(Element { tag, content, whole })
    }

    /// The next element, which must have this tag.
    pub fn next(&mut self, tag: u8) -> Result<Element<'a>, String> {
        let element = self.any()?;
        if element.tag == tag { Ok(element) } else { Err(DAMAGED.into()) }
    }

    /// The next element, if it has this tag.
    pub fn optional(&mut self, tag: u8) -> Result<Option<Element<'a>>, String> {
        if self.0.first() == Some(&tag) { self.any().map(Some) } else { Ok(None) }
    }

    /// The elements in the next one, which must be a sequence.
    pub fn sequence(&mut self) -> Result<Elements<'a>, String> {
        self.next(SEQUENCE).map(Element::elements)
    }

    pub fn oid(&mut self) -> Result<ObjectIdentifier, String> {
        ObjectIdentifier::from_bytes(self.next(OID)?.content).map_err(|_| DAMAGED.into())
    }

    pub fn octets(&mut self) -> Result<&'a [u8], String> {
        self.next(OCTET_STRING).map(|element| element.content)
    }

    /// A number that is not negative. What is larger than the type counts as its largest.
    pub fn number(&mut self) -> Result<u32, String> {
        let digits = self.next(INTEGER)?.content;
        match digits.first() {
            None | Some(0x80..) => Err(DAMAGED.into()),
            Some(_) => Ok(digits.iter().fold(0u32, |number, digit| {
                number.checked_mul(256).and_then(|number| number.checked_add(u32::from(*digit))).unwrap_or(u32::MAX)
            })),
        }
    }
}

impl<'a> Element<'a> {
    pub fn elements(self) -> Elements<'a> {
        Elements(self.content)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_cut_where_their_lengths_say() {
        let bytes = [0x30, 3, 2, 1, 5, 0x04, 0x81, 1, 7, 0xff];
        let mut elements = Elements::new(&bytes);
        assert_eq!(elements.sequence().unwrap().number().unwrap(), 5);
        assert_eq!(elements.optional(SET).unwrap().map(|element| element.tag), None);
        assert_eq!(elements.octets().unwrap(), [7]);
        assert!(elements.any().is_err());
    }

    #[test]
    fn a_length_beyond_the_end_is_refused() {
        for bytes in [&[][..], &[4], &[4, 2, 0], &[4, 0x84, 0xff, 0xff, 0xff, 0xff], &[4, 0x85, 0, 0, 0, 0, 1, 0]] {
            assert_eq!(Elements::new(bytes).any().err().as_deref(), Some(DAMAGED), "{bytes:?}");
        }
        assert_eq!(Elements::new(&[0x30, 0x80, 0, 0]).any().err().as_deref(), Some(INDEFINITE));
    }

    #[test]
    fn numbers_saturate_and_are_not_negative() {
        let number = |bytes: &[u8]| Elements::new(bytes).number();
        assert_eq!(number(&[2, 2, 0x27, 0x10]), Ok(10_000));
        assert_eq!(number(&[2, 5, 1, 0, 0, 0, 0]), Ok(u32::MAX));
        assert!(number(&[2, 1, 0xff]).is_err() && number(&[2, 0]).is_err());
    }
}
