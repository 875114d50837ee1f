//! How urgent this process is to the kernel's scheduler.

/// Before what a person runs on the box, behind the kernel's own threads.
const NICE: i32 = -10;

/// Asks for a higher priority for this process and the threads it will start. Says whether it was granted: without
/// CAP_SYS_NICE or a LimitNICE= in the unit it is not, and everything works as long as the box is not overloaded.
pub fn raise_priority() -> bool {
    rustix::process::setpriority_process(None, NICE).is_ok()
}
