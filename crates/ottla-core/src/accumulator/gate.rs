//! The gate: decides whether records may be appended. `close` and the ends of transactions flip it.

use crate::accumulator::{Slot, TransactionState};
use crate::error::Error;
use crate::sync::{Arc, AtomicU32, Mutex, Ordering};

/// A slot enrols at its first record (of the producer's life, or of a transaction), under the gate's lock, taken while
/// holding the slot's. Later records only look at a flag under the slot's own lock. Whoever flips the gate releases it,
/// and then locks each enrolled slot once to take the flag back; so after `close` or `shut` returned, no record can be
/// appended, and each appended before is in its slot.
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
    /// For now: what a send is told.
    Shut(Error),
    Closed,
}

/// Why a slot was not let in.
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

    /// Lets a slot in. Its lock is held.
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

    /// Lets records in again, unless the gate is closed. Thread: sender, as for `shut`.
    pub fn open(&self) {
        let mut state = self.state.lock();
        if let Entry::Shut(_) = state.entry {
            state.entry = Entry::Open;
        }
    }

    /// Shuts the gate until it is opened, and shows every enrolled slot out. Thread: sender.
    pub fn shut(&self, why: Error) {
        self.flip(Entry::Shut(why));
    }

    /// Closes the gate for good and shows every enrolled slot out.
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
        // Not before: whoever flips the gate beside this finds them too, and may rely on it as well. Nobody has enrolled
        // since, for only the thread that shuts the gate opens it.
        self.state.lock().enrolled.clear();
    }

    /// Tells applications how the transaction stands. Thread: sender.
    pub fn show(&self, state: TransactionState) {
        self.shown.store(state as u32, Ordering::Relaxed);
    }

    pub fn transaction_state(&self) -> TransactionState {
        let shown = self.shown.load(Ordering::Relaxed) as usize;
        TransactionState::ALL.get(shown).copied().unwrap_or_default()
    }
}
