//! A deliberate data race. `scripts/tsan` must see it reported before it trusts that the other tests have none.
#![cfg(ottla_tsan)]
#![expect(unsafe_code, reason = "a data race cannot be had without")]

struct Shared(std::cell::UnsafeCell<u64>);

// SAFETY: none. Two threads write it without a lock, which is the purpose of the test.
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
