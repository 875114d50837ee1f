//! What the allocator keeps for itself.

/// glibc's numbers (malloc.h), which the binding does not have for every target.
#[cfg(target_env = "gnu")]
const SETTINGS: [(i32, i32); 2] = [
    // M_ARENA_MAX. By default each thread may get a heap of its own, up to eight for a processor, and what one of them has
    // grown to by a burst nobody else can use. The programs here have many threads and few allocations.
    (-8, 2),
    // M_TRIM_THRESHOLD: free memory at the end of a heap beyond this goes back. Set, it no longer grows with the largest
    // piece that was ever freed.
    (-1, 256 * 1024),
];

/// Keeps memory flat over days: few heaps, and what is free goes back. To be called before there are threads.
pub fn few_heaps() {
    #[cfg(target_env = "gnu")]
    for (name, value) in SETTINGS {
        #[allow(unsafe_code, reason = "no crate wraps the allocator's settings")]
        // SAFETY: two plain numbers; glibc answers 0 to what it does not know.
        let taken = unsafe { nix::libc::mallopt(name, value) };
        if taken == 0 {
            tracing::debug!(name, value, "the allocator does not know this setting");
        }
    }
}
