//! A slot: one partition as application threads see it. It has a lock, the open batch, and full batches that the sender
//! has not taken.

mod fast_path;

use std::collections::VecDeque;
use std::time::Duration;

use fast_path::Limits;

use super::{Accumulator, Barred, TopicSettings, Wake};
use crate::batch::{Batch, Charge, Completion, NoRoom, Room};
use crate::record::Record;
use crate::sync::{Arc, AtomicBool, AtomicI32, AtomicU32, Clock, Mutex, Ordering, Time};

/// The partition of a topic's queue, and of its batches. The partition is a plain number in slots and batches, because an
/// `Option` would take twice as much of the cache lines that every record touches.
pub const TOPIC_QUEUE: i32 = -1;

/// What `leader` holds without a leader. An atomic has no room for an `Option`.
const NO_LEADER: i32 = -1;

/// Holds records of one partition until the sender takes them. A topic's queue is a slot too.
//
// The fields that the fast path reads are on the first cache line.
#[repr(C, align(64))]
pub struct Slot {
    state: Mutex<State>,
    pub topic: Arc<str>,
    /// [`TOPIC_QUEUE`], or the partition.
    pub partition: i32,
    /// The number of this slot among all slots of the producer. The sender keeps its state of partitions in an array.
    pub index: u32,
    /// About how many KiB wait here. The adaptive partitioner compares these numbers.
    backlog: AtomicU32,
    /// Whether the partition has a leader that takes records (KIP-794).
    available: AtomicBool,
    /// The id of the partition's leader, or [`NO_LEADER`].
    leader: AtomicI32,
    pub settings: Arc<TopicSettings>,
    /// Encoded bytes at which an open batch is closed although the sender has not taken it. Slots of a topic share it.
    /// It is lowered when the broker answers MESSAGE_TOO_LARGE.
    batch_limit: Arc<AtomicU32>,
}

#[derive(Default)]
#[repr(C)]
struct State {
    open: Option<Box<Batch>>,
    limits: Limits,
    full: VecDeque<Box<Batch>>,
    /// Encoded bytes in `full`.
    full_bytes: usize,
    enrolled: bool,
    announced: Announced,
    /// Keyless bytes since this partition became the topic's sticky one. Up to date after `count_sticky`.
    sticky_bytes: usize,
    /// The size class that the next batch begins with.
    next_size_class: usize,
    /// No batch here with a custom timeout is due before this time; `Time::NEVER` without such batches. Such a deadline
    /// may be earlier than those of the batches in front.
    custom_deadline: Time,
    /// Takes no more records: it is the queue of a topic whose partitions are known now, or a partition that its topic
    /// lost.
    retired: bool,
}

// The lock's own bytes come before the state.
#[cfg(not(ottla_loom))]
const _: () = {
    use std::mem::offset_of;

    use crate::sync::CACHE_LINE;

    let lock = size_of::<Mutex<State>>() - size_of::<State>();
    let used_by_fast_path = offset_of!(Slot, state) + lock + offset_of!(State, full);
    assert!(used_by_fast_path <= CACHE_LINE && align_of::<Slot>() == CACHE_LINE);
};

/// What the sender knows of this slot since it last emptied it.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Announced {
    #[default]
    Nothing,
    /// There is an open batch: start its linger.
    Open,
    /// There is a batch that need not linger.
    Ready,
}

/// A record, and how to append it.
pub struct Append<'a, C: Clock> {
    pub record: &'a Record<'a>,
    pub completion: &'a Completion,
    pub charge: Charge,
    pub clock: &'a C,
    /// The sticky partitioner chose the partition: report when it should choose another.
    pub sticky: bool,
    /// A call waits for this record, so its batch does not linger.
    pub no_linger: bool,
    /// The partition that the record asks for; -1: none. A topic's queue keeps it with the record, as this number.
    pub wanted: i32,
}

/// What follows from a record that was appended.
pub struct Appended {
    /// When the sender should look at the slot.
    pub wake: Wake,
    /// The sticky partitioner has put enough records here.
    pub switch: bool,
}

/// Why a record was not appended. The slot is as it was before.
#[derive(Debug, PartialEq, Eq)]
pub enum Refused {
    Barred(Barred),
    NoRoom(NoRoom),
    /// The sticky partitioner should choose another partition first.
    Switch,
    /// This is the queue of a topic that is known by now, or a partition that its topic has lost: choose from the
    /// topic's present partitions.
    Retired,
}

/// What the sender learns when it looks at a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotStatus {
    /// When the oldest batch here was created.
    pub oldest: Option<Time>,
    /// No batch here is due before this time.
    pub deadline: Time,
    /// When the open batch was created.
    pub open: Option<Time>,
    /// A batch need not linger.
    pub ready: bool,
}

impl State {
    fn retire(&mut self) {
        self.retired = true;
        // The next record asks the gate, and is refused.
        self.enrolled = false;
        self.stop_fast_path();
    }
}

impl Slot {
    pub fn new(
        topic: Arc<str>,
        partition: i32,
        index: u32,
        settings: Arc<TopicSettings>,
        batch_limit: Arc<AtomicU32>,
    ) -> Arc<Self> {
        Arc::new(Slot {
            topic,
            partition,
            index,
            state: Mutex::new(State { custom_deadline: Time::NEVER, ..State::default() }),
            backlog: AtomicU32::new(0),
            available: AtomicBool::new(true),
            leader: AtomicI32::new(NO_LEADER),
            settings,
            batch_limit,
        })
    }

    /// Appends a record, encoding it in place.
    #[inline]
    pub fn append<C: Clock>(
        self: &Arc<Self>,
        accumulator: &Accumulator,
        append: &Append<'_, C>,
        room: &mut Room,
    ) -> Result<Appended, Refused> {
        let mut guard = self.state.lock();
        let state = &mut *guard;
        if !state.enrolled {
            self.admit(accumulator, state, append.charge)?;
        }
        state.count_sticky();
        if append.sticky && state.sticky_bytes >= accumulator.batch_size && self.is_settled(accumulator, state) {
            state.sticky_bytes = 0;
            return Err(Refused::Switch);
        }
        let timestamp = append.record.timestamp.unwrap_or_else(|| append.clock.wall_ms());
        let batch = self.open_batch(accumulator, state, append, timestamp).map_err(Refused::NoRoom)?;
        let before = batch.bytes();
        let reserved = if self.is_topic_queue() { batch.reserve_wanted() } else { Ok(()) };
        let appended =
            reserved.and_then(|()| batch.append(append.record, timestamp, append.completion, append.charge, room));
        if let Err(refused) = appended {
            if batch.count() == 0 {
                // The batch was created for this record.
                state.open.take().map(Batch::dissolve).unwrap_or_default();
            }
            return Err(Refused::NoRoom(refused));
        }
        let bytes = batch.bytes();
        let created = batch.created;
        if self.is_topic_queue() {
            batch.want(append.wanted);
        }
        let mut appended = Appended { wake: Wake::No, switch: false };
        if append.sticky {
            state.sticky_bytes += bytes - before;
            appended.switch = state.sticky_bytes >= accumulator.batch_size
                && (bytes >= accumulator.batch_size || state.sticky_bytes >= 2 * accumulator.batch_size);
            if appended.switch {
                state.sticky_bytes = 0;
                // The next sticky choice compares backlogs.
                self.note_backlog(state);
            }
        }
        // For a record in the middle of a batch, this one test finds that there is nothing to announce.
        let ready = bytes >= accumulator.batch_size || append.no_linger || (before == 0 && !state.full.is_empty());
        // A batch with a custom timeout is announced even if the sender knows the slot: its deadline may be earlier
        // than the sender assumes.
        if (ready || before == 0)
            && (state.announced < Announced::Ready || (before == 0 && append.record.timeout.is_some()))
        {
            let timeout = append.record.timeout.filter(|_| before == 0);
            appended.wake = self.announce(accumulator, state, ready, created, timeout, append.no_linger);
        }
        if !self.is_topic_queue() {
            self.allow_fast_path(accumulator, state);
        }
        Ok(appended)
    }

    #[cold]
    fn admit(self: &Arc<Self>, accumulator: &Accumulator, state: &mut State, charge: Charge) -> Result<(), Refused> {
        if state.retired {
            return Err(Refused::Retired);
        }
        // A forced charge means that the sender moves records that the gate has let in before.
        match accumulator.gate.enrol(self) {
            Ok(()) => state.enrolled = true,
            Err(_) if charge == Charge::Force => {}
            Err(barred) => return Err(Refused::Barred(barred)),
        }
        Ok(())
    }

    /// Whether the sticky partitioner can leave without causing a small batch.
    fn is_settled(&self, accumulator: &Accumulator, state: &State) -> bool {
        state.open.as_ref().is_none_or(|open| open.bytes() >= accumulator.batch_size)
    }

    /// The open batch with room for the record, or a new one.
    #[inline]
    fn open_batch<'s, C: Clock>(
        &self,
        accumulator: &Accumulator,
        state: &'s mut State,
        append: &Append<'_, C>,
        timestamp: i64,
    ) -> Result<&'s mut Box<Batch>, NoRoom> {
        let record = append.record;
        if let Some(open) = &state.open
            && (record.timeout.is_some()
                || open.custom_timeout.is_some()
                || open.bytes() + Self::upper_bound(record) > self.batch_limit.load(Ordering::Relaxed) as usize)
            && !self.may_join(open, append, timestamp)
        {
            state.full.try_reserve(1).map_err(|_| NoRoom::System(size_of::<Box<Batch>>()))?;
            self.close_open(state);
        }
        if state.open.is_none() {
            state.open = Some(self.new_batch(accumulator, state, append));
        }
        Ok(state.open.as_mut().expect("opened above"))
    }

    #[cold]
    fn new_batch<C: Clock>(&self, accumulator: &Accumulator, state: &mut State, append: &Append<'_, C>) -> Box<Batch> {
        let created = append.clock.monotonic();
        let mut batch = Batch::new(&accumulator.memory, &self.topic, self.partition, created, state.next_size_class);
        batch.custom_timeout = append.record.timeout;
        batch.deadline = created.after(self.time_allowed(batch.custom_timeout));
        if batch.custom_timeout.is_some() {
            state.custom_deadline = state.custom_deadline.min(batch.deadline);
        }
        batch
    }

    /// How long a batch may take, from its creation to its fate. In a topic's queue: how long it may wait for the
    /// topic's partitions.
    fn time_allowed(&self, custom: Option<Duration>) -> Duration {
        if self.is_topic_queue() {
            custom.map_or(self.settings.topic_timeout, |custom| custom.min(self.settings.topic_timeout))
        } else {
            custom.unwrap_or(self.settings.delivery_timeout)
        }
    }

    /// The exact test, for a record that may not belong into the open batch.
    #[cold]
    fn may_join<C: Clock>(&self, open: &Batch, append: &Append<'_, C>, timestamp: i64) -> bool {
        let both_plain = append.record.timeout.is_none() && open.custom_timeout.is_none();
        let bytes = open.bytes() + open.record_len(append.record, timestamp);
        bytes <= self.batch_limit.load(Ordering::Relaxed) as usize && (both_plain || self.may_share(open, append))
    }

    /// Whether a record may share the deadline of the open batch if one of the two has a custom timeout. A record must
    /// not be decided after its timeout, and at most an eighth of it earlier. The deadlines compared are those at the
    /// partition, also in a topic's queue. A plain record never joins a batch with a custom timeout: the comparison
    /// would need the clock.
    fn may_share<C: Clock>(&self, open: &Batch, append: &Append<'_, C>) -> bool {
        let Some(timeout) = append.record.timeout else { return false };
        let deadline = append.clock.monotonic().after(timeout);
        let shared = open.created.after(open.custom_timeout.unwrap_or(self.settings.delivery_timeout));
        shared <= deadline && deadline.since(shared) <= timeout / 8
    }

    /// A cheap bound on the encoded length. It is never too small.
    #[inline]
    fn upper_bound(record: &Record<'_>) -> usize {
        let headers: usize = record.headers.iter().map(|h| 10 + h.name.len() + h.value.map_or(0, <[u8]>::len)).sum();
        40 + record.key.map_or(0, <[u8]>::len) + record.value.map_or(0, <[u8]>::len) + headers
    }

    fn close_open(&self, state: &mut State) {
        state.count_sticky();
        if let Some(open) = state.open.take() {
            state.full_bytes += open.bytes();
            state.next_size_class = open.size_class();
            state.full.push_back(open);
            self.note_backlog(state);
        }
    }

    /// Runs under the slot's lock, so that the last thread to store has seen the latest state.
    fn note_backlog(&self, state: &State) {
        let bytes = state.full_bytes + state.open.as_ref().map_or(0, |open| open.bytes());
        self.backlog.store(u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX), Ordering::Relaxed);
    }

    /// `timeout` is the custom timeout of a record that begins a batch.
    #[cold]
    fn announce(
        self: &Arc<Self>,
        accumulator: &Accumulator,
        state: &mut State,
        ready: bool,
        created: Time,
        timeout: Option<Duration>,
        no_linger: bool,
    ) -> Wake {
        // A record with little time does not spend it on lingering.
        let ready = ready || timeout.is_some_and(|timeout| timeout / 2 < self.settings.linger);
        let announcement = if ready { Announced::Ready } else { Announced::Open };
        if state.announced >= announcement && timeout.is_none() {
            return Wake::No;
        }
        let wake = match ready {
            true if no_linger || timeout.is_some() => Wake::By(Time::ZERO),
            true => Wake::IfNotResting,
            false => Wake::By(created.after(self.settings.linger)),
        };
        state.announced = state.announced.max(announcement);
        self.note_backlog(state);
        accumulator.inbox.push(self.clone(), wake);
        wake
    }

    /// Returns what the sender has to know. Thread: sender.
    pub fn status(&self) -> SlotStatus {
        let state = self.state.lock();
        let oldest = state.full.front().or(state.open.as_ref());
        let deadline = oldest.map_or(Time::NEVER, |oldest| oldest.deadline.min(state.custom_deadline));
        SlotStatus {
            oldest: oldest.map(|oldest| oldest.created),
            deadline,
            open: state.open.as_ref().map(|open| open.created),
            ready: state.announced == Announced::Ready,
        }
    }

    /// Whether a batch is here that takes no more records. Thread: sender.
    pub fn has_full(&self) -> bool {
        !self.state.lock().full.is_empty()
    }

    /// Takes the oldest batch, full or open. The flag says whether more is here. Thread: sender.
    pub fn take(&self) -> (Option<Box<Batch>>, bool) {
        let mut guard = self.state.lock();
        let state = &mut *guard;
        if state.full.is_empty() {
            self.close_open(state);
        }
        let batch = state.full.pop_front();
        state.full_bytes -= batch.as_ref().map_or(0, |batch| batch.bytes());
        (batch, self.note_taken(state))
    }

    /// Updates the slot after batches were taken. Returns whether more are here.
    fn note_taken(&self, state: &mut State) -> bool {
        let more = !state.full.is_empty() || state.open.is_some();
        if !more {
            state.announced = Announced::Nothing;
            state.custom_deadline = Time::NEVER;
        }
        self.note_backlog(state);
        more
    }

    /// Takes the batches whose deadline has passed at `now`. Thread: sender.
    pub fn take_expired(&self, now: Time) -> Vec<Box<Batch>> {
        let mut guard = self.state.lock();
        let state = &mut *guard;
        if state.open.as_ref().is_some_and(|open| open.deadline <= now) {
            self.close_open(state);
        }
        let has_custom_deadlines = state.custom_deadline < Time::NEVER;
        let expired = Batch::take_expired(&mut state.full, has_custom_deadlines, now);
        if has_custom_deadlines {
            let left = state.full.iter().chain(&state.open).filter(|batch| batch.custom_timeout.is_some());
            state.custom_deadline = left.map(|batch| batch.deadline).min().unwrap_or(Time::NEVER);
        }
        state.full_bytes -= expired.iter().map(|batch| batch.bytes()).sum::<usize>();
        self.note_taken(state);
        expired
    }

    /// Closes the open batch if it has taken records for `growth` or longer: later records would share its deadline.
    /// Thread: sender.
    pub fn close_old(&self, growth: Duration, now: Time) {
        let mut guard = self.state.lock();
        let state = &mut *guard;
        if state.open.as_ref().is_some_and(|open| open.created.after(growth) <= now) {
            self.close_open(state);
        }
    }

    /// Retires a topic's queue if it is empty. `publish` runs under the queue's lock, so that no record can come in
    /// between.
    pub fn retire_if_empty(&self, publish: impl FnOnce()) -> bool {
        let mut state = self.state.lock();
        if state.open.is_some() || !state.full.is_empty() {
            return false;
        }
        publish();
        state.retire();
        true
    }

    /// The topic lost this partition: it takes no more records.
    pub(super) fn retire(&self) {
        self.state.lock().retire();
    }

    /// The topic has this partition again.
    pub(super) fn reopen(&self) {
        self.state.lock().retired = false;
    }

    /// Revokes the right to append without asking the gate.
    pub(super) fn revoke(&self) {
        let mut state = self.state.lock();
        state.enrolled = false;
        state.stop_fast_path();
    }

    pub fn load(&self) -> u32 {
        self.backlog.load(Ordering::Relaxed)
    }

    /// Records that wait here, and their encoded bytes.
    pub fn waiting(&self) -> (usize, usize) {
        let state = self.state.lock();
        let batches = state.full.iter().chain(&state.open);
        batches.fold((0, 0), |(records, bytes), batch| (records + batch.count() as usize, bytes + batch.bytes()))
    }

    /// Encoded bytes and records of each batch that waits here.
    #[cfg(all(test, not(ottla_loom)))]
    pub(super) fn batches(&self) -> Vec<(usize, u32)> {
        let state = self.state.lock();
        state.full.iter().chain(&state.open).map(|batch| (batch.bytes(), batch.count())).collect()
    }

    /// Whether it is the queue of a topic whose partitions are not known.
    #[inline]
    pub fn is_topic_queue(&self) -> bool {
        self.partition < 0
    }

    /// The id of the partition's leader.
    pub fn leader(&self) -> Option<i32> {
        Some(self.leader.load(Ordering::Relaxed)).filter(|&id| id != NO_LEADER)
    }

    pub fn set_leader(&self, id: Option<i32>) {
        self.leader.store(id.unwrap_or(NO_LEADER), Ordering::Relaxed);
    }

    pub fn is_available(&self) -> bool {
        self.available.load(Ordering::Relaxed)
    }

    pub fn set_available(&self, available: bool) {
        self.available.store(available, Ordering::Relaxed);
    }
}
