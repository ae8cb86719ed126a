//! Snappy in the framing of the xerial library, which Java writes and every Kafka client reads: a header, then blocks.
//! Each is a raw Snappy block after its length.
//!
//! Java's blocks have 32 KiB of input. These have 64 KiB, which is how far Snappy looks back, so they are slightly
//! smaller in total. Readers accept blocks of any size.

use super::blocks::{Blocks, Chunks};
use super::{internal, make_room_for_block};
use crate::allocate;
use crate::error::Result;
use snap::raw::{Encoder, max_compress_len};

pub(super) const BLOCK: usize = 64 * 1024;
/// Magic, version 1, readable by readers since version 1.
pub(super) const HEADER: [u8; 16] = *b"\x82SNAPPY\x00\x00\x00\x00\x01\x00\x00\x00\x01";

pub(super) struct Snappy {
    blocks: Blocks,
    encoder: Encoder,
    /// Room for one compressed block in the worst case.
    scratch: Vec<u8>,
}

impl Snappy {
    pub(super) fn new() -> Self {
        Snappy { blocks: Blocks::new(BLOCK), encoder: Encoder::new(), scratch: Vec::new() }
    }

    pub(super) fn compress(&mut self, chunks: Chunks, out: &mut Vec<u8>) -> Result<()> {
        allocate::append(out, &HEADER)?;
        let Snappy { blocks, encoder, scratch } = self;
        blocks.for_each(chunks, |block| {
            make_room_for_block(scratch, max_compress_len(block.len()))?;
            let length = encoder.compress(block, scratch).map_err(|e| internal("snappy", &e))?;
            allocate::append(out, &(length as u32).to_be_bytes())?;
            allocate::append(out, &scratch[..length])
        })
    }
}

pub(super) fn decompress(mut input: &[u8], plain: &mut super::Plain) -> Result<()> {
    if plain.take(&mut input, HEADER.len())? != HEADER {
        return Err(plain.malformed(&"its header is not the one written here"));
    }
    let mut scratch = allocate::zeros(BLOCK)?;
    while !input.is_empty() {
        let length = u32::from_be_bytes(*plain.take(&mut input, 4)?.as_array().expect("four bytes were taken"));
        let block = plain.take(&mut input, length as usize)?;
        // Also fails if the block is longer than the scratch.
        let length = snap::raw::Decoder::new().decompress(block, &mut scratch).map_err(|e| plain.malformed(&e))?;
        plain.extend(&scratch[..length])?;
    }
    Ok(())
}
