//! How urgent this process is to the kernel's scheduler.

use rustix::process::{Pid, setpriority_process};

/// Before what a person runs on the box, behind the kernel's own threads.
const NICE: i32 = -10;

/// Asks for a higher priority for every thread of this process; threads that they start later inherit it. Says whether
/// it was granted: without CAP_SYS_NICE or a LimitNICE= in the unit it is not, and everything works as long as the box
/// is not overloaded.
pub fn raise_priority() -> bool {
    let Ok(tasks) = std::fs::read_dir("/proc/self/task") else {
        return false;
    };
    // On Linux a nice value belongs to a thread.
    let threads = tasks.flatten().filter_map(|task| Pid::from_raw(task.file_name().to_str()?.parse().ok()?));
    // All of them, not only up to the first that is granted; a thread may end while it is asked for.
    threads.filter(|thread| setpriority_process(Some(*thread), NICE).is_ok()).count() > 0
}

/// Behind everything else.
const PATIENT: i32 = 15;

/// Lets everything else go before the calling thread, and before threads and processes that it starts from now on.
pub fn lower_priority() {
    // Where this is refused, the work is done all the same.
    let _ = setpriority_process(None, PATIENT);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_is_of_one_thread_only() {
        let nice = std::thread::spawn(|| {
            lower_priority();
            rustix::process::getpriority_process(None)
        });
        assert_eq!(nice.join().unwrap().unwrap(), PATIENT);
        assert_ne!(rustix::process::getpriority_process(None).unwrap(), PATIENT);
    }

    #[test]
    fn every_thread_is_asked_for() {
        let (stop, wait) = std::sync::mpsc::channel::<()>();
        let (tell, told) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let _ = tell.send(());
            let _ = wait.recv();
            rustix::process::getpriority_process(None)
        });
        told.recv().unwrap();
        let granted = raise_priority();
        drop(stop);
        let nice = thread.join().unwrap().unwrap();
        assert_eq!(nice == NICE, granted, "nice {nice}");
    }
}
