//! Descriptors this process was started with.

/// Marks every descriptor above standard error close-on-exec. Whoever started us may have left some open (a pipe of a
/// build system, a lock); a worker that outlives us must not keep them. To be called before any thread is started.
pub fn seal_descriptors() {
    #[allow(unsafe_code, reason = "close_range has no safe wrapper; it only sets a flag, no descriptor is closed")]
    // SAFETY: CLOSE_RANGE_CLOEXEC changes no descriptor that this process uses, and takes no pointers.
    let result = unsafe { nix::libc::close_range(3, u32::MAX, nix::libc::CLOSE_RANGE_CLOEXEC as i32) };
    if result != 0 {
        tracing::warn!(error = %std::io::Error::last_os_error(), "inherited descriptors stay open in workers");
    }
}
