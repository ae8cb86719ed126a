//! The bytes of a sealed batch, shared by the batch and the requests that carry them.

use super::Memory;
use super::chunk::Chunks;
use super::splice::{Slices, Splice};
use crate::planted::{Fault, planted};
use crate::sync::Arc;

/// Immutable while shared: a retry sends the same bytes, and what may change (sequence, epoch, checksum) is in the
/// batch's header, which each request carries in its own frame. Chunks are given back, and their charge released, by
/// whoever lets go last, so a batch that expired stays charged until its connection is done with it.
#[derive(Default)]
pub struct Payload {
    pub(super) chunks: Chunks,
    /// Values that are lent end their loans with the payload.
    pub(super) splices: Vec<Splice>,
    pub(super) memory: Option<Arc<Memory>>,
    pub(super) len: usize,
}

#[allow(clippy::len_without_is_empty, reason = "a payload is never empty but while it is made")]
impl Payload {
    pub(super) fn shared(memory: &Arc<Memory>) -> Arc<Self> {
        Arc::new(Payload { chunks: Chunks::default(), splices: Vec::new(), memory: Some(memory.clone()), len: 0 })
    }

    pub fn slices(&self) -> Slices<'_> {
        Slices::new(self.chunks.iter(), &self.splices)
    }

    pub fn len(&self) -> usize {
        self.len
    }

    pub(super) fn release(&mut self) {
        self.len = 0;
        self.splices.clear();
        if let Some(memory) = &self.memory {
            memory.release(self.chunks.drain());
        }
    }
}

impl Drop for Payload {
    fn drop(&mut self) {
        if !planted(Fault::MemoryKept) {
            self.release();
        }
    }
}
