//! Compression of a batch's records: one stream per batch, in the framing that Kafka's consumers read.
//!
//! A batch consists of chunks, so every codec takes its input as several slices. The caller decides whether the result
//! is worth sending: nothing here compares sizes.
//!
//! A [`Compressor`] belongs to one thread at a time and keeps what a codec needs between batches (match tables,
//! contexts, scratch). Once it has seen a batch of typical size, it allocates nothing but the room that `out` lacks.
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

/// `compression.type`. The numbers are those of a record batch's attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Codec {
    None = 0,
    Gzip = 1,
    Snappy = 2,
    Lz4 = 3,
    Zstd = 4,
}

impl Codec {
    /// Bits 0 to 2 of a record batch's attributes.
    pub fn attribute_bits(self) -> i16 {
        self as i16
    }

    /// What bits 0 to 2 of the attributes say; `None` also for numbers that mean nothing.
    pub fn of_attributes(attributes: i16) -> Self {
        match attributes & 7 {
            1 => Codec::Gzip,
            2 => Codec::Snappy,
            3 => Codec::Lz4,
            4 => Codec::Zstd,
            _ => Codec::None,
        }
    }

    /// As in `compression.type`.
    pub fn name(self) -> &'static str {
        match self {
            Codec::None => "none",
            Codec::Gzip => "gzip",
            Codec::Snappy => "snappy",
            Codec::Lz4 => "lz4",
            Codec::Zstd => "zstd",
        }
    }

    /// The range of `compression.<codec>.level`, `None` for codecs that have no levels. Gzip has no level 0 within it.
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
    /// Boxed because the encoder has a table inside, and a compressor may be moved about.
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

    /// Appends one complete stream holding all `chunks` to `out`. After an error `out` is as long as it was before,
    /// and the compressor can be used again.
    ///
    /// The iterator is walked twice, first for its total length.
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

/// Room in `scratch` for a block that is `worst` bytes long at its worst. Where it grows, tables of the codec's may grow beside
/// it, which cannot fail: their memory is looked for here.
fn make_room_for_block(scratch: &mut Vec<u8>, worst: usize) -> Result<()> {
    if scratch.len() < worst {
        allocate::reserve(scratch, worst - scratch.len())?;
        allocate::expect(TABLES)?;
        scratch.resize(worst, 0);
    }
    Ok(())
}

/// More than the tables of LZ4 and Snappy take.
const TABLES: usize = 64 * 1024;

/// A codec failed on input that it cannot refuse.
fn internal(codec: &str, reason: &dyn std::fmt::Display) -> Error {
    Error::new(ErrorKind::Internal, format!("compressing a batch with {codec}: {reason}"))
}

/// Undoes [`Compressor::compress`]. Reads one complete stream with nothing behind it, of the forms written here only,
/// and fails on one that holds more than `max` bytes.
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

/// What was decompressed so far, bounded. It grows by what arrives, not by what a stream promises.
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

    /// Takes the next `length` bytes off the accumulator of `input`.
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
