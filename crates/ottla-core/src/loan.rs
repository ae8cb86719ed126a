//! Loans: values that are not copied. The application lends them, and one of its functions gets them back.
#![expect(unsafe_code, reason = "a lent value is memory of the application's, known by its address")]

use std::ffi::c_void;

use crate::sync::{Arc, Generation, Mutex};

/// Gives a lent value back to the application.
pub type Release = unsafe extern "C" fn(value: *const c_void, value_len: usize, userdata: *mut c_void);

/// The offer to lend a record's value. It is taken once, when the record is accepted; before that nothing is lent. If a
/// second record uses the same offer, its value is copied and not given back.
pub struct Offer(Mutex<Option<Lending>>);

/// A value, and the function that gives it back. Each offer has only one, and giving the value back consumes it.
pub struct Lending {
    value: *const u8,
    len: usize,
    release: Release,
    userdata: *mut c_void,
}

/// The lent value of a record, or what is left of it.
#[derive(Debug)]
pub enum Lent<'a> {
    /// Offered with a record that is not accepted yet.
    Offered(Offer),
    /// The record was accepted, and is being moved from one batch to another.
    Held(&'a Arc<Loan>),
    /// The record was accepted, and the value was copied or compressed since. Only its address is left, for the
    /// application.
    Ended(LentValue),
}

/// The address of a lent value, as its completion reports it. Only the application may use it: the loan may have ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LentValue {
    pub address: usize,
    pub len: usize,
}

/// A loan. All that need the bytes of the value share it. When the last of them drops it, the loan ends and the value
/// is added to the [`EndedLoans`]. The application's function is not called here, because locks may be held.
pub struct Loan {
    /// `None` only while it is dropped.
    lending: Option<Lending>,
    ended: Arc<EndedLoans>,
}

/// Values whose loans have ended, and that were not given back yet.
pub struct EndedLoans {
    state: Mutex<State>,
    /// The process in which the values were lent. A forked child has copies of them, which it must not give back.
    process: Generation,
}

#[derive(Default)]
struct State {
    values: Vec<Ended>,
    /// The sender has ended, so nothing collects values any more. They are given back where their loans end.
    over: bool,
}

/// A value that must be given back.
pub struct Ended {
    lending: Lending,
    /// The bytes that are charged for it.
    pub charged: usize,
}

// SAFETY: by the contract of `Offer::new`, any thread may read the value, which does not change, and any thread may
// call `release`. The userdata is only passed to it.
unsafe impl Send for Lending {}
// SAFETY: as above. Sharing it changes nothing.
unsafe impl Sync for Lending {}

impl Offer {
    /// `value` is the value of the record that the offer belongs to.
    ///
    /// # Safety
    /// If a record with this offer is accepted, `value` stays readable and unchanged until `release` is called.
    /// `release` may be called on any thread, once, with the value and `userdata`.
    pub unsafe fn new(value: Option<&[u8]>, release: Release, userdata: *mut c_void) -> Self {
        let (value, len) = value.map_or((std::ptr::null(), 0), |value| (value.as_ptr(), value.len()));
        Offer(Mutex::new(Some(Lending { value, len, release, userdata })))
    }

    /// Takes the offer for a record with this value. `None` if it offers another value, or was taken before.
    pub fn take_for(&self, value: &[u8]) -> Option<Lending> {
        self.0.lock().take_if(|lending| (lending.value, lending.len) == (value.as_ptr(), value.len()))
    }

    /// Undoes `take_for`, because the record was refused.
    pub fn put_back(&self, lending: Lending) {
        *self.0.lock() = Some(lending);
    }
}

impl Lending {
    /// Begins the loan. The record is accepted.
    pub fn lend(self, ended: &Arc<EndedLoans>) -> Arc<Loan> {
        Arc::new(Loan { lending: Some(self), ended: ended.clone() })
    }
}

impl Lent<'_> {
    /// The value's address, for the application. `value` is the record's value at present.
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
            // SAFETY: pointer and length come from a slice that stays readable until `release` is called, by the
            // contract of `Offer::new`. `release` is called only after this loan was dropped, because that takes the
            // lending.
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

    /// Ends the loan of a record that was accepted and copied.
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

    /// Bytes that are charged for these values.
    pub fn charged(&self) -> usize {
        self.state.lock().values.iter().map(|ended| ended.charged).sum()
    }

    /// The values of loans that have ended since the last call.
    pub fn take(&self) -> Vec<Ended> {
        if self.process.is_current() { std::mem::take(&mut self.state.lock().values) } else { Vec::new() }
    }

    /// `take` for the last time.
    pub fn take_last(&self) -> Vec<Ended> {
        if self.process.is_current() {
            self.state.lock().over = true;
        }
        self.take()
    }
}

impl Ended {
    /// Calls the application's function. The caller holds no lock.
    pub fn give_back(self) {
        let Lending { value, len, release, userdata } = self.lending;
        // SAFETY: function, value and userdata were given together, to be used once. An offer gives its lending away
        // once, a lending is never copied, and it is consumed here.
        unsafe { release(value.cast(), len, userdata) };
    }
}

#[cfg(all(test, unix, not(ottla_loom)))]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    unsafe extern "C" fn count(_: *const c_void, _: usize, counter: *mut c_void) {
        // SAFETY: the userdata is the test's counter.
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
        // SAFETY: the child only runs `give_back`, and exits.
        let child = unsafe { libc::fork() };
        if child == 0 {
            let status = give_back(loan);
            // SAFETY: ends the process without the exit handlers, which belong to the parent.
            unsafe { libc::_exit(status.cast_signed()) };
        }
        let mut status = -1;
        // SAFETY: `status` is valid for writes.
        assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
        assert_eq!(status, 0, "the child gave something back");
        assert_eq!(give_back(loan), 2);
    }
}
