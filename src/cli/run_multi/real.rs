//! Schedules run for real, in ONNX Runtime: each segment is a model of its own on the accelerator that the schedule puts it on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, Weak};

use anyhow::anyhow;

use super::arguments::RunMultiArguments;
use super::policies::Plans;
use super::verify;
use crate::backend::onnxruntime::{OnnxRuntime, OnnxRuntimeError, Session, Tensors, available_cores};
use crate::cli::doctor::jetson;
use crate::cli::failure::Failure;
use crate::cli::interrupt::stopped_by_interrupt;
use crate::cli::onnxruntime::{self, Part, SharedSession};
use crate::cli::posing::{MODELLED, Posed};
use crate::cli::{export, host, inputs, output};
use crate::group::LayerRange;
use crate::network::onnx::{self, Model, OnnxError};
use crate::platform::Provider;
use crate::problem::Problem;
use crate::run::executor::{ExecutorError, ExecutorOptions, Program, Work, whole_work, works};
use crate::run::{
    BackendRecord, Conditions, EngineMode, PolicyPlan, ReferenceRun, RunLog, Segment, lanes, run_real_time, segments,
};
use crate::schedule::Decision;
use crate::units::{Milliseconds, Nanoseconds};

/// The name of this backend in files.
pub(super) const BACKEND: &str = "onnxruntime";

/// Runs `policies` in turn, and beside them what uses no partition of the processor.
pub(super) fn run(plans: &Plans, policies: &[PolicyPlan], arguments: &RunMultiArguments) -> Result<RunLog, Failure> {
    if EngineMode::from(arguments.engine_mode) == EngineMode::Transition {
        return Err(Failure::usage("`--engine-mode transition`: ONNX Runtime has no model on two accelerators")
            .hint("leave it out, or run with `--backend sim`"));
    }
    let runtime = onnxruntime::open()?;
    onnxruntime::check_platform(&runtime, &plans.posed.platform.value)?;
    note_modelled(&plans.posed, arguments);
    let cancel = stopped_by_interrupt()?;
    let mut builder = Builder::new(&plans.posed, &runtime, arguments.search.seed)?;
    let mut programs = Vec::new();
    for policy in policies {
        programs.push(builder.program(policy)?);
    }
    let all = arguments.policy == crate::cli::args::Policy::All;
    let references = if all { vec![builder.all_cores_serial()?, builder.unpinned_concurrent()?] } else { Vec::new() };
    let outputs = builder.outputs();
    let tensors: Vec<Vec<Tensors>> = programs.iter().map(|program| program.tensors.clone()).collect();
    let problem = &plans.posed.problem;
    let with_plans = policies.iter().cloned().zip(programs.into_iter().map(|program| program.program)).collect();
    let (names, references): (Vec<_>, Vec<_>) = references.into_iter().unzip();
    let warm_up = Milliseconds(arguments.warm_up.into());
    let options = ExecutorOptions::loading(cancel);
    let ran = run_real_time(
        problem,
        EngineMode::Segments,
        with_plans,
        references,
        arguments.iterations().into(),
        warm_up,
        options,
    );
    let ran = ran.map_err(|error| failed(&error))?;
    // Right after the last round, before the cores have come to rest.
    let clocks = host::clocks(&available_cores());
    if arguments.verify {
        let checked = verify::check(&mut builder, policies, &tensors, &outputs)?;
        for line in &checked {
            output::note(arguments.output.quiet, line);
        }
    }
    let reference = |((name, label), rounds): ((&str, String), Vec<Vec<Nanoseconds>>)| ReferenceRun {
        name: name.to_owned(),
        label,
        ends: rounds,
    };
    Ok(RunLog {
        backend: BackendRecord {
            name: BACKEND.to_owned(),
            simulated: false,
            versions: vec![
                ("haxconn".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
                ("ONNX Runtime".to_owned(), runtime.version()),
            ],
        },
        platform: plans.posed.platform.value.name.clone(),
        conditions: Conditions { power_mode: jetson::current_power_mode(), clocks },
        engine_mode: EngineMode::Segments,
        warm_up: ran.warm_up,
        seed: None,
        accelerators: problem.machines.iter().map(|machine| machine.name.clone()).collect(),
        policies: ran.policies,
        references: names.into_iter().zip(ran.references).map(reference).collect(),
    })
}

/// Says of which networks nothing was measured here.
pub(super) fn note_modelled(posed: &Posed, arguments: &RunMultiArguments) {
    let pairs = posed.networks.iter().zip(&posed.profiles);
    let mut names: Vec<String> =
        pairs.filter(|(_, used)| used.origin == MODELLED).map(|(network, _)| inputs::name_of(network)).collect();
    names.sort_unstable();
    names.dedup();
    if names.is_empty() {
        return;
    }
    let list = names.join(",");
    let platform = arguments.platform.as_deref().unwrap_or(&posed.platform.value.name);
    let line = format!(
        "note: what is predicted of {} is modelled, and can be far off what a processor does; `haxconn profile all --backend \
         {BACKEND} --platform {platform} --dnns {list}` measures it, and says how to go on",
        names.join(", ")
    );
    output::note(arguments.output.quiet, &line);
}

pub(super) fn failed(error: &ExecutorError<OnnxRuntimeError>) -> Failure {
    let hint = match error {
        ExecutorError::Cancelled => "nothing was written; what was there before is as it was",
        _ => "nothing was written; `haxconn platform detect` describes the machine as it is",
    };
    Failure::from(anyhow!("{error}")).hint(hint)
}

/// A policy's program, and the tensors of each of its tasks.
pub(super) struct Built {
    pub(super) program: Program<OnnxRuntimeError>,
    pub(super) tensors: Vec<Tensors>,
}

/// Makes programs of decisions. Parts that several of them run are cut once.
pub(super) struct Builder<'a> {
    posed: &'a Posed,
    pub(super) runtime: &'a OnnxRuntime,
    pub(super) seed: u64,
    models: Vec<Arc<Model>>,
    inputs: Vec<Arc<Vec<String>>>,
    /// By network and layers.
    parts: BTreeMap<(String, LayerRange), Arc<Vec<u8>>>,
    /// Sessions that some program has, by task, layers and accelerator; `None` where none is used twice.
    pool: Option<BTreeMap<PoolKey, Weak<Mutex<Option<Session>>>>>,
}

/// A task, some of its layers, and the accelerator that runs them.
type PoolKey = (usize, LayerRange, String);

impl<'a> Builder<'a> {
    /// Reads or makes the model of every network.
    pub(super) fn new(posed: &'a Posed, runtime: &'a OnnxRuntime, seed: u64) -> Result<Self, Failure> {
        let mut loaded: BTreeMap<String, Arc<Model>> = BTreeMap::new();
        let mut models = Vec::new();
        for network in &posed.networks {
            let name = inputs::name_of(network);
            if !loaded.contains_key(&name) {
                loaded.insert(name.clone(), Arc::new(export::model(&name, seed)?.1));
            }
            models.extend(loaded.get(&name).cloned());
        }
        let inputs = models.iter().map(|model| Ok(Arc::new(onnxruntime::input_names(model)?)));
        let inputs = inputs.collect::<Result<_, Failure>>()?;
        Ok(Self { posed, runtime, seed, models, inputs, parts: BTreeMap::new(), pool: None })
    }

    /// From now on programs share the sessions of what they both run. Cuts every network whole beforehand: what a baseline
    /// mostly runs.
    pub(super) fn share_sessions(&mut self) -> Result<(), Failure> {
        self.pool = Some(BTreeMap::new());
        for (task, work) in self.whole_works().into_iter().enumerate() {
            self.bytes(task, work.layers)?;
        }
        Ok(())
    }

    /// Lets go of the parts that were cut, but not of whole networks: sessions have copies.
    pub(super) fn forget_parts(&mut self) {
        let whole: Vec<LayerRange> = self.whole_works().into_iter().map(|work| work.layers).collect();
        self.parts.retain(|(_, layers), _| whole.contains(layers));
        if let Some(pool) = &mut self.pool {
            pool.retain(|_, session| session.strong_count() > 0);
        }
    }

    /// The session of a part where some program has it, or the place for it.
    fn session(&mut self, key: PoolKey) -> SharedSession {
        let Some(pool) = &mut self.pool else { return SharedSession::default() };
        let known = pool.get(&key).and_then(Weak::upgrade);
        known.unwrap_or_else(|| {
            let session = SharedSession::default();
            pool.insert(key, Arc::downgrade(&session));
            session
        })
    }

    /// Names of every task's outputs.
    fn outputs(&self) -> Vec<Vec<String>> {
        let names = |model: &Arc<Model>| {
            let outputs = model.graph().map(|graph| graph.output.iter().map(|it| it.name.clone()).collect());
            outputs.unwrap_or_default()
        };
        self.models.iter().map(names).collect()
    }

    /// The bytes of consecutive layers of a task's network.
    fn bytes(&mut self, task: usize, layers: LayerRange) -> Result<Arc<Vec<u8>>, Failure> {
        let network = &self.posed.networks[task].value;
        let key = (network.content_hash.clone(), layers);
        if let Some(bytes) = self.parts.get(&key) {
            return Ok(Arc::clone(bytes));
        }
        let bytes = Arc::new(export::part(network, &self.models[task], layers)?);
        self.parts.insert(key, Arc::clone(&bytes));
        Ok(bytes)
    }

    fn part(&mut self, task: usize, layers: LayerRange, accelerator: &str, tensors: &Tensors) -> Result<Part, Failure> {
        let name = &self.posed.problem.tasks[task].name;
        let what = format!("{name} {layers}");
        let session = self.session((task, layers, accelerator.to_owned()));
        let is_there = onnxruntime::lock(&session).is_some();
        let model = if is_there { Arc::default() } else { self.bytes(task, layers)? };
        Ok(Part { what, model, tensors: tensors.clone(), inputs: Arc::clone(&self.inputs[task]), session })
    }

    /// What runs `policy`: a lane on each accelerator that it uses.
    fn program(&mut self, policy: &PolicyPlan) -> Result<Built, Failure> {
        let problem = &self.posed.problem;
        let tasks: Vec<usize> = (0..problem.tasks.len()).collect();
        self.program_of(problem, &tasks, policy.decision)
    }

    /// The same of a decision on `problem`, whose tasks are these of all.
    pub(super) fn program_of(
        &mut self,
        problem: &Problem,
        tasks: &[usize],
        decision: &Decision,
    ) -> Result<Built, Failure> {
        let segments = segments(decision);
        let tensors: Vec<Tensors> = problem.tasks.iter().map(|_| Tensors::default()).collect();
        let works = works(problem, &segments);
        let mut program = Program { segments: works, lanes: Vec::new() };
        for (machine, order) in lanes(decision, &segments).into_iter().enumerate() {
            if order.is_empty() {
                continue;
            }
            let name = &problem.machines[machine].name;
            let mut parts = Vec::new();
            for &segment in &order {
                let Segment { task, .. } = segments[segment];
                parts.push(self.part(tasks[task], program.segments[segment].layers, name, &tensors[task])?);
            }
            let provider = self.provider(name)?;
            program.lanes.push(onnxruntime::lane(name, order, self.runtime, &provider, parts, self.seed));
        }
        Ok(Built { program, tensors })
    }

    /// What executes an accelerator.
    pub(super) fn provider(&self, accelerator: &str) -> Result<Provider, Failure> {
        let accelerators = &self.posed.platform.value.accelerators;
        let found = accelerators.iter().find(|it| it.name == accelerator);
        onnxruntime::provider(found.ok_or_else(|| anyhow!("there is no accelerator `{accelerator}`"))?).cloned()
    }

    /// Every network whole on all cores, one after the other.
    fn all_cores_serial(&mut self) -> Result<Reference, Failure> {
        let cores = available_cores();
        let label = format!("each network on all {} cores, one after the other", cores.len());
        let n_tasks = self.posed.problem.tasks.len();
        let works = self.whole_works();
        let mut parts = Vec::new();
        for (task, work) in works.iter().enumerate() {
            parts.push(self.part(task, work.layers, "all cores", &Tensors::default())?);
        }
        let provider = Provider::on_cores(cores);
        let order = (0..n_tasks).collect();
        let lane = onnxruntime::lane("all cores", order, self.runtime, &provider, parts, self.seed);
        Ok((("all-cores-serial", label), Program { segments: works, lanes: vec![lane] }))
    }

    /// Every network by itself, bound to no core, as programs that know nothing of each other.
    fn unpinned_concurrent(&mut self) -> Result<Reference, Failure> {
        let label = "each network with as many threads as there are cores, bound to none, all at once".to_owned();
        let works = self.whole_works();
        let mut lanes = Vec::new();
        for (task, work) in works.iter().enumerate() {
            let part = self.part(task, work.layers, "unbound", &Tensors::default())?;
            let name = self.posed.problem.tasks[task].name.clone();
            lanes.push(onnxruntime::lane(&name, vec![task], self.runtime, &Provider::unbound(), vec![part], self.seed));
        }
        Ok((("unpinned-concurrent", label), Program { segments: works, lanes }))
    }

    /// Every task as one piece of work.
    fn whole_works(&self) -> Vec<Work> {
        let problem = &self.posed.problem;
        (0..problem.tasks.len()).map(|task| whole_work(problem, task)).collect()
    }

    /// A task run whole on the platform's first accelerator, for comparison; it puts out the tensors in `names` too.
    pub(super) fn alone(
        &mut self,
        task: usize,
        tensors: &Tensors,
        names: &BTreeSet<String>,
    ) -> Result<Program<OnnxRuntimeError>, Failure> {
        let work = whole_work(&self.posed.problem, task);
        let mut part = self.part(task, work.layers, "alone", tensors)?;
        let refused = |error: OnnxError| anyhow!("{}: {error}", part.what);
        let model = onnx::with_outputs(&self.models[task], names).map_err(refused)?;
        part.model = Arc::new(onnx::encode(&model).map_err(refused)?);
        let first = self.posed.platform.value.accelerators[0].name.clone();
        let provider = self.provider(&first)?;
        let lane = onnxruntime::lane(&first, vec![0], self.runtime, &provider, vec![part], self.seed);
        Ok(Program {
            segments: vec![Work { after: Vec::new(), release: Nanoseconds::ZERO, ..work }],
            lanes: vec![lane],
        })
    }
}

/// Name and label of what uses no partition, and its program.
type Reference = ((&'static str, String), Program<OnnxRuntimeError>);
