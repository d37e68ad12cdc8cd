//! What a Jetson brings along: trtexec, tegrastats, power mode, clocks.

use std::fs;

use super::programs::{Unanswered, answer, find};
use super::{found, missing, needless};
use crate::cli::board;
use crate::report::doctor::Finding;

pub(super) fn board() -> Finding {
    const SUBJECT: &str = "Board";
    match board::board() {
        Some(board) => match board.platform {
            Some(platform) => found(SUBJECT, format!("{} (platform {platform})", board.model)),
            None => needless(SUBJECT, format!("{}: no shipped platform describes it", board.model)),
        },
        None => needless(SUBJECT, "no Jetson: the machine has no device tree"),
    }
}

pub(super) fn trtexec() -> Finding {
    const SUBJECT: &str = "trtexec";
    match find("trtexec", &["/usr/src/tensorrt/bin"]) {
        Some(path) => found(SUBJECT, path.display().to_string()),
        None => missing(SUBJECT, "not found", "it comes with TensorRT's samples (libnvinfer-bin)"),
    }
}

pub(super) fn tegrastats() -> Finding {
    const SUBJECT: &str = "tegrastats";
    match find("tegrastats", &[]) {
        None => needless(SUBJECT, "not found: memory use is sampled on a Jetson only"),
        Some(_) if is_root() => found(SUBJECT, "runs as root: shows the memory controller's use"),
        Some(path) => missing(
            SUBJECT,
            format!("{}, but not run as root: it hides the memory controller's clock and use", path.display()),
            "run haxconn with sudo to sample memory use",
        ),
    }
}

/// Whether the effective user is 0, by `proc_pid_status(5)`.
fn is_root() -> bool {
    fs::read_to_string("/proc/self/status").is_ok_and(|status| effective_user(&status) == Some(0))
}

fn effective_user(status: &str) -> Option<u32> {
    let users = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    users.split_whitespace().nth(1)?.parse().ok()
}

pub(super) fn power_mode() -> Finding {
    const SUBJECT: &str = "Power mode";
    match answer("nvpmodel", &["-q"]) {
        Ok(text) => match mode(&text) {
            Some(mode) => found(SUBJECT, mode),
            None => missing(SUBJECT, "`nvpmodel -q` names none", "run `sudo nvpmodel -q`"),
        },
        Err(Unanswered::NotFound) => needless(SUBJECT, "no nvpmodel: it sets a Jetson's power mode"),
        Err(Unanswered::Failed(reason)) => missing(SUBJECT, format!("nvpmodel {reason}"), "run `sudo nvpmodel -q`"),
    }
}

/// The power mode of this board, where it has one and says it.
pub(in crate::cli) fn current_power_mode() -> Option<String> {
    answer("nvpmodel", &["-q"]).ok().and_then(|text| mode(&text))
}

/// `NV Power Mode: MAXN`.
fn mode(text: &str) -> Option<String> {
    let line = text.lines().find_map(|line| line.trim().strip_prefix("NV Power Mode:"))?;
    Some(line.trim().to_owned()).filter(|mode| !mode.is_empty())
}

pub(super) fn clocks() -> Finding {
    const SUBJECT: &str = "Clocks";
    match find("jetson_clocks", &[]) {
        Some(_) => found(SUBJECT, "`sudo jetson_clocks` pins them, `sudo jetson_clocks --show` shows them"),
        None => needless(SUBJECT, "no jetson_clocks: it pins a Jetson's clocks"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_power_mode_is_read_from_its_line() {
        assert_eq!(mode("NVPM WARN: fan mode is not set!\nNV Power Mode: MAXN\n0\n").as_deref(), Some("MAXN"));
        assert_eq!(mode("NV Power Mode:\n"), None);
    }

    #[test]
    fn the_effective_user_is_the_second_number() {
        assert_eq!(effective_user("Name:\tx\nUid:\t1000\t0\t0\t0\n"), Some(0));
        assert_eq!(effective_user("Uid:\t1000\n"), None);
    }
}
