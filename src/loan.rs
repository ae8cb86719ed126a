//! Values that are not copied: the application lends them, and a function of its own gets them back.
#![expect(unsafe_code, reason = "a lent value is memory of the application's, known by its address")]

use std::ffi::c_void;

use crate::sync::{Arc, Generation, Mutex};

/// Gives a lent value back to the application.
pub type Release = unsafe extern "C" fn(value: *const c_void, value_len: usize, userdata: *mut c_void);

/// The offer to lend a record's value. It is taken when the record is accepted; one that is refused was never lent.
#[derive(Clone, Copy, Debug)]
pub struct Offer {
    release: Release,
    userdata: *mut c_void,
}

/// Where the value of a record that was lent is, or was.
#[derive(Clone, Copy, Debug)]
pub enum Lent<'a> {
    /// It is offered.
    Offered(Offer),
    /// It was accepted, and its record is moved from one batch to another.
    Held(&'a Arc<Loan>),
    /// It was accepted and has been copied or compressed since; this is what the application knows it by.
    Ended(LentValue),
}

/// The address of a value that was lent, which is what its completion tells. It may be of use to the application
/// only: the loan may have ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LentValue {
    pub address: usize,
    pub len: usize,
}

/// A value that is lent. Whoever needs its bytes shares it, and when the last lets go it ends: the value is then put
/// among the [`EndedLoans`], since who let go may be in the middle of something.
pub struct Loan {
    value: *const u8,
    len: usize,
    offer: Offer,
    ended: Arc<EndedLoans>,
}

/// Values that can be given back, and have not been yet.
pub struct EndedLoans {
    state: Mutex<State>,
    /// The process that the values were lent in: a forked child has copies of them, which nobody lent.
    process: Generation,
}

#[derive(Default)]
struct State {
    values: Vec<Ended>,
    /// Nobody collects any more: values are given back by whoever lets go of them.
    over: bool,
}

/// A value to be given back.
pub struct Ended {
    value: *const u8,
    len: usize,
    offer: Offer,
    /// What it is charged with.
    pub charged: usize,
}

// SAFETY: an offer is made of a function that may be called on any thread, by the contract of `Offer::new`, and a
// pointer that is only handed to it.
unsafe impl Send for Offer {}
// SAFETY: as above; both are only copied.
unsafe impl Sync for Offer {}
// SAFETY: the value does not change while it is lent, by the contract of `Offer::new`; the rest is `Send`.
unsafe impl Send for Loan {}
// SAFETY: as above; nothing of a loan changes.
unsafe impl Sync for Loan {}
// SAFETY: as for `Offer`; the value is not looked at.
unsafe impl Send for Ended {}

impl Offer {
    /// # Safety
    /// The value of the record that this goes with stays readable and does not change until `release` is called, once
    /// the record is accepted. `release` may be called on any thread, with the value and `userdata`.
    pub unsafe fn new(release: Release, userdata: *mut c_void) -> Self {
        Offer { release, userdata }
    }
}

impl Lent<'_> {
    /// What the application knows the value by; `value` is what the record has now.
    pub fn known_as(&self, value: Option<&[u8]>) -> LentValue {
        match self {
            Lent::Offered(_) => value.map(LentValue::of).unwrap_or_default(),
            Lent::Held(loan) => loan.lent_value(),
            Lent::Ended(value) => *value,
        }
    }
}

impl LentValue {
    pub fn of(value: &[u8]) -> Self {
        LentValue { address: value.as_ptr().expose_provenance(), len: value.len() }
    }
}

impl Loan {
    /// The loan of an accepted record's value.
    pub fn new(value: &[u8], offer: Offer, ended: &Arc<EndedLoans>) -> Arc<Self> {
        Arc::new(Loan { value: value.as_ptr(), len: value.len(), offer, ended: ended.clone() })
    }

    pub fn value(&self) -> &[u8] {
        // SAFETY: the pointer and length came from a slice, which stays readable until `release` is called, by the
        // contract of `Offer::new`; it is called after this is dropped.
        unsafe { std::slice::from_raw_parts(self.value, self.len) }
    }

    pub fn lent_value(&self) -> LentValue {
        LentValue::of(self.value())
    }
}

impl std::fmt::Debug for Loan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.lent_value().fmt(f)
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        self.ended.add(Ended { value: self.value, len: self.len, offer: self.offer, charged: self.len });
    }
}

impl EndedLoans {
    pub fn new() -> Arc<Self> {
        Arc::new(EndedLoans { state: Mutex::default(), process: Generation::current() })
    }

    /// Takes a loan that ended at once: its value was copied. (`None`: the value is null.)
    pub fn add_copied(&self, value: Option<&[u8]>, offer: Offer) {
        let (value, len) = value.map_or((std::ptr::null(), 0), |value| (value.as_ptr(), value.len()));
        self.add(Ended { value, len, offer, charged: 0 });
    }

    fn add(&self, ended: Ended) {
        if !self.process.is_current() {
            return;
        }
        let mut state = self.state.lock();
        if !state.over {
            return state.values.push(ended);
        }
        drop(state);
        ended.give_back();
    }

    /// Bytes that the values here are charged with.
    pub fn charged(&self) -> usize {
        self.state.lock().values.iter().map(|ended| ended.charged).sum()
    }

    /// What has ended since the last time.
    pub fn take(&self) -> Vec<Ended> {
        if self.process.is_current() { std::mem::take(&mut self.state.lock().values) } else { Vec::new() }
    }

    /// `take`, for the last time.
    pub fn take_last(&self) -> Vec<Ended> {
        if self.process.is_current() {
            self.state.lock().over = true;
        }
        self.take()
    }
}

impl Ended {
    /// Calls the application's function. No lock is to be held.
    pub fn give_back(self) {
        // SAFETY: the function, its userdata and the value were given together, and this, which is made once for each
        // accepted loan, is consumed by the call.
        unsafe { (self.offer.release)(self.value.cast(), self.len, self.offer.userdata) };
    }
}

#[cfg(all(test, unix, not(ottla_loom)))]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    unsafe extern "C" fn count(_: *const c_void, _: usize, counter: *mut c_void) {
        // SAFETY: the test's counter.
        unsafe { &*counter.cast::<AtomicU32>() }.fetch_add(1, Ordering::SeqCst);
    }

    #[test]
    fn a_forked_child_gives_nothing_back() {
        let (counter, value) = (AtomicU32::new(0), [1; 10]);
        // SAFETY: the value and the counter outlive the loans.
        let offer = unsafe { Offer::new(count, std::ptr::from_ref(&counter).cast_mut().cast()) };
        let ended = EndedLoans::new();
        let loan = Loan::new(&value, offer, &ended);
        ended.add_copied(Some(&value), offer);
        let give_back = |loan: Arc<Loan>| {
            ended.take().into_iter().for_each(Ended::give_back);
            ended.take_last().into_iter().for_each(Ended::give_back);
            drop(loan);
            counter.load(Ordering::SeqCst)
        };
        // SAFETY: the child does nothing but this, and ends.
        let child = unsafe { libc::fork() };
        if child == 0 {
            let status = give_back(loan);
            // SAFETY: ends the process without running what the parent has to run at its end.
            unsafe { libc::_exit(status.cast_signed()) };
        }
        let mut status = -1;
        // SAFETY: `status` is written.
        assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
        assert_eq!(status, 0, "the child gave something back");
        assert_eq!(give_back(loan), 2);
    }
}
