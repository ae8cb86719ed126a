//! Preparation: the work on a batch between its slot and its first request. Today that is compression.
//!
//! A large batch is prepared on a helper thread ([`Output::Prepare`], then `Input::Prepared`). The batch itself stays in
//! its partition's queue; the helper only has a share of its payload, which is immutable. So a deadline, a purge, an abort,
//! a close or a topic that is created again takes effect on the batch at once, and a result that comes later is dropped.
//! The helper's share keeps the memory charged until then.

use super::index::PartitionIndex;
use super::retry::order_of;
use super::{Level, Output, Partition, Sender};
use crate::allocate;
use crate::batch::{Batch, Payload};
use crate::compress::{Codec, Compressor};
use crate::error::{Error, ErrorKind, Result};
use crate::planted::{Fault, planted};
use crate::sync::Arc;
use crate::text::partition_name;

/// The preparation of one batch. Any thread may carry it out.
pub struct Preparation {
    partition: PartitionIndex,
    /// The batch's place in the order of its partition, by which it is found again.
    order: (u64, u32),
    codec: Codec,
    level: i32,
    payload: Arc<Payload>,
}

/// The result of a preparation.
pub enum Prepared {
    Compressed(Arc<Payload>),
    /// Compression would not make it smaller.
    Unchanged,
    /// The batch is sent uncompressed.
    Failed(Error),
    /// A defect: the batch fails.
    Panicked,
}

impl Preparation {
    /// Does the work. Thread: any. After a panic, `compressors` must not be used again.
    pub fn carry_out(&self, compressors: &mut Compressors) -> Prepared {
        let compressed = allocate::expect(allocate::SMALL)
            .and_then(|()| compressors.compress(self.codec, self.level, &self.payload));
        match compressed {
            Ok(Some(payload)) => Prepared::Compressed(payload),
            Ok(None) => Prepared::Unchanged,
            Err(error) => Prepared::Failed(error),
        }
    }
}

/// A compressor for each codec and level in use by one thread. Topics with the same codec and level share it.
///
/// Each is made when it is first needed, because a compressor may hold megabytes.
#[derive(Default)]
pub struct Compressors {
    made: Vec<Made>,
    /// The last result. Kept for its buffer.
    out: Vec<u8>,
}

struct Made {
    codec: Codec,
    level: i32,
    compressor: Compressor,
}

impl Compressors {
    /// Makes the compressor, unless it is there. Fails if the codec has no such level.
    pub fn make(&mut self, codec: Codec, level: i32) -> Result<()> {
        self.index_of(codec, level).map(|_| ())
    }

    fn index_of(&mut self, codec: Codec, level: i32) -> Result<usize> {
        if let Some(at) = self.made.iter().position(|made| (made.codec, made.level) == (codec, level)) {
            return Ok(at);
        }
        self.made.push(Made { codec, level, compressor: Compressor::new(codec, level)? });
        Ok(self.made.len() - 1)
    }

    /// The compressed form of a payload, if it is smaller.
    fn compress(&mut self, codec: Codec, level: i32, payload: &Payload) -> Result<Option<Arc<Payload>>> {
        let at = self.index_of(codec, level)?;
        self.out.clear();
        self.made[at].compressor.compress(payload.slices(), &mut self.out)?;
        if self.out.len() >= payload.len() {
            return Ok(None);
        }
        payload.replacement(&self.out).map(Some)
    }
}

/// The size in bytes from which a batch is prepared on a helper thread. Compressing so much takes 50 microseconds or more,
/// several times as long as waking the helper and being woken by it (`benches/RESULTS.md`).
fn worth_a_helper(codec: Codec) -> usize {
    match codec {
        Codec::None => usize::MAX,
        Codec::Gzip => 4 * 1024,
        Codec::Zstd => 16 * 1024,
        Codec::Snappy | Codec::Lz4 => 32 * 1024,
    }
}

impl Sender {
    /// Compresses a batch with its topic's codec, now or on a helper thread. The caller has the batch in its partition's
    /// queue, or puts it there next.
    pub(super) fn prepare(&mut self, index: PartitionIndex, batch: &mut Batch) {
        let settings = &self.partition(index).slot.settings;
        let (codec, level) = (settings.codec, settings.compression_level);
        if codec == Codec::None {
            return;
        }
        let payload = batch.payload().clone();
        let preparation = Preparation { partition: index, order: order_of(batch), codec, level, payload };
        let least = self.settings.smallest_for_helpers.unwrap_or_else(|| worth_a_helper(codec));
        if self.settings.helpers > 0 && batch.bytes() >= least {
            batch.sealed.preparing = true;
            return self.output(Output::Prepare(preparation));
        }
        let prepared = preparation.carry_out(&mut self.compressors);
        // Two shares would keep the replaced payload in memory.
        drop(preparation);
        self.take_payload(batch, prepared, codec);
    }

    fn take_payload(&mut self, batch: &mut Batch, prepared: Prepared, codec: Codec) {
        match prepared {
            Prepared::Compressed(payload) => batch.replace_payload(payload, codec.attribute_bits()),
            Prepared::Failed(error) => {
                let partition = partition_name(&batch.topic, batch.partition).to_string();
                self.log(Level::Warning, || format!("{error}; a batch of {partition} is sent plain"));
            }
            Prepared::Unchanged | Prepared::Panicked => {}
        }
    }

    /// Takes a helper's result. The batch may have been decided in the meantime.
    pub(super) fn prepared(&mut self, preparation: Preparation, prepared: Prepared) {
        let Preparation { partition: index, order, codec, payload, .. } = preparation;
        drop(payload);
        let queue = &mut self.partition(index).queue;
        let is_meant = |batch: &Batch| batch.sealed.preparing && order_of(batch) == order;
        let Some(mut batch) = queue.iter().position(|batch| is_meant(batch)).and_then(|at| queue.remove(at)) else {
            return;
        };
        batch.sealed.preparing = false;
        if let Prepared::Panicked = prepared {
            let partition = partition_name(&batch.topic, batch.partition);
            let message =
                format!("a defect in Ottla: a helper thread panicked while it compressed a batch of {partition}");
            self.give_up(index, batch, Error::new(ErrorKind::Internal, message));
        } else {
            self.take_payload(&mut batch, prepared, codec);
            self.requeue(index, batch);
        }
        self.reconsider(index);
    }

    /// Removes the batch that a partition sends next from its queue. Returns none while that batch is being prepared, because
    /// later ones must not overtake it.
    pub(super) fn take_queued(&mut self, index: PartitionIndex) -> Option<Box<Batch>> {
        let queue = &mut self.partition(index).queue;
        let at = if planted(Fault::PreparedOvertaken) {
            queue.iter().position(|batch| !batch.sealed.preparing)?
        } else {
            0
        };
        queue.get(at).filter(|batch| !batch.sealed.preparing)?;
        queue.remove(at)
    }

    /// While the first batch of a partition is being prepared, gives full batches behind it to the other helpers, up to one
    /// for each helper. The open batch stays in its slot, where it can still grow.
    pub(super) fn prepare_more(&mut self, index: PartitionIndex) {
        let helpers = self.settings.helpers;
        loop {
            let Partition { queue, slot, .. } = self.partition(index);
            let waits = queue.front().is_some_and(|batch| batch.sealed.preparing);
            if !waits || queue.len() >= helpers || !slot.has_full() {
                return;
            }
            let Some(batch) = slot.take().0 else { return };
            let batch = self.stage(index, batch);
            self.partition(index).queue.push_back(batch);
        }
    }
}
