//! Why samples of the memory controller come to nothing.

use crate::units::Milliseconds;

/// Samples that don't say how busy the memory was during a run.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum EmcError {
    /// A line of a recording is older than the line before it.
    #[error("line {line}: goes back in time; the file holds more than one recording")]
    BackInTime {
        /// The line, from 1.
        line: usize,
    },
    /// The run is shorter than a sample, or lies outside the recording.
    #[error(
        "no sample lies between {:.3} and {:.3} s of a recording of {n_samples} sample(s) that ends at {:.3} s",
        start.0 / 1e3, end.0 / 1e3, last.0 / 1e3
    )]
    NoSample {
        /// Start of the run.
        start: Milliseconds,
        /// End of the run.
        end: Milliseconds,
        /// Samples in the whole recording.
        n_samples: usize,
        /// Time of the last of them; 0 where there is none.
        last: Milliseconds,
    },
    /// The run is over before its warm-up is.
    #[error("the run ends at {:.3} s of the recording, before its warm-up does at {:.3} s", end.0 / 1e3, start.0 / 1e3)]
    WarmUpOnly {
        /// End of the warm-up.
        start: Milliseconds,
        /// End of the run.
        end: Milliseconds,
    },
    /// Use of the memory is in no sample, but its clock is.
    #[error("none of {n_samples} sample(s) says how busy the memory was: this `tegrastats` prints its clock only")]
    ClockOnly {
        /// Samples inside the run.
        n_samples: usize,
    },
    /// Neither use of the memory nor its clock is in any sample.
    #[error(
        "none of {n_samples} sample(s) says how busy the memory was: `EMC_FREQ 0%` without a clock, or no `EMC_FREQ`, is \
         what a user without root gets"
    )]
    NotRoot {
        /// Samples inside the run.
        n_samples: usize,
    },
}

impl EmcError {
    /// Why none of `n_samples` says how busy the memory was, by whether any says the memory's clock.
    pub fn without_use(n_samples: usize, has_clock: bool) -> Self {
        if has_clock { Self::ClockOnly { n_samples } } else { Self::NotRoot { n_samples } }
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::BackInTime { .. } => "record each run into a file of its own",
            Self::NoSample { .. } => "record longer (`--seconds`), or more often (`--interval`)",
            Self::WarmUpOnly { .. } => "record longer (`--seconds`), or count from earlier on (`--warm-up`)",
            Self::ClockOnly { .. } => {
                "use the `tegrastats` of JetPack, not that of DRIVE OS; a memory controller without use can't be profiled"
            }
            Self::NotRoot { .. } => "record as root: `sudo tegrastats --interval 10`, or `sudo haxconn profile emc`",
        }
    }
}
