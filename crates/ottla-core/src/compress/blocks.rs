//! Cuts a batch's chunks into the blocks of a block codec.

use crate::allocate;
use crate::error::Result;

/// The source of a batch's bytes: its chunks, in order. Chunks may be empty.
pub(super) type Chunks<'c, 'a> = &'c mut dyn Iterator<Item = &'a [u8]>;

/// Cuts the input into blocks of one size; the last may be shorter. Only a block that straddles chunks is copied.
pub(super) struct Blocks {
    size: usize,
    /// The beginning of the present block, from earlier chunks. Shorter than `size` between calls.
    straddling: Vec<u8>,
}

impl Blocks {
    pub(super) fn new(size: usize) -> Self {
        Blocks { size, straddling: Vec::new() }
    }

    /// Calls `block` for each block in order. An empty batch has none.
    pub(super) fn for_each(&mut self, chunks: Chunks, mut block: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        // An earlier error may have left bytes here.
        self.straddling.clear();
        let mut rest: &[u8] = &[];
        for chunk in chunks {
            // The rest of the previous chunk is shorter than a block, and begins the one that continues in this chunk.
            self.keep(rest)?;
            rest = self.complete(chunk);
            if self.straddling.len() == self.size {
                block(&self.straddling)?;
                self.straddling.clear();
            }
            let mut whole = rest.chunks_exact(self.size);
            whole.by_ref().try_for_each(&mut block)?;
            rest = whole.remainder();
        }
        if self.straddling.is_empty() {
            return if rest.is_empty() { Ok(()) } else { block(rest) };
        }
        self.keep(rest)?;
        block(&self.straddling)
    }

    fn keep(&mut self, bytes: &[u8]) -> Result<()> {
        if self.straddling.capacity() == 0 && !bytes.is_empty() {
            allocate::reserve(&mut self.straddling, self.size)?;
        }
        self.straddling.extend_from_slice(bytes);
        Ok(())
    }

    /// Completes a block that began in earlier chunks. Returns the rest of `chunk`.
    fn complete<'a>(&mut self, chunk: &'a [u8]) -> &'a [u8] {
        if self.straddling.is_empty() {
            return chunk;
        }
        let (head, tail) = chunk.split_at(chunk.len().min(self.size - self.straddling.len()));
        self.straddling.extend_from_slice(head);
        tail
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(size: usize, chunks: &[&str]) -> Vec<String> {
        let mut blocks = Blocks::new(size);
        let mut seen = Vec::new();
        blocks
            .for_each(&mut chunks.iter().map(|chunk| chunk.as_bytes()), |block| {
                seen.push(String::from_utf8(block.to_vec()).unwrap());
                Ok(())
            })
            .unwrap();
        seen
    }

    #[test]
    fn blocks_are_full_but_for_the_last() {
        assert_eq!(cut(4, &[]), [""; 0]);
        assert_eq!(cut(4, &["", ""]), [""; 0]);
        assert_eq!(cut(4, &["abc"]), ["abc"]);
        assert_eq!(cut(4, &["abcd"]), ["abcd"]);
        assert_eq!(cut(4, &["abcdefghi"]), ["abcd", "efgh", "i"]);
        assert_eq!(cut(4, &["a", "b", "", "c", "d", "e"]), ["abcd", "e"]);
        assert_eq!(cut(4, &["ab", "cdefghijk", "l", "mn"]), ["abcd", "efgh", "ijkl", "mn"]);
        assert_eq!(cut(4, &["abcdef", ""]), ["abcd", "ef"]);
        assert_eq!(cut(4, &["abc", "d"]), ["abcd"]);
    }

    #[test]
    fn a_block_inside_a_chunk_is_not_copied() {
        let chunk = b"abcdefgh".as_slice();
        let mut blocks = Blocks::new(4);
        let mut addresses = Vec::new();
        let seen = blocks.for_each(&mut [chunk].into_iter(), |block| {
            addresses.push(block.as_ptr() as usize - chunk.as_ptr() as usize);
            Ok(())
        });
        seen.unwrap();
        assert_eq!(addresses, [0, 4]);
    }
}
