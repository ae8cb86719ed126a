//! Frames: requests on their way to a socket.

use crate::allocate;
use crate::batch::Payload;
use crate::error::Result;
use crate::sync::Arc;

/// Framing bytes, and the payloads between them. Payloads are shared with their batches, so a frame pins their memory
/// until it is dropped: until it was written or its connection is gone.
#[derive(Default)]
pub struct Frame {
    pub correlation: i32,
    pub bytes: Vec<u8>,
    /// The position of each payload in `bytes`, ascending.
    pub inserts: Vec<(usize, Arc<Payload>)>,
}

/// Smaller payloads are copied into the framing bytes: one more `iovec` costs the kernel more than the copy.
const COPY_BELOW: usize = 2048;

/// What surrounds a payload: the partition, the batch's header, and often the topic.
const AROUND: usize = 128;

impl Frame {
    /// Reserves room for these payloads and their headers, so that adding them cannot fail.
    pub fn reserve<'p>(&mut self, payloads: impl Iterator<Item = &'p Arc<Payload>>) -> Result<()> {
        let (mut bytes, mut inserts) = (0, 0);
        for payload in payloads {
            bytes += AROUND;
            if payload.len() < COPY_BELOW { bytes += payload.len() } else { inserts += 1 }
        }
        allocate::reserve(&mut self.bytes, bytes)?;
        allocate::reserve(&mut self.inserts, inserts)
    }

    /// Adds a payload after the bytes written so far.
    pub fn insert(&mut self, payload: &Arc<Payload>) {
        if payload.len() < COPY_BELOW {
            payload.slices().for_each(|slice| self.bytes.extend_from_slice(slice));
        } else {
            self.inserts.push((self.bytes.len(), payload.clone()));
        }
    }

    pub fn inserted_len(&self) -> usize {
        self.inserts.iter().map(|(_, payload)| payload.len()).sum()
    }

    pub fn len(&self) -> usize {
        self.bytes.len() + self.inserted_len()
    }

    /// All bytes, in order.
    pub fn slices(&self) -> impl Iterator<Item = &[u8]> {
        let ends = self.inserts.iter().map(|(at, _)| *at).chain([self.bytes.len()]);
        let starts = std::iter::once(0).chain(self.inserts.iter().map(|(at, _)| *at));
        let framing = starts.zip(ends).map(|(start, end)| &self.bytes[start..end]);
        let mut payloads = self.inserts.iter().map(|(_, payload)| payload);
        framing
            .flat_map(move |bytes| {
                std::iter::once(bytes).chain(payloads.next().into_iter().flat_map(|payload| payload.slices()))
            })
            .filter(|slice| !slice.is_empty())
    }

    /// Empties the frame. Releases its payloads, but keeps its buffers.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.inserts.clear();
    }
}
