//! The gate: decides whether records may be appended. `close` and the transactional calls switch it.

use crate::accumulator::{Slot, TransactionState};
use crate::error::Error;
use crate::sync::{Arc, AtomicU32, Mutex, Ordering};

/// A slot enrols at its first record (of the producer's life, or of a transaction). It takes the gate's lock while it
/// holds its own. Later records only read a flag under the slot's lock. A thread that shuts or closes the gate releases
/// the gate's lock, and then locks each enrolled slot once to clear the flag. So after `close` or `shut` has returned,
/// no record can be appended, and each one that was appended before is in its slot.
pub struct Gate {
    state: Mutex<State>,
    shown: AtomicU32,
}

struct State {
    entry: Entry,
    enrolled: Vec<Arc<Slot>>,
}

enum Entry {
    Open,
    /// Shut for the time being; the error is for calls of send.
    Shut(Error),
    Closed,
}

/// Why a slot could not enrol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Barred {
    /// For good.
    Closed,
    Shut(Error),
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}

impl Gate {
    pub fn new() -> Self {
        Gate {
            state: Mutex::new(State { entry: Entry::Open, enrolled: Vec::new() }),
            shown: AtomicU32::new(TransactionState::None as u32),
        }
    }

    /// Enrols a slot. The caller holds the slot's lock.
    pub fn enrol(&self, slot: &Arc<Slot>) -> Result<(), Barred> {
        let mut state = self.state.lock();
        match &state.entry {
            Entry::Open => {}
            Entry::Shut(error) => return Err(Barred::Shut(error.clone())),
            Entry::Closed => return Err(Barred::Closed),
        }
        state.enrolled.push(slot.clone());
        Ok(())
    }

    /// Opens the gate, unless it is closed for good. Thread: sender, as for `shut`.
    pub fn open(&self) {
        let mut state = self.state.lock();
        if let Entry::Shut(_) = state.entry {
            state.entry = Entry::Open;
        }
    }

    /// Shuts the gate until `open` is called, and revokes every enrolled slot. Thread: sender.
    pub fn shut(&self, why: Error) {
        self.flip(Entry::Shut(why));
    }

    /// Closes the gate for good, and revokes every enrolled slot.
    pub fn close(&self) {
        self.flip(Entry::Closed);
    }

    fn flip(&self, entry: Entry) {
        let mut state = self.state.lock();
        if !matches!(state.entry, Entry::Closed) {
            state.entry = entry;
        }
        let enrolled = state.enrolled.clone();
        drop(state);
        enrolled.iter().for_each(|slot| slot.revoke());
        // Cleared only now: another thread that closes the gate at the same time must find these slots too, because it
        // may return first. No slot has enrolled in between, because only the thread that shuts the gate opens it.
        self.state.lock().enrolled.clear();
    }

    /// Publishes the transaction's state for application threads. Thread: sender.
    pub fn show(&self, state: TransactionState) {
        self.shown.store(state as u32, Ordering::Relaxed);
    }

    pub fn transaction_state(&self) -> TransactionState {
        let shown = self.shown.load(Ordering::Relaxed) as usize;
        TransactionState::ALL.get(shown).copied().unwrap_or_default()
    }
}
