//! Who is there when, and the problem of all networks that ever are.

use std::collections::BTreeMap;
use std::path::Path;

use crate::artifact;
use crate::cli::args::WorkArguments;
use crate::cli::failure::Failure;
use crate::cli::inputs;
use crate::cli::posing::Posed;
use crate::cli::run_multi::arguments::RunMultiArguments;
use crate::cli::schedule;
use crate::run::dynamic::{Script, ScriptChange, ScriptEvent};
use crate::schedule::Objective;

/// A script and the problem of its tasks.
pub(super) struct Setting {
    pub(super) posed: Posed,
    pub(super) objective: Objective,
    pub(super) script: Script,
}

/// Networks by the names that problems call them, as they were typed and with their content's hash.
#[derive(Default)]
struct Names(BTreeMap<String, (String, String)>);

impl Names {
    /// The network's own name. Two networks of one name would be taken for instances of one.
    fn of(&mut self, typed: &str) -> Result<String, Failure> {
        let found = inputs::network(typed.trim())?.value;
        let known = self.0.entry(found.name.clone()).or_insert_with(|| (typed.to_owned(), found.content_hash.clone()));
        if known.1 == found.content_hash {
            return Ok(found.name);
        }
        let (name, first) = (&found.name, &known.0);
        Err(Failure::usage(format!("`{first}` and `{typed}` are two networks that are both called `{name}`"))
            .hint("rename one of the files"))
    }

    /// The same of an instance, as in `alexnet#2`.
    fn of_instance(&mut self, typed: &str) -> Result<String, Failure> {
        match typed.rsplit_once('#') {
            Some((network, number)) => Ok(format!("{}#{number}", self.of(network)?)),
            None => self.of(typed),
        }
    }

    fn of_change(&mut self, change: ScriptChange) -> Result<ScriptChange, Failure> {
        Ok(match change {
            ScriptChange::Join(name) => ScriptChange::Join(self.of(&name)?),
            ScriptChange::Leave(name) => ScriptChange::Leave(self.of_instance(&name)?),
            slow @ ScriptChange::Slow { .. } => slow,
        })
    }
}

impl Setting {
    /// What the flags ask for.
    pub(super) fn of(arguments: &RunMultiArguments) -> Result<Self, Failure> {
        if arguments.dnns.iter().any(|name| name.trim().is_empty()) {
            return Err(Failure::usage("`--dnns` needs no empty names")
                .hint("separate names by commas: `--dnns googlenet,resnet`"));
        }
        let mut names = Names::default();
        let start = arguments.dnns.iter().map(|typed| names.of(typed)).collect::<Result<Vec<_>, _>>()?;
        let events = match &arguments.while_it_runs.script {
            Some(path) => events(path, &mut names)?,
            None => Vec::new(),
        };
        let platform = arguments.platform.as_deref().unwrap_or(inputs::USUAL_PLATFORM);
        let accelerators = inputs::platform(platform)?.value.accelerators.into_iter().map(|it| it.name);
        let script = Script::new(&start, &events, &accelerators.collect::<Vec<_>>());
        let of_file = |error| match &arguments.while_it_runs.script {
            Some(path) => Failure::usage(error).of_file(&path.display().to_string()),
            None => Failure::usage(error),
        };
        let script = script.map_err(of_file)?;
        let dnns = script.tasks.iter().filter_map(|name| names.0.get(name)).map(|(typed, _)| typed.clone()).collect();
        let work = WorkArguments { dnns, workload: None, groups: arguments.groups.clone() };
        let (posed, objective) = schedule::pose(&work, Some(platform), inputs::USUAL_PLATFORM, &arguments.search)?;
        Ok(Self { posed, objective, script })
    }
}

/// The events of a script, with the networks' own names.
fn events(path: &Path, names: &mut Names) -> Result<Vec<ScriptEvent>, Failure> {
    let origin = path.display().to_string();
    let events = artifact::read_script(&artifact::read_text(path)?, &origin)?;
    let resolve = |(number, ScriptEvent { at, change }): (usize, ScriptEvent)| {
        let change =
            names.of_change(change).map_err(|failure| failure.of_file(&format!("{origin}: event {number}")))?;
        Ok(ScriptEvent { at, change })
    };
    (1..).zip(events).map(resolve).collect()
}
