//! Moves records from one batch to others: parts of a batch that the broker found too large, and records of a topic's
//! queue when the topic's partitions are known.

use super::entries::Completion;
use super::memory::{Charge, Room};
use super::{Batch, Sealed};
use crate::error::{Error, Result};
use crate::loan::Lent;
use crate::planted::{Fault, planted};
use crate::record::Record;

/// A batch whose records could not be read again, unchanged, and the error.
type Broken = (Box<Batch>, Error);

/// The result of `pick_out`.
pub struct PickedOut {
    /// The records that no group names, if there are any.
    pub rest: Option<Box<Batch>>,
    /// A batch for each group.
    pub groups: Vec<Box<Batch>>,
}

impl Batch {
    /// Calls `each` with every record of an uncompressed batch: the record, its timestamp and its completion. The
    /// record's partition is the one that it asked for.
    pub fn for_each_record(&self, mut each: impl FnMut(&Record<'_>, i64, Completion) -> Result<()>) -> Result<()> {
        let mut headers = Vec::new();
        let mut encoded = self.encoded_records();
        let mut lent_values = self.entries.lent().iter().peekable();
        for (entry, index) in self.entries.iter().zip(0u32..) {
            let lent_value = lent_values.next_if(|(at, _)| *at == index).map(|(_, value)| Lent::Ended(*value));
            let Some(record) = encoded.next() else { return Ok(()) };
            let (record, loan) = record?;
            headers.clear();
            headers.extend(record.headers.clone());
            let wanted = self.wanted.get(index as usize).copied().unwrap_or(-1);
            let lent = loan.map(Lent::Held).or(lent_value);
            let record = Record {
                partition: (wanted >= 0).then_some(wanted),
                timestamp: Some(self.base_timestamp.wrapping_add(entry.timestamp_delta)),
                key: record.key,
                value: record.value,
                headers: &headers,
                timeout: self.custom_timeout,
                lent: lent.as_ref(),
            };
            each(&record, record.timestamp.unwrap_or_default(), self.entries.completion(index, entry))?;
        }
        Ok(())
    }

    /// Splits a batch into parts of at most `target` encoded bytes, but at least one record each. The parts keep its
    /// creation time and deadline, and share its sequence numbers, if it has any. Its payload must be uncompressed.
    pub fn split(self: Box<Self>, target: usize) -> Result<Vec<Box<Batch>>, Broken> {
        let mut parts: Vec<Box<Batch>> = Vec::new();
        let copied = self.for_each_record(|record, timestamp, completion| {
            let fits = parts.last().is_some_and(|part| part.bytes() + part.record_len(record, timestamp) <= target);
            if !fits {
                parts.push(self.part());
            }
            let part = parts.last_mut().expect("pushed above");
            part.append(record, timestamp, &completion, Charge::Force, &mut Room::default())
                .map_err(|refused| self.out_of_memory(refused, "split a batch"))
        });
        if let Err(error) = copied {
            parts.into_iter().for_each(Batch::dissolve);
            return Err((self, error));
        }
        let mut before = Sealed { attributes: 0, ..self.sealed };
        for part in &mut parts {
            part.seal();
            part.sealed = before;
            before.first_record += part.count();
            let numbered_alike = planted(Fault::PartsNumberedAlike);
            if !numbered_alike {
                before.base_sequence = before.base_sequence.map(|base| base.after(part.count()));
            }
        }
        if !planted(Fault::WholeAlsoTold) {
            self.dissolve();
        }
        Ok(parts)
    }

    /// Takes groups of records, given by ascending indices, out of a batch. The rest begins at the batch's sequence
    /// number; the groups have none. The batch's payload must be uncompressed.
    pub fn pick_out(self: Box<Self>, groups: &[Vec<u32>]) -> Result<PickedOut, Broken> {
        let mut rest = self.part();
        let mut picked: Vec<Box<Batch>> = groups.iter().map(|_| self.part()).collect();
        let mut next = groups.iter().zip(0..).flat_map(|(group, to)| group.iter().map(move |&at| (at, to))).peekable();
        let mut index = 0;
        let copied = self.for_each_record(|record, timestamp, completion| {
            let to = next.next_if(|(at, _): &(u32, usize)| *at == index).map(|(_, to)| to);
            index += 1;
            let part = to.map_or(&mut rest, |to| &mut picked[to]);
            part.append(record, timestamp, &completion, Charge::Force, &mut Room::default())
                .map_err(|refused| self.out_of_memory(refused, "send the rest of a batch"))
        });
        if let Err(error) = copied {
            picked.into_iter().chain([rest]).for_each(Batch::dissolve);
            return Err((self, error));
        }
        let sealed = Sealed { attributes: 0, ..self.sealed };
        rest.sealed = sealed;
        for batch in &mut picked {
            batch.seal();
            batch.sealed = Sealed { base_sequence: None, ..sealed };
        }
        self.dissolve();
        if rest.count() == 0 {
            rest.dissolve();
            return Ok(PickedOut { rest: None, groups: picked });
        }
        rest.seal();
        Ok(PickedOut { rest: Some(rest), groups: picked })
    }

    /// Drops the entries of the first records, which were moved to other batches. Allocates nothing.
    pub fn drop_moved(&mut self, moved: u32) {
        self.moved = moved;
        self.entries.drop_first(moved);
    }

    /// An empty batch for some of its records, with its creation time and deadline.
    fn part(&self) -> Box<Batch> {
        let mut part = Batch::new(&self.memory, &self.topic, self.partition, self.created, 0);
        part.deadline = self.deadline;
        part.custom_timeout = self.custom_timeout;
        part
    }
}
