//! From a solution to its file.

use anyhow::Result;

use super::{
    BaselineField, CLASS, DueField, GroupField, GroupReference, OrderField, ProofField, RateField, ScheduleContext,
    ScheduleFile, StatisticsField, TaskField, TransitionLimit,
};
use crate::artifact::field::SCHEMA_VERSION;
use crate::artifact::json::to_json;
use crate::problem::Problem;
use crate::schedule::{Baseline, Objective, Occupation, SearchStatistics, Solution, StreamRate, rates};

impl ScheduleFile {
    /// The file of `solution`; `context.networks` has one entry for each task of `problem`.
    pub fn new(problem: &Problem, solution: &Solution, baselines: &[Baseline], context: ScheduleContext) -> Self {
        let tasks = (0..problem.tasks.len()).map(|task| task_field(problem, solution, &context, task)).collect();
        let baselines = baselines.iter().map(|baseline| baseline_field(problem, context.objective, baseline)).collect();
        Self {
            schema_version: SCHEMA_VERSION,
            platform: context.platform,
            accelerators: problem.machines.iter().map(|machine| machine.name.clone()).collect(),
            objective: context.objective,
            max_transitions: TransitionLimit(problem.max_transitions),
            latency_cap_ns: problem.latency_cap.map(|cap| cap.0),
            contention: context.contention,
            class: CLASS.to_owned(),
            profiles: context.profiles,
            pins: context.pins,
            tasks,
            order: order_fields(problem, solution),
            makespan_ns: solution.timeline.makespan().0,
            value: solution.value,
            rates: rates(problem, &solution.timeline).iter().map(|rate| rate_field(problem, rate)).collect(),
            proof: proof_field(solution),
            baselines,
            robustness: None,
        }
    }

    /// The text of the file.
    pub fn to_json(&self) -> Result<String> {
        to_json(self)
    }
}

fn task_field(problem: &Problem, solution: &Solution, context: &ScheduleContext, idx: usize) -> TaskField {
    let task = &problem.tasks[idx];
    let placement = &solution.decision.placement[idx];
    let group_field = |(group, occupation): (usize, &Occupation)| GroupField {
        layers: [task.groups[group].layers.first, task.groups[group].layers.last],
        accelerator: problem.machines[placement[group]].name.clone(),
        launch: [occupation.start.0, occupation.launched.0],
        entry: [occupation.launched.0, occupation.entered.0],
        work: [occupation.entered.0, occupation.worked.0],
        exit: [occupation.worked.0, occupation.end.0],
    };
    TaskField {
        name: task.name.clone(),
        network: context.networks[idx].name.clone(),
        title: task.title.clone(),
        network_hash: context.networks[idx].hash.clone(),
        release_ns: task.release.0,
        after: task.after.iter().map(|&before| problem.tasks[before].name.clone()).collect(),
        due: task.due.map(|due| DueField { at_ns: due.at.0, weight: due.weight }),
        frame_of: task.frame_of.map(|first| problem.tasks[first].name.clone()),
        on: context.networks[idx].places.on.clone(),
        not_on: context.networks[idx].places.not_on.clone(),
        end_ns: solution.timeline.end(idx).0,
        transitions: problem.counted_transitions(idx, placement),
        groups: solution.timeline.groups[idx].iter().enumerate().map(group_field).collect(),
    }
}

fn rate_field(problem: &Problem, rate: &StreamRate) -> RateField {
    RateField {
        task: problem.tasks[rate.first].name.clone(),
        frames: rate.n_frames,
        per_second: rate.overall,
        steady_per_second: rate.steady,
    }
}

fn order_fields(problem: &Problem, solution: &Solution) -> Vec<OrderField> {
    let orders = problem.machines.iter().zip(&solution.decision.order);
    let order_field = |(machine, ids): (&crate::problem::Machine, &Vec<crate::problem::GroupId>)| OrderField {
        accelerator: machine.name.clone(),
        groups: ids
            .iter()
            .map(|id| GroupReference { task: problem.tasks[id.task].name.clone(), group: id.group })
            .collect(),
    };
    orders.map(order_field).collect()
}

fn proof_field(solution: &Solution) -> ProofField {
    let proof = &solution.proof;
    ProofField {
        state: proof.state,
        bound: proof.bound,
        gap: solution.gap(),
        seconds: proof.elapsed.as_secs_f64(),
        stopped_by: proof.stopped_by.map(|stop| stop.to_string()),
        deterministic: proof.deterministic,
        statistics: proof.statistics.into(),
    }
}

impl From<SearchStatistics> for StatisticsField {
    fn from(statistics: SearchStatistics) -> Self {
        Self {
            combinations: statistics.combinations,
            excluded_by_rows: statistics.excluded_by_rows,
            decided_by_oracle: statistics.decided_by_oracle,
            excluded_by_enumeration: statistics.excluded_by_enumeration,
            z3_checks: statistics.z3_checks,
            oracle_nodes: statistics.oracle_nodes,
        }
    }
}

fn baseline_field(problem: &Problem, objective: Objective, baseline: &Baseline) -> BaselineField {
    BaselineField {
        name: baseline.name.clone(),
        label: baseline.label.clone(),
        makespan_ns: baseline.timeline.makespan().0,
        value: baseline.value(problem, objective),
        transitions: baseline.transitions,
        within_limit: baseline.within_limit,
    }
}
