//! Files that other programs wrote, recognised by what they hold.

use super::nsight::{self, KernelTraffic, NsightError};
use super::tegrastats::{self, Sample, TegrastatsError};
use super::trtexec::{self, Document, ReadError};

/// A file of another program.
#[derive(Clone, Debug, PartialEq)]
pub enum Foreign {
    /// One of `trtexec`'s.
    Trtexec(Document),
    /// A log of `tegrastats`.
    Tegrastats(Vec<Sample>),
    /// A table of Nsight Compute's.
    Nsight(Vec<KernelTraffic>),
}

/// Why a text is none of them, or not a whole one. Each says a line, what was expected there and what was found.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ForeignError {
    /// No file of `trtexec`, nor any other.
    #[error(transparent)]
    Trtexec(#[from] ReadError),
    /// No whole log of `tegrastats`.
    #[error("{}: expected {}, found {}", .0.line, .0.expected, .0.found)]
    Tegrastats(#[from] TegrastatsError),
    /// No whole table of Nsight Compute.
    #[error(transparent)]
    Nsight(#[from] NsightError),
}

/// Lines within which a table of Nsight Compute begins, behind what the profiled program printed.
const BEFORE_A_TABLE: usize = 1000;

/// Reads whichever file `text` is.
pub fn read_foreign(text: &str) -> Result<Foreign, ForeignError> {
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    if tegrastats::read(first).is_ok_and(|samples| !samples.is_empty()) {
        return Ok(Foreign::Tegrastats(tegrastats::read(text)?));
    }
    if text.lines().take(BEFORE_A_TABLE).any(|line| line.contains("\"Kernel Name\"")) {
        return Ok(Foreign::Nsight(nsight::read(text)?));
    }
    Ok(Foreign::Trtexec(trtexec::read(text)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_of_tegrastats_is_told_from_one_of_trtexec_by_its_first_line() {
        let line = "RAM 1903/15692MB (lfb 3251x4MB) CPU [1%@1190,off] EMC_FREQ 7%@2133 GR3D_FREQ 0%@114\n";
        let Ok(Foreign::Tegrastats(samples)) = read_foreign(&format!("\n{line}{line}")) else { panic!() };
        assert_eq!(samples.len(), 2);
        let damaged = format!("{line}RAM 19{line}");
        assert!(read_foreign(&damaged).unwrap_err().to_string().starts_with("2: expected"));
        assert!(read_foreign("nothing\n").unwrap_err().to_string().starts_with("1: expected a summary"));
    }
}
