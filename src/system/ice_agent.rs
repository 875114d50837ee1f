//! What GStreamer's webrtcbin cannot be asked for: that its ICE agent begins anew (RFC 8445, 2.4). The agent is libnice's,
//! which has a function for it.

use std::ffi::{CStr, c_void};
use std::ptr::NonNull;

use super::loaded::symbol;

const LIBRARY: &CStr = c"libnice.so.10";
const FUNCTION: &CStr = c"nice_agent_restart";
const TYPE: &CStr = c"nice_agent_get_type";
const IS_A: &CStr = c"g_type_check_instance_is_a";

/// Restarts all streams of `agent`: new credentials of its own, no more candidates of the peer, checks from the
/// beginning; media flow on as before until another way is found. False if this process has no such library, or `agent`
/// is no agent of it.
///
/// `agent` is the address of a GObject that the caller holds a reference of.
pub fn restart_ice_agent(agent: NonNull<c_void>) -> bool {
    type Restart = unsafe extern "C" fn(*mut c_void) -> i32;
    type TypeOf = unsafe extern "C" fn() -> usize;
    type IsA = unsafe extern "C" fn(*mut c_void, usize) -> i32;
    let symbol = |name| symbol(LIBRARY, name);
    let found = (symbol(FUNCTION), symbol(TYPE), symbol(IS_A));
    let (Some(restart), Some(type_of), Some(is_a)) = found else { return false };
    #[allow(unsafe_code, reason = "no crate binds libnice, and webrtcbin does not offer it")]
    // SAFETY: the signatures are those of libnice's and GLib's headers, which are stable; the object is alive, as the
    // caller says, and its type is looked at before it is taken for an agent. The agent has a lock of its own.
    unsafe {
        let restart = std::mem::transmute::<NonNull<c_void>, Restart>(restart);
        let type_of = std::mem::transmute::<NonNull<c_void>, TypeOf>(type_of);
        let is_a = std::mem::transmute::<NonNull<c_void>, IsA>(is_a);
        is_a(agent.as_ptr(), type_of()) != 0 && restart(agent.as_ptr()) != 0
    }
}
