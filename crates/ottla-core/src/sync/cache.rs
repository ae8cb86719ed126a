//! A prefetch of cache lines.

/// The size of a cache line in bytes.
pub const CACHE_LINE: usize = 64;

/// Prefetches the cache line at `at`, which may be any address, for writing. Does not wait for it.
#[inline(always)]
#[cfg_attr(
    any(target_arch = "x86_64", target_arch = "aarch64"),
    expect(unsafe_code, reason = "the compiler's own prefetch is one for reading on x86-64, or unstable")
)]
pub fn fetch_to_write(at: *const u8) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a hint. It changes nothing and never faults; processors that do not know it ignore it.
    unsafe {
        std::arch::asm!("prefetchw [{}]", in(reg) at, options(nostack, preserves_flags, readonly));
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: a hint. It changes nothing and never faults.
    unsafe {
        std::arch::asm!("prfm pstl1keep, [{}]", in(reg) at, options(nostack, preserves_flags, readonly));
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let _ = at;
}
