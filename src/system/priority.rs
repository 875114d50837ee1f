//! How urgent this process is to the kernel's scheduler.

use std::cell::Cell;

use rustix::process::{Pid, getpriority_process, setpriority_process};

/// Before what a person runs on the box, behind the kernel's own threads.
const NICE: i32 = -10;

/// Asks for a higher priority for every thread of this process that does not stand back; threads that they start later
/// inherit it. Says whether
/// it was granted: without CAP_SYS_NICE or a LimitNICE= in the unit it is not, and everything works as long as the box
/// is not overloaded.
pub fn raise_priority() -> bool {
    let Ok(tasks) = std::fs::read_dir("/proc/self/task") else {
        return false;
    };
    // On Linux a nice value belongs to a thread.
    let threads = tasks.flatten().filter_map(|task| Pid::from_raw(task.file_name().to_str()?.parse().ok()?));
    let own = getpriority_process(None).unwrap_or(0);
    let stands_back = |thread: &Pid| getpriority_process(Some(*thread)).is_ok_and(|nice| nice > own);
    // All of them, not only up to the first that is granted; a thread may end while it is asked for.
    threads
        .filter(|thread| !stands_back(thread))
        .filter(|thread| setpriority_process(Some(*thread), NICE).is_ok())
        .count()
        > 0
}

/// Behind everything else.
const PATIENT: i32 = 15;

/// Lets everything else go before the calling thread, and before threads and processes that it starts from now on.
pub fn lower_priority() {
    // Where this is refused, the work is done all the same.
    let _ = setpriority_process(None, PATIENT);
}

/// Behind what is on air, before what has time.
const BESIDE: i32 = 5;

thread_local! {
    /// What the thread had before it stood back.
    static BEFORE: Cell<Option<i32>> = const { Cell::new(None) };
}

/// Lets what is on air go before the calling thread, and before threads that it starts from now on.
pub fn stand_back() {
    let before = getpriority_process(None).ok();
    // Where this is refused, the work is done all the same.
    if setpriority_process(None, BESIDE).is_ok() {
        BEFORE.set(before);
    }
}

/// Takes back [`stand_back`], for a thread that will do something else; it may stay behind where that is refused.
pub fn step_forward() {
    if let Some(before) = BEFORE.take() {
        let _ = setpriority_process(None, before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_is_of_one_thread_only() {
        let nice = std::thread::spawn(|| {
            lower_priority();
            getpriority_process(None)
        });
        assert_eq!(nice.join().unwrap().unwrap(), PATIENT);
        assert_ne!(getpriority_process(None).unwrap(), PATIENT);
    }

    #[test]
    fn who_stands_back_is_not_called_forward() {
        let (stop, wait) = std::sync::mpsc::channel::<()>();
        let (tell, told) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            stand_back();
            let _ = tell.send(getpriority_process(None).unwrap());
            let _ = wait.recv();
            getpriority_process(None).unwrap()
        });
        let back = told.recv().unwrap();
        std::thread::spawn(raise_priority).join().unwrap();
        drop(stop);
        // A test that runs behind others has nowhere to stand back to.
        assert_eq!(thread.join().unwrap(), if back == BESIDE { BESIDE } else { back });
    }

    #[test]
    fn every_thread_is_asked_for() {
        let (stop, wait) = std::sync::mpsc::channel::<()>();
        let (tell, told) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let _ = tell.send(());
            let _ = wait.recv();
            getpriority_process(None)
        });
        told.recv().unwrap();
        let granted = raise_priority();
        drop(stop);
        let nice = thread.join().unwrap().unwrap();
        assert_eq!(nice == NICE, granted, "nice {nice}");
    }
}
