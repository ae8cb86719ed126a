//! What application threads leave for the sender, and how they wake it.

use std::sync::OnceLock;

use crate::accumulator::Slot;
use crate::sync::{Arc, AtomicBool, AtomicU64, Mutex, Ordering, Time};

/// Slots with something new, and whether the sender sleeps. One lock and one reference count a batch, nothing a record.
pub struct Inbox<C> {
    mail: Mutex<Mail<C>>,
    /// Until when the sender sleeps; `AWAKE` while it runs.
    asleep_until: AtomicU64,
    /// The sender sleeps for a little only, and is not to be woken for full batches.
    resting: AtomicBool,
    /// Someone waits for room in `buffer.memory`: open batches should not linger.
    room_requested: AtomicBool,
    wake: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

/// What the sender finds in the inbox.
pub struct Mail<C> {
    pub slots: Vec<Arc<Slot>>,
    pub commands: Vec<C>,
    /// Among the slots are some with batches that were filled.
    pub full: bool,
    /// When the others are to be looked at.
    due: Time,
}

impl<C> Default for Mail<C> {
    fn default() -> Self {
        Mail { slots: Vec::new(), commands: Vec::new(), full: false, due: Time::NEVER }
    }
}

const AWAKE: u64 = 0;

/// When the sender should look at a slot that was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// It knows already.
    No,
    /// By then.
    By(Time),
    /// A batch is full: at once, but a sender that rests will look soon.
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

    /// How the event loop is woken. Set once, before the first record.
    pub fn on_wake(&self, wake: Box<dyn Fn() + Send + Sync>) {
        let _ = self.wake.set(wake);
    }

    /// Leaves a slot. The slot's lock is held; the wake that is asked for follows when it is released.
    pub fn push(&self, slot: Arc<Slot>, wake: Wake) {
        let mut mail = self.mail.lock();
        mail.slots.push(slot);
        match wake {
            Wake::No => {}
            Wake::By(due) => mail.due = mail.due.min(due),
            Wake::IfNotResting => mail.full = true,
        }
    }

    /// Leaves a command and wakes the sender.
    pub fn command(&self, command: C) {
        self.mail.lock().commands.push(command);
        self.wake_if_asleep_beyond(Time::ZERO);
    }

    /// Asks for open batches to be sent at once, since someone waits for their memory.
    pub fn request_room(&self) {
        self.room_requested.store(true, Ordering::SeqCst);
        self.wake_if_asleep_beyond(Time::ZERO);
    }

    /// Wakes the sender for a slot that was left.
    pub fn wake(&self, wake: Wake) {
        match wake {
            Wake::No => {}
            Wake::By(due) => self.wake_if_asleep_beyond(due),
            Wake::IfNotResting if self.resting.load(Ordering::SeqCst) => {}
            Wake::IfNotResting => self.wake_if_asleep_beyond(Time::ZERO),
        }
    }

    /// Wakes the sender if it would sleep beyond `due`. Whoever exchanges the word first writes the wake-up, the
    /// others see that it is done.
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

    /// Takes everything, leaving `into`'s empty buffers in its place.
    pub fn take(&self, into: &mut Mail<C>) {
        debug_assert!(into.slots.is_empty() && into.commands.is_empty());
        (into.full, into.due) = (false, Time::NEVER);
        std::mem::swap(&mut *self.mail.lock(), into);
    }

    pub fn take_room_request(&self) -> bool {
        self.room_requested.load(Ordering::Relaxed) && self.room_requested.swap(false, Ordering::SeqCst)
    }

    /// Says that the sender sleeps until `until`, and whether it rests. If something arrived meanwhile that it has to see
    /// before, it does not, and this says false.
    ///
    /// The order matters: the words are stored before the mail is looked at, and a thread that leaves mail looks at them
    /// afterwards, so one of the two sees the other.
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
