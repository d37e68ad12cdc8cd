//! What is to be run: a schedule from a file or a search, and the baselines beside it.

use std::path::Path;

use anyhow::anyhow;

use super::arguments::RunMultiArguments;
use crate::cli::args::{BackendArgument, NetworkArguments, Policy, WorkArguments};
use crate::cli::board::board;
use crate::cli::failure::Failure;
use crate::cli::posing::Posed;
use crate::cli::replay::{self, Replay};
use crate::cli::schedule::{self, Prediction};
use crate::cli::{inputs, output};
use crate::run::{EngineMode, PolicyPlan, RunError, check_one_engine_each, starts_of_whole_networks};
use crate::schedule::{Baseline, Decision, Objective, Timeline, baselines, best_baseline};

/// A problem and the schedules of it that are run.
pub(super) struct Plans {
    pub(super) posed: Posed,
    policies: Vec<Plan>,
}

/// One schedule, and whose it is.
struct Plan {
    name: String,
    label: String,
    decision: Decision,
    timeline: Timeline,
}

impl Plan {
    fn policy(&self) -> PolicyPlan<'_> {
        let Self { name, label, decision, timeline } = self;
        PolicyPlan { name, label, decision, timeline }
    }
}

impl Plans {
    /// What the flags ask for.
    pub(super) fn of(arguments: &RunMultiArguments) -> Result<Self, Failure> {
        match &arguments.schedule {
            Some(path) => Self::from_file(path, arguments),
            None => Self::searched(arguments),
        }
    }

    /// The policies as the run takes them.
    pub(super) fn policies(&self) -> Vec<PolicyPlan<'_>> {
        self.policies.iter().map(Plan::policy).collect()
    }

    fn searched(arguments: &RunMultiArguments) -> Result<Self, Failure> {
        let RunMultiArguments { dnns, workload, groups, .. } = arguments;
        let work = WorkArguments { dnns: dnns.clone(), workload: workload.clone(), groups: groups.clone() };
        // TensorRT runs on the machine that it is on.
        let here = if arguments.backend == BackendArgument::Tensorrt { board() } else { None };
        let usual = here.and_then(|board| board.platform).unwrap_or(inputs::USUAL_PLATFORM);
        let (posed, objective) = schedule::pose(&work, arguments.platform.as_deref(), usual, &arguments.search)?;
        say_remarks(&posed, arguments);
        let options = schedule::options(&arguments.search, objective);
        let Prediction { posed, baselines, solution, .. } = Prediction::of(posed, &options, arguments.output.quiet)?;
        let own = Plan {
            name: "haxconn".to_owned(),
            label: "HaX-CoNN".to_owned(),
            decision: solution.decision,
            timeline: solution.timeline,
        };
        Self::chosen(posed, own, baselines, arguments)
    }

    fn from_file(path: &Path, arguments: &RunMultiArguments) -> Result<Self, Failure> {
        let replay = replay::read(path)?;
        if let Some(fault) = replay.faults().first() {
            return Err(Failure::from(anyhow!("{}: {fault}", path.display()))
                .hint("`haxconn check` lists every fault; `haxconn schedule --out` makes the schedule anew"));
        }
        refuse_others(&replay, path, arguments)?;
        let Replay { file, posed, decision, timeline } = replay;
        say_remarks(&posed, arguments);
        let objective = file.objective;
        let baselines = baselines(&posed.problem, objective);
        let (name, label) = whose(&posed, objective, (&decision, &timeline), &baselines, path);
        Self::chosen(posed, Plan { name, label, decision, timeline }, baselines, arguments)
    }

    /// Of a schedule and its baselines, those that `--policy` asks for.
    fn chosen(
        posed: Posed,
        own: Plan,
        baselines: Vec<Baseline>,
        arguments: &RunMultiArguments,
    ) -> Result<Self, Failure> {
        let (within, beyond): (Vec<Baseline>, Vec<Baseline>) =
            baselines.into_iter().partition(|baseline| baseline.within_limit);
        let policies = match arguments.policy.baseline(&posed.problem.machines) {
            Some(name) => {
                let named: Vec<Baseline> = within.into_iter().filter(|baseline| baseline.name == name).collect();
                if named.is_empty() {
                    return Err(schedule::no_baseline(&name));
                }
                named.into_iter().map(plan_of).collect()
            }
            None if arguments.policy == Policy::All => {
                for Baseline { name, label, .. } in &beyond {
                    let left_out = format!("note: left out, beyond the limits: {name} ({label})");
                    output::note(arguments.output.quiet, &left_out);
                }
                [own].into_iter().chain(within.into_iter().map(plan_of)).collect()
            }
            None => vec![own],
        };
        let policies = honoured(&posed, policies, arguments)?;
        Ok(Self { posed, policies })
    }
}

fn plan_of(baseline: Baseline) -> Plan {
    let Baseline { name, label, decision, timeline, .. } = baseline;
    Plan { name, label, decision, timeline }
}

fn say_remarks(posed: &Posed, arguments: &RunMultiArguments) {
    for remark in &posed.remarks {
        output::note(arguments.output.quiet, &format!("note: {remark}"));
    }
}

/// Whose a schedule from a file is: ours where no baseline is better, which ours never is by what is predicted.
fn whose(
    posed: &Posed,
    objective: Objective,
    (decision, timeline): (&Decision, &Timeline),
    baselines: &[Baseline],
    path: &Path,
) -> (String, String) {
    let problem = &posed.problem;
    let value = objective.value(problem, &decision.placement, timeline);
    let best = best_baseline(baselines, objective, problem);
    if best.is_some_and(|best| objective.is_better(best.value(problem, objective), value)) {
        return ("schedule".to_owned(), path.display().to_string());
    }
    ("haxconn".to_owned(), "HaX-CoNN".to_owned())
}

/// Refuses a schedule of other networks or of another platform than the flags beside it name.
fn refuse_others(replay: &Replay, path: &Path, arguments: &RunMultiArguments) -> Result<(), Failure> {
    let refuse = |flag: &str, asked: &str, made: &str| {
        let path = path.display();
        Err(Failure::usage(format!("`{flag}` asks for {asked}, but {path} is a schedule of {made}"))
            .hint(format!("leave `{flag}` out, or leave `--schedule` out to look for one")))
    };
    let of_file = &replay.posed.networks;
    if !arguments.dnns.is_empty() {
        let networks = NetworkArguments { dnns: arguments.dnns.clone(), groups: None };
        let asked = inputs::networks(&networks, 1)?;
        let is_same = asked.len() == of_file.len()
            && asked.iter().zip(of_file).all(|(a, b)| a.value.content_hash == b.value.content_hash);
        if !is_same {
            let made: Vec<&str> = of_file.iter().map(|network| network.value.name.as_str()).collect();
            return refuse("--dnns", &arguments.dnns.join(","), &made.join(","));
        }
    }
    if let Some(platform) = &arguments.platform
        && inputs::platform(platform)?.sha256 != replay.posed.platform.sha256
    {
        return refuse("--platform", platform, &replay.posed.platform.value.name);
    }
    Ok(())
}

/// The policies that `--engine-mode` can run. The first one must be among them; baselines that aren't are left out and
/// named.
fn honoured(posed: &Posed, policies: Vec<Plan>, arguments: &RunMultiArguments) -> Result<Vec<Plan>, Failure> {
    if EngineMode::from(arguments.engine_mode) == EngineMode::Segments {
        return Ok(policies);
    }
    let mut honoured = Vec::new();
    for plan in policies {
        let honours = match arguments.backend {
            BackendArgument::Tensorrt => starts_of_whole_networks(&posed.problem, &plan.decision).map(|_| ()),
            _ => check_one_engine_each(&posed.problem, &plan.decision),
        };
        match honours {
            Ok(()) => honoured.push(plan),
            Err(error) if honoured.is_empty() => return Err(not_one_engine(&plan, &error)),
            Err(error) => {
                let left_out = format!("note: left out, not for one engine per network: {} ({error})", plan.label);
                output::note(arguments.output.quiet, &left_out);
            }
        }
    }
    Ok(honoured)
}

fn not_one_engine(plan: &Plan, error: &RunError) -> Failure {
    Failure::from(anyhow!("`--engine-mode transition` can't run the schedule of {}: {error}", plan.label))
        .hint("run it with `--engine-mode segments`")
}
