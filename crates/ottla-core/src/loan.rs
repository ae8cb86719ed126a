//! Values that are not copied: the application lends them, and a function of the application gets them back.
#![expect(unsafe_code, reason = "a lent value is memory of the application's, known by its address")]

use std::ffi::c_void;

use crate::sync::{Arc, Generation, Mutex};

/// Gives a lent value back to the application.
pub type Release = unsafe extern "C" fn(value: *const c_void, value_len: usize, userdata: *mut c_void);

/// The offer to lend a record's value. It is taken once, when the record is accepted; until then nothing is lent. A second
/// record with the same offer is copied, and nothing more is given back.
pub struct Offer(Mutex<Option<Lending>>);

/// A value and the function that gives it back. There is one of it for each offer, and giving back consumes it.
pub struct Lending {
    value: *const u8,
    len: usize,
    release: Release,
    userdata: *mut c_void,
}

/// Where the value of a record that was lent is, or was.
#[derive(Debug)]
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
    /// None only while it is dropped.
    lending: Option<Lending>,
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
    lending: Lending,
    /// What it is charged with.
    pub charged: usize,
}

// SAFETY: by the contract of `Offer::new` the value can be read on any thread and does not change, and `release` may be
// called on any thread. The userdata is only handed to it.
unsafe impl Send for Lending {}
// SAFETY: as above; nothing of it changes.
unsafe impl Sync for Lending {}

impl Offer {
    /// `value` is that of the record which the offer goes with.
    ///
    /// # Safety
    /// If a record with the offer is accepted, `value` stays readable and does not change until `release` is called.
    /// `release` may be called on any thread, once, with the value and `userdata`.
    pub unsafe fn new(value: Option<&[u8]>, release: Release, userdata: *mut c_void) -> Self {
        let (value, len) = value.map_or((std::ptr::null(), 0), |value| (value.as_ptr(), value.len()));
        Offer(Mutex::new(Some(Lending { value, len, release, userdata })))
    }

    /// Takes it for a record with this value. `None`: it is that of another value, or was taken before.
    pub fn take_for(&self, value: &[u8]) -> Option<Lending> {
        self.0.lock().take_if(|lending| (lending.value, lending.len) == (value.as_ptr(), value.len()))
    }

    /// The record that it was taken for is not accepted.
    pub fn put_back(&self, lending: Lending) {
        *self.0.lock() = Some(lending);
    }
}

impl Lending {
    /// The record is accepted.
    pub fn lend(self, ended: &Arc<EndedLoans>) -> Arc<Loan> {
        Arc::new(Loan { lending: Some(self), ended: ended.clone() })
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
    pub fn value(&self) -> &[u8] {
        match &self.lending {
            None | Some(Lending { len: 0, .. }) => &[],
            // SAFETY: the pointer and length came from a slice, which stays readable until `release` is called, by the
            // contract of `Offer::new`. That is called after this is dropped, since `release` goes with the lending.
            Some(lending) => unsafe { std::slice::from_raw_parts(lending.value, lending.len) },
        }
    }

    pub fn lent_value(&self) -> LentValue {
        LentValue::of(self.value())
    }
}

impl std::fmt::Debug for Offer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Offer")
    }
}

impl std::fmt::Debug for Loan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.lent_value().fmt(f)
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        if let Some(lending) = self.lending.take() {
            let charged = lending.len;
            self.ended.add(Ended { lending, charged });
        }
    }
}

impl EndedLoans {
    pub fn new() -> Arc<Self> {
        Arc::new(EndedLoans { state: Mutex::default(), process: Generation::current() })
    }

    /// Takes an offer whose record was accepted and copied, so that the loan ended at once.
    pub fn add_copied(&self, offer: &Offer) {
        if let Some(lending) = offer.0.lock().take() {
            self.add(Ended { lending, charged: 0 });
        }
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
        let Lending { value, len, release, userdata } = self.lending;
        // SAFETY: function, value and userdata were given together, to be used once: an offer gives its lending away
        // once, nothing copies that, and it is consumed here.
        unsafe { release(value.cast(), len, userdata) };
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

    fn offer(value: &[u8], counter: &AtomicU32) -> Offer {
        // SAFETY: the values and the counters of these tests outlive the loans.
        unsafe { Offer::new(Some(value), count, std::ptr::from_ref(counter).cast_mut().cast()) }
    }

    #[test]
    fn an_offer_is_taken_once_and_its_value_given_back_once() {
        let (counter, value) = (AtomicU32::new(0), [1; 10]);
        let (offer, ended) = (offer(&value, &counter), EndedLoans::new());
        assert!(offer.take_for(&value[..9]).is_none() && offer.take_for(&[1; 10]).is_none());
        offer.put_back(offer.take_for(&value).expect("not taken yet"));
        let loan = offer.take_for(&value).expect("it was put back").lend(&ended);
        assert_eq!(loan.value().as_ptr(), value.as_ptr());
        assert!(offer.take_for(&value).is_none());
        ended.add_copied(&offer);
        drop(loan);
        ended.take().into_iter().for_each(Ended::give_back);
        assert_eq!(counter.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn a_forked_child_gives_nothing_back() {
        crate::sync::notice_forks().expect("a handler");
        let (counter, value) = (AtomicU32::new(0), [1; 10]);
        let ended = EndedLoans::new();
        let loan = offer(&value, &counter).take_for(&value).expect("not taken yet").lend(&ended);
        ended.add_copied(&offer(&value, &counter));
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
