//! Lent values in a batch. The chunks hold the bytes before and after them.

use super::chunk::ChunkIter;
use super::open::body_len;
use super::{Batch, Charge, Chunk, Completion, NoRoom, Room};
use crate::loan::{Lent, Loan};
use crate::protocol::record_batch;
use crate::record::Record;
use crate::sync::Arc;

/// Shorter values are copied although they are lent: one more `iovec` costs the kernel more than the copy.
const COPY_BELOW: usize = 1024;

/// A lent value and its position.
pub struct Splice {
    /// How many bytes of the chunks come before it.
    pub at: usize,
    /// The index of its record.
    pub record: u32,
    pub loan: Arc<Loan>,
}

/// The bytes of a batch, in order.
#[derive(Clone)]
pub struct Slices<'a> {
    chunks: ChunkIter<'a>,
    splices: &'a [Splice],
    /// The rest of a chunk that a lent value divides.
    rest: &'a [u8],
    /// How many bytes of the chunks were returned so far.
    given: usize,
}

impl<'a> Slices<'a> {
    pub(super) fn new(chunks: ChunkIter<'a>, splices: &'a [Splice]) -> Self {
        Slices { chunks, splices, rest: &[], given: 0 }
    }
}

impl<'a> Iterator for Slices<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let Some((next, later)) = self.splices.split_first() else {
            let rest = std::mem::take(&mut self.rest);
            return if rest.is_empty() { self.chunks.next().map(Chunk::filled) } else { Some(rest) };
        };
        if next.at == self.given {
            self.splices = later;
            return Some(next.loan.value());
        }
        if self.rest.is_empty() {
            self.rest = self.chunks.next()?.filled();
        }
        let (before, rest) = self.rest.split_at(self.rest.len().min(next.at - self.given));
        self.rest = rest;
        self.given += before.len();
        Some(before)
    }
}

impl Batch {
    /// `append` for a record whose value is lent.
    #[cold]
    pub(super) fn append_lent(
        &mut self,
        lent: &Lent<'_>,
        record: &Record<'_>,
        timestamp: i64,
        completion: &Completion,
        charge: Charge,
        room: &mut Room,
    ) -> Result<(), NoRoom> {
        self.memory.expect_small_allocations();
        match lent {
            Lent::Offered(offer) => {
                let long = record.value.filter(|value| value.len() >= COPY_BELOW);
                if let Some(lending) = long.and_then(|value| offer.take_for(value)) {
                    match self.append_around_offered(record, timestamp, completion, charge, room) {
                        Ok(at) => self.splice(at, lending.lend(self.memory.loans())),
                        Err(refused) => {
                            offer.put_back(lending);
                            return Err(refused);
                        }
                    }
                } else {
                    self.append_copied(record, timestamp, completion, charge, room)?;
                    // The sender gives it back when it comes for the record. Here a lock is held, so the application's
                    // function must not be called.
                    self.memory.loans().add_copied(offer);
                }
            }
            Lent::Held(loan) => {
                let at = self.append_around(record, timestamp, completion, charge, room)?;
                self.splice(at, Arc::clone(loan));
            }
            Lent::Ended(_) => self.append_copied(record, timestamp, completion, charge, room)?,
        }
        self.entries.note_lent(lent.known_as(record.value));
        Ok(())
    }

    /// `append_around` for a value that is not charged yet.
    fn append_around_offered(
        &mut self,
        record: &Record<'_>,
        timestamp: i64,
        completion: &Completion,
        charge: Charge,
        room: &mut Room,
    ) -> Result<usize, NoRoom> {
        let len = record.value.map_or(0, <[u8]>::len);
        self.memory.charge(len, charge, room)?;
        self.append_around(record, timestamp, completion, charge, room)
            .inspect_err(|_| self.memory.budget().release(len))
    }

    /// Encodes a record without its value. Returns the position of the value.
    fn append_around(
        &mut self,
        record: &Record<'_>,
        timestamp: i64,
        completion: &Completion,
        charge: Charge,
        room: &mut Room,
    ) -> Result<usize, NoRoom> {
        let count = self.count();
        let delta = if count == 0 { 0 } else { timestamp.wrapping_sub(self.base_timestamp) };
        let body = body_len(record, delta, count);
        let len = record_batch::record_len_with_prefix(body);
        let value_len = record.value.map_or(0, <[u8]>::len);
        let before = self.bytes - self.lent_bytes;
        let out = self.reserve(len - value_len, completion, charge, room)?;
        let start = record_batch::write_record_start(out, body, delta, count as i32, record.key, Some(value_len));
        record_batch::write_record_end(&mut out[start..], record.headers);
        self.finish(len, timestamp, delta, completion);
        self.lent_bytes += value_len;
        Ok(before + start)
    }

    /// Adds the value of the last record at this position.
    fn splice(&mut self, at: usize, loan: Arc<Loan>) {
        let record = self.count() - 1;
        self.splices.push(Splice { at, record, loan });
    }
}
