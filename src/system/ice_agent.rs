//! What GStreamer's webrtcbin cannot be asked for: that its ICE agent begins anew (RFC 8445, 2.4), and that it gives back what
//! TURN servers hold for it. The agent is libnice's, which has functions for both.

use std::ffi::{CStr, c_void};
use std::ptr::{NonNull, null_mut};

use super::loaded::symbol;

const LIBRARY: &CStr = c"libnice.so.10";
const RESTART: &CStr = c"nice_agent_restart";
const CLOSE: &CStr = c"nice_agent_close_async";
const TYPE: &CStr = c"nice_agent_get_type";
const IS_A: &CStr = c"g_type_check_instance_is_a";

/// Restarts all streams of `agent`: new credentials of its own, no more candidates of the peer, checks from the
/// beginning; media flow on as before until another way is found. False if this process has no such library, or `agent`
/// is no agent of it.
///
/// `agent` is the address of a GObject that the caller holds a reference of.
pub fn restart_ice_agent(agent: NonNull<c_void>) -> bool {
    type Restart = unsafe extern "C" fn(*mut c_void) -> i32;
    let Some(restart) = function(agent, RESTART) else { return false };
    #[allow(unsafe_code, reason = "no crate binds libnice, and webrtcbin does not offer it")]
    // SAFETY: the signature is that of libnice's header, which is stable; `agent` is one of its agents, and alive. It has a
    // lock of its own.
    unsafe {
        let restart = std::mem::transmute::<NonNull<c_void>, Restart>(restart);
        restart(agent.as_ptr()) != 0
    }
}

/// Begins to end what TURN servers hold for `agent`; it is of no use afterwards. When the servers have agreed, or were asked
/// often enough, the thread's default main context has something to do, once. False as above, and `agent` is the same.
pub fn close_ice_agent(agent: NonNull<c_void>) -> bool {
    type Done = Option<unsafe extern "C" fn(*mut c_void, *mut c_void, *mut c_void)>;
    type Close = unsafe extern "C" fn(*mut c_void, Done, *mut c_void);
    let Some(close) = function(agent, CLOSE) else { return false };
    #[allow(unsafe_code, reason = "no crate binds libnice, and webrtcbin does not offer it")]
    // SAFETY: as above; nobody is called back.
    unsafe {
        let close = std::mem::transmute::<NonNull<c_void>, Close>(close);
        close(agent.as_ptr(), None, null_mut());
    }
    true
}

/// A function of libnice that takes `agent`; none if this process has no such library, or `agent` is no agent of it.
fn function(agent: NonNull<c_void>, name: &CStr) -> Option<NonNull<c_void>> {
    type TypeOf = unsafe extern "C" fn() -> usize;
    type IsA = unsafe extern "C" fn(*mut c_void, usize) -> i32;
    let symbol = |name| symbol(LIBRARY, name);
    let (function, type_of, is_a) = (symbol(name)?, symbol(TYPE)?, symbol(IS_A)?);
    #[allow(unsafe_code, reason = "it is a GObject of a type that no crate binds")]
    // SAFETY: the signatures are those of libnice's and GLib's headers, which are stable; the object is alive, as the
    // caller says.
    let fits = unsafe {
        let type_of = std::mem::transmute::<NonNull<c_void>, TypeOf>(type_of);
        let is_a = std::mem::transmute::<NonNull<c_void>, IsA>(is_a);
        is_a(agent.as_ptr(), type_of()) != 0
    };
    fits.then_some(function)
}
