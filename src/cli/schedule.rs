//! `haxconn schedule`: poses the problem, solves it, has every answer judged, shows and writes it.

use std::path::PathBuf;

use anyhow::{anyhow, bail};
use indicatif::{ProgressBar, ProgressStyle};

use super::args::{
    ContentionArgument, Format, NetworkArguments, ObjectiveArgument, Policy, ScheduleArguments, SearchArguments,
};
use super::failure::Failure;
use super::inputs;
use super::output;
use super::posing::{self, Posed, ProfileWish, TaskWish, Terms};
use crate::artifact::schedule::{Reference, TaskNetwork};
use crate::artifact::{self, Found, PolicySchedule, ScheduleContext, ScheduleFile};
use crate::group::{self, LayerRange};
use crate::network::Network;
use crate::platform::{Platform, Provenance, Roofline};
use crate::problem::{Contention, Problem};
use crate::report::{self, ScheduleView};
use crate::schedule::{
    self, Baseline, Decision, Objective, Progress, Proof, ProofState, Solution, SolveError, SolveOptions,
};

pub(super) fn run(arguments: &ScheduleArguments) -> Result<(), Failure> {
    let ScheduleArguments { out, gantt, html, .. } = arguments;
    output::refuse_one_name(&[("--out", out.as_deref()), ("--gantt", gantt.as_deref()), ("--html", html.as_deref())])?;
    let posed = pose(&arguments.networks, &arguments.platform.platform, &arguments.search)?;
    for remark in &posed.remarks {
        output::note(arguments.output.quiet, &format!("note: {remark}"));
    }
    let options = options(&arguments.search);
    let prediction = Prediction::of(posed, &options, arguments.output.quiet)?;
    let answers = prediction.answers(arguments.policy)?;
    let written = write_files(arguments, &prediction, &answers[0])?;
    match arguments.output.format {
        Format::Json => output::print(&prediction.json(arguments.policy, &answers)?)?,
        Format::Text => output::print(&prediction.text(&answers))?,
    }
    for line in &written {
        output::note(arguments.output.quiet, line);
    }
    Ok(())
}

/// What the flags ask for, as a problem.
pub(super) fn pose(networks: &NetworkArguments, platform: &str, search: &SearchArguments) -> Result<Posed, Failure> {
    let groups = inputs::group_spec(networks)?;
    let pins = posing::pins(&search.pin)?;
    let networks = inputs::networks(networks, 2)?;
    let platform = inputs::platform(platform)?;
    let given = posing::given_profiles(&search.profile, &networks)?;
    let wish = |network: Found<Network>| {
        let profile = given.iter().find(|found| found.value.network == network.value.name);
        let profile = profile.map_or(ProfileWish::Any, |found| ProfileWish::Given(Box::new(found.clone())));
        TaskWish { network, groups: groups.clone(), profile }
    };
    let wishes = networks.into_iter().map(wish).collect();
    let max_transitions = search.max_transitions.0;
    posing::pose(wishes, platform, Terms { pins, max_transitions, contention: contention(search.contention) })
}

fn contention(argument: Option<ContentionArgument>) -> Contention {
    match argument {
        None => Contention::Platform,
        Some(ContentionArgument::Pccs) => Contention::Pccs,
        Some(ContentionArgument::Table) => Contention::Table,
        Some(ContentionArgument::None) => Contention::None,
    }
}

/// What the flags ask of the solver.
pub(super) fn options(search: &SearchArguments) -> SolveOptions {
    let objective = match search.objective {
        ObjectiveArgument::Makespan => Objective::Makespan,
        ObjectiveArgument::Throughput => Objective::Throughput,
    };
    SolveOptions { objective, time_limit: search.time_limit, node_limit: search.node_limit, seed: search.seed }
}

/// A solved problem.
pub(super) struct Prediction {
    pub(super) posed: Posed,
    pub(super) baselines: Vec<Baseline>,
    pub(super) solution: Solution,
    pub(super) objective: Objective,
}

/// One policy's schedule.
struct Answer {
    policy: String,
    label: String,
    solution: Solution,
}

impl Prediction {
    /// Solves from the baselines, with a progress line on a terminal; the answer and the baselines have been judged.
    pub(super) fn of(posed: Posed, options: &SolveOptions, quiet: bool) -> Result<Self, Failure> {
        let baselines = schedule::baselines(&posed.problem, options.objective);
        for baseline in &baselines {
            judge_baseline(&posed.problem, baseline)?;
        }
        let within = baselines.iter().filter(|baseline| baseline.within_limit);
        let warm: Vec<Decision> = within.map(|baseline| baseline.decision.clone()).collect();
        let progress = progress_line(quiet);
        let solved = schedule::solve(&posed.problem, options, &warm, &mut |state| {
            progress.set_message(describe(options.objective, state));
        });
        progress.finish_and_clear();
        let solution = solved.map_err(|error| match error {
            SolveError::NoPlan { .. } | SolveError::NoAccelerator { .. } => Failure::no_schedule(error),
            error => error.into(),
        })?;
        judge(&posed.problem, options.objective, &solution)?;
        fits_loadables(&posed, &solution.decision)?;
        Ok(Self { posed, baselines, solution, objective: options.objective })
    }

    /// The schedules that `policy` asks for, the one to write first.
    fn answers(&self, policy: Policy) -> Result<Vec<Answer>, Failure> {
        let Some(name) = policy.baseline(&self.posed.problem.machines) else {
            let mut answers = vec![self.own_answer()];
            if policy == Policy::All {
                // The bound says nothing of schedules beyond the transition limit; the table of baselines has them.
                let within = self.baselines.iter().filter(|baseline| baseline.within_limit);
                answers.extend(within.map(|baseline| self.answer_of(baseline)));
            }
            return Ok(answers);
        };
        let of_policy: Vec<Baseline> =
            self.baselines.iter().filter(|baseline| baseline.name == name).cloned().collect();
        match schedule::best_baseline(&of_policy, self.objective, &self.posed.problem) {
            Some(best) => Ok(vec![self.answer_of(best)]),
            None => Err(no_baseline(&name)),
        }
    }

    fn own_answer(&self) -> Answer {
        Answer { policy: "haxconn".into(), label: "HaX-CoNN".into(), solution: self.solution.clone() }
    }

    /// A baseline's schedule with what the search proved about the best one.
    fn answer_of(&self, baseline: &Baseline) -> Answer {
        let value = self.objective.value(&self.posed.problem, &baseline.timeline);
        let own = &self.solution.proof;
        let state = if value == own.bound { ProofState::Optimal } else { ProofState::Feasible };
        let proof = Proof { state, stopped_by: None, ..own.clone() };
        let (decision, timeline) = (baseline.decision.clone(), baseline.timeline.clone());
        let solution = Solution { decision, timeline, value, proof };
        Answer { policy: baseline.name.clone(), label: baseline.label.clone(), solution }
    }

    /// Where the numbers come from and what they rest on, in words.
    fn notes(&self) -> Notes {
        Notes {
            platform: format!("{} ({})", self.posed.platform.value.title, self.posed.platform.value.name),
            sources: sources(&self.posed),
            warnings: warnings(&self.posed),
        }
    }

    fn view<'a>(&'a self, answer: &'a Answer, notes: &'a Notes) -> ScheduleView<'a> {
        ScheduleView {
            problem: &self.posed.problem,
            decision: &answer.solution.decision,
            timeline: &answer.solution.timeline,
            objective: self.objective,
            proof: Some(&answer.solution.proof),
            policy: &answer.label,
            baselines: &self.baselines,
            platform: &notes.platform,
            contention: posing::contention_name(&self.posed.problem),
            sources: &notes.sources,
            warnings: &notes.warnings,
        }
    }

    fn text(&self, answers: &[Answer]) -> String {
        let notes = self.notes();
        let texts = answers.iter().map(|answer| report::schedule::text(&self.view(answer, &notes)));
        texts.collect::<Vec<_>>().join("\n")
    }

    /// The schedule as a file, with the best one's baselines.
    fn file(&self, solution: &Solution) -> ScheduleFile {
        ScheduleFile::new(&self.posed.problem, solution, &self.baselines, context(&self.posed, self.objective))
    }

    fn json(&self, policy: Policy, answers: &[Answer]) -> Result<String, Failure> {
        if policy != Policy::All {
            return Ok(self.file(&answers[0].solution).to_json()?);
        }
        let schedule = |answer: &Answer| PolicySchedule {
            policy: answer.policy.clone(),
            label: answer.label.clone(),
            schedule: self.file(&answer.solution),
        };
        Ok(artifact::policies_to_json(answers.iter().map(schedule).collect())?)
    }
}

/// A baseline that breaks the transition limit is asked for.
pub(super) fn no_baseline(name: &str) -> Failure {
    Failure::no_schedule(format!("`{name}` has no schedule within the transition limit"))
        .hint("allow more changes of accelerator, as in `--max-transitions unlimited`")
}

struct Notes {
    platform: String,
    sources: Vec<String>,
    warnings: Vec<String>,
}

/// One sentence per network: whose profile, and what it rests on.
fn sources(posed: &Posed) -> Vec<String> {
    let mut sentences = Vec::new();
    for used in &posed.profiles {
        let kind = match used.origin.as_str() {
            posing::MODELLED => modelled(&posed.platform.value),
            origin => format!("{} profile ({origin})", used.profile.backend),
        };
        sentences.push(format!("{}: {kind}", used.profile.title));
    }
    sentences.dedup();
    sentences
}

/// What the cost model of a platform is worth: calibrated, or made of somebody's assumptions.
fn modelled(platform: &Platform) -> String {
    let is_assumed = |roofline: &Roofline| {
        let Roofline { compute_gmacs, bandwidth, overhead } = roofline;
        [compute_gmacs.provenance, bandwidth.provenance, overhead.provenance].contains(&Provenance::Assumed)
    };
    if platform.accelerators.iter().any(|accelerator| is_assumed(&accelerator.roofline)) {
        return format!("modelled from assumed parameters, which `haxconn platform show {}` lists", platform.name);
    }
    "modelled; `haxconn platform calibrate` shows the error".to_owned()
}

/// What the prediction rests on that is nobody's figure.
fn warnings(posed: &Posed) -> Vec<String> {
    if posing::contention_name(&posed.problem) == "none" {
        return vec!["contention isn't counted".to_owned()];
    }
    let accelerators = posed.platform.value.accelerators.iter();
    let assumed = accelerators.filter(|accelerator| !accelerator.assumed_contention.is_empty());
    let sentence = |name: &str, what: &[String]| {
        format!("contention of {} rests on assumed {}", name.to_uppercase(), what.join(", "))
    };
    assumed.map(|accelerator| sentence(&accelerator.name, &accelerator.assumed_contention)).collect()
}

fn context(posed: &Posed, objective: Objective) -> ScheduleContext {
    let platform = &posed.platform;
    ScheduleContext {
        platform: Reference {
            name: platform.value.name.clone(),
            origin: platform.origin.to_string(),
            sha256: platform.sha256.clone(),
        },
        objective,
        contention: posing::contention_name(&posed.problem).to_owned(),
        profiles: posed
            .profiles
            .iter()
            .map(|used| reference(&used.profile.network, &used.origin, &used.sha256))
            .collect(),
        pins: posed.pins.iter().map(Into::into).collect(),
        networks: posed.networks.iter().map(task_network).collect(),
    }
}

fn reference(name: &str, origin: &str, sha256: &str) -> Reference {
    Reference { name: name.into(), origin: origin.into(), sha256: sha256.into() }
}

fn task_network(found: &Found<Network>) -> TaskNetwork {
    let name = match &found.origin {
        artifact::Origin::BuiltIn(name) => name.clone(),
        artifact::Origin::File(_) if found.hides_builtin => found.value.name.clone(),
        artifact::Origin::File(path) => path.display().to_string(),
    };
    TaskNetwork { name, hash: found.value.content_hash.clone() }
}

/// Writes what the flags ask for; says what was written.
fn write_files(
    arguments: &ScheduleArguments,
    prediction: &Prediction,
    answer: &Answer,
) -> Result<Vec<String>, Failure> {
    let notes = prediction.notes();
    let view = prediction.view(answer, &notes);
    let mut written = Vec::new();
    let mut write = |path: &Option<PathBuf>, text: &dyn Fn() -> anyhow::Result<String>, what: &str| {
        let Some(path) = path else { return Ok(()) };
        artifact::write_text(path, &text()?)?;
        written.push(format!("wrote {} ({what})", path.display()));
        Ok::<(), anyhow::Error>(())
    };
    let makespan = format!("makespan {}", answer.solution.timeline.makespan());
    write(&arguments.out, &|| prediction.file(&answer.solution).to_json(), &makespan)?;
    write(&arguments.gantt, &|| Ok(report::svg(&view)), "Gantt chart")?;
    write(&arguments.html, &|| Ok(report::page(&view)), "page")?;
    Ok(written)
}

/// Refuses an answer that the judge finds fault with: a bug of this program, said as such.
fn judge(problem: &Problem, objective: Objective, solution: &Solution) -> Result<(), anyhow::Error> {
    if let Err(violations) = schedule::check(problem, &solution.decision, &solution.timeline) {
        bail!("the solver's schedule is refused by the judge (please report this): {}", violations[0].message);
    }
    schedule::check_value(problem, &solution.timeline, objective, solution.value).map_err(|violation| {
        anyhow!("the solver's value is refused by the judge (please report this): {}", violation.message)
    })
}

/// Refuses a baseline that the judge finds fault with, under its own number of transitions.
fn judge_baseline(problem: &Problem, baseline: &Baseline) -> Result<(), anyhow::Error> {
    let problem = Problem { max_transitions: None, ..problem.clone() };
    schedule::check(&problem, &baseline.decision, &baseline.timeline).map_err(|violations| {
        anyhow!(
            "the schedule of `{}` is refused by the judge (please report this): {}",
            baseline.label,
            violations[0].message
        )
    })
}

/// Refuses a schedule that asks a core for more loadables than it takes at a time.
fn fits_loadables(posed: &Posed, decision: &Decision) -> Result<(), Failure> {
    for (machine, accelerator) in posed.platform.value.accelerators.iter().enumerate() {
        let Some(most) = accelerator.max_loadables else { continue };
        let of_task = |task: usize| {
            let groups = posed.problem.tasks[task].groups.iter().zip(&decision.placement[task]);
            let placed: Vec<LayerRange> =
                groups.filter(|(_, on)| **on == machine).map(|(group, _)| group.layers).collect();
            let on_it = |layer| placed.iter().any(|layers| layers.contains(layer));
            group::loadables(&posed.networks[task].value, &accelerator.rules, on_it).len()
        };
        let needed: usize = (0..posed.problem.tasks.len()).map(of_task).sum();
        if needed > most as usize {
            let name = &accelerator.name;
            return Err(Failure::no_schedule(format!(
                "the schedule needs {needed} loadables on `{name}`, which takes {most}"
            ))
            .hint("allow fewer changes of accelerator with `--max-transitions`, or pin layers to another one"));
        }
    }
    Ok(())
}

fn progress_line(quiet: bool) -> ProgressBar {
    if quiet {
        return ProgressBar::hidden();
    }
    let style =
        ProgressStyle::with_template("{spinner} {elapsed} {msg}").unwrap_or_else(|_| ProgressStyle::default_spinner());
    ProgressBar::new_spinner().with_style(style)
}

fn describe(objective: Objective, state: Progress) -> String {
    let gap = 100.0 * state.incumbent.abs_diff(state.bound) as f64 / state.incumbent.max(1) as f64;
    let [incumbent, bound] = [state.incumbent, state.bound].map(|value| report::readable_value(objective, value));
    format!("best {incumbent}, bound {bound}, gap {gap:.1} %")
}
