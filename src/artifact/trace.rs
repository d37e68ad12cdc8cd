//! A run in the JSON form of Chrome's trace events, which Perfetto opens: a process for what each policy did and one for
//! what was predicted of it, a track per accelerator.
//!
//! Format: "Trace Event Format" (Google, catapult), complete events (`X`) in microseconds and metadata events (`M`).

use anyhow::Result;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::run::{PolicyRun, RunLog, Span};
use crate::units::Nanoseconds;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Trace {
    display_time_unit: &'static str,
    other_data: Map<String, Value>,
    #[serde(rename = "traceEvents")]
    events: Vec<Event>,
}

#[derive(Serialize)]
struct Event {
    name: String,
    ph: &'static str,
    pid: usize,
    tid: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    ts: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dur: Option<f64>,
    args: Value,
}

/// The trace of `log`. Rounds follow each other in the order in which they were run; what passed between them isn't
/// recorded, so each begins where the one before, or its prediction, ends.
pub fn trace_to_json(log: &RunLog) -> Result<String> {
    let mut all = Vec::new();
    for (idx, policy) in log.policies.iter().enumerate() {
        let word = log.backend.word();
        all.extend(metadata(log, actual_process(idx), &format!("{}: {word}", policy.label)));
        all.extend(metadata(log, predicted_process(idx), &format!("{}: predicted", policy.label)));
    }
    let n_rounds = log.policies.iter().map(|policy| policy.rounds.len()).max().unwrap_or(0);
    let mut begin = Nanoseconds::ZERO;
    for round in 0..n_rounds {
        for (idx, policy) in log.policies.iter().enumerate() {
            let Some(length) = policy.rounds.get(round).map(|it| it.makespan().max(policy.predicted_makespan())) else {
                continue;
            };
            all.extend(events(log, idx, policy, round, begin));
            begin += length;
        }
    }
    let other_data = [
        ("backend", json!(log.backend.name)),
        ("simulated", json!(log.backend.simulated)),
        ("platform", json!(log.platform)),
    ];
    let other_data = other_data.map(|(key, value)| (key.to_owned(), value)).into_iter().collect();
    Ok(serde_json::to_string(&Trace { display_time_unit: "ms", other_data, events: all })? + "\n")
}

fn actual_process(policy: usize) -> usize {
    2 * policy + 1
}

fn predicted_process(policy: usize) -> usize {
    2 * policy + 2
}

/// Names of a process and its tracks.
fn metadata(log: &RunLog, pid: usize, name: &str) -> Vec<Event> {
    let event = |kind: &str, tid: usize, args: Value| Event {
        name: kind.to_owned(),
        ph: "M",
        pid,
        tid,
        ts: None,
        dur: None,
        args,
    };
    let mut events = vec![
        event("process_name", 0, json!({"name": name})),
        event("process_sort_index", 0, json!({"sort_index": pid})),
    ];
    let tracks = log.accelerators.iter().enumerate();
    events.extend(tracks.map(|(idx, name)| event("thread_name", idx + 1, json!({"name": name.to_uppercase()}))));
    events
}

/// Every span of a round as it ran and as it was predicted.
fn events(log: &RunLog, idx: usize, policy: &PolicyRun, round: usize, begin: Nanoseconds) -> Vec<Event> {
    let mut events = Vec::new();
    for (task_idx, task) in policy.tasks.iter().enumerate() {
        for span in 0..task.spans.len() {
            let name = format!("{} {}", task.name, task.layers(span));
            let actual = policy.rounds[round].spans[task_idx][span];
            for accelerator in task.accelerators(span) {
                let track = log.accelerators.iter().position(|name| name == accelerator).unwrap_or(0) + 1;
                let predicted = task.predicted_on(span, accelerator).unwrap_or_default();
                for (pid, at) in [(actual_process(idx), actual), (predicted_process(idx), predicted)] {
                    events.push(complete(name.clone(), pid, track, begin, at, round));
                }
            }
        }
    }
    events
}

fn complete(name: String, pid: usize, tid: usize, begin: Nanoseconds, at: Span, round: usize) -> Event {
    let microseconds = |time: Nanoseconds| Some(time.0 as f64 / 1e3);
    Event {
        name,
        ph: "X",
        pid,
        tid,
        ts: microseconds(begin + at.start),
        dur: microseconds(at.duration()),
        args: json!({"round": round + 1}),
    }
}
