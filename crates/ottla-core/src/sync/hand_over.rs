//! Tells race detectors when one thread hands data to another.
//!
//! ThreadSanitizer and helgrind know the locks of the C library, but do not see ours. Without these calls they would
//! report a race between a callback's access to the application's data and the access before the send. Without such a
//! tool, a hand-over costs a load and a branch.

#[cfg(all(target_os = "linux", not(ottla_tsan)))]
use std::sync::OnceLock;

/// A point where one thread leaves data for another. What a thread did before `leave` happens before what another does
/// after the following `take`.
//
// The tools identify it by its address, so it must have a size.
#[derive(Debug, Default)]
pub struct HandOver {
    _address: u8,
}

impl HandOver {
    #[inline]
    pub fn leave(&self) {
        if let Some(checker) = race_checker() {
            checker.leave(std::ptr::from_ref(self).cast());
        }
    }

    #[inline]
    pub fn take(&self) {
        if let Some(checker) = race_checker() {
            checker.take(std::ptr::from_ref(self).cast());
        }
    }
}

/// Whether a race detector runs in this process. Tested once.
pub fn is_checked_for_races() -> bool {
    race_checker().is_some()
}

#[cfg(all(target_os = "linux", not(ottla_tsan)))]
#[inline]
fn race_checker() -> Option<&'static Checker> {
    static FOUND: OnceLock<Option<Checker>> = OnceLock::new();
    FOUND.get_or_init(Checker::find).as_ref()
}

/// Where the library itself is instrumented, the tool sees its locks.
#[cfg(any(not(target_os = "linux"), ottla_tsan))]
fn race_checker() -> Option<&'static Checker> {
    None
}

#[cfg(any(not(target_os = "linux"), ottla_tsan))]
enum Checker {}

#[cfg(any(not(target_os = "linux"), ottla_tsan))]
impl Checker {
    fn leave(&self, _at: *const u8) {
        match *self {}
    }

    fn take(&self, _at: *const u8) {
        match *self {}
    }
}

#[cfg(all(target_os = "linux", not(ottla_tsan)))]
enum Checker {
    /// `__tsan_release` and `__tsan_acquire`, which every program built with `-fsanitize=thread` contains.
    ThreadSanitizer { release: Annotation, acquire: Annotation },
    #[cfg(target_arch = "x86_64")]
    Helgrind,
}

#[cfg(all(target_os = "linux", not(ottla_tsan)))]
type Annotation = unsafe extern "C" fn(*const u8);

#[cfg(all(target_os = "linux", not(ottla_tsan)))]
#[expect(unsafe_code, reason = "the tools' interfaces are C's")]
impl Checker {
    fn find() -> Option<Self> {
        #[cfg(target_arch = "x86_64")]
        if helgrind::is_running() {
            return Some(Checker::Helgrind);
        }
        Some(Checker::ThreadSanitizer {
            release: annotation(c"__tsan_release")?,
            acquire: annotation(c"__tsan_acquire")?,
        })
    }

    #[cold]
    fn leave(&self, at: *const u8) {
        match self {
            // SAFETY: the function takes any address, and uses it only as a number.
            Checker::ThreadSanitizer { release, .. } => unsafe { release(at) },
            #[cfg(target_arch = "x86_64")]
            Checker::Helgrind => helgrind::leave(at),
        }
    }

    #[cold]
    fn take(&self, at: *const u8) {
        match self {
            // SAFETY: as above.
            Checker::ThreadSanitizer { acquire, .. } => unsafe { acquire(at) },
            #[cfg(target_arch = "x86_64")]
            Checker::Helgrind => helgrind::take(at),
        }
    }
}

#[cfg(all(target_os = "linux", not(ottla_tsan)))]
#[expect(unsafe_code, reason = "dlsym is C's")]
fn annotation(name: &std::ffi::CStr) -> Option<Annotation> {
    // SAFETY: the name ends with a NUL.
    let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
    if found.is_null() {
        return None;
    }
    // SAFETY: ThreadSanitizer's functions of these names have this type.
    Some(unsafe { std::mem::transmute::<*mut libc::c_void, Annotation>(found) })
}

/// Requests to helgrind, as valgrind/helgrind.h makes them: instructions that have no effect on a processor, and that
/// valgrind recognises. Their numbers never change.
#[cfg(all(target_os = "linux", target_arch = "x86_64", not(ottla_tsan)))]
mod helgrind {
    const USERSO_SEND_PRE: usize = 0x4847_0121;
    const USERSO_RECV_POST: usize = 0x4847_0122;
    const GET_ABITS: usize = 0x4847_012e;

    /// On a processor, and under memcheck and callgrind, the result stays 0.
    pub(super) fn is_running() -> bool {
        let byte = 0u8;
        // Helgrind returns how many of these bytes (one) are addressable.
        request(GET_ABITS, [(&raw const byte).addr(), 0, 1]) == 1
    }

    pub(super) fn leave(at: *const u8) {
        request(USERSO_SEND_PRE, [at.addr(), 0, 0]);
    }

    pub(super) fn take(at: *const u8) {
        request(USERSO_RECV_POST, [at.addr(), 0, 0]);
    }

    #[expect(unsafe_code, reason = "the only way to speak to valgrind")]
    fn request(number: usize, [a, b, c]: [usize; 3]) -> usize {
        let words = [number, a, b, c, 0, 0];
        let mut answer = 0usize;
        // SAFETY: rdi is rotated by 128 bits in all, and rbx is exchanged with itself. Valgrind reads the six words and
        // writes the result to rdx.
        unsafe {
            std::arch::asm!(
                "rol rdi, 3",
                "rol rdi, 13",
                "rol rdi, 61",
                "rol rdi, 51",
                "xchg rbx, rbx",
                inout("rdx") answer,
                in("rax") words.as_ptr(),
                options(nostack),
            );
        }
        answer
    }
}
