//! A compressor for each codec and level in use. Topics with the same codec and level share it.

use super::index::PartitionIndex;
use super::{Level, Sender};
use crate::batch::Batch;
use crate::compress::{Codec, Compressor};
use crate::error::Result;

/// Made when they are first needed: a compressor may hold megabytes.
#[derive(Default)]
pub struct Compressors {
    made: Vec<Made>,
    /// What came of the last batch; kept for its buffer.
    out: Vec<u8>,
}

struct Made {
    codec: Codec,
    level: i32,
    compressor: Compressor,
}

impl Compressors {
    /// Sees to it that there is one; fails where the codec has no such level.
    pub fn prepare(&mut self, codec: Codec, level: i32) -> Result<()> {
        self.index_of(codec, level).map(|_| ())
    }

    fn index_of(&mut self, codec: Codec, level: i32) -> Result<usize> {
        if let Some(at) = self.made.iter().position(|made| (made.codec, made.level) == (codec, level)) {
            return Ok(at);
        }
        self.made.push(Made { codec, level, compressor: Compressor::new(codec, level)? });
        Ok(self.made.len() - 1)
    }

    /// Replaces the batch's bytes by compressed ones, if that makes them fewer.
    fn compress(&mut self, codec: Codec, level: i32, batch: &mut Batch) -> Result<()> {
        let at = self.index_of(codec, level)?;
        self.out.clear();
        self.made[at].compressor.compress(batch.payload().slices(), &mut self.out)?;
        if self.out.len() < batch.payload().len() {
            batch
                .set_compressed(&self.out, codec.attribute_bits())
                .map_err(|refused| batch.out_of_memory(refused, "compress a batch"))?;
        }
        Ok(())
    }
}

impl Sender {
    /// Compresses a batch as its topic says.
    pub(super) fn compress(&mut self, index: PartitionIndex, batch: &mut Batch) {
        let settings = &self.partition(index).slot.settings;
        let (codec, level) = (settings.codec, settings.compression_level);
        if codec == Codec::None {
            return;
        }
        if let Err(error) = self.compressors.compress(codec, level, batch) {
            self.log(Level::Warning, || format!("{error}; the batch is sent plain"));
        }
    }
}
