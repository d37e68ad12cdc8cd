//! The process's own memory, as Linux counts it; elsewhere nothing is known.

use std::fs;

/// Begins to look for a new peak. Without effect where the system doesn't allow it: the old peak then stands.
pub(super) fn forget_peak() {
    let _ = fs::write("/proc/self/clear_refs", "5");
}

/// The most memory that the process held since the last [`forget_peak`], in MiB.
pub(super) fn peak_mib() -> Option<f64> {
    peak_of(&fs::read_to_string("/proc/self/status").ok()?)
}

/// `VmHWM` of a `/proc/PID/status`, in `proc_pid_status(5)`.
fn peak_of(status: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<f64>().ok().map(|kib| kib / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_read_from_the_status_of_a_process() {
        assert_eq!(peak_of("VmPeak:\t  999 kB\nVmHWM:\t    2048 kB\nVmRSS:\t 5 kB\n"), Some(2.0));
        assert_eq!(peak_of("VmRSS:\t 5 kB\n"), None);
        assert_eq!(peak_of("VmHWM:\t many kB\n"), None);
    }
}
