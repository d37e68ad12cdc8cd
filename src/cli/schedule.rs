//! `haxconn schedule`: poses the problem, solves it, has every answer judged, shows and writes it.

use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail};
use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressStyle};

use super::args::{
    ContentionArgument, Format, NetworkArguments, ObjectiveArgument, Policy, ScheduleArguments, SearchArguments,
    TransitionLimit, WorkArguments,
};
use super::failure::Failure;
use super::inputs;
use super::interrupt;
use super::loadables;
use super::output;
use super::posing::{self, Posed, ProfileWish, TaskWish, Terms, Timing};
use super::robust;
use super::workload::{self, Asked};
use crate::artifact::schedule::{Places, Reference, RobustnessField, TaskNetwork};
use crate::artifact::{self, Found, PolicySchedule, ScheduleContext, ScheduleFile};
use crate::network::Network;
use crate::platform::{Platform, Provenance, Roofline};
use crate::problem::{Contention, Problem};
use crate::report::{self, ScheduleView};
use crate::schedule::{
    self, Baseline, Cancel, Decision, Objective, Progress, Proof, ProofState, Robustness, Solution, SolveError,
    SolveOptions,
};

pub(super) fn run(arguments: &ScheduleArguments) -> Result<(), Failure> {
    let ScheduleArguments { out, gantt, html, .. } = arguments;
    output::refuse_one_name(&[("--out", out.as_deref()), ("--gantt", gantt.as_deref()), ("--html", html.as_deref())])?;
    robust::refuse_policy(arguments)?;
    let platform = arguments.platform.as_deref();
    let (posed, objective) = pose(&arguments.work, platform, inputs::USUAL_PLATFORM, &arguments.search)?;
    for remark in &posed.remarks {
        output::note(arguments.output.quiet, &format!("note: {remark}"));
    }
    let options = options(&arguments.search, objective);
    let cancel = options.cancel.clone();
    // The best schedule found so far is shown.
    interrupt::on_interrupt(move || cancel.cancel())?;
    let mut prediction = Prediction::of(posed, &options, arguments.output.quiet)?;
    prediction.robustness = robust::sample(&prediction, arguments, &options)?;
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

/// What the flags ask for, as a problem and what is optimised in it; the platform is `usual` where neither they nor a
/// workload file name one.
pub(super) fn pose(
    work: &WorkArguments,
    platform: Option<&str>,
    usual: &str,
    search: &SearchArguments,
) -> Result<(Posed, Objective), Failure> {
    let pins = posing::pins(&search.pin)?;
    let asked = asked(work, search)?;
    let remark = work.workload.as_deref().and_then(|path| said_by_file(path, &asked, platform, search));
    let platform = inputs::platform(platform.or(asked.platform.as_deref()).unwrap_or(usual))?;
    let terms = Terms {
        pins,
        max_transitions: search.max_transitions.or(asked.max_transitions).unwrap_or(USUAL_LIMIT).0,
        latency_cap: search.latency_cap.or(asked.latency_cap),
        contention: contention(search.contention),
    };
    let objective = search.objective.or(asked.objective).unwrap_or(ObjectiveArgument::Makespan);
    let mut posed = posing::pose(asked.wishes, platform, terms)?;
    check_objective(objective, &posed)?;
    posed.remarks.extend(remark);
    Ok((posed, objective.objective()))
}

/// Changes of accelerator where nobody says how many.
const USUAL_LIMIT: TransitionLimit = TransitionLimit(Some(2));

/// The tasks of `--dnns`, or what a workload file asks for.
fn asked(work: &WorkArguments, search: &SearchArguments) -> Result<Asked, Failure> {
    let arguments = NetworkArguments { dnns: work.dnns.clone(), groups: work.groups.clone() };
    let groups = inputs::group_spec(&arguments)?;
    let profiles = |networks: &[Found<Network>]| {
        let given = posing::given_profiles(&search.profile, networks)?;
        let wish = |network: &Found<Network>| {
            let profile = given.iter().find(|found| found.value.network == network.value.name);
            profile.map_or(ProfileWish::Any, |found| ProfileWish::Given(Box::new(found.clone())))
        };
        Ok(networks.iter().map(wish).collect::<Vec<_>>())
    };
    if let Some(path) = &work.workload {
        return workload::read(path, groups.as_ref(), profiles);
    }
    let networks = inputs::networks(&arguments, 2)?;
    let profiles = profiles(&networks)?;
    let wish = |(network, profile): (Found<Network>, ProfileWish)| TaskWish {
        network,
        groups: groups.clone(),
        profile,
        timing: Timing::default(),
    };
    let wishes = networks.into_iter().zip(profiles).map(wish).collect();
    Ok(Asked { wishes, platform: None, objective: None, max_transitions: None, latency_cap: None })
}

/// What holds because a workload file says so, and no flag otherwise.
fn said_by_file(path: &Path, asked: &Asked, platform: Option<&str>, search: &SearchArguments) -> Option<String> {
    let platform = asked.platform.as_ref().filter(|_| platform.is_none());
    let objective = asked.objective.filter(|_| search.objective.is_none());
    let limit = asked.max_transitions.filter(|_| search.max_transitions.is_none());
    let cap = asked.latency_cap.filter(|_| search.latency_cap.is_none());
    let limit = limit.map(|limit| limit.0.map_or_else(|| "unlimited".to_owned(), |limit| limit.to_string()));
    let objective = objective.and_then(|objective| Some(objective.to_possible_value()?.get_name().to_owned()));
    let said = [
        platform.map(|platform| format!("platform {platform}")),
        objective.map(|objective| format!("objective {objective}")),
        limit.map(|limit| format!("max_transitions {limit}")),
        cap.map(|cap| format!("latency cap {cap}")),
    ];
    let said: Vec<String> = said.into_iter().flatten().collect();
    (!said.is_empty()).then(|| format!("{} sets {}", path.display(), said.join(", ")))
}

/// Refuses an objective that says nothing of this problem.
fn check_objective(objective: ObjectiveArgument, posed: &Posed) -> Result<(), Failure> {
    let problem = &posed.problem;
    let (name, lacks, hint) = match objective {
        ObjectiveArgument::Rate if problem.tasks.iter().all(|task| task.frame_of.is_none()) => {
            ("rate", "a task with several frames".to_owned(), "give a task of a workload file `frames: 2` or more")
        }
        ObjectiveArgument::Tardiness if problem.tasks.iter().all(|task| task.due.is_none()) => {
            ("tardiness", "a task with a deadline".to_owned(), "give a task of a workload file `deadline_ms`")
        }
        ObjectiveArgument::Energy if problem.machines.iter().all(|machine| machine.power.is_none()) => {
            let platform = &posed.platform.value.name;
            let lacks = format!("the power of an accelerator, which platform `{platform}` doesn't state");
            ("energy", lacks, "add `power_w` to an accelerator of the platform file")
        }
        _ => return Ok(()),
    };
    Err(Failure::usage(format!("objective `{name}` needs {lacks}")).hint(hint))
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
pub(super) fn options(search: &SearchArguments, objective: Objective) -> SolveOptions {
    SolveOptions {
        objective,
        time_limit: search.time_limit,
        node_limit: search.node_limit,
        seed: search.seed,
        threads: search.threads,
        cancel: Cancel::default(),
    }
}

/// A solved problem.
pub(super) struct Prediction {
    pub(super) posed: Posed,
    pub(super) baselines: Vec<Baseline>,
    pub(super) solution: Solution,
    pub(super) objective: Objective,
    /// Of the solver's schedule, where that was asked.
    pub(super) robustness: Option<Robustness>,
}

/// Name of the solver's own policy.
const OWN: &str = "haxconn";

/// One policy's schedule.
struct Answer {
    policy: String,
    label: String,
    solution: Solution,
}

impl Prediction {
    /// Solves from the baselines, with a progress line on a terminal; the answer and the baselines have been judged.
    pub(super) fn of(posed: Posed, options: &SolveOptions, quiet: bool) -> Result<Self, Failure> {
        let progress = progress_line(quiet);
        let first = || schedule::first_baseline(&posed.problem, options.objective).filter(|first| first.within_limit);
        if let Some(first) = (!progress.is_hidden()).then(first).flatten() {
            let value = first.value(&posed.problem, options.objective);
            progress.set_message(format!("best {}, no bound yet", report::readable_value(options.objective, value)));
        }
        let baselines = schedule::baselines(&posed.problem, options.objective);
        for baseline in &baselines {
            judge_baseline(&posed.problem, baseline)?;
        }
        let within = baselines.iter().filter(|baseline| baseline.within_limit);
        let warm: Vec<Decision> = within.map(|baseline| baseline.decision.clone()).collect();
        let solved = schedule::solve(&posed.problem, options, &warm, &mut |state| {
            progress.set_message(describe(options.objective, &state));
        });
        progress.finish_and_clear();
        let solution = solved.map_err(|error| match error {
            SolveError::NoPlan { .. }
            | SolveError::NoAccelerator { .. }
            | SolveError::Infeasible { .. }
            | SolveError::NoneFound { .. } => Failure::no_schedule(error),
            error => error.into(),
        })?;
        judge(&posed.problem, options.objective, &solution)?;
        loadables::fit(&posed, &solution.decision)?;
        Ok(Self { posed, baselines, solution, objective: options.objective, robustness: None })
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
        Answer { policy: OWN.into(), label: "HaX-CoNN".into(), solution: self.solution.clone() }
    }

    /// A baseline's schedule with what the search proved about the best one.
    fn answer_of(&self, baseline: &Baseline) -> Answer {
        let value = baseline.value(&self.posed.problem, self.objective);
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
            robustness: self.robustness_of(answer),
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

    fn robustness_of(&self, answer: &Answer) -> Option<&Robustness> {
        self.robustness.as_ref().filter(|_| answer.policy == OWN)
    }

    /// The schedule as a file, with the best one's baselines.
    fn file(&self, answer: &Answer) -> ScheduleFile {
        let problem = &self.posed.problem;
        let robustness = self.robustness_of(answer).map(|robustness| RobustnessField::new(problem, robustness));
        let context = context(&self.posed, self.objective);
        ScheduleFile { robustness, ..ScheduleFile::new(problem, &answer.solution, &self.baselines, context) }
    }

    fn json(&self, policy: Policy, answers: &[Answer]) -> Result<String, Failure> {
        if policy != Policy::All {
            return Ok(self.file(&answers[0]).to_json()?);
        }
        let schedule = |answer: &Answer| PolicySchedule {
            policy: answer.policy.clone(),
            label: answer.label.clone(),
            schedule: self.file(answer),
        };
        Ok(artifact::policies_to_json(answers.iter().map(schedule).collect())?)
    }
}

/// A baseline that breaks the limits is asked for.
pub(super) fn no_baseline(name: &str) -> Failure {
    Failure::no_schedule(format!("`{name}` has no schedule within the limits"))
        .hint("allow more changes of accelerator, as in `--max-transitions unlimited`, or a longer `--latency-cap`")
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
        networks: posed.networks.iter().zip(&posed.places).map(task_network).collect(),
    }
}

fn reference(name: &str, origin: &str, sha256: &str) -> Reference {
    Reference { name: name.into(), origin: origin.into(), sha256: sha256.into() }
}

fn task_network((found, places): (&Found<Network>, &Places)) -> TaskNetwork {
    let name = match &found.origin {
        artifact::Origin::BuiltIn(name) => name.clone(),
        artifact::Origin::File(_) if found.hides_builtin => found.value.name.clone(),
        artifact::Origin::File(path) => path.display().to_string(),
    };
    TaskNetwork { name, hash: found.value.content_hash.clone(), places: places.clone() }
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
    write(&arguments.out, &|| prediction.file(answer).to_json(), &makespan)?;
    write(&arguments.gantt, &|| Ok(report::svg(&view)), "Gantt chart")?;
    write(&arguments.html, &|| Ok(report::page(&view)), "page")?;
    Ok(written)
}

/// Refuses an answer that the judge finds fault with: a bug of this program, said as such.
fn judge(problem: &Problem, objective: Objective, solution: &Solution) -> Result<(), anyhow::Error> {
    if let Err(violations) = schedule::check(problem, &solution.decision, &solution.timeline) {
        bail!("the solver's schedule is refused by the judge (please report this): {}", violations[0].message);
    }
    schedule::check_value(problem, &solution.decision, &solution.timeline, objective, solution.value).map_err(
        |violation| anyhow!("the solver's value is refused by the judge (please report this): {}", violation.message),
    )
}

/// Refuses a baseline that the judge finds fault with. Whether it keeps the limits is for the baseline to say.
fn judge_baseline(problem: &Problem, baseline: &Baseline) -> Result<(), anyhow::Error> {
    let mut problem = Problem { max_transitions: None, latency_cap: None, ..problem.clone() };
    for task in &mut problem.tasks {
        task.frame_of = None;
    }
    schedule::check(&problem, &baseline.decision, &baseline.timeline).map_err(|violations| {
        anyhow!(
            "the schedule of `{}` is refused by the judge (please report this): {}",
            baseline.label,
            violations[0].message
        )
    })
}

fn progress_line(quiet: bool) -> ProgressBar {
    if quiet {
        return ProgressBar::hidden();
    }
    let style =
        ProgressStyle::with_template("{spinner} {elapsed} {msg}").unwrap_or_else(|_| ProgressStyle::default_spinner());
    ProgressBar::new_spinner().with_style(style)
}

fn describe(objective: Objective, state: &Progress<'_>) -> String {
    let readable = |value: Option<u64>| {
        value.map_or_else(|| "none within the latency cap".to_owned(), |value| report::readable_value(objective, value))
    };
    let gap = state.incumbent.zip(state.bound).map(|(incumbent, bound)| {
        format!(", gap {:.1} %", 100.0 * incumbent.abs_diff(bound) as f64 / incumbent.max(1) as f64)
    });
    format!("best {}, bound {}{}", readable(state.incumbent), readable(state.bound), gap.unwrap_or_default())
}
