//! Runs segments in real time: one thread per lane, one barrier per round, the schedule's order kept on every lane.
//!
//! A lane is the one thread that owns an accelerator (or, for baselines without partitions, one network's stream): it sets
//! its runners up, and calls them in order, always itself. So what a thread is bound to (cores, a device's context) is
//! bound once. Between lanes a segment waits for its causes by atomics, spinning first, parked after. Knows nothing of
//! backends: a runner is a closure.

mod error;
mod lane;
mod program;
mod shared;
#[cfg(test)]
mod tests;
mod waiter;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

pub use error::{Cause, ExecutorError, Place};
pub use program::{Lane, Program, Runner, SetUp, Work, whole_work, works};

use super::log::{Round, Span};
use super::segment::Segment;
use crate::units::Nanoseconds;
use shared::Shared;
use waiter::NAP;

/// How long an executor waits, and who may stop it.
#[derive(Clone, Debug)]
pub struct ExecutorOptions {
    /// Longest that setting a lane up, or one run of one segment, may take.
    pub limit: Duration,
    /// How long a waiting lane spins before it parks. Waking a parked thread takes some 50 microseconds; on a machine with
    /// fewer cores than lanes, spinning takes the cores from those who work.
    pub spin: Duration,
    /// Set by anyone (a signal handler) to stop before the next segment.
    pub cancel: Arc<AtomicBool>,
}

impl Default for ExecutorOptions {
    /// 60 seconds; spins for a millisecond.
    fn default() -> Self {
        let [limit, spin] = [60_000, 1].map(Duration::from_millis);
        Self { limit, spin, cancel: Arc::new(AtomicBool::new(false)) }
    }
}

impl ExecutorOptions {
    /// For lanes that load models or engines, and for runs of whole networks on slow devices: 300 seconds. `cancel` stops it.
    pub fn loading(cancel: Arc<AtomicBool>) -> Self {
        Self { limit: Duration::from_secs(300), cancel, ..Self::default() }
    }
}

/// What one round took. Moments count from when the last lane arrived at the barrier.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoundRecord {
    /// When every lane left the barrier.
    pub released: Vec<Nanoseconds>,
    /// When every segment of the program ran.
    pub spans: Vec<Span>,
}

impl RoundRecord {
    /// The record as the log of a run holds it, where the program's segments are `segments`.
    pub fn into_round(self, segments: &[Segment]) -> Round {
        let n_tasks = segments.iter().map(|segment| segment.task + 1).max().unwrap_or(0);
        let mut spans = vec![Vec::new(); n_tasks];
        for (segment, span) in segments.iter().zip(self.spans) {
            spans[segment.task].push(span);
        }
        Round { released: self.released, spans }
    }
}

/// Programs that are set up and wait for their rounds, each on threads of its own that are parked meanwhile.
pub struct Executor<E: Cause> {
    crews: Vec<Crew<E>>,
    options: ExecutorOptions,
}

/// The threads of one program.
struct Crew<E: Cause> {
    shared: Arc<Shared<E>>,
    threads: Vec<JoinHandle<()>>,
}

impl<E: Cause> Executor<E> {
    /// Starts the threads of every program and has each lane set up on its own; returns when all are ready.
    pub fn start(programs: Vec<Program<E>>, options: ExecutorOptions) -> Result<Self, ExecutorError<E>> {
        let mut executor = Self { crews: Vec::new(), options };
        for program in programs {
            program.check()?;
            let crew = Crew { shared: Arc::new(Shared::new(&program, &executor.options)), threads: Vec::new() };
            executor.crews.push(crew);
            let Some(crew) = executor.crews.last_mut() else { continue };
            crew.spawn(program.lanes)?;
            crew.shared.wait_until_ready()?;
        }
        Ok(executor)
    }

    /// Runs one round of a program (by its position), with all lanes leaving one barrier; returns when all have ended.
    ///
    /// After an error the executor runs nothing more.
    pub fn round(&mut self, program: usize) -> Result<RoundRecord, ExecutorError<E>> {
        self.crews[program].shared.round()
    }
}

impl<E: Cause> Crew<E> {
    fn spawn(&mut self, lanes: Vec<Lane<E>>) -> Result<(), ExecutorError<E>> {
        for (idx, lane) in lanes.into_iter().enumerate() {
            let name = lane.name.clone();
            let shared = Arc::clone(&self.shared);
            let thread = thread::Builder::new()
                .name(name.clone())
                .spawn(move || lane::live(&shared, idx, lane))
                .map_err(|error| ExecutorError::NoThread { lane: name, cause: error.to_string() })?;
            self.threads.push(thread);
        }
        Ok(())
    }
}

impl<E: Cause> Drop for Executor<E> {
    /// Ends all lanes. One that doesn't come back from its runner within the limit is left behind, for the process to end.
    fn drop(&mut self) {
        for crew in &self.crews {
            crew.shared.stop();
        }
        for crew in self.crews.drain(..) {
            let stalled = crew.shared.has_stalled.load(SeqCst);
            let deadline = Instant::now() + if stalled { NAP } else { self.options.limit };
            for thread in crew.threads {
                while !thread.is_finished() && Instant::now() < deadline {
                    thread::park_timeout(Duration::from_micros(100));
                }
                if thread.is_finished() {
                    // Lanes catch panics of their runners; whatever else ends one has nobody left to hear of it.
                    let _ = thread.join();
                }
            }
        }
    }
}
