//! Allocations that may fail. The standard library's allocations abort the process when the system has no memory. So
//! everything that grows with the application's records is allocated here.
#![forbid(unsafe_code)]

use crate::error::{Error, ErrorKind, Result};

/// Reserves room for `more` values.
pub fn reserve<T>(vec: &mut Vec<T>, more: usize) -> Result<()> {
    vec.try_reserve(more).map_err(|_| refused(more.saturating_mul(size_of::<T>())))
}

/// Appends `bytes`, if there is memory for them.
pub fn append(to: &mut Vec<u8>, bytes: &[u8]) -> Result<()> {
    reserve(to, bytes.len())?;
    to.extend_from_slice(bytes);
    Ok(())
}

/// `len` zero bytes.
pub fn zeros(len: usize) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(len).map_err(|_| refused(len))?;
    bytes.resize(len, 0);
    Ok(bytes)
}

/// Whether this many bytes can be allocated now. They are freed at once, for allocations that cannot report a failure.
pub fn is_available(bytes: usize) -> bool {
    // Kept from the optimiser: whether the allocation succeeds is the question.
    std::hint::black_box(Vec::<u8>::new().try_reserve_exact(std::hint::black_box(bytes))).is_ok()
}

/// Fails if this many bytes cannot be allocated now. Called before code that allocates them and aborts on failure.
pub fn expect(bytes: usize) -> Result<()> {
    if is_available(bytes) { Ok(()) } else { Err(refused(bytes)) }
}

/// Enough bytes for the small allocations that go with a batch, or with one pass of the sender.
pub const SMALL: usize = 8 * 1024;

/// The memory that starting a thread may take, in bytes: its stack, and what the C library and the standard library allocate
/// in the new thread before its first line runs. If those get no memory, they end the process. So a thread is started
/// only if this much is available.
pub const THREAD: usize = 4 << 20;

#[cold]
fn refused(bytes: usize) -> Error {
    Error::new(ErrorKind::OutOfMemory, format!("the system refused {bytes} bytes; {WHERE_TO_LOOK}"))
}

/// The limits of a process, for messages.
pub const WHERE_TO_LOOK: &str = "look at the limits of the process and its container (ulimit -v, cgroup)";
