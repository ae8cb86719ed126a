//! The bytes of a sealed batch, shared by the batch and the requests that carry it.

use super::chunk::Chunks;
use super::memory::{Charge, Room};
use super::splice::{Slices, Splice};
use super::{Memory, NoRoom};
use crate::error::Result;
use crate::planted::{Fault, planted};
use crate::sync::Arc;

/// Immutable while it is shared. A retry sends the same bytes: what may change (sequence, epoch, checksum) is in the
/// batch's header, and each request has its own copy of that in its frame. The last user gives the chunks back and
/// releases their charge. So an expired batch stays charged until its connection no longer needs it.
pub struct Payload {
    pub(super) chunks: Chunks,
    /// Lent values. Their loans end with the payload.
    pub(super) splices: Vec<Splice>,
    pub(super) memory: Arc<Memory>,
    pub(super) len: usize,
}

#[allow(clippy::len_without_is_empty, reason = "a payload is never empty but while it is made")]
impl Payload {
    pub(super) fn shared(memory: &Arc<Memory>) -> Arc<Self> {
        Arc::new(Payload { chunks: Chunks::default(), splices: Vec::new(), memory: memory.clone(), len: 0 })
    }

    /// A payload of these bytes, in a chunk that is charged and never refused by the budget.
    pub(super) fn of(memory: &Arc<Memory>, bytes: &[u8]) -> Result<Arc<Self>, NoRoom> {
        let mut chunk = memory.chunk(bytes.len(), 0, Charge::Force, &mut Room::default())?;
        chunk.put(bytes).expect("it is as large");
        let mut chunks = Chunks::default();
        chunks.push(chunk);
        Ok(Arc::new(Payload { chunks, splices: Vec::new(), memory: memory.clone(), len: bytes.len() }))
    }

    /// A payload that takes the place of this one: its compressed form. Thread: any.
    pub fn replacement(&self, bytes: &[u8]) -> Result<Arc<Self>> {
        let no_memory = |refused: NoRoom| self.memory.out_of_memory(refused.bytes(), "to compress a batch");
        Payload::of(&self.memory, bytes).map_err(no_memory)
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
        self.memory.release(self.chunks.drain());
    }
}

impl Drop for Payload {
    fn drop(&mut self) {
        if !planted(Fault::MemoryKept) {
            self.release();
        }
    }
}
