//! Functions of libraries that GStreamer's plugins have brought into this process.

use std::ffi::{CStr, c_void};
use std::ptr::NonNull;

/// A function of `library`, or of one that it depends on, if this process has loaded it. The library must be one that is
/// never unloaded.
pub(super) fn symbol(library: &CStr, name: &CStr) -> Option<NonNull<c_void>> {
    use nix::libc::{RTLD_NOLOAD, RTLD_NOW, dlopen, dlsym};
    #[allow(unsafe_code, reason = "the loader is not to be had in another way")]
    // SAFETY: both strings end with a zero. The library is in use by GStreamer already and is never unloaded, so that
    // the handle, which is not closed, holds nothing that would go otherwise; `dlsym` also looks at what it depends on.
    let found = unsafe {
        let library = dlopen(library.as_ptr(), RTLD_NOW | RTLD_NOLOAD);
        if library.is_null() { std::ptr::null_mut() } else { dlsym(library, name.as_ptr()) }
    };
    NonNull::new(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_loaded_has_no_functions() {
        assert!(symbol(c"libno-such-library.so.0", c"dlopen").is_none());
        assert!(symbol(c"libc.so.6", c"no_such_function_anywhere").is_none());
        assert!(symbol(c"libc.so.6", c"getpid").is_some());
    }
}
