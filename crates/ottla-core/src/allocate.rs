//! Allocations that may fail. If the system has no memory, allocations of the standard library end the process. So
//! everything that grows with the application's records is allocated here.
#![forbid(unsafe_code)]

use crate::error::{Error, ErrorKind, Result};

/// Makes room for `more` values.
pub fn reserve<T>(vec: &mut Vec<T>, more: usize) -> Result<()> {
    vec.try_reserve(more).map_err(|_| refused(more.saturating_mul(size_of::<T>())))
}

/// Appends `bytes`.
pub fn append(to: &mut Vec<u8>, bytes: &[u8]) -> Result<()> {
    reserve(to, bytes.len())?;
    to.extend_from_slice(bytes);
    Ok(())
}

/// Zeros.
pub fn zeros(len: usize) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(len).map_err(|_| refused(len))?;
    bytes.resize(len, 0);
    Ok(bytes)
}

/// Whether so many bytes can be had now. They are given back at once, for allocations that cannot fail.
pub fn is_available(bytes: usize) -> bool {
    // Not optimised away: the allocation is what is asked for.
    std::hint::black_box(Vec::<u8>::new().try_reserve_exact(std::hint::black_box(bytes))).is_ok()
}

/// Fails if so many bytes cannot be had now, which somebody else is going to allocate without being able to fail.
pub fn expect(bytes: usize) -> Result<()> {
    if is_available(bytes) { Ok(()) } else { Err(refused(bytes)) }
}

#[cold]
fn refused(bytes: usize) -> Error {
    Error::new(ErrorKind::OutOfMemory, format!("the system refused {bytes} bytes; {WHERE_TO_LOOK}"))
}

/// What limits a process.
pub const WHERE_TO_LOOK: &str = "look at the limits of the process and its container (ulimit -v, cgroup)";
