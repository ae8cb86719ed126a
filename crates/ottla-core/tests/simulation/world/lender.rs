//! Values that are lent to an engine, and what came back.
#![expect(unsafe_code, reason = "offering a value is a promise that the compiler cannot check")]

use std::collections::BTreeMap;
use std::ffi::c_void;
use std::sync::Arc;
use std::sync::Mutex;

use ottla_core::loan::{Lent, Offer};

/// What a value is overwritten with as soon as it is given back.
const GONE: u8 = 0xdd;

#[derive(Default)]
pub struct Lender {
    /// Where the values that were accepted are, and their lengths.
    out: BTreeMap<u64, (usize, usize)>,
    returned: Arc<Mutex<BTreeMap<u64, Box<[u8]>>>>,
}

/// One value, and whom to tell that it came back.
struct Slip {
    id: u64,
    value: *mut [u8],
    returned: Arc<Mutex<BTreeMap<u64, Box<[u8]>>>>,
}

unsafe extern "C" fn give_back(value: *const c_void, len: usize, slip: *mut c_void) {
    // SAFETY: the slip was made for this call, which is the only one; a second is what the map is for.
    let slip = unsafe { Box::from_raw(slip.cast::<Slip>()) };
    assert_eq!((value.addr(), len), (slip.value.addr(), slip.value.len()));
    // SAFETY: the box that was taken apart in `lend`; nobody reads it any more, which this is to show.
    let mut value = unsafe { Box::from_raw(slip.value) };
    value.fill(GONE);
    let before = slip.returned.lock().expect("not poisoned").insert(slip.id, value);
    assert!(before.is_none(), "value {} was given back twice", slip.id);
}

impl Lender {
    /// Lends a value for the time of `accept`, and longer if that accepts.
    pub fn lend<E>(
        &mut self,
        id: u64,
        value: Vec<u8>,
        accept: impl FnOnce(&[u8], &Lent<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let value = Box::into_raw(value.into_boxed_slice());
        let slip = Box::into_raw(Box::new(Slip { id, value, returned: self.returned.clone() }));
        // SAFETY: the value is not touched before `give_back`.
        let bytes = unsafe { &*value };
        // SAFETY: as above; `give_back` may be called anywhere.
        let offer = unsafe { Offer::new(Some(bytes), give_back, slip.cast()) };
        let answer = accept(bytes, &Lent::Offered(offer));
        match answer {
            Ok(()) => drop(self.out.insert(id, (value.addr(), value.len()))),
            // SAFETY: it was not accepted, so both are still ours.
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

    /// Accepted values that did not come back.
    pub fn missing(&self) -> Vec<u64> {
        self.out.keys().copied().filter(|id| !self.is_back(*id)).collect()
    }
}
