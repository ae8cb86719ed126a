//! Structures that begin with their size.

use ottla_engine::Result;
use ottla_host::arguments::{invalid, null};

/// Reads a structure of the caller, which begins with its size and may be of a newer header.
///
/// # Safety
/// `given` is NULL, or begins with a `usize`, its size, and has as many readable bytes. A `T` of zeros is valid, and so
/// is any that the caller can make.
pub(super) unsafe fn sized_in<T: Copy>(given: *const T, name: &str) -> Result<T> {
    if given.is_null() {
        return Err(null(name));
    }
    // SAFETY: not NULL, and begins with its size by this function's contract.
    let size = unsafe { given.cast::<usize>().read() };
    let known = size_of::<T>();
    if !(known..=isize::MAX as usize).contains(&size) {
        return Err(invalid(format!("{name}->struct_size is {size}: set it to the size of the structure, {known}")));
    }
    // SAFETY: as many bytes are readable by this function's contract.
    let beyond = unsafe { std::slice::from_raw_parts(given.cast::<u8>().add(known), size - known) };
    if beyond.iter().any(|&byte| byte != 0) {
        return Err(invalid(format!("{name} asks for something that this release does not have: its end is not zero")));
    }
    // SAFETY: as above; it has at least the size of a T.
    Ok(unsafe { given.read_unaligned() })
}

/// A structure of the caller to be filled, which begins with its size and may be of an older or newer header.
pub(super) struct SizedOut<T> {
    out: *mut T,
    size: usize,
}

impl<T: Copy> SizedOut<T> {
    /// # Safety
    /// `out` is NULL, or begins with a `usize`, its size, and has as many writable bytes until this is dropped.
    pub(super) unsafe fn new(out: *mut T, name: &str) -> Result<Self> {
        if out.is_null() {
            return Err(null(name));
        }
        // SAFETY: not NULL, and begins with its size by this function's contract.
        let size = unsafe { out.cast::<usize>().read() };
        if size < size_of::<usize>() {
            return Err(invalid(format!("{name}->struct_size is {size}: set it to the size of the structure")));
        }
        Ok(SizedOut { out, size })
    }

    /// Writes as much of `value` as the caller has room for. The first member then says how much that was, never more
    /// than the caller said, so the same structure can be passed again.
    pub(super) fn write(self, value: T) {
        let bytes = self.size.min(size_of::<T>());
        // SAFETY: `out` has `size` writable bytes by the contract of `new`, `value` is no part of it, and a `usize` fits.
        unsafe {
            self.out.cast::<u8>().copy_from_nonoverlapping(std::ptr::from_ref(&value).cast(), bytes);
            self.out.cast::<usize>().write(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_structure_of_an_older_header_is_filled_again_and_again_without_growing() {
        let mut room = [size_of::<usize>() * 2, 0, 0xdead, 0xdead];
        for round in 1..=2 {
            // SAFETY: the size says that two of the four members may be written.
            let out = unsafe { SizedOut::new(std::ptr::from_mut(&mut room), "out") };
            out.unwrap_or_else(|error| panic!("{error}")).write([size_of::<[usize; 4]>(), round, round, round]);
            assert_eq!(room, [size_of::<usize>() * 2, round, 0xdead, 0xdead]);
        }
    }
}
