//! The solver beside the running networks: one thread, which takes one search after the other.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::anyhow;

use crate::backend::onnxruntime::bind_thread;
use crate::cli::failure::Failure;
use crate::run::dynamic::{Candidate, Controller, Search, SearchEnd};
use crate::schedule::{self, Cancel, Decision, Solution, SolveError, SolveOptions, Timeline};
use crate::units::Nanoseconds;

/// Longest wait for the solver without looking whether somebody wants the run to end.
const NAP: Duration = Duration::from_millis(20);

/// Rounds for which the solver searches again, and then rests, where its cost is measured.
const TURN: u64 = 10;

/// Longest wait for a search to end.
const PATIENCE: Duration = Duration::from_secs(2);

/// A search and what ends it.
struct Order {
    search: Search,
    asked: Instant,
    cancel: Cancel,
    /// Nobody wants to know what it finds: it is made again and again until it is ended.
    rehearsal: bool,
}

/// What the thread says of a search, and how long after it was asked for.
enum Message {
    Found { generation: u64, decision: Decision, timeline: Timeline, elapsed: Duration },
    Ended { generation: u64, elapsed: Duration, result: Box<Result<Solution, SolveError>> },
}

/// The search that was asked for last.
struct Asked {
    search: Search,
    since: Instant,
    cancel: Cancel,
}

/// The solver's thread, seen from the one that runs rounds.
pub(super) struct Solver {
    /// `None` at its end.
    orders: Option<Sender<Order>>,
    thread: JoinHandle<()>,
    messages: Receiver<Message>,
    inbox: VecDeque<Message>,
    last: Option<Asked>,
    /// The search that ended last.
    ended: Arc<AtomicU64>,
    rehearsing: Arc<AtomicBool>,
    /// Rounds since the search ended.
    n_idle: u64,
    /// What it said of searches that failed.
    pub(super) complaints: Vec<String>,
}

impl Solver {
    /// A thread that waits for a search, bound to `core` where one is given.
    pub(super) fn start(options: SolveOptions, core: Option<usize>) -> Result<Self, Failure> {
        let (orders, taken) = mpsc::channel();
        let (sender, messages) = mpsc::channel();
        let ended = Arc::new(AtomicU64::new(0));
        let rehearsing = Arc::new(AtomicBool::new(false));
        let of_thread = (Arc::clone(&ended), Arc::clone(&rehearsing));
        let live = move || {
            // A core that can't be had is shared: the run says which one it was.
            let _ = bind_thread(core.as_slice());
            live(&taken, &sender, &options, (&of_thread.0, &of_thread.1));
        };
        let thread = thread::Builder::new()
            .name("solver".to_owned())
            .spawn(live)
            .map_err(|error| anyhow!("no thread for the solver ({error})"))?;
        let (inbox, complaints) = (VecDeque::new(), Vec::new());
        Ok(Self { orders: Some(orders), thread, messages, inbox, last: None, ended, rehearsing, n_idle: 0, complaints })
    }

    /// Ends what it does and begins `search`.
    pub(super) fn begin(&mut self, search: Search) {
        self.cancel();
        self.n_idle = 0;
        self.order(search, false);
    }

    fn order(&mut self, search: Search, rehearsal: bool) {
        let (asked, cancel) = (Instant::now(), Cancel::default());
        self.last = Some(Asked { search: search.clone(), since: asked, cancel: cancel.clone() });
        // A thread that is gone has said why; the networks run on.
        let _ = self.orders.as_ref().map(|orders| orders.send(Order { search, asked, cancel, rehearsal }));
    }

    /// Whether it works.
    pub(super) fn is_busy(&self) -> bool {
        self.is_searching() || self.rehearsing.load(SeqCst)
    }

    fn is_searching(&self) -> bool {
        self.last.as_ref().is_some_and(|last| self.ended.load(SeqCst) != last.search.generation)
    }

    /// After a round: once its search has ended, has it search again for every other [`TURN`] rounds.
    pub(super) fn take_turns(&mut self) {
        if self.is_searching() {
            return;
        }
        match (self.n_idle % (2 * TURN), &self.last) {
            (TURN, Some(last)) => {
                self.rehearsing.store(true, SeqCst);
                let search = last.search.clone();
                self.order(search, true);
            }
            (0, _) => self.cancel(),
            _ => {}
        }
        self.n_idle += 1;
    }

    /// In virtual time: waits until it has had as much time of this machine's clock as has passed since the search began, or
    /// has ended. Returns early after a nap: false where there is more to wait for.
    pub(super) fn has_kept_up(&mut self, now: Nanoseconds) -> bool {
        let Some(last) = self.last.as_ref().filter(|_| self.is_searching()) else { return true };
        let due = Duration::from_nanos(now.0.saturating_sub(last.search.began.0));
        let left = due.saturating_sub(last.since.elapsed());
        if left.is_zero() {
            return true;
        }
        match self.messages.recv_timeout(left.min(NAP)) {
            Ok(message) => self.inbox.push_back(message),
            Err(RecvTimeoutError::Disconnected) => return true,
            Err(RecvTimeoutError::Timeout) => {}
        }
        false
    }

    /// Gives the controller what was found; schedules that `fits` refuses are left out.
    pub(super) fn hand_over(&mut self, controller: &mut Controller, fits: &dyn Fn(&Decision) -> bool) {
        self.inbox.extend(self.messages.try_iter());
        let Some(Search { generation: of_last, began, .. }) = self.last.as_ref().map(|last| &last.search) else {
            return;
        };
        let (of_last, began) = (*of_last, *began);
        let moment = |elapsed: Duration| began + Nanoseconds(u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX / 2));
        for message in self.inbox.drain(..) {
            match message {
                Message::Found { generation, decision, timeline, elapsed }
                    if generation == of_last && fits(&decision) =>
                {
                    controller.offer(Candidate { generation, decision, timeline, at: moment(elapsed), elapsed });
                }
                Message::Ended { generation, elapsed, result } if generation == of_last => match *result {
                    Ok(solution) => controller.solved(generation, moment(elapsed), end(&solution, elapsed)),
                    Err(error) => self.complaints.push(error.to_string()),
                },
                _ => {}
            }
        }
    }

    fn cancel(&self) {
        if let Some(last) = &self.last {
            last.cancel.cancel();
        }
    }
}

impl Drop for Solver {
    /// Ends the search, and waits for that: the process shall not end inside Z3. A thread that doesn't come back is left.
    fn drop(&mut self) {
        self.cancel();
        self.orders = None;
        let begun = Instant::now();
        while !self.thread.is_finished() && begun.elapsed() < PATIENCE {
            thread::sleep(Duration::from_millis(1));
        }
    }
}

fn end(solution: &Solution, elapsed: Duration) -> SearchEnd {
    let proof = &solution.proof;
    SearchEnd { state: proof.state, stopped_by: proof.stopped_by, value: solution.value, bound: proof.bound, elapsed }
}

fn live(
    orders: &Receiver<Order>,
    messages: &Sender<Message>,
    options: &SolveOptions,
    (ended, rehearsing): (&AtomicU64, &AtomicBool),
) {
    while let Ok(Order { search, asked, cancel, rehearsal }) = orders.recv() {
        let Search { generation, problem, warm, .. } = search;
        let options = SolveOptions { cancel, ..options.clone() };
        if rehearsal {
            while !options.cancel.is_cancelled() && schedule::solve(&problem, &options, &warm, &mut |_| {}).is_ok() {}
            rehearsing.store(false, SeqCst);
            continue;
        }
        let result = schedule::solve(&problem, &options, &warm, &mut |progress| {
            if progress.incumbent.is_none() {
                return;
            }
            let (decision, timeline) = (progress.decision.clone(), progress.timeline.clone());
            // Nobody listens where the run is over.
            let _ = messages.send(Message::Found { generation, decision, timeline, elapsed: asked.elapsed() });
        });
        let _ = messages.send(Message::Ended { generation, elapsed: asked.elapsed(), result: Box::new(result) });
        ended.store(generation, SeqCst);
    }
}
