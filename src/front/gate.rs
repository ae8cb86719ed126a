//! Who may append: the gate that close (and, for transactions, commit and abort) flips.

use crate::front::Slot;
use crate::sync::{Arc, Mutex};

/// A slot enrols at its first record, under the gate's lock, taken while holding the slot's. Later records only look
/// at a flag under the slot's own lock. Whoever flips the gate releases it, and then locks each enrolled slot once to
/// take the flag back; so after `close` returned, no record can be appended, and each appended before is in its slot.
pub struct Gate {
    state: Mutex<State>,
}

struct State {
    open: bool,
    enrolled: Vec<Arc<Slot>>,
}

/// The gate is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GateClosed;

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}

impl Gate {
    pub fn new() -> Self {
        Gate { state: Mutex::new(State { open: true, enrolled: Vec::new() }) }
    }

    /// Lets a slot in. Its lock is held.
    pub fn enrol(&self, slot: &Arc<Slot>) -> Result<(), GateClosed> {
        let mut state = self.state.lock();
        if !state.open {
            return Err(GateClosed);
        }
        state.enrolled.push(slot.clone());
        Ok(())
    }

    /// Closes the gate for good and shows every enrolled slot out.
    pub fn close(&self) {
        let mut state = self.state.lock();
        state.open = false;
        let enrolled = std::mem::take(&mut state.enrolled);
        drop(state);
        for slot in enrolled {
            slot.expel();
        }
    }
}
