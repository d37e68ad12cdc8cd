//! What a run leaves behind, and the figures that people ask of it. Every moment counts from the start of its round.

use super::Statistics;
use super::segment::Segment;
use crate::group::LayerRange;
use crate::problem::Problem;
use crate::schedule::{Decision, Occupation, Timeline};
use crate::units::{Milliseconds, Nanoseconds};

/// The record of one run: everything that a report of it needs.
#[derive(Clone, Debug, PartialEq)]
pub struct RunLog {
    /// What executed it.
    pub backend: BackendRecord,
    /// Name of the platform.
    pub platform: String,
    /// What is known of the machine's state.
    pub conditions: Conditions,
    /// How networks were made into engines.
    pub engine_mode: EngineMode,
    /// What ran before the recorded rounds.
    pub warm_up: WarmUp,
    /// Seed of the simulator's noise; `None` without noise, and where nothing is simulated.
    pub seed: Option<u64>,
    /// Names of the accelerators, in the platform's order.
    pub accelerators: Vec<String>,
    /// What was run, one round of each in turn; the first one is the schedule that the run is about.
    pub policies: Vec<PolicyRun>,
    /// What ran in turn with them and divides the machine otherwise, of which nothing was predicted.
    pub references: Vec<ReferenceRun>,
}

/// Networks run without the accelerators of the platform: on all of it at once, or as its system likes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferenceRun {
    /// Its name: `all-cores-serial`, `unpinned-concurrent` or `gpu-only-streams`.
    pub name: String,
    /// What people read.
    pub label: String,
    /// When each task ended, by round.
    pub ends: Vec<Vec<Nanoseconds>>,
}

impl ReferenceRun {
    /// End of the last task of every round.
    pub fn makespan(&self) -> Statistics {
        Statistics::of(self.ends.iter().map(|ends| ends.iter().max().copied().unwrap_or_default()))
    }
}

/// What executed a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackendRecord {
    /// Its name in flags.
    pub name: String,
    /// Whether times are virtual: nobody's measurement.
    pub simulated: bool,
    /// Programs and libraries with their versions.
    pub versions: Vec<(String, String)>,
}

impl BackendRecord {
    /// The word for its times: `simulated` or `measured`.
    pub fn word(&self) -> &'static str {
        if self.simulated { "simulated" } else { "measured" }
    }
}

/// State of the machine during a run; `None` where it isn't known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    /// The power mode by its own name.
    pub power_mode: Option<String>,
    /// Clocks, in words.
    pub clocks: Option<String>,
}

/// How a network's groups are made into engines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EngineMode {
    /// An engine per segment: groups that follow each other on one accelerator with nobody between them.
    #[default]
    Segments,
    /// One engine per network with one transition inside, as upstream's `trtexec` runs them. Where it runs for real, a network is
    /// one span over all accelerators that its engine uses: the change inside isn't seen.
    Transition,
}

/// Rounds before the recorded ones.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct WarmUp {
    /// Time that was asked for.
    pub time: Milliseconds,
    /// Rounds of every policy that it took.
    pub rounds: u64,
}

/// One policy's schedule and its recorded rounds.
#[derive(Clone, Debug, PartialEq)]
pub struct PolicyRun {
    /// Name in flags: `haxconn`, or a baseline's.
    pub name: String,
    /// What people read, with the variant.
    pub label: String,
    /// What was run.
    pub tasks: Vec<TaskRun>,
    /// Every recorded round.
    pub rounds: Vec<Round>,
}

/// One task of a policy: its groups, where they run and what was predicted of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskRun {
    /// Name that is unique in the run.
    pub name: String,
    /// The network's name for people.
    pub title: String,
    /// Earliest start in a round.
    pub release: Nanoseconds,
    /// Tasks that must have ended before.
    pub after: Vec<usize>,
    /// Every group.
    pub groups: Vec<GroupPlan>,
    /// What was timed as one: groups of one engine have no boundaries that a clock sees.
    pub spans: Vec<GroupRange>,
}

/// A group as it was planned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupPlan {
    /// The layers.
    pub layers: LayerRange,
    /// Name of the accelerator.
    pub accelerator: String,
    /// When it was predicted to occupy the accelerator.
    pub predicted: Occupation,
}

/// Neighbouring groups of a task: on one accelerator, or in one engine that changes it inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupRange {
    /// The first group.
    pub first: usize,
    /// One past the last group.
    pub last: usize,
}

/// One round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Round {
    /// When every lane left the barrier.
    pub released: Vec<Nanoseconds>,
    /// When every span ran, by task.
    pub spans: Vec<Vec<Span>>,
}

/// When something occupied its accelerator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// Start.
    pub start: Nanoseconds,
    /// End.
    pub end: Nanoseconds,
}

impl Span {
    /// From start to end.
    pub fn duration(self) -> Nanoseconds {
        Nanoseconds(self.end.0.saturating_sub(self.start.0))
    }
}

impl Round {
    /// End of the last span.
    pub fn makespan(&self) -> Nanoseconds {
        self.spans.iter().flatten().map(|span| span.end).max().unwrap_or_default()
    }
}

impl TaskRun {
    /// Layers of a span.
    pub fn layers(&self, span: usize) -> LayerRange {
        let GroupRange { first, last } = self.spans[span];
        LayerRange { first: self.groups[first].layers.first, last: self.groups[last - 1].layers.last }
    }

    /// Accelerators of a span, in the order in which it enters them first: several where one engine changes inside it.
    pub fn accelerators(&self, span: usize) -> Vec<&str> {
        let GroupRange { first, last } = self.spans[span];
        let mut accelerators = Vec::new();
        for group in &self.groups[first..last] {
            if !accelerators.contains(&&*group.accelerator) {
                accelerators.push(&*group.accelerator);
            }
        }
        accelerators
    }

    /// The same for people: `gpu`, or `gpu+dla`.
    pub fn place(&self, span: usize) -> String {
        self.accelerators(span).join("+")
    }

    /// When the groups of a span that are on `accelerator` were predicted to run; nothing where there are none.
    pub fn predicted_on(&self, span: usize, accelerator: &str) -> Option<Span> {
        let GroupRange { first, last } = self.spans[span];
        let groups = self.groups[first..last].iter().filter(|group| group.accelerator == accelerator);
        let moments: Vec<Occupation> = groups.map(|group| group.predicted).collect();
        Some(Span { start: moments.first()?.start, end: moments.last()?.end })
    }

    /// When a span was predicted to run.
    pub fn predicted(&self, span: usize) -> Span {
        let GroupRange { first, last } = self.spans[span];
        Span { start: self.groups[first].predicted.start, end: self.groups[last - 1].predicted.end }
    }
}

impl PolicyRun {
    /// A policy that hasn't run yet, whose groups are timed one by one.
    pub fn new(name: &str, label: &str, problem: &Problem, decision: &Decision, timeline: &Timeline) -> Self {
        let tasks = (0..problem.tasks.len()).map(|task| task_run(problem, decision, timeline, task));
        Self { name: name.to_owned(), label: label.to_owned(), tasks: tasks.collect(), rounds: Vec::new() }
    }

    /// The same, timed by `segments`: what an engine's groups do inside it isn't seen.
    #[must_use]
    pub fn timed_by(mut self, segments: &[Segment]) -> Self {
        for task in &mut self.tasks {
            task.spans.clear();
        }
        for &Segment { task, groups, .. } in segments {
            self.tasks[task].spans.push(groups);
        }
        self
    }

    /// End of the last span of every round.
    pub fn makespan(&self) -> Statistics {
        Statistics::of(self.rounds.iter().map(Round::makespan))
    }

    /// What was predicted of it.
    pub fn predicted_makespan(&self) -> Nanoseconds {
        self.tasks.iter().filter_map(|task| task.groups.last()).map(|last| last.predicted.end).max().unwrap_or_default()
    }

    /// From a task's release to the end of its last span.
    pub fn latency(&self, task: usize) -> Statistics {
        let release = self.tasks[task].release;
        let ends = self.rounds.iter().filter_map(|round| round.spans[task].last());
        Statistics::of(ends.map(|last| Nanoseconds(last.end.0.saturating_sub(release.0))))
    }

    /// What was predicted of it.
    pub fn predicted_latency(&self, task: usize) -> Nanoseconds {
        let TaskRun { release, groups, .. } = &self.tasks[task];
        groups.last().map(|last| Nanoseconds(last.predicted.end.0.saturating_sub(release.0))).unwrap_or_default()
    }

    /// A span in every round.
    pub fn span(&self, task: usize, span: usize) -> impl Iterator<Item = Span> {
        self.rounds.iter().map(move |round| round.spans[task][span])
    }

    /// How far apart the first spans started that nothing held back but the barrier, in every round. Where fewer than two
    /// were free to start: how far apart the lanes left the barrier.
    pub fn skew(&self) -> Statistics {
        let free = self.free_to_start();
        let moments = |round: &Round| -> Vec<Nanoseconds> {
            if free.len() < 2 {
                return round.released.clone();
            }
            free.iter().map(|&task| round.spans[task][0].start).collect()
        };
        let spread = |moments: Vec<Nanoseconds>| Some(Nanoseconds(moments.iter().max()?.0 - moments.iter().min()?.0));
        Statistics::of(self.rounds.iter().map(|round| spread(moments(round)).unwrap_or_default()))
    }

    /// The tasks whose first span is the first one on its accelerator, with no release and no task to wait for.
    fn free_to_start(&self) -> Vec<usize> {
        let first_on = |accelerator: &str| {
            let groups =
                self.tasks.iter().enumerate().flat_map(|(task, it)| it.groups.iter().map(move |group| (task, group)));
            let on_it = groups.filter(|(_, group)| group.accelerator == accelerator);
            on_it.min_by_key(|(_, group)| (group.predicted.start, group.predicted.end)).map(|(task, _)| task)
        };
        let is_free = |&task: &usize| {
            let TaskRun { release, after, groups, .. } = &self.tasks[task];
            let first = groups.first().filter(|first| first.predicted.start == Nanoseconds::ZERO);
            *release == Nanoseconds::ZERO
                && after.is_empty()
                && first.is_some_and(|first| first_on(&first.accelerator) == Some(task))
        };
        (0..self.tasks.len()).filter(is_free).collect()
    }
}

fn task_run(problem: &Problem, decision: &Decision, timeline: &Timeline, idx: usize) -> TaskRun {
    let task = &problem.tasks[idx];
    let plan = |group: usize| GroupPlan {
        layers: task.groups[group].layers,
        accelerator: problem.machines[decision.placement[idx][group]].name.clone(),
        predicted: timeline.groups[idx][group],
    };
    TaskRun {
        name: task.name.clone(),
        title: task.title.clone(),
        release: task.release,
        after: task.after.clone(),
        groups: (0..task.groups.len()).map(plan).collect(),
        spans: (0..task.groups.len()).map(|group| GroupRange { first: group, last: group + 1 }).collect(),
    }
}
