//! What the lanes of one program and their conductor share: the barrier, what has ended, and the watch over it all.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::error::{Cause, ExecutorError, Place};
use super::program::{Program, Work};
use super::waiter::{NAP, Waiter};
use super::{ExecutorOptions, RoundRecord};
use crate::run::log::Span;
use crate::units::Nanoseconds;

/// What a lane does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doing {
    SettingUp,
    /// Nothing to do until the next round.
    Idle,
    AtBarrier,
    /// For its causes, or its release.
    WaitingFor(usize),
    Running(usize),
    Gone,
}

/// A lane as the others see it.
pub(super) struct LaneState {
    name: String,
    pub(super) waiter: Waiter,
    /// What it does and since when, in nanoseconds of the program's clock.
    doing: Mutex<(Doing, u64)>,
}

pub(super) struct Shared<E: Cause> {
    pub(super) works: Vec<Work>,
    pub(super) lanes: Vec<LaneState>,
    pub(super) limit: Duration,
    pub(super) spin: Duration,
    cancel: Arc<AtomicBool>,
    epoch: Instant,
    /// Rounds that have been begun.
    begun: AtomicU64,
    /// Lanes at the barrier, the last round that it let through, and when.
    arrived: AtomicUsize,
    open: AtomicU64,
    opened_at: AtomicU64,
    /// The last round in which each segment ended.
    ended: Vec<AtomicU64>,
    /// Lanes that are ready for the first round, or have ended the present one.
    at_rest: AtomicUsize,
    record: Mutex<RoundRecord>,
    conductor: Waiter,
    stopped: AtomicBool,
    pub(super) has_stalled: AtomicBool,
    failure: Mutex<Option<ExecutorError<E>>>,
}

/// The lane has to end: it failed, or another one did, or somebody asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stopped;

/// A lock that a panicking thread held is as good as any: what is behind these is written whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<E: Cause> Shared<E> {
    pub(super) fn new(program: &Program<E>, options: &ExecutorOptions) -> Self {
        let (n_segments, n_lanes) = (program.segments.len(), program.lanes.len());
        let state = |name: &String| LaneState {
            name: name.clone(),
            waiter: Waiter::default(),
            doing: Mutex::new((Doing::SettingUp, 0)),
        };
        Self {
            works: program.segments.clone(),
            lanes: program.lanes.iter().map(|lane| state(&lane.name)).collect(),
            limit: options.limit,
            spin: options.spin,
            cancel: Arc::clone(&options.cancel),
            epoch: Instant::now(),
            begun: AtomicU64::new(0),
            arrived: AtomicUsize::new(0),
            open: AtomicU64::new(0),
            opened_at: AtomicU64::new(0),
            ended: (0..n_segments).map(|_| AtomicU64::new(0)).collect(),
            at_rest: AtomicUsize::new(0),
            record: Mutex::new(RoundRecord {
                released: vec![Nanoseconds::ZERO; n_lanes],
                spans: vec![Span::default(); n_segments],
            }),
            conductor: Waiter::default(),
            stopped: AtomicBool::new(false),
            has_stalled: AtomicBool::new(false),
            failure: Mutex::new(None),
        }
    }

    /// Nanoseconds on this program's clock; more than five centuries fit.
    pub(super) fn now(&self) -> u64 {
        u64::try_from(self.epoch.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    pub(super) fn place(&self, lane: usize, segment: usize) -> Place {
        let Work { task, layers, .. } = &self.works[segment];
        Place { task: task.clone(), layers: *layers, lane: self.lanes[lane].name.clone() }
    }

    /// Says what a lane does from now on.
    pub(super) fn set_doing(&self, lane: usize, doing: Doing) {
        *lock(&self.lanes[lane].doing) = (doing, self.now());
    }

    /// Ends all lanes before their next segments.
    pub(super) fn stop(&self) {
        self.stopped.store(true, SeqCst);
        self.wake_lanes();
        self.conductor.wake();
    }

    /// The same because of `error`; the first one counts.
    pub(super) fn fail(&self, error: ExecutorError<E>) -> Stopped {
        lock(&self.failure).get_or_insert(error);
        self.stop();
        Stopped
    }

    /// Whether lanes have to end. Notices a request to stop.
    pub(super) fn check_stopped(&self) -> Result<(), Stopped> {
        if self.stopped.load(SeqCst) {
            return Err(Stopped);
        }
        if self.cancel.load(SeqCst) {
            return Err(self.fail(ExecutorError::Cancelled));
        }
        Ok(())
    }

    fn must_end(&self) -> bool {
        self.stopped.load(SeqCst) || self.cancel.load(SeqCst)
    }

    fn wake_lanes(&self) {
        self.lanes.iter().for_each(|lane| lane.waiter.wake());
    }

    /// For a lane: returns when round `round` has begun.
    pub(super) fn wait_for_round(&self, lane: usize, round: u64) -> Result<(), Stopped> {
        self.set_doing(lane, Doing::Idle);
        let is_over = || self.begun.load(SeqCst) >= round || self.stopped.load(SeqCst);
        self.lanes[lane].waiter.wait(Duration::ZERO, is_over);
        self.check_stopped()
    }

    /// For a lane: the barrier of a round. Returns when the last lane arrived, for all of them the same moment, and when
    /// this lane left.
    pub(super) fn pass_barrier(&self, lane: usize, round: u64) -> Result<(u64, u64), Stopped> {
        self.set_doing(lane, Doing::AtBarrier);
        if self.arrived.fetch_add(1, SeqCst) + 1 == self.lanes.len() {
            self.arrived.store(0, SeqCst);
            self.opened_at.store(self.now(), SeqCst);
            self.open.store(round, SeqCst);
            self.wake_lanes();
        } else {
            let is_over = || self.open.load(SeqCst) >= round || self.must_end();
            self.lanes[lane].waiter.wait(self.spin, is_over);
        }
        let left = self.now();
        self.check_stopped()?;
        Ok((self.opened_at.load(SeqCst), left))
    }

    /// For a lane: returns when all causes of `segment` have ended in `round`.
    pub(super) fn wait_for_causes(&self, lane: usize, segment: usize, round: u64) -> Result<(), Stopped> {
        if !self.has_causes(segment, round) {
            self.set_doing(lane, Doing::WaitingFor(segment));
            let is_over = || self.has_causes(segment, round) || self.must_end();
            self.lanes[lane].waiter.wait(self.spin, is_over);
        }
        self.check_stopped()
    }

    fn has_causes(&self, segment: usize, round: u64) -> bool {
        self.works[segment].after.iter().all(|&cause| self.ended[cause].load(SeqCst) >= round)
    }

    /// For a lane: returns at `moment` of the program's clock.
    pub(super) fn wait_until(&self, lane: usize, moment: u64) -> Result<(), Stopped> {
        loop {
            self.check_stopped()?;
            let left = Duration::from_nanos(moment.saturating_sub(self.now()));
            if left.is_zero() {
                return Ok(());
            }
            // Waiting for a clock isn't stalling.
            self.set_doing(lane, Doing::Idle);
            let asleep = left.saturating_sub(2 * self.spin);
            if !asleep.is_zero() {
                thread::park_timeout(asleep.min(NAP));
            }
        }
    }

    /// For a lane: `segment` has ended in `round`; wakes who waits for it.
    pub(super) fn end(&self, segment: usize, round: u64) {
        self.ended[segment].store(round, SeqCst);
        self.wake_lanes();
    }

    /// For a lane: hands over what it recorded, and rests.
    pub(super) fn rest(&self, lane: usize, released: Nanoseconds, spans: &[(usize, Span)]) {
        let mut record = lock(&self.record);
        record.released[lane] = released;
        for &(segment, span) in spans {
            record.spans[segment] = span;
        }
        drop(record);
        self.be_ready(lane);
    }

    /// For a lane: it has nothing to do.
    pub(super) fn be_ready(&self, lane: usize) {
        self.set_doing(lane, Doing::Idle);
        self.at_rest.fetch_add(1, SeqCst);
        self.conductor.wake();
    }

    /// For the conductor: returns when all lanes are set up.
    pub(super) fn wait_until_ready(&self) -> Result<(), ExecutorError<E>> {
        self.conductor.take();
        self.watch()
    }

    /// For the conductor: one round of all lanes.
    pub(super) fn round(&self) -> Result<RoundRecord, ExecutorError<E>> {
        self.conductor.take();
        if self.check_stopped().is_err() {
            return Err(self.take_failure());
        }
        self.at_rest.store(0, SeqCst);
        self.begun.fetch_add(1, SeqCst);
        self.wake_lanes();
        self.watch()?;
        Ok(lock(&self.record).clone())
    }

    /// Waits until all lanes rest, with an eye on those that take too long.
    fn watch(&self) -> Result<(), ExecutorError<E>> {
        let is_over = || self.at_rest.load(SeqCst) == self.lanes.len() || self.stopped.load(SeqCst);
        while !self.conductor.nap(is_over) {
            if let Some(error) = self.stalled() {
                self.has_stalled.store(true, SeqCst);
                self.fail(error);
            }
        }
        if self.stopped.load(SeqCst) { Err(self.take_failure()) } else { Ok(()) }
    }

    fn take_failure(&self) -> ExecutorError<E> {
        lock(&self.failure).take().unwrap_or(ExecutorError::Dead)
    }

    /// The lane that has done one thing for longer than the limit, where that isn't waiting for another one's.
    fn stalled(&self) -> Option<ExecutorError<E>> {
        let doing: Vec<(Doing, u64)> = self.lanes.iter().map(|lane| *lock(&lane.doing)).collect();
        let now = self.now();
        let is_late = |since: u64| Duration::from_nanos(now.saturating_sub(since)) > self.limit;
        let (lane, what) = doing.iter().enumerate().find_map(|(lane, &(doing, since))| {
            let name = &self.lanes[lane].name;
            let what = match doing {
                Doing::SettingUp => format!("`{name}` isn't set up"),
                Doing::Running(segment) => format!("{} haven't ended", self.place(lane, segment)),
                Doing::AtBarrier => format!("`{name}` is alone at the barrier"),
                Doing::Idle | Doing::WaitingFor(_) | Doing::Gone => return None,
            };
            is_late(since).then_some((lane, what))
        })?;
        let waiting: String = (0..doing.len())
            .filter(|&other| other != lane)
            .filter_map(|other| self.waits(other, doing[other].0))
            .collect();
        Some(ExecutorError::Stalled { what, limit: self.limit, waiting })
    }

    /// What a waiting lane waits for, as the end of a sentence.
    fn waits(&self, lane: usize, doing: Doing) -> Option<String> {
        let Doing::WaitingFor(segment) = doing else { return None };
        let missing = |cause: &&usize| self.ended[**cause].load(SeqCst) < self.begun.load(SeqCst);
        let cause = self.works[segment].after.iter().find(missing)?;
        let Work { task, layers, .. } = &self.works[*cause];
        Some(format!("; {} wait for layers {layers} of `{task}`", self.place(lane, segment)))
    }
}
