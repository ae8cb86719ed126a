//! A data race on purpose: `scripts/tsan` sees it reported before it trusts silence about the rest.
#![cfg(ottla_tsan)]
#![expect(unsafe_code, reason = "a data race cannot be had without")]

struct Shared(std::cell::UnsafeCell<u64>);

// SAFETY: none. That two threads write it without a lock is the point.
unsafe impl Sync for Shared {}

static PLANTED: Shared = Shared(std::cell::UnsafeCell::new(0));

#[test]
fn two_threads_write_without_a_lock() {
    let write = || {
        for _ in 0..1000 {
            // SAFETY: none, see above; the pointer is valid.
            unsafe { *PLANTED.0.get() += 1 };
        }
    };
    let other = std::thread::spawn(write);
    write();
    other.join().expect("it does not panic");
}
