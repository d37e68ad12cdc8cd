use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use super::{Executor, ExecutorError, ExecutorOptions, Lane, Program, RoundRecord, Runner, Work};
use crate::group::LayerRange;
use crate::run::log::{GroupRange, Span};
use crate::run::segment::Segment;
use crate::units::Nanoseconds;

type Failure = ExecutorError<String>;

/// A segment that does something, and what it waits for.
struct Fake {
    after: Vec<usize>,
    release_us: u64,
    act: Box<dyn FnMut() -> Result<(), String> + Send>,
}

fn fake(after: &[usize], act: impl FnMut() -> Result<(), String> + Send + 'static) -> Fake {
    Fake { after: after.to_vec(), release_us: 0, act: Box::new(act) }
}

/// One that keeps its core busy for some microseconds.
fn busy(after: &[usize], us: u64) -> Fake {
    fake(after, move || {
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_micros(us) {}
        Ok(())
    })
}

/// A program of `fakes` on `lanes`, which are called `gpu`, `dla`, ...
fn program(fakes: Vec<Fake>, lanes: &[&[usize]]) -> Program<String> {
    let work = |(idx, fake): (usize, &Fake)| Work {
        task: format!("net{idx}"),
        layers: LayerRange { first: 10 * idx, last: 10 * idx + 10 },
        after: fake.after.clone(),
        release: Nanoseconds(1000 * fake.release_us),
    };
    let segments = fakes.iter().enumerate().map(work).collect();
    let mut acts: Vec<_> = fakes.into_iter().map(|fake| Some(fake.act)).collect();
    let lane = |(name, segments): (&str, &&[usize])| {
        let acts: Vec<_> = segments.iter().filter_map(|&segment| acts.get_mut(segment)?.take()).collect();
        let set_up = Box::new(move || Ok(acts.into_iter().map(|act| act as Runner<String>).collect()));
        Lane { name: name.to_owned(), segments: segments.to_vec(), set_up }
    };
    Program { segments, lanes: ["gpu", "dla", "npu"].into_iter().zip(lanes).map(lane).collect() }
}

/// Waits end in milliseconds, not in a minute.
fn options(limit_ms: u64) -> ExecutorOptions {
    ExecutorOptions { limit: Duration::from_millis(limit_ms), ..ExecutorOptions::default() }
}

fn start(program: Program<String>) -> Executor<String> {
    Executor::start(vec![program], options(20_000)).unwrap()
}

/// What starting `program` and running a round of it fails with.
fn failure(program: Program<String>, limit_ms: u64) -> String {
    let failed = Executor::start(vec![program], options(limit_ms)).and_then(|mut executor| executor.round(0));
    failed.expect_err("it must fail").to_string()
}

#[test]
fn lanes_keep_their_order_and_segments_wait_for_their_causes() {
    // Net 0 goes from gpu to dla (segments 0, 1), net 1 from dla to gpu (2, 3), net 2 follows on gpu (4).
    let fakes = vec![busy(&[], 300), busy(&[0], 100), busy(&[], 50), busy(&[2], 200), busy(&[1], 10)];
    let mut executor = start(program(fakes, &[&[0, 3, 4], &[2, 1]]));
    for _ in 0..50 {
        let RoundRecord { released, spans } = executor.round(0).unwrap();
        assert_eq!(released.len(), 2);
        for (before, after) in [(0, 1), (2, 3), (1, 4), (0, 3), (3, 4), (2, 1)] {
            assert!(spans[before].end <= spans[after].start, "{before} before {after}: {spans:?}");
        }
        for (span, us) in spans.iter().zip([300, 100, 50, 200, 10]) {
            assert!(span.duration() >= Nanoseconds(1000 * us), "{spans:?}");
        }
    }
}

#[test]
fn the_moments_when_lanes_leave_the_barrier_are_recorded() {
    let mut executor = start(program(vec![busy(&[], 20), busy(&[], 20)], &[&[0], &[1]]));
    let rounds: Vec<RoundRecord> = (0..200).map(|_| executor.round(0).unwrap()).collect();
    for RoundRecord { released, spans } in &rounds {
        assert!(released.iter().zip(spans).all(|(left, span)| *left <= span.start), "{released:?} {spans:?}");
        assert!(released.iter().any(|left| left.0 < 10_000_000), "{released:?}");
    }
    let mut firsts: Vec<u64> =
        rounds.iter().map(|round| round.spans[0].start.0.abs_diff(round.spans[1].start.0)).collect();
    firsts.sort_unstable();
    let skew = firsts[firsts.len() / 2];
    assert!(skew < 10_000_000, "{skew} ns");
}

#[test]
fn a_release_holds_a_segment_back() {
    let late = Fake { release_us: 3000, ..busy(&[], 0) };
    let mut executor = start(program(vec![late, busy(&[0], 0)], &[&[0], &[1]]));
    let spans = executor.round(0).unwrap().spans;
    assert!(spans[0].start >= Nanoseconds(3_000_000) && spans[1].start >= spans[0].end, "{spans:?}");
}

#[test]
fn a_lane_sets_up_and_runs_on_one_thread_of_its_own() {
    let seen: Arc<Mutex<Vec<(usize, ThreadId)>>> = Arc::default();
    let note = |lane: usize| {
        let seen = Arc::clone(&seen);
        move || seen.lock().unwrap().push((lane, thread::current().id()))
    };
    let lane = |idx: usize| {
        let [at_set_up, at_run] = [note(idx), note(idx)];
        let set_up = Box::new(move || {
            at_set_up();
            let run = move || {
                at_run();
                Ok(())
            };
            Ok(vec![Box::new(run) as Runner<String>])
        });
        Lane { name: format!("lane{idx}"), segments: vec![idx], set_up }
    };
    let work = Work {
        task: "net".into(),
        layers: LayerRange { first: 0, last: 1 },
        after: vec![],
        release: Nanoseconds::ZERO,
    };
    let mut executor = start(Program { segments: vec![work.clone(), work], lanes: vec![lane(0), lane(1)] });
    for _ in 0..3 {
        executor.round(0).unwrap();
    }
    drop(executor);
    let seen = seen.lock().unwrap();
    let of_lane = |lane: usize| -> Vec<ThreadId> {
        seen.iter().filter(|(idx, _)| *idx == lane).map(|(_, thread)| *thread).collect()
    };
    let [first, second] = [of_lane(0), of_lane(1)];
    assert_eq!((first.len(), second.len()), (4, 4));
    assert!(first.iter().all(|thread| *thread == first[0] && *thread != second[0]));
    assert!(second.iter().all(|thread| *thread == second[0]));
}

#[test]
fn an_error_stops_all_lanes_and_names_task_and_layers() {
    let mut n_runs = 0;
    let failing = fake(&[], move || {
        n_runs += 1;
        if n_runs == 3 { Err("out of memory".to_owned()) } else { Ok(()) }
    });
    let mut executor = start(program(vec![busy(&[], 10), failing, busy(&[1], 10)], &[&[0, 2], &[1]]));
    executor.round(0).unwrap();
    executor.round(0).unwrap();
    let error = executor.round(0).unwrap_err();
    assert!(matches!(error, Failure::Failed { .. }));
    assert_eq!(error.to_string(), "layers 10-19 of `net1` on `dla`: out of memory");
    assert!(matches!(executor.round(0).unwrap_err(), Failure::Dead));
}

#[test]
fn a_panic_stops_all_lanes_like_an_error() {
    let program = program(vec![fake(&[], || panic!("index {} of 3", 7)), busy(&[0], 10)], &[&[0], &[1]]);
    assert_eq!(failure(program, 20_000), "layers 0-9 of `net0` on `gpu` broke off: index 7 of 3");
}

#[test]
fn what_fails_while_a_lane_is_set_up_is_said() {
    let set_up = |make: fn() -> Result<Vec<Runner<String>>, String>| {
        let mut program = program(vec![busy(&[], 1), busy(&[], 1)], &[&[0], &[1]]);
        program.lanes[1].set_up = Box::new(make);
        failure(program, 20_000)
    };
    assert_eq!(set_up(|| Err("no such file".into())), "`dla` can't be set up: no such file");
    assert_eq!(set_up(|| Ok(vec![])), "`dla` set up 0 runner(s) for 1 segment(s)");
    assert_eq!(set_up(|| panic!("boom")), "setting `dla` up broke off: boom");
}

#[test]
fn a_runner_that_never_ends_is_left_behind_and_who_waits_is_named() {
    let freed = Arc::new(AtomicBool::new(false));
    let is_free = Arc::clone(&freed);
    let hanging = fake(&[], move || {
        while !is_free.load(SeqCst) {
            thread::yield_now();
        }
        Ok(())
    });
    let begun = Instant::now();
    let message = failure(program(vec![hanging, busy(&[0], 1)], &[&[0], &[1]]), 30);
    assert!(begun.elapsed() < Duration::from_secs(10));
    let expected = "layers 0-9 of `net0` on `gpu` haven't ended after 30ms; \
                    layers 10-19 of `net1` on `dla` wait for layers 0-9 of `net0`";
    assert_eq!(message, expected);
    freed.store(true, SeqCst);
}

#[test]
fn a_request_to_stop_is_met_before_the_next_segment() {
    let options = options(20_000);
    let (cancel, n_runs) = (Arc::clone(&options.cancel), Arc::new(Mutex::new(0)));
    let counted = Arc::clone(&n_runs);
    let asks = fake(&[], move || {
        cancel.store(true, SeqCst);
        Ok(())
    });
    let counts = fake(&[], move || {
        *counted.lock().unwrap() += 1;
        Ok(())
    });
    let waits = busy(&[1], 1);
    let mut executor = Executor::start(vec![program(vec![asks, counts, waits], &[&[0, 1], &[2]])], options).unwrap();
    assert!(matches!(executor.round(0).unwrap_err(), Failure::Cancelled));
    drop(executor);
    assert_eq!(*n_runs.lock().unwrap(), 0);
}

#[test]
fn programs_take_turns_on_threads_of_their_own() {
    let order: Arc<Mutex<Vec<char>>> = Arc::default();
    let program = |name: char| {
        let order = Arc::clone(&order);
        let says = fake(&[], move || {
            order.lock().unwrap().push(name);
            Ok(())
        });
        program(vec![says, busy(&[], 5)], &[&[0], &[1]])
    };
    let mut executor = Executor::start(vec![program('A'), program('B'), program('C')], options(20_000)).unwrap();
    for turn in 0..9 {
        executor.round(turn % 3).unwrap();
    }
    assert_eq!(order.lock().unwrap().iter().collect::<String>(), "ABCABCABC");
}

#[test]
fn a_program_that_cannot_run_is_refused_before_a_thread_starts() {
    let check = |after: &[&[usize]], lanes: &[&[usize]], expected: &str| {
        let fakes = after.iter().map(|after| busy(after, 1)).collect();
        assert_eq!(failure(program(fakes, lanes), 20_000), expected);
    };
    check(&[&[]], &[], "there is no lane");
    check(&[&[]], &[&[0, 1]], "segment 1 isn't there: there are 1");
    check(&[&[], &[]], &[&[0]], "segment 1 is on 0 lanes instead of one");
    check(&[&[]], &[&[0], &[0]], "segment 0 is on 2 lanes instead of one");
    check(&[&[1], &[0]], &[&[0], &[1]], "2 segment(s) never start: they wait for each other in a circle");
    check(&[&[1], &[]], &[&[0, 1]], "2 segment(s) never start: they wait for each other in a circle");
    check(&[&[9]], &[&[0]], "1 segment(s) never start: they wait for each other in a circle");
}

#[test]
fn more_lanes_than_cores_still_end_their_rounds() {
    let fakes = (0..3).map(|idx| busy(if idx == 0 { &[] } else { &[0] }, 20)).collect();
    let options = ExecutorOptions { spin: Duration::ZERO, ..options(20_000) };
    let mut executor = Executor::start(vec![program(fakes, &[&[0], &[1], &[2]])], options).unwrap();
    for _ in 0..100 {
        let spans = executor.round(0).unwrap().spans;
        assert!(spans[1].start >= spans[0].end && spans[2].start >= spans[0].end);
    }
}

#[test]
fn a_record_becomes_a_round_by_task() {
    let span = |start: u64| Span { start: Nanoseconds(start), end: Nanoseconds(start + 1) };
    let record = RoundRecord { released: vec![Nanoseconds(1)], spans: vec![span(0), span(1), span(2)] };
    let segment =
        |task: usize, first: usize| Segment { task, groups: GroupRange { first, last: first + 1 }, machine: 0 };
    let round = record.into_round(&[segment(0, 0), segment(0, 1), segment(1, 0)]);
    assert_eq!(round.spans, [vec![span(0), span(1)], vec![span(2)]]);
    assert_eq!(round.released, [Nanoseconds(1)]);
}
