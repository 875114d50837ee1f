//! The number of an RTP header extension (RFC 8285): an object of GStreamer's has it, but not as a property.

use std::ffi::{CStr, c_void};
use std::ptr::NonNull;

use super::loaded::symbol;

const LIBRARY: &CStr = c"libgstrtp-1.0.so.0";
const FUNCTION: &CStr = c"gst_rtp_header_extension_set_id";
const TYPE: &CStr = c"gst_rtp_header_extension_get_type";
const IS_A: &CStr = c"g_type_check_instance_is_a";

/// Gives `extension` its number, 1 to 14. False if this process has no such library, or it is no header extension.
///
/// `extension` is the address of a GObject that the caller holds a reference of.
pub fn number_header_extension(extension: NonNull<c_void>, number: u8) -> bool {
    type SetId = unsafe extern "C" fn(*mut c_void, u32);
    type TypeOf = unsafe extern "C" fn() -> usize;
    type IsA = unsafe extern "C" fn(*mut c_void, usize) -> i32;
    let symbol = |name| symbol(LIBRARY, name);
    let found = (symbol(FUNCTION), symbol(TYPE), symbol(IS_A));
    let (Some(set), Some(type_of), Some(is_a)) = found else { return false };
    #[allow(unsafe_code, reason = "one function, for which another crate would have to be bound")]
    // SAFETY: the signatures are those of GStreamer's and GLib's headers, which are stable; the object is alive, as the
    // caller says, and its type is looked at before it is taken for an extension. It has a lock of its own.
    unsafe {
        let set = std::mem::transmute::<NonNull<c_void>, SetId>(set);
        let type_of = std::mem::transmute::<NonNull<c_void>, TypeOf>(type_of);
        let is_a = std::mem::transmute::<NonNull<c_void>, IsA>(is_a);
        let fits = is_a(extension.as_ptr(), type_of()) != 0 && (1..=14).contains(&number);
        if fits {
            set(extension.as_ptr(), u32::from(number));
        }
        fits
    }
}
