//! The life of a lane: set up, then round after round until something stops it.

use std::any::Any;
use std::panic::{self, AssertUnwindSafe};

use super::error::{Cause, ExecutorError};
use super::program::{Lane, Runner};
use super::shared::{Doing, Shared, Stopped};
use crate::run::log::Span;
use crate::units::Nanoseconds;

/// Lives as lane number `idx` until it is stopped.
pub(super) fn live<E: Cause>(shared: &Shared<E>, idx: usize, lane: Lane<E>) {
    shared.lanes[idx].waiter.take();
    // What stopped it is in `shared`.
    let _ = work(shared, idx, lane);
    shared.set_doing(idx, Doing::Gone);
}

fn work<E: Cause>(shared: &Shared<E>, idx: usize, lane: Lane<E>) -> Result<(), Stopped> {
    shared.set_doing(idx, Doing::SettingUp);
    let Lane { name, segments, set_up } = lane;
    let mut runners = match caught(set_up) {
        Ok(Ok(runners)) => runners,
        Ok(Err(cause)) => return Err(shared.fail(ExecutorError::SetUp { lane: name, cause })),
        Err(message) => {
            let what = format!("setting `{name}` up");
            return Err(shared.fail(ExecutorError::Panicked { what, message }));
        }
    };
    let (n_runners, n_segments) = (runners.len(), segments.len());
    if n_runners != n_segments {
        return Err(shared.fail(ExecutorError::RunnerCount { lane: name, n_runners, n_segments }));
    }
    let mut spans = Vec::with_capacity(n_segments);
    shared.be_ready(idx);
    for round in 1.. {
        shared.wait_for_round(idx, round)?;
        let (opened_at, left) = shared.pass_barrier(idx, round)?;
        spans.clear();
        for (&segment, runner) in segments.iter().zip(&mut runners) {
            let span = run(shared, idx, segment, runner, round, opened_at)?;
            spans.push((segment, span));
        }
        shared.rest(idx, since(left, opened_at), &spans);
    }
    Ok(())
}

/// Runs one segment as soon as its causes allow.
fn run<E: Cause>(
    shared: &Shared<E>,
    idx: usize,
    segment: usize,
    runner: &mut Runner<E>,
    round: u64,
    opened_at: u64,
) -> Result<Span, Stopped> {
    shared.wait_for_causes(idx, segment, round)?;
    shared.wait_until(idx, opened_at.saturating_add(shared.works[segment].release.0))?;
    shared.set_doing(idx, Doing::Running(segment));
    let start = shared.now();
    let result = caught(runner);
    let end = shared.now();
    match result {
        Ok(Ok(())) => {}
        Ok(Err(cause)) => return Err(shared.fail(ExecutorError::Failed { place: shared.place(idx, segment), cause })),
        Err(message) => {
            let what = shared.place(idx, segment).to_string();
            return Err(shared.fail(ExecutorError::Panicked { what, message }));
        }
    }
    shared.end(segment, round);
    Ok(Span { start: since(start, opened_at), end: since(end, opened_at) })
}

fn since(moment: u64, from: u64) -> Nanoseconds {
    Nanoseconds(moment.saturating_sub(from))
}

/// What `call` returns, or the message of its panic.
fn caught<T>(call: impl FnOnce() -> T) -> Result<T, String> {
    // Whatever a broken runner leaves half done is never run again.
    panic::catch_unwind(AssertUnwindSafe(call)).map_err(|payload| message(&*payload))
}

fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a panic without words".to_owned())
}
