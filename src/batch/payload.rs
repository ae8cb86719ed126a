//! The bytes of a sealed batch, shared between the batch and the requests that carry them.

use super::{Chunk, Memory};
use crate::sync::Arc;

/// Immutable while shared: a retry sends the same bytes, and what may change (sequence, epoch, checksum) is in the
/// batch's header, which each request carries in its own frame. Chunks are given back, and their charge released, by
/// whoever lets go last, so a batch that expired stays charged until its connection is done with it.
#[derive(Default)]
pub struct Payload {
    pub(super) chunks: Vec<Chunk>,
    pub(super) memory: Option<Arc<Memory>>,
    pub(super) len: usize,
}

#[allow(clippy::len_without_is_empty, reason = "a payload is never empty but while it is made")]
impl Payload {
    pub(super) fn shared(memory: &Arc<Memory>) -> Arc<Self> {
        Arc::new(Payload { chunks: Vec::new(), memory: Some(memory.clone()), len: 0 })
    }

    pub fn slices(&self) -> impl Iterator<Item = &[u8]> + Clone {
        self.chunks.iter().map(Chunk::filled)
    }

    pub fn len(&self) -> usize {
        self.len
    }

    pub(super) fn release(&mut self) {
        self.len = 0;
        if let Some(memory) = &self.memory {
            memory.release(&mut self.chunks);
        }
    }
}

impl Drop for Payload {
    fn drop(&mut self) {
        self.release();
    }
}
