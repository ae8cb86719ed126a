//! Values that are lent to an engine, and which of them were given back.
#![expect(unsafe_code, reason = "offering a value is a promise that the compiler cannot check")]

use std::collections::BTreeMap;
use std::ffi::c_void;
use std::sync::Arc;
use std::sync::Mutex;

use ottla_core::loan::{Lent, Offer};

/// A value is overwritten with this as soon as it is given back.
const GONE: u8 = 0xdd;

#[derive(Default)]
pub struct Lender {
    /// The addresses and lengths of accepted values.
    out: BTreeMap<u64, (usize, usize)>,
    returned: Arc<Mutex<BTreeMap<u64, Box<[u8]>>>>,
}

/// One value, and where to note that it was given back.
struct Slip {
    id: u64,
    value: *mut [u8],
    returned: Arc<Mutex<BTreeMap<u64, Box<[u8]>>>>,
}

unsafe extern "C" fn give_back(value: *const c_void, len: usize, slip: *mut c_void) {
    // SAFETY: `lend` made the slip for this call. There is only one call; the map would show a second.
    let slip = unsafe { Box::from_raw(slip.cast::<Slip>()) };
    assert_eq!((value.addr(), len), (slip.value.addr(), slip.value.len()));
    // SAFETY: the box that `lend` took apart. The engine has given it back, so nothing reads it.
    let mut value = unsafe { Box::from_raw(slip.value) };
    value.fill(GONE);
    let before = slip.returned.lock().expect("not poisoned").insert(slip.id, value);
    assert!(before.is_none(), "value {} was given back twice", slip.id);
}

impl Lender {
    /// Lends a value for the duration of `accept`, and beyond if `accept` succeeds.
    pub fn lend<E>(
        &mut self,
        id: u64,
        value: Vec<u8>,
        accept: impl FnOnce(&[u8], &Lent<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let value = Box::into_raw(value.into_boxed_slice());
        let slip = Box::into_raw(Box::new(Slip { id, value, returned: self.returned.clone() }));
        // SAFETY: the value is not changed before `give_back`.
        let bytes = unsafe { &*value };
        // SAFETY: as above. `give_back` may be called on any thread.
        let offer = unsafe { Offer::new(Some(bytes), give_back, slip.cast()) };
        let answer = accept(bytes, &Lent::Offered(offer));
        match answer {
            Ok(()) => drop(self.out.insert(id, (value.addr(), value.len()))),
            // SAFETY: the value was not accepted, so both boxes are still ours.
            Err(_) => drop(unsafe { (Box::from_raw(slip), Box::from_raw(value)) }),
        }
        answer
    }

    /// The address and length of an accepted value.
    pub fn place_of(&self, id: u64) -> Option<(usize, usize)> {
        self.out.get(&id).copied()
    }

    pub fn is_back(&self, id: u64) -> bool {
        self.returned.lock().expect("not poisoned").contains_key(&id)
    }

    /// Accepted values that were not given back.
    pub fn missing(&self) -> Vec<u64> {
        self.out.keys().copied().filter(|id| !self.is_back(*id)).collect()
    }
}
