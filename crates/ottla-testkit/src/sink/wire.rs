//! Reads and writes the few primitives of Kafka's protocol that a sink needs.

/// A request that is truncated or malformed. Its connection ends.
#[derive(Debug)]
pub(super) struct Malformed;

pub(super) type Result<T> = std::result::Result<T, Malformed>;

/// Reads a request from the front.
pub(super) struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    pub fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(length).ok_or(Malformed)?;
        self.0 = tail;
        Ok(head)
    }

    pub fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (head, tail) = self.0.split_first_chunk::<N>().ok_or(Malformed)?;
        self.0 = tail;
        Ok(*head)
    }

    pub fn i16(&mut self) -> Result<i16> {
        Ok(i16::from_be_bytes(self.array()?))
    }

    pub fn i32(&mut self) -> Result<i32> {
        Ok(i32::from_be_bytes(self.array()?))
    }

    pub fn uvarint(&mut self) -> Result<u32> {
        let mut value = 0u32;
        for shift in (0..35).step_by(7) {
            let [byte] = self.array()?;
            value |= u32::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(Malformed)
    }

    /// The length of an array or of bytes. `None` is null.
    pub fn length(&mut self, flexible: bool) -> Result<Option<usize>> {
        if flexible {
            return Ok((self.uvarint()? as usize).checked_sub(1));
        }
        match self.i32()? {
            -1 => Ok(None),
            length => usize::try_from(length).map(Some).map_err(|_| Malformed),
        }
    }

    pub fn bytes(&mut self, flexible: bool) -> Result<Option<&'a [u8]>> {
        self.length(flexible)?.map(|length| self.take(length)).transpose()
    }

    pub fn string(&mut self, flexible: bool) -> Result<Option<&'a [u8]>> {
        if flexible {
            return self.bytes(true);
        }
        match self.i16()? {
            -1 => Ok(None),
            length => self.take(usize::try_from(length).map_err(|_| Malformed)?).map(Some),
        }
    }

    pub fn skip_tags(&mut self, flexible: bool) -> Result<()> {
        if flexible {
            for _ in 0..self.uvarint()? {
                self.uvarint()?;
                let length = self.uvarint()?;
                self.take(length as usize)?;
            }
        }
        Ok(())
    }
}

/// Appends to a response.
pub(super) trait Writer {
    fn put(&mut self, bytes: &[u8]);

    fn i8(&mut self, value: i8) {
        self.put(&value.to_be_bytes());
    }
    fn i16(&mut self, value: i16) {
        self.put(&value.to_be_bytes());
    }
    fn i32(&mut self, value: i32) {
        self.put(&value.to_be_bytes());
    }
    fn i64(&mut self, value: i64) {
        self.put(&value.to_be_bytes());
    }
    fn uvarint(&mut self, mut value: u32) {
        while value >= 0x80 {
            self.put(&[value as u8 | 0x80]);
            value >>= 7;
        }
        self.put(&[value as u8]);
    }
    fn length(&mut self, length: usize, flexible: bool) {
        if flexible {
            self.uvarint(length as u32 + 1);
        } else {
            self.i32(length as i32);
        }
    }
    fn string(&mut self, value: &[u8], flexible: bool) {
        if flexible {
            self.uvarint(value.len() as u32 + 1);
        } else {
            self.i16(value.len() as i16);
        }
        self.put(value);
    }
    fn null_string(&mut self, flexible: bool) {
        if flexible {
            self.put(&[0]);
        } else {
            self.i16(-1);
        }
    }
    /// The empty list of tagged fields that ends a structure in flexible versions.
    fn no_tags(&mut self, flexible: bool) {
        if flexible {
            self.put(&[0]);
        }
    }
}

impl Writer for Vec<u8> {
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}
