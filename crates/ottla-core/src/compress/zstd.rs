//! Zstandard: one frame with its content size, without checksum or dictionary.
//!
//! Java's frames lack the content size, because Java compresses while it appends. With the size, the compressor can
//! choose tables and a window that fit the batch, and the reader can allocate once.

use super::blocks::Chunks;
use super::internal;
use crate::allocate;
use crate::error::{Error, Result};
use std::ops::RangeInclusive;
use zstd_safe::zstd_sys::ZSTD_EndDirective;
use zstd_safe::{CCtx, CParameter, InBuffer, OutBuffer, ResetDirective, compress_bound};

/// The least room that is added to `out` when it is full.
const STEP: usize = 4096;

pub(super) struct Zstd {
    context: CCtx<'static>,
}

pub(super) fn levels() -> RangeInclusive<i32> {
    zstd_safe::min_c_level()..=zstd_safe::max_c_level()
}

impl Zstd {
    pub(super) fn new(level: i32) -> Result<Self> {
        let mut context = CCtx::try_create().ok_or_else(|| internal("zstd", &"no memory for a context"))?;
        context.set_parameter(CParameter::CompressionLevel(level)).map_err(failed)?;
        Ok(Zstd { context })
    }

    /// `total` is the length of all chunks together.
    pub(super) fn compress(&mut self, chunks: Chunks, total: usize, out: &mut Vec<u8>) -> Result<()> {
        // An error may have left an unfinished frame.
        self.context.reset(ResetDirective::SessionOnly).map_err(failed)?;
        self.context.set_pledged_src_size(Some(total as u64)).map_err(failed)?;
        let mut chunk = chunks.next().unwrap_or_default();
        if chunk.len() == total {
            // With room for the worst case, one call writes the frame without copying through the context's buffers.
            allocate::reserve(out, compress_bound(total))?;
        }
        for next in chunks {
            self.feed(chunk, out, ZSTD_EndDirective::ZSTD_e_continue)?;
            chunk = next;
        }
        self.feed(chunk, out, ZSTD_EndDirective::ZSTD_e_end)
    }

    fn feed(&mut self, chunk: &[u8], out: &mut Vec<u8>, end: ZSTD_EndDirective) -> Result<()> {
        let ending = end == ZSTD_EndDirective::ZSTD_e_end;
        let mut input = InBuffer::around(chunk);
        loop {
            if out.capacity() == out.len() {
                allocate::reserve(out, STEP)?;
            }
            let begin = out.len();
            let mut output = OutBuffer::around_pos(out, begin);
            let left = self.context.compress_stream2(&mut output, &mut input, end).map_err(failed)?;
            if input.pos() == chunk.len() && (!ending || left == 0) {
                return Ok(());
            }
        }
    }
}

fn failed(code: usize) -> Error {
    internal("zstd", &zstd_safe::get_error_name(code))
}

pub(super) fn decompress(input: &[u8], plain: &mut super::Plain) -> Result<()> {
    let mut context = zstd_safe::DCtx::try_create().ok_or_else(|| plain.malformed(&"no memory for a context"))?;
    let mut scratch = allocate::zeros(64 * 1024)?;
    let mut input = InBuffer::around(input);
    loop {
        let mut output = OutBuffer::around(scratch.as_mut_slice());
        let left = context.decompress_stream(&mut output, &mut input);
        let left = left.map_err(|code| plain.malformed(&zstd_safe::get_error_name(code)))?;
        plain.extend(output.as_slice())?;
        if left == 0 {
            return plain.expect_end(&input.src[input.pos()..]);
        } else if input.pos() == input.src.len() && output.pos() < output.capacity() {
            return Err(plain.malformed(&"it is cut short"));
        }
    }
}
