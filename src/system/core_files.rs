//! No core files: what crashes here holds keys and tokens in its memory.

use rustix::process::{Resource, Rlimit, setrlimit};

/// Makes sure that this process and all that it starts leave no core file. Says whether it could.
///
/// One byte, not none: with none a core would still be handed to a program that the kernel is told of by a pipe
/// (core(5)), and a file of one byte is never begun.
pub fn no_core_files() -> bool {
    setrlimit(Resource::Core, Rlimit { current: Some(1), maximum: Some(1) }).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_started_from_here_leaves_no_core_file_either() {
        assert!(no_core_files());
        let limit = std::process::Command::new("sh").args(["-c", "ulimit -Hc; ulimit -c"]).output().unwrap();
        // Blocks of 512 bytes.
        assert_eq!(limit.stdout, b"0\n0\n");
    }
}
