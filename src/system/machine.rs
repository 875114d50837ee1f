//! What the machine is: its processor and its memory.

/// The processor's name, as the kernel gives it; empty if it gives none.
pub fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let named = |line: &str| {
        let (key, name) = line.split_once(':')?;
        ["model name", "Model", "Hardware"].contains(&key.trim()).then(|| name.trim().to_owned())
    };
    text.lines().find_map(named).unwrap_or_default()
}

/// All memory, in bytes; a limit of the control group is not seen.
pub fn memory_bytes() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_memory() {
        assert!(memory_bytes().is_some_and(|bytes| bytes > 64 << 20), "{:?} of {}", memory_bytes(), processor());
    }
}
