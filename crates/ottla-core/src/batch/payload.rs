//! The bytes of a sealed batch, shared by the batch and the requests that carry it.

use super::Memory;
use super::chunk::Chunks;
use super::splice::{Slices, Splice};
use crate::planted::{Fault, planted};
use crate::sync::Arc;

/// Immutable while it is shared. A retry sends the same bytes: what may change (sequence, epoch, checksum) is in the
/// batch's header, and each request has its own copy of that in its frame. The last user gives the chunks back and
/// releases their charge. So an expired batch stays charged until its connection no longer needs it.
#[derive(Default)]
pub struct Payload {
    pub(super) chunks: Chunks,
    /// Lent values. Their loans end with the payload.
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
