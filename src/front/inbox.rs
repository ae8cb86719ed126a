//! What application threads leave for the sender, and how they wake it.

use std::sync::OnceLock;

use crate::front::Slot;
use crate::sync::{Arc, AtomicBool, AtomicU64, Mutex, Ordering, Time};

/// Slots with something new, and whether the sender sleeps. One lock and one reference count a batch, nothing a record.
pub struct Inbox<C> {
    mail: Mutex<Mail<C>>,
    /// Until when the sender sleeps; `AWAKE` while it runs.
    asleep_until: AtomicU64,
    /// Someone waits for room in `buffer.memory`: open batches should not linger.
    pressed: AtomicBool,
    wake: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

/// What the sender finds in the inbox.
pub struct Mail<C> {
    pub slots: Vec<Arc<Slot>>,
    pub commands: Vec<C>,
}

impl<C> Default for Mail<C> {
    fn default() -> Self {
        Mail { slots: Vec::new(), commands: Vec::new() }
    }
}

const AWAKE: u64 = 0;

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
            pressed: AtomicBool::new(false),
            wake: OnceLock::new(),
        }
    }

    /// How the driver is woken. Set once, before the first record.
    pub fn on_wake(&self, wake: Box<dyn Fn() + Send + Sync>) {
        let _ = self.wake.set(wake);
    }

    /// Leaves a slot. The slot's lock is held; `wake_if_asleep_beyond` follows when it is released.
    pub fn push(&self, slot: Arc<Slot>) {
        self.mail.lock().slots.push(slot);
    }

    /// Leaves a command and wakes the sender.
    pub fn command(&self, command: C) {
        self.mail.lock().commands.push(command);
        self.wake_if_asleep_beyond(Time::ZERO);
    }

    /// Asks for open batches to be sent at once, since someone waits for their memory.
    pub fn press(&self) {
        self.pressed.store(true, Ordering::SeqCst);
        self.wake_if_asleep_beyond(Time::ZERO);
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
        std::mem::swap(&mut *self.mail.lock(), into);
    }

    pub fn take_pressed(&self) -> bool {
        self.pressed.load(Ordering::Relaxed) && self.pressed.swap(false, Ordering::SeqCst)
    }

    /// Says that the sender sleeps until `until`. If something arrived meanwhile it does not, and this says false.
    ///
    /// The order matters: the word is stored before the mail is looked at, and a thread that leaves mail looks at the
    /// word afterwards, so one of the two sees the other.
    pub fn fall_asleep(&self, until: Time) -> bool {
        self.asleep_until.store(until.0.max(AWAKE + 1), Ordering::SeqCst);
        let mail = self.mail.lock();
        let empty = mail.slots.is_empty() && mail.commands.is_empty() && !self.pressed.load(Ordering::SeqCst);
        drop(mail);
        if !empty {
            self.wake_up();
        }
        empty
    }

    pub fn wake_up(&self) {
        self.asleep_until.store(AWAKE, Ordering::SeqCst);
    }
}
