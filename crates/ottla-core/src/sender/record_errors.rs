//! A broker that refuses a batch because of some of its records names them (KIP-467). They fail alone, and the rest is
//! sent again.

use super::Sender;
use super::index::PartitionIndex;
use crate::batch::{Batch, PickedOut};
use crate::error::Error;
use crate::protocol::produce::PartitionResponse;
use crate::text::{counted, partition_name};

/// The records that a response names, grouped: neighbours with the same message fail together.
#[derive(Default)]
struct Blamed {
    /// Indices in the batch, ascending.
    groups: Vec<Vec<u32>>,
    /// The message of each group.
    messages: Vec<String>,
}

impl Blamed {
    /// Ignores indices that the batch does not have.
    fn read(batch: &Batch, answer: &PartitionResponse<'_>) -> Blamed {
        let in_batch = |index: i32| u32::try_from(index).ok().filter(|&index| index < batch.count());
        let mut named: Vec<(u32, &str)> = answer
            .record_errors
            .clone()
            .filter_map(|error| {
                let message = error.message.or(answer.error_message).unwrap_or("the broker gave no reason");
                Some((in_batch(error.batch_index)?, message))
            })
            .collect();
        named.sort_by_key(|(index, _)| *index);
        named.dedup_by_key(|(index, _)| *index);
        let mut blamed = Blamed::default();
        for group in named.chunk_by(|(_, before), (_, message)| before == message) {
            blamed.groups.push(group.iter().map(|(index, _)| *index).collect());
            blamed.messages.push(group[0].1.to_owned());
        }
        blamed
    }
}

impl Sender {
    /// Fails the records that the response names, each with its message, and sends the others again as one batch. The
    /// broker appended nothing of this attempt, and the caller knows that it appended nothing of an earlier one.
    ///
    /// The rest begins at the sequence number of the whole batch. The numbers that are now missing after it are given
    /// back if no later batch has numbers; otherwise they are a gap like any other.
    ///
    /// This ends, because every round fails at least one record.
    pub(super) fn fail_named(
        &mut self,
        index: PartitionIndex,
        mut batch: Box<Batch>,
        answer: &PartitionResponse<'_>,
        error: &Error,
    ) {
        let blamed = Blamed::read(&batch, answer);
        if blamed.groups.is_empty() {
            return self.give_up(index, batch, error.clone());
        }
        if let Err(defect) = Self::restore_plain(&mut batch) {
            return self.give_up(index, batch, defect);
        }
        let serial = batch.sealed.serial;
        let (base, records) = (batch.sealed.base_sequence, batch.count());
        let PickedOut { rest, groups } = match batch.pick_out(&blamed.groups) {
            Ok(picked) => picked,
            Err((batch, defect)) => return self.give_up(index, batch, defect),
        };
        self.outstanding.split(serial, groups.len() as u32 + u32::from(rest.is_some()));
        let kept = rest.as_ref().map_or(0, |rest| rest.count());
        let partition = self.partition(index);
        if let Some(base) = base.filter(|_| !partition.has_numbered()) {
            partition.sequence.shorten(base, records, kept);
        }
        if let Some(mut rest) = rest {
            self.log(super::Level::Info, || {
                let failed: usize = blamed.groups.iter().map(Vec::len).sum();
                format!(
                    "{error}; given up: {}; sent again: {}",
                    counted(failed, "record"),
                    counted(rest.count(), "record")
                )
            });
            self.prepare(index, &mut rest);
            self.requeue(index, rest);
        }
        for (group, message) in groups.into_iter().zip(&blamed.messages) {
            let error = refused(&group, error, message);
            self.fail(group, error);
        }
    }
}

fn refused(batch: &Batch, error: &Error, message: &str) -> Error {
    let (partition, kind) = (partition_name(&batch.topic, batch.partition), error.kind());
    error.with_message(format!("the leader of {partition} refused the record with {kind}: {message}"))
}
