//! Compression of a batch's records: one stream per batch, in the framing that Kafka's consumers read.
//!
//! A batch consists of chunks, so every codec takes its input as several slices. The caller compares sizes and decides
//! whether the result is worth sending.
//!
//! A [`Compressor`] belongs to one thread at a time, and keeps what a codec needs between batches (match tables,
//! contexts, scratch). After a batch of typical size it allocates nothing except missing room in `out`.
#![forbid(unsafe_code)]

mod blocks;
mod gzip;
mod lz4;
mod snappy;
mod zstd;

use crate::allocate;
use crate::error::{Error, ErrorKind, Result};
use crate::text::counted;
use std::ops::RangeInclusive;

/// `compression.type`. The numbers are those in the attributes of a record batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Codec {
    None = 0,
    Gzip = 1,
    Snappy = 2,
    Lz4 = 3,
    Zstd = 4,
}

impl Codec {
    const ALL: [Codec; 5] = [Codec::None, Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd];

    /// Bits 0 to 2 of a record batch's attributes.
    pub fn attribute_bits(self) -> i16 {
        self as i16
    }

    /// The codec in bits 0 to 2 of the attributes; `None` also for numbers without a meaning.
    pub fn of_attributes(attributes: i16) -> Self {
        Self::ALL.into_iter().find(|codec| codec.attribute_bits() == attributes & 7).unwrap_or(Codec::None)
    }

    /// The codec with this name in `compression.type`.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|codec| codec.name() == name)
    }

    /// The name in `compression.type`.
    pub fn name(self) -> &'static str {
        match self {
            Codec::None => "none",
            Codec::Gzip => "gzip",
            Codec::Snappy => "snappy",
            Codec::Lz4 => "lz4",
            Codec::Zstd => "zstd",
        }
    }

    /// The range of `compression.<codec>.level`; `None` for codecs without levels. Gzip has no level 0 in its range.
    pub fn levels(self) -> Option<RangeInclusive<i32>> {
        match self {
            Codec::None | Codec::Snappy => None,
            Codec::Gzip => Some(-1..=9),
            Codec::Lz4 => Some(1..=17),
            Codec::Zstd => Some(zstd::levels()),
        }
    }

    fn accepts(self, level: i32) -> bool {
        let gzip_stored = self == Codec::Gzip && level == 0;
        self.levels().is_none_or(|levels| levels.contains(&level)) && !gzip_stored
    }
}

/// Compresses batches with one codec at one level.
pub struct Compressor {
    state: State,
}

enum State {
    None,
    Gzip(gzip::Gzip),
    /// Boxed: the encoder contains a table, and a compressor may be moved.
    Snappy(Box<snappy::Snappy>),
    Lz4(lz4::Lz4),
    Zstd(zstd::Zstd),
}

impl Compressor {
    /// Codecs without levels ignore `level`.
    pub fn new(codec: Codec, level: i32) -> Result<Self> {
        if !codec.accepts(level) {
            let message = format!("{} has no compression level {level}", codec.name());
            return Err(Error::new(ErrorKind::InvalidConfig, message));
        }
        let state = match codec {
            Codec::None => State::None,
            Codec::Gzip => State::Gzip(gzip::Gzip::new(level)?),
            Codec::Snappy => {
                allocate::expect(TABLES)?;
                State::Snappy(Box::new(snappy::Snappy::new()))
            }
            Codec::Lz4 => {
                allocate::expect(TABLES)?;
                State::Lz4(lz4::Lz4::new())
            }
            Codec::Zstd => State::Zstd(zstd::Zstd::new(level)?),
        };
        Ok(Compressor { state })
    }

    /// Appends one complete stream of all `chunks` to `out`. After an error, `out` has its former length, and the
    /// compressor can be used again.
    ///
    /// The iterator is walked twice, first to sum up the length.
    pub fn compress<'a, I>(&mut self, chunks: I, out: &mut Vec<u8>) -> Result<()>
    where
        I: IntoIterator<Item = &'a [u8], IntoIter: Clone>,
    {
        let mut chunks = chunks.into_iter();
        let total = chunks.clone().map(<[u8]>::len).sum();
        let begin = out.len();
        let outcome = self.append(&mut chunks, total, out);
        if outcome.is_err() {
            out.truncate(begin);
        }
        outcome
    }

    fn append(&mut self, chunks: blocks::Chunks, total: usize, out: &mut Vec<u8>) -> Result<()> {
        match &mut self.state {
            State::None => {
                allocate::reserve(out, total)?;
                chunks.for_each(|chunk| out.extend_from_slice(chunk));
                Ok(())
            }
            State::Gzip(gzip) => gzip.compress(chunks, out),
            State::Snappy(snappy) => snappy.compress(chunks, out),
            State::Lz4(lz4) => lz4.compress(chunks, out),
            State::Zstd(zstd) => zstd.compress(chunks, total, out),
        }
    }
}

/// Makes room in `scratch` for a block of `worst` bytes, its largest possible size. When it grows, the codec's tables
/// may grow too. Their allocation cannot fail, so this tests that there is memory for them.
fn make_room_for_block(scratch: &mut Vec<u8>, worst: usize) -> Result<()> {
    if scratch.len() < worst {
        allocate::reserve(scratch, worst - scratch.len())?;
        allocate::expect(TABLES)?;
        scratch.resize(worst, 0);
    }
    Ok(())
}

/// An upper bound of the tables of LZ4 and Snappy.
const TABLES: usize = 64 * 1024;

/// The error for a codec that failed on valid input.
fn internal(codec: &str, reason: &dyn std::fmt::Display) -> Error {
    Error::new(ErrorKind::Internal, format!("compressing a batch with {codec}: {reason}"))
}

/// Undoes [`Compressor::compress`]. Reads one complete stream, in the forms that are written here, and fails if bytes
/// follow it or if it holds more than `max` bytes.
pub fn decompress(codec: Codec, input: &[u8], max: usize) -> Result<Vec<u8>> {
    let mut plain = Plain { bytes: Vec::new(), max, codec };
    match codec {
        Codec::None => plain.extend(input)?,
        Codec::Gzip => gzip::decompress(input, &mut plain)?,
        Codec::Snappy => snappy::decompress(input, &mut plain)?,
        Codec::Lz4 => lz4::decompress(input, &mut plain)?,
        Codec::Zstd => zstd::decompress(input, &mut plain)?,
    }
    Ok(plain.bytes)
}

/// The decompressed bytes so far, up to a limit. It grows with what arrives, not by what a stream announces.
struct Plain {
    bytes: Vec<u8>,
    max: usize,
    codec: Codec,
}

impl Plain {
    fn extend(&mut self, bytes: &[u8]) -> Result<()> {
        if bytes.len() > self.max - self.bytes.len() {
            return Err(self.malformed(&format_args!("it holds more than {}", counted(self.max, "byte"))));
        }
        allocate::append(&mut self.bytes, bytes)
    }

    /// Takes the next `length` bytes from the front of `input`.
    fn take<'a>(&self, input: &mut &'a [u8], length: usize) -> Result<&'a [u8]> {
        input.split_off(..length).ok_or_else(|| self.malformed(&"it is cut short"))
    }

    fn expect_end(&self, input: &[u8]) -> Result<()> {
        if input.is_empty() { Ok(()) } else { Err(self.malformed(&"bytes follow its end")) }
    }

    fn malformed(&self, reason: &dyn std::fmt::Display) -> Error {
        Error::new(ErrorKind::InvalidArgument, format!("decompressing {} data: {reason}", self.codec.name()))
    }
}

#[cfg(test)]
mod tests;
