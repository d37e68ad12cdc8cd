//! From the fields of a file to a run, refusing what no run leaves behind.

use anyhow::{Result, bail};

use super::{EngineModeField, GroupField, PolicyField, ReferenceField, RunLogFile, StatisticsField, TaskField, write};
use crate::artifact::field::check_amount;
use crate::artifact::profile::check_range;
use crate::group::LayerRange;
use crate::run::{
    BackendRecord, Conditions, EngineMode, GroupPlan, GroupRange, PolicyRun, ReferenceRun, Round, RunLog, Span,
    TaskRun, WarmUp,
};
use crate::schedule::Occupation;
use crate::units::{Milliseconds, Nanoseconds};

/// Half an hour: no round takes that long, and sums over all that a file can hold stay countable.
const LAST_MOMENT: u64 = 1_800_000_000_000;

pub(super) fn into_run_log(file: &RunLogFile) -> Result<RunLog> {
    check_amount(file.warm_up_ms, "warm_up_ms")?;
    if file.policies.is_empty() {
        bail!("policies: empty");
    }
    let policies = file.policies.iter().enumerate();
    let in_one_engine = matches!(file.engine_mode, EngineModeField::Transition);
    let policies = policies
        .map(|(idx, policy)| into_policy(policy, &file.accelerators, in_one_engine, &format!("policies[{idx}]")));
    let log = RunLog {
        policies: policies.collect::<Result<_>>()?,
        backend: BackendRecord {
            name: file.backend.clone(),
            simulated: file.simulated,
            versions: file.versions.iter().map(|it| (it.name.clone(), it.version.clone())).collect(),
        },
        platform: file.platform.clone(),
        conditions: Conditions { power_mode: file.power_mode.clone(), clocks: file.clocks.clone() },
        engine_mode: match file.engine_mode {
            EngineModeField::Segments => EngineMode::Segments,
            EngineModeField::Transition => EngineMode::Transition,
        },
        warm_up: WarmUp { time: Milliseconds(file.warm_up_ms), rounds: file.warm_up_rounds },
        seed: file.seed,
        accelerators: file.accelerators.clone(),
        references: file.references.iter().enumerate().map(into_reference).collect::<Result<_>>()?,
    };
    check_figures(file, &write::file(&log))?;
    Ok(log)
}

fn into_reference((idx, field): (usize, &ReferenceField)) -> Result<ReferenceRun> {
    let at = format!("references[{idx}].ends_ns");
    if field.ends_ns.is_empty() {
        bail!("{at}: empty");
    }
    let round = |ends: &Vec<u64>| ends.iter().map(|&end| moment(end, &at)).collect::<Result<Vec<_>>>();
    let ends = field.ends_ns.iter().map(round).collect::<Result<_>>()?;
    Ok(ReferenceRun { name: field.name.clone(), label: field.label.clone(), ends })
}

fn into_policy(field: &PolicyField, accelerators: &[String], in_one_engine: bool, at: &str) -> Result<PolicyRun> {
    if field.tasks.is_empty() {
        bail!("{at}.tasks: empty");
    }
    let tasks = (0..field.tasks.len()).map(|task| into_task(&field.tasks, task, accelerators, at));
    let tasks: Vec<TaskRun> = tasks.collect::<Result<_>>()?;
    if !in_one_engine {
        tasks.iter().enumerate().try_for_each(|(idx, task)| check_places(task, &format!("{at}.tasks[{idx}]")))?;
    }
    let n_rounds = field.rounds_ns.len();
    if n_rounds == 0 {
        bail!("{at}.rounds_ns: empty");
    }
    if field.released_ns.len() != n_rounds {
        bail!("{at}.released_ns: {} round(s) instead of {n_rounds}", field.released_ns.len());
    }
    let rounds = field.rounds_ns.iter().zip(&field.released_ns).enumerate();
    let rounds = rounds.map(|(idx, (round, released))| into_round(round, released, &tasks, at, idx));
    Ok(PolicyRun {
        rounds: rounds.collect::<Result<_>>()?,
        name: field.policy.clone(),
        label: field.label.clone(),
        tasks,
    })
}

fn into_task(fields: &[TaskField], idx: usize, accelerators: &[String], at: &str) -> Result<TaskRun> {
    let field = &fields[idx];
    let at = format!("{at}.tasks[{idx}]");
    if field.groups.is_empty() {
        bail!("{at}.groups: empty");
    }
    let mut next = 0;
    let mut groups = Vec::with_capacity(field.groups.len());
    for (idx, group) in field.groups.iter().enumerate() {
        let at = format!("{at}.groups[{idx}]");
        next = check_range(group.layers, next, &format!("{at}.layers"))?;
        groups.push(into_group(group, accelerators, &at)?);
    }
    let position = |name: &String| match fields.iter().position(|task| task.name == *name) {
        Some(before) => Ok(before),
        None => bail!("{at}.after: there is no task `{name}`"),
    };
    Ok(TaskRun {
        spans: into_spans(&field.spans, &groups, &at)?,
        after: field.after.iter().map(position).collect::<Result<_>>()?,
        name: field.name.clone(),
        title: field.title.clone(),
        release: moment(field.release_ns, &format!("{at}.release_ns"))?,
        groups,
    })
}

fn into_group(field: &GroupField, accelerators: &[String], at: &str) -> Result<GroupPlan> {
    if !accelerators.contains(&field.accelerator) {
        bail!("{at}.accelerator: `{}` is none of `accelerators`", field.accelerator);
    }
    if !field.predicted_ns.is_sorted() {
        bail!("{at}.predicted_ns: the moments don't ascend");
    }
    let [first, last] = field.layers;
    moment(field.predicted_ns[4], &format!("{at}.predicted_ns"))?;
    let [start, launched, entered, worked, end] = field.predicted_ns.map(Nanoseconds);
    Ok(GroupPlan {
        layers: LayerRange { first, last },
        accelerator: field.accelerator.clone(),
        predicted: Occupation { start, launched, entered, worked, end },
    })
}

/// Spans that hold every group once.
fn into_spans(fields: &[[usize; 2]], groups: &[GroupPlan], at: &str) -> Result<Vec<GroupRange>> {
    let mut next = 0;
    for (idx, &[first, last]) in fields.iter().enumerate() {
        if first != next || last <= first || last > groups.len() {
            bail!("{at}.spans[{idx}]: [{first}, {last}] doesn't go on at group {next} of {}", groups.len());
        }
        next = last;
    }
    if next != groups.len() {
        bail!("{at}.spans: end at group {next} of {}", groups.len());
    }
    Ok(fields.iter().map(|&[first, last]| GroupRange { first, last }).collect())
}

/// An engine of a segment is on one accelerator.
fn check_places(task: &TaskRun, at: &str) -> Result<()> {
    match (0..task.spans.len()).find(|&span| task.accelerators(span).len() > 1) {
        Some(idx) => bail!("{at}.spans[{idx}]: its groups are on several accelerators"),
        None => Ok(()),
    }
}

fn into_round(round: &[Vec<[u64; 2]>], released: &[u64], tasks: &[TaskRun], at: &str, idx: usize) -> Result<Round> {
    if round.len() != tasks.len() {
        bail!("{at}.rounds_ns[{idx}]: {} task(s) instead of {}", round.len(), tasks.len());
    }
    let left = |&at_ns: &u64| moment(at_ns, &format!("{at}.released_ns[{idx}]"));
    let mut spans = Vec::with_capacity(round.len());
    for (task_idx, (fields, task)) in round.iter().zip(tasks).enumerate() {
        let at = format!("{at}.rounds_ns[{idx}][{task_idx}]");
        if fields.len() != task.spans.len() {
            bail!("{at}: {} span(s) instead of {}", fields.len(), task.spans.len());
        }
        let mut before = task.release.0;
        for &[start, end] in fields {
            if start > end || start < before {
                bail!("{at}: [{start}, {end}] ends before it starts, or starts before its task's release or last end");
            }
            moment(end, &at)?;
            before = end;
        }
        spans.push(
            fields.iter().map(|&[start, end]| Span { start: Nanoseconds(start), end: Nanoseconds(end) }).collect(),
        );
    }
    Ok(Round { released: released.iter().map(left).collect::<Result<_>>()?, spans })
}

fn moment(ns: u64, at: &str) -> Result<Nanoseconds> {
    if ns > LAST_MOMENT {
        bail!("{at}: {ns} ns is more than half an hour after the start of a round");
    }
    Ok(Nanoseconds(ns))
}

/// Refuses figures that don't follow from the rounds.
fn check_figures(stated: &RunLogFile, followed: &RunLogFile) -> Result<()> {
    for (idx, (stated, followed)) in stated.references.iter().zip(&followed.references).enumerate() {
        check_statistics(&stated.makespan_ms, &followed.makespan_ms, &format!("references[{idx}].makespan_ms"))?;
    }
    for (idx, (stated, followed)) in stated.policies.iter().zip(&followed.policies).enumerate() {
        let at = format!("policies[{idx}]");
        let key = format!("{at}.predicted_makespan_ns");
        check_count(stated.predicted_makespan_ns, followed.predicted_makespan_ns, &key)?;
        check_statistics(&stated.makespan_ms, &followed.makespan_ms, &format!("{at}.makespan_ms"))?;
        check_statistics(&stated.barrier_skew_us, &followed.barrier_skew_us, &format!("{at}.barrier_skew_us"))?;
        check_figure(stated.rounds_per_s, followed.rounds_per_s, &format!("{at}.rounds_per_s"))?;
        for (idx, (stated, followed)) in stated.tasks.iter().zip(&followed.tasks).enumerate() {
            let at = format!("{at}.tasks[{idx}]");
            let key = format!("{at}.predicted_latency_ns");
            check_count(stated.predicted_latency_ns, followed.predicted_latency_ns, &key)?;
            check_statistics(&stated.latency_ms, &followed.latency_ms, &format!("{at}.latency_ms"))?;
            check_figure(stated.inferences_per_s, followed.inferences_per_s, &format!("{at}.inferences_per_s"))?;
        }
    }
    Ok(())
}

fn check_statistics(stated: &StatisticsField, followed: &StatisticsField, at: &str) -> Result<()> {
    for ((key, stated), (_, followed)) in stated.figures().into_iter().zip(followed.figures()) {
        check_figure(stated, followed, &format!("{at}.{key}"))?;
    }
    Ok(())
}

fn check_count(stated: u64, followed: u64, at: &str) -> Result<()> {
    if stated != followed {
        bail!("{at}: is {stated}, the groups say {followed}");
    }
    Ok(())
}

/// Equal up to the last digits of a decimal form.
fn check_figure(stated: f64, followed: f64, at: &str) -> Result<()> {
    let is_equal = (stated - followed).abs() <= 1e-9 * followed.abs().max(1e-3);
    if !is_equal {
        bail!("{at}: is {stated}, the rounds say {followed}");
    }
    Ok(())
}
