//! What application threads leave for the sender, and how they wake it.

use std::sync::OnceLock;

use crate::accumulator::Slot;
use crate::sync::{Arc, AtomicBool, AtomicU64, Mutex, Ordering, Time};

/// Slots with something new, commands, and whether the sender sleeps. Costs a lock and a reference count per batch, and
/// nothing per record.
pub struct Inbox<C> {
    mail: Mutex<Mail<C>>,
    /// Until when the sender sleeps; `AWAKE` while it runs.
    asleep_until: AtomicU64,
    /// The sender sleeps only briefly, so full batches need not wake it.
    resting: AtomicBool,
    /// A call waits for room in `buffer.memory`, so open batches should not linger.
    room_requested: AtomicBool,
    wake: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

/// The contents of the inbox.
pub struct Mail<C> {
    pub slots: Vec<Arc<Slot>>,
    pub commands: Vec<C>,
    /// Some of the slots have full batches.
    pub full: bool,
    /// When the sender should look at the other slots.
    due: Time,
}

impl<C> Default for Mail<C> {
    fn default() -> Self {
        Mail { slots: Vec::new(), commands: Vec::new(), full: false, due: Time::NEVER }
    }
}

const AWAKE: u64 = 0;

/// When the sender should look at a slot that was pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// It knows of the slot already.
    No,
    /// By this time.
    By(Time),
    /// A batch is full: at once, unless the sender rests and so will look soon.
    IfNotResting,
}

impl<C> Default for Inbox<C> {
    fn default() -> Self {
        Self::new()
    }
}

impl<C> Inbox<C> {
    pub fn new() -> Self {
        Inbox {
            mail: Mutex::new(Mail::default()),
            asleep_until: AtomicU64::new(AWAKE),
            resting: AtomicBool::new(false),
            room_requested: AtomicBool::new(false),
            wake: OnceLock::new(),
        }
    }

    /// Sets the function that wakes the event loop. Called once, before the first record.
    pub fn on_wake(&self, wake: Box<dyn Fn() + Send + Sync>) {
        let _ = self.wake.set(wake);
    }

    /// Adds a slot. The caller holds the slot's lock, and calls `wake` with the same argument after it has released the
    /// lock.
    pub fn push(&self, slot: Arc<Slot>, wake: Wake) {
        let mut mail = self.mail.lock();
        mail.slots.push(slot);
        match wake {
            Wake::No => {}
            Wake::By(due) => mail.due = mail.due.min(due),
            Wake::IfNotResting => mail.full = true,
        }
    }

    /// Adds a command and wakes the sender.
    pub fn command(&self, command: C) {
        self.mail.lock().commands.push(command);
        self.wake_if_asleep_beyond(Time::ZERO);
    }

    /// Asks the sender to send open batches at once, because a call waits for their memory.
    pub fn request_room(&self) {
        self.room_requested.store(true, Ordering::SeqCst);
        self.wake_if_asleep_beyond(Time::ZERO);
    }

    /// Wakes the sender for a slot that was pushed.
    pub fn wake(&self, wake: Wake) {
        match wake {
            Wake::No => {}
            Wake::By(due) => self.wake_if_asleep_beyond(due),
            Wake::IfNotResting if self.resting.load(Ordering::SeqCst) => {}
            Wake::IfNotResting => self.wake_if_asleep_beyond(Time::ZERO),
        }
    }

    /// Wakes the sender if it would sleep beyond `due`. Of several threads, only the one that exchanges `asleep_until`
    /// calls the wake function.
    pub fn wake_if_asleep_beyond(&self, due: Time) {
        let until = self.asleep_until.load(Ordering::SeqCst);
        if until != AWAKE
            && until > due.0
            && self.asleep_until.compare_exchange(until, AWAKE, Ordering::SeqCst, Ordering::SeqCst).is_ok()
            && let Some(wake) = self.wake.get()
        {
            wake();
        }
    }

    /// Takes everything, and leaves the empty buffers of `into` in its place.
    pub fn take(&self, into: &mut Mail<C>) {
        debug_assert!(into.slots.is_empty() && into.commands.is_empty());
        (into.full, into.due) = (false, Time::NEVER);
        std::mem::swap(&mut *self.mail.lock(), into);
    }

    pub fn take_room_request(&self) -> bool {
        self.room_requested.load(Ordering::Relaxed) && self.room_requested.swap(false, Ordering::SeqCst)
    }

    /// Notes that the sender is about to sleep until `until`, and whether it rests. Returns false if it must not sleep,
    /// because mail has arrived that it has to handle earlier.
    ///
    /// Order matters: the sender stores its state before it looks at the mail, and a thread adds mail before it looks
    /// at that state. So at least one of the two sees the other.
    pub fn fall_asleep(&self, until: Time, resting: bool) -> bool {
        self.resting.store(resting, Ordering::SeqCst);
        self.asleep_until.store(until.0.max(AWAKE + 1), Ordering::SeqCst);
        let mail = self.mail.lock();
        let waits = mail.due >= until && !mail.full && mail.commands.is_empty();
        let sleeps = waits && !self.room_requested.load(Ordering::SeqCst);
        drop(mail);
        if !sleeps {
            self.wake_up();
        }
        sleeps
    }

    pub fn wake_up(&self) {
        self.asleep_until.store(AWAKE, Ordering::SeqCst);
    }
}
