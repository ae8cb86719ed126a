//! The sequence numbers of one partition (KIP-98), and how a sequence that broke begins again (KIP-360).

use std::time::Duration;

use crate::batch::{BaseSequence, ProducerEpoch};
use crate::planted::{Fault, planted};
use crate::sync::Time;

/// Which numbers the batches of a partition get, and whether the next one may be sent.
///
/// A leader appends an idempotent producer's batches in the order of their numbers, and no number twice. That holds
/// if the producer never gives a number that may be in the log to another batch, and never sends what may be in the log
/// under another number. In the life of a batch:
///
/// 1. [`follow`](Self::follow) says under which producer id and epoch numbers are given.
/// 2. [`number`](Self::number) gives the batch its numbers when it is first put on a request. It keeps them over every
///    retry in this epoch. What fails before that leaves no gap.
/// 3. [`must_be_answered_first`](Self::must_be_answered_first) and [`is_broken`](Self::is_broken) are asked before each
///    request, and [`carried`](Self::carried) is called for each.
/// 4. [`accepted`](Self::accepted): the leader has it. [`refused`](Self::refused): the leader misses what comes before,
///    and the return value says what to do. [`give_back`](Self::give_back): the batch fails, and is neither in flight nor
///    queued. [`connection_lost`](Self::connection_lost): its answer will not come.
/// 5. After [`mark_broken`](Self::mark_broken) nothing is sent. Once nothing is in flight, the caller calls
///    [`raise_epoch`](Self::raise_epoch) and takes the numbers of all queued batches away. They are numbered from 0 as they
///    are sent. This is the only way in which a batch gets other numbers.
///
/// Without idempotence `follow` is not called, so no number is given and nothing is ever broken. What follows a retry waits
/// all the same.
pub struct Sequence {
    /// `None` until the first number, and once the epochs of a producer id are used up.
    producer: Option<ProducerEpoch>,
    next: i32,
    /// The leader appended a batch of this sequence. A broker that does not know the producer takes whatever comes first, so
    /// until then a second batch in flight could overtake a first one that is refused.
    established: bool,
    /// Nothing is sent until the epoch is raised.
    broken: bool,
    late: Late,
    /// Nothing may follow what is in flight.
    must_be_answered_first: bool,
}

/// A leader's answer that a batch does not follow what it has.
#[derive(Clone, Copy, Debug)]
pub struct Refusal {
    /// A batch with lower numbers is still to be sent again.
    pub earlier_to_come: bool,
    /// The gap ends with the transaction.
    pub transactional: bool,
    /// The answer proves that something before it is missing. INVALID_PRODUCER_EPOCH does not.
    pub proves_gap: bool,
}

/// What to do about a [`Refusal`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repair {
    /// Queue the batch behind the one that the leader misses.
    WaitForEarlier,
    /// Requests of a lost connection may still be executed. Send the batch again at this time.
    WaitForLate(Time),
    /// Fail the batch.
    Fail,
    /// The sequence has to begin again. `waited`: it waited for late requests before.
    RaiseEpoch { waited: bool },
}

impl Repair {
    /// Whether the attempt was spent on waiting for late requests. It does not count as one of `retries`.
    pub fn spent_on_late_requests(self) -> bool {
        matches!(self, Repair::WaitForLate(_) | Repair::RaiseEpoch { waited: true })
    }
}

/// Whether a broker may still execute requests from a lost connection, even after later ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Late {
    No,
    Perhaps,
    /// A later request was executed at this time.
    Overtaken(Time),
}

/// So long after a later request was executed an earlier one is executed too. A broker that stood still finds both when it
/// goes on: it executes in one go what it has read, and the requests of one connection one after the other.
const LATE_AT_MOST: Duration = Duration::from_secs(1);

impl Late {
    /// A request that was sent later has been executed.
    fn overtaken(self, now: Time) -> Late {
        match self {
            Late::Perhaps => Late::Overtaken(now),
            Late::Overtaken(since) if now >= since.after(LATE_AT_MOST) => Late::No,
            unchanged => unchanged,
        }
    }
}

impl Sequence {
    pub fn new() -> Self {
        Sequence {
            producer: None,
            next: 0,
            established: false,
            broken: false,
            late: Late::No,
            must_be_answered_first: false,
        }
    }

    pub fn producer(&self) -> Option<ProducerEpoch> {
        self.producer
    }

    /// Gives numbers under this producer id and epoch from now on. If they differ from those before, the leader expects 0.
    /// The very first number is `first`.
    pub fn follow(&mut self, producer: ProducerEpoch, first: i32) {
        if self.producer != Some(producer) {
            self.next = if self.producer.is_none() { first } else { 0 };
            self.producer = Some(producer);
        }
    }

    /// Gives the next numbers to a batch of so many records.
    pub fn number(&mut self, records: u32) -> Option<BaseSequence> {
        let base = BaseSequence { producer: self.producer?, number: self.next };
        self.next = base.after(records).number;
        Some(base)
    }

    /// A batch was put on a request. `transactional`: a gap does no harm, since it ends in an abort.
    pub fn carried(&mut self, is_retry: bool, transactional: bool) {
        let is_first = self.producer.is_some() && !self.established && !transactional;
        self.must_be_answered_first = is_retry || is_first;
        if planted(Fault::FirstNotAlone) {
            self.must_be_answered_first = is_retry;
        }
        if planted(Fault::RetryNotAlone) {
            self.must_be_answered_first = is_first;
        }
    }

    /// Nothing may follow the batch that was carried last, until it is answered. If others followed a retry, the broker
    /// could forget it, since it remembers five batches, and take its next attempt for a gap.
    pub fn must_be_answered_first(&self) -> bool {
        self.must_be_answered_first
    }

    /// The leader appended a batch.
    pub fn accepted(&mut self, base: Option<BaseSequence>, now: Time) {
        self.late = self.late.overtaken(now);
        self.established |= base.is_some_and(|base| Some(base.producer) == self.producer);
    }

    /// The leader misses what comes before a batch.
    ///
    /// The batch itself is not in the log: the leader remembers the last five batches of a producer, at most five are in
    /// flight, and it would have recognised this one. But what it misses, and the batch, may be in requests of a lost
    /// connection that it has read and not executed. If those are executed before it sees the higher epoch, the batch is
    /// written twice. In the order of their numbers nothing is. So first those requests get their time.
    pub fn refused(&mut self, refusal: Refusal, now: Time) -> Repair {
        if refusal.earlier_to_come {
            return Repair::WaitForEarlier;
        }
        if refusal.transactional {
            return Repair::Fail;
        }
        if !refusal.proves_gap {
            return Repair::RaiseEpoch { waited: false };
        }
        let before = self.late;
        self.late = before.overtaken(now);
        match self.late {
            Late::Overtaken(since) => Repair::WaitForLate(since.after(LATE_AT_MOST)),
            Late::No | Late::Perhaps => Repair::RaiseEpoch { waited: before != self.late },
        }
    }

    /// A connection was lost that had taken some byte of a request with a batch of the partition.
    pub fn connection_lost(&mut self) {
        self.late = Late::Perhaps;
    }

    /// These are the last numbers that were given.
    fn ends_with(&self, base: BaseSequence, records: u32) -> bool {
        self.producer == Some(base.producer) && self.next == base.after(records).number
    }

    /// A batch fails. If it has the last numbers, and is certainly not in the log, they go to the next batch: no gap.
    ///
    /// A batch that may be in the log keeps its numbers. If it is there, and the next batch had the same numbers and as
    /// many records, the leader would take that for a repetition: it would be reported written and be lost.
    pub fn give_back(&mut self, base: BaseSequence, records: u32, in_doubt: bool) {
        let taken_over = planted(Fault::SequenceTakenOver);
        if !in_doubt || taken_over {
            self.shorten(base, records, 0);
        }
    }

    /// Of a batch that is not in the log the first `kept` records stay. The numbers behind them go to the next batch, if
    /// they are the last.
    pub fn shorten(&mut self, base: BaseSequence, records: u32, kept: u32) {
        if self.ends_with(base, records) {
            self.next = base.after(kept).number;
        }
    }

    /// The epoch has to be raised: nothing will fill a gap, the leader refuses the epoch, or the topic was created again.
    pub fn mark_broken(&mut self) {
        self.broken = true;
    }

    /// [`raise_epoch`](Self::raise_epoch) is due, as soon as nothing is in flight.
    pub fn is_broken(&self) -> bool {
        self.broken
    }

    /// Begins at 0 with a higher epoch, so that what is on its way under the old one is no longer appended. Nothing is in
    /// flight, and nothing that is queued is in the log.
    ///
    /// Returns the producer id if this used up its epochs. Then the sequence needs another one to [`follow`](Self::follow).
    pub fn raise_epoch(&mut self) -> Option<i64> {
        let before = self.producer.take();
        *self = Sequence::new();
        let ProducerEpoch { id, epoch } = before?;
        let Some(next) = epoch.checked_add(1) else { return Some(id) };
        let epoch = if planted(Fault::EpochKept) { epoch } else { next };
        self.producer = Some(ProducerEpoch { id, epoch });
        None
    }
}

/// What tests need to begin where a long life would have led.
impl Sequence {
    pub fn set_next(&mut self, next: i32) {
        self.next = next;
    }

    pub fn set_epoch(&mut self, epoch: i16) {
        if let Some(producer) = &mut self.producer {
            producer.epoch = epoch;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: i64 = 7;

    fn epoch(epoch: i16) -> ProducerEpoch {
        ProducerEpoch { id: ID, epoch }
    }

    /// A sequence under epoch 3 whose next number is 0.
    fn begun() -> Sequence {
        let mut sequence = Sequence::new();
        sequence.follow(epoch(3), 0);
        sequence
    }

    fn number(sequence: &mut Sequence, records: u32) -> BaseSequence {
        sequence.number(records).expect("it follows a producer id")
    }

    /// A gap in the log, without transactions, that nothing queued will fill.
    const GAP: Refusal = Refusal { earlier_to_come: false, transactional: false, proves_gap: true };

    #[test]
    fn kip_98_without_a_producer_id_there_are_no_numbers() {
        assert_eq!(Sequence::new().number(1), None);
    }

    #[test]
    fn kip_98_numbers_begin_at_0_and_grow_by_the_number_of_records() {
        let mut sequence = begun();
        let bases: Vec<i32> = [2, 1, 5, 1].map(|records| number(&mut sequence, records).number).into();
        assert_eq!(bases, [0, 2, 3, 8]);
    }

    #[test]
    fn kip_98_after_the_last_number_comes_0() {
        let mut sequence = Sequence::new();
        sequence.follow(epoch(3), i32::MAX - 1);
        assert_eq!(number(&mut sequence, 5).number, i32::MAX - 1);
        assert_eq!(number(&mut sequence, 1).number, 3, "it wraps within the batch");
        sequence.set_next(i32::MAX);
        number(&mut sequence, 1);
        assert_eq!(number(&mut sequence, 1).number, 0);
    }

    #[test]
    fn kip_98_another_epoch_of_the_transaction_begins_at_0() {
        let mut sequence = Sequence::new();
        sequence.follow(epoch(3), 40);
        number(&mut sequence, 2);
        sequence.follow(epoch(3), 40);
        assert_eq!(number(&mut sequence, 1).number, 42, "the same epoch goes on");
        sequence.follow(epoch(4), 40);
        assert_eq!(number(&mut sequence, 1), BaseSequence { producer: epoch(4), number: 0 });
    }

    #[test]
    fn kip_98_the_first_batch_goes_alone_until_the_leader_has_it() {
        let mut sequence = begun();
        let first = number(&mut sequence, 1);
        sequence.carried(false, false);
        assert!(sequence.must_be_answered_first());
        sequence.accepted(Some(first), Time(1));
        number(&mut sequence, 1);
        sequence.carried(false, false);
        assert!(!sequence.must_be_answered_first());
    }

    #[test]
    fn kip_98_in_a_transaction_the_first_batch_need_not_go_alone() {
        let mut sequence = begun();
        number(&mut sequence, 1);
        sequence.carried(false, true);
        assert!(!sequence.must_be_answered_first());
    }

    #[test]
    fn kip_98_a_retry_goes_alone() {
        for transactional in [false, true] {
            let mut sequence = begun();
            let first = number(&mut sequence, 1);
            sequence.accepted(Some(first), Time(1));
            sequence.carried(true, transactional);
            assert!(sequence.must_be_answered_first());
        }
    }

    #[test]
    fn kip_98_the_last_numbers_of_a_batch_that_is_not_in_the_log_go_to_the_next() {
        let mut sequence = begun();
        number(&mut sequence, 3);
        let failed = number(&mut sequence, 2);
        sequence.give_back(failed, 2, false);
        assert_eq!(number(&mut sequence, 1), failed);
    }

    #[test]
    fn kip_98_numbers_with_others_behind_them_do_not_go_back() {
        let mut sequence = begun();
        let failed = number(&mut sequence, 3);
        let behind = number(&mut sequence, 2);
        sequence.give_back(failed, 3, false);
        assert_eq!(number(&mut sequence, 1).number, 5);
        sequence.set_next(5);
        sequence.give_back(behind, 2, false);
        sequence.give_back(failed, 3, false);
        assert_eq!(number(&mut sequence, 1).number, 0, "from the last one on they all do");
    }

    /// The leader would take the next batch, which has as many records, for the one that it has.
    #[test]
    fn kip_98_a_batch_that_may_be_in_the_log_does_not_leave_its_numbers_to_the_next() {
        let mut sequence = begun();
        let first = number(&mut sequence, 1);
        sequence.accepted(Some(first), Time(1));
        let expired = number(&mut sequence, 2);
        sequence.connection_lost();
        sequence.give_back(expired, 2, true);
        assert_eq!(number(&mut sequence, 2).number, 3);
    }

    #[test]
    fn kip_98_numbers_of_an_earlier_epoch_do_not_go_back() {
        let mut sequence = begun();
        let failed = number(&mut sequence, 1);
        sequence.mark_broken();
        sequence.raise_epoch();
        number(&mut sequence, 1);
        sequence.give_back(failed, 1, false);
        assert_eq!(number(&mut sequence, 1).number, 1);
    }

    #[test]
    fn kip_467_the_numbers_of_records_that_were_refused_go_to_the_next() {
        let mut sequence = begun();
        let base = number(&mut sequence, 5);
        sequence.shorten(base, 5, 3);
        assert_eq!(number(&mut sequence, 1).number, 3);
    }

    #[test]
    fn kip_360_a_batch_waits_for_an_earlier_one_that_the_leader_misses() {
        let mut sequence = begun();
        for transactional in [false, true] {
            let refusal = Refusal { earlier_to_come: true, transactional, ..GAP };
            assert_eq!(sequence.refused(refusal, Time(1)), Repair::WaitForEarlier);
        }
    }

    #[test]
    fn kip_360_a_gap_in_a_transaction_fails_it() {
        assert_eq!(begun().refused(Refusal { transactional: true, ..GAP }, Time(1)), Repair::Fail);
    }

    #[test]
    fn kip_360_a_gap_raises_the_epoch_and_begins_at_0() {
        let mut sequence = begun();
        let first = number(&mut sequence, 4);
        sequence.accepted(Some(first), Time(1));
        number(&mut sequence, 1);
        assert_eq!(sequence.refused(GAP, Time(2)), Repair::RaiseEpoch { waited: false });
        assert!(!sequence.is_broken(), "that is for the caller to decide");
        sequence.mark_broken();
        assert!(sequence.is_broken());
        assert_eq!(sequence.raise_epoch(), None);
        assert!(!sequence.is_broken());
        assert_eq!(number(&mut sequence, 1), BaseSequence { producer: epoch(4), number: 0 });
        sequence.carried(false, false);
        assert!(sequence.must_be_answered_first(), "the leader has nothing of this epoch");
    }

    #[test]
    fn kip_360_an_answer_under_the_old_epoch_establishes_nothing() {
        let mut sequence = begun();
        let old = number(&mut sequence, 1);
        sequence.mark_broken();
        sequence.raise_epoch();
        sequence.accepted(Some(old), Time(1));
        sequence.carried(false, false);
        assert!(sequence.must_be_answered_first());
    }

    #[test]
    fn kip_360_late_requests_get_a_second_before_a_gap_is_believed() {
        let mut sequence = begun();
        let second = Time(1_000_000_000);
        sequence.connection_lost();
        let until = Time(5).after(LATE_AT_MOST);
        let first = sequence.refused(GAP, Time(5));
        assert_eq!((first, first.spent_on_late_requests()), (Repair::WaitForLate(until), true));
        assert_eq!(sequence.refused(GAP, second), Repair::WaitForLate(until), "counted from the first");
        let last = sequence.refused(GAP, until);
        assert_eq!((last, last.spent_on_late_requests()), (Repair::RaiseEpoch { waited: true }, true));
        let another = sequence.refused(GAP, until);
        assert_eq!((another, another.spent_on_late_requests()), (Repair::RaiseEpoch { waited: false }, false));
    }

    #[test]
    fn kip_360_a_success_does_not_prove_that_nothing_is_late() {
        let mut sequence = begun();
        let first = number(&mut sequence, 1);
        sequence.connection_lost();
        sequence.accepted(Some(first), Time(5));
        assert_eq!(sequence.refused(GAP, Time(6)), Repair::WaitForLate(Time(5).after(LATE_AT_MOST)));
    }

    #[test]
    fn kip_360_a_stale_epoch_proves_no_gap_and_waits_for_nothing() {
        let mut sequence = begun();
        sequence.connection_lost();
        let refusal = Refusal { proves_gap: false, ..GAP };
        assert_eq!(sequence.refused(refusal, Time(5)), Repair::RaiseEpoch { waited: false });
    }

    #[test]
    fn kip_360_after_the_last_epoch_comes_another_producer_id() {
        let mut sequence = Sequence::new();
        sequence.follow(epoch(i16::MAX), 0);
        number(&mut sequence, 1);
        sequence.mark_broken();
        assert_eq!(sequence.raise_epoch(), Some(ID));
        assert_eq!((sequence.producer(), sequence.number(1)), (None, None));
        let other = ProducerEpoch { id: 8, epoch: 0 };
        sequence.follow(other, 0);
        assert_eq!(number(&mut sequence, 1), BaseSequence { producer: other, number: 0 });
    }

    #[test]
    fn kip_360_a_sequence_that_never_had_a_producer_id_begins_again_without() {
        let mut sequence = Sequence::new();
        sequence.mark_broken();
        assert_eq!(sequence.raise_epoch(), None);
        assert_eq!((sequence.producer(), sequence.is_broken()), (None, false));
    }
}
