//! The plans of a run's engines, by what they are: taken from the folder of plans, built there when missing.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::plan::{EnginePlan, ProgramPlan};
use crate::artifact::{self, PlanDescription};
use crate::cli::build_engines::build::{self, Settings, State};
use crate::cli::build_engines::request::{Job, plan_path, refuse_clashes};
use crate::cli::build_engines::target::Target;
use crate::cli::failure::Failure;
use crate::cli::output;
use crate::cli::run_multi::arguments::RunMultiArguments;
use crate::cli::run_multi::policies::Plans;
use crate::engine::{self, EngineSpec};
use crate::network::Network;
use crate::run::EngineMode;

/// A plan, read.
pub(super) struct Stored {
    pub(super) path: PathBuf,
    pub(super) plan: Arc<Vec<u8>>,
}

/// Every engine of a run.
pub(super) struct Store {
    plans: BTreeMap<EngineSpec, Stored>,
}

impl Store {
    /// The engines of `programs`, all of which are there afterwards.
    pub(super) fn fill<'a>(
        programs: impl Iterator<Item = &'a ProgramPlan>,
        plans: &Plans,
        target: &Target,
        arguments: &RunMultiArguments,
    ) -> Result<Self, Failure> {
        // Plans are called by their network's name.
        refuse_clashes(plans.posed.networks.clone())?;
        let networks: Vec<Arc<Network>> =
            plans.posed.networks.iter().map(|found| Arc::new(found.value.clone())).collect();
        let mut wanted: BTreeMap<EngineSpec, usize> = BTreeMap::new();
        for EnginePlan { spec, task, .. } in programs.flat_map(|program| &program.engines) {
            wanted.entry(spec.clone()).or_insert(*task);
        }
        let mut jobs = Vec::new();
        for (spec, task) in wanted {
            engine::check(&spec, &networks[task], false)
                .map_err(|error| Failure::from(error).hint("schedule groups that begin at legal cuts"))?;
            if spec.uses_dla() {
                target.check_dla(spec.dla_core)?;
            }
            let path = plan_path(&arguments.build, target, &spec);
            jobs.push(Job { network: Arc::clone(&networks[task]), spec, path });
        }
        build_missing(&jobs, target, arguments)?;
        let read = |job: Job| {
            let plan = Arc::new(artifact::read_plan(&job.path)?);
            Ok((job.spec, Stored { path: job.path, plan }))
        };
        Ok(Self { plans: jobs.into_iter().map(read).collect::<Result<_, Failure>>()? })
    }

    /// The plan of an engine.
    pub(super) fn get(&self, spec: &EngineSpec) -> Option<&Stored> {
        self.plans.get(spec)
    }
}

/// Builds what isn't there or doesn't fit, and says what it did.
fn build_missing(jobs: &[Job], target: &Target, arguments: &RunMultiArguments) -> Result<(), Failure> {
    let quiet = arguments.output.quiet;
    let settings = Settings { out: &arguments.build, jobs: 1, rebuild: false, quiet };
    let (outcomes, failure) = build::build(jobs, target, &settings);
    let n_there = outcomes.iter().filter(|outcome| outcome.state == State::UpToDate).count();
    let n_built = outcomes.len() - n_there;
    let out = arguments.build.display();
    output::note(quiet, &format!("engines in {out}: {n_there} up to date, {n_built} built"));
    // An engine of a whole network takes its tail to the GPU by itself, as the artifact's does.
    if EngineMode::from(arguments.engine_mode) == EngineMode::Segments {
        for (job, outcome) in jobs.iter().zip(&outcomes) {
            say_fallbacks(job, &outcome.description, quiet);
        }
    }
    match failure {
        // What was built before stays, and the next run goes on from there.
        Some(error) => Err(error.into()),
        None => Ok(()),
    }
}

/// An engine's layers that left the DLA run on the GPU beside whatever the schedule has there.
fn say_fallbacks(job: &Job, description: &PlanDescription, quiet: bool) {
    let names = description.fallbacks.iter().map(|&layer| format!("`{}`", job.network.layers[layer].name));
    let names: Vec<String> = names.collect();
    if !names.is_empty() {
        let stem = job.spec.stem();
        let shown = names.iter().take(3).cloned().collect::<Vec<_>>().join(", ");
        let more = if names.len() > 3 { format!(" and {} more", names.len() - 3) } else { String::new() };
        output::note(
            quiet,
            &format!("warning: {stem}: {shown}{more} run on the GPU, which the schedule knows nothing of"),
        );
    }
}
