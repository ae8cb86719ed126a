//! Gzip (RFC 1952): one member, without name or time.

use super::blocks::Chunks;
use super::internal;
use crate::allocate;
use crate::error::Result;
use flate2::{Compress, Compression, Crc, FlushCompress, Status};

/// Magic, deflate, no flags, no time, no extra flags, unknown system, as the JDK has written it since version 16.
pub(super) const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
/// The level that Java's -1, "the library's default", means.
const DEFAULT: u32 = 6;
/// The least room in `out` for a call. With less, a call is not worth its cost.
const STEP: usize = 4096;

/// Upper bounds of the memory that a compressor and a decompressor allocate for windows and tables.
const COMPRESSOR: usize = 512 * 1024;
const DECOMPRESSOR: usize = 96 * 1024;

pub(super) struct Gzip {
    deflate: Compress,
    crc: Crc,
}

impl Gzip {
    pub(super) fn new(level: i32) -> Result<Self> {
        allocate::expect(COMPRESSOR)?;
        let level = u32::try_from(level).unwrap_or(DEFAULT);
        Ok(Gzip { deflate: Compress::new(Compression::new(level), false), crc: Crc::new() })
    }

    pub(super) fn compress(&mut self, chunks: Chunks, out: &mut Vec<u8>) -> Result<()> {
        self.deflate.reset();
        self.crc.reset();
        allocate::append(out, &HEADER)?;
        for chunk in chunks {
            self.crc.update(chunk);
            self.feed(chunk, out)?;
        }
        self.finish(out)?;
        allocate::append(out, &self.crc.sum().to_le_bytes())?;
        allocate::append(out, &self.crc.amount().to_le_bytes())
    }

    fn feed(&mut self, mut chunk: &[u8], out: &mut Vec<u8>) -> Result<()> {
        while !chunk.is_empty() {
            let before = self.deflate.total_in();
            self.step(chunk, out, FlushCompress::None)?;
            chunk = &chunk[(self.deflate.total_in() - before) as usize..];
        }
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<()> {
        while self.step(&[], out, FlushCompress::Finish)? != Status::StreamEnd {}
        Ok(())
    }

    fn step(&mut self, input: &[u8], out: &mut Vec<u8>, flush: FlushCompress) -> Result<Status> {
        allocate::reserve(out, STEP)?;
        self.deflate.compress_vec(input, out, flush).map_err(|e| internal("gzip", &e))
    }
}

pub(super) fn decompress(mut input: &[u8], plain: &mut super::Plain) -> Result<()> {
    use std::io::Read;
    let mut scratch = allocate::zeros(64 * 1024)?;
    allocate::expect(DECOMPRESSOR)?;
    let mut decoder = flate2::bufread::GzDecoder::new(&mut input);
    loop {
        match decoder.read(&mut scratch).map_err(|e| plain.malformed(&e))? {
            0 => break,
            length => plain.extend(&scratch[..length])?,
        }
    }
    plain.expect_end(input)
}
