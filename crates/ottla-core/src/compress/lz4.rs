//! LZ4's frame format as Java writes it: independent blocks of at most 64 KiB, no checksums, no content size.
//!
//! The levels 1 to 17 are accepted, and all mean the fast compressor, like Java's default, 9. Java's other levels
//! select its slower "high compression" search. Readers see no difference.

use super::blocks::{Blocks, Chunks};
use super::{internal, make_room_for_block};
use crate::allocate;
use crate::error::Result;
use lz4_flex::block::{CompressTable, compress_into_with_table, get_maximum_output_size};

pub(super) const BLOCK: usize = 64 * 1024;
/// Magic, version 1 with independent blocks of at most 64 KiB, and a checksum byte from the xxHash32 of the two bytes
/// before. Java refuses frames whose blocks depend on each other.
pub(super) const HEADER: [u8; 7] = [0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82];
/// A flag in a block's length: the block is stored uncompressed.
pub(super) const STORED: u32 = 1 << 31;
pub(super) const END: [u8; 4] = [0; 4];

pub(super) struct Lz4 {
    blocks: Blocks,
    /// For blocks below 64 KiB, that is for most batches. It is half as large, so it is cleared faster.
    small: CompressTable,
    /// For full blocks. Made when the first one comes.
    large: Option<CompressTable>,
    /// Room for one compressed block in the worst case. Compressing here and copying costs less than zeroing `out`
    /// first.
    scratch: Vec<u8>,
}

impl Lz4 {
    pub(super) fn new() -> Self {
        Lz4 { blocks: Blocks::new(BLOCK), small: CompressTable::small(), large: None, scratch: Vec::new() }
    }

    pub(super) fn compress(&mut self, chunks: Chunks, out: &mut Vec<u8>) -> Result<()> {
        allocate::append(out, &HEADER)?;
        let Lz4 { blocks, small, large, scratch } = self;
        blocks.for_each(chunks, |block| {
            make_room_for_block(scratch, get_maximum_output_size(block.len()))?;
            let table = if block.len() < usize::from(u16::MAX) {
                &mut *small
            } else {
                large.get_or_insert_with(CompressTable::large)
            };
            let length = compress_into_with_table(block, scratch, table).map_err(|e| internal("lz4", &e))?;
            let (word, bytes) = match length < block.len() {
                true => (length as u32, &scratch[..length]),
                false => (block.len() as u32 | STORED, block),
            };
            allocate::append(out, &word.to_le_bytes())?;
            allocate::append(out, bytes)
        })?;
        allocate::append(out, &END)
    }
}

pub(super) fn decompress(mut input: &[u8], plain: &mut super::Plain) -> Result<()> {
    if plain.take(&mut input, HEADER.len())? != HEADER {
        return Err(plain.malformed(&"its header is not the one written here"));
    }
    let mut scratch = allocate::zeros(BLOCK)?;
    loop {
        let word = u32::from_le_bytes(*plain.take(&mut input, 4)?.as_array().expect("four bytes were taken"));
        let block = plain.take(&mut input, (word & !STORED) as usize)?;
        if word == 0 {
            return plain.expect_end(input);
        } else if word & STORED == 0 {
            let length = lz4_flex::block::decompress_into(block, &mut scratch).map_err(|e| plain.malformed(&e))?;
            plain.extend(&scratch[..length])?;
        } else if block.len() <= BLOCK {
            plain.extend(block)?;
        } else {
            return Err(plain.malformed(&"a stored block is longer than 64 KiB"));
        }
    }
}
