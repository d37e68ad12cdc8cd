//! `haxconn report`: shows a recorded run as tables, charts, a page and a trace. Reads the run log and nothing else.

use std::path::Path;

use super::args::{Format, ReportArguments, RunFiles};
use super::failure::Failure;
use super::output;
use crate::artifact;
use crate::report;
use crate::run::RunLog;

pub(super) fn run(arguments: &ReportArguments) -> Result<(), Failure> {
    refuse_one_name(&arguments.files, None)?;
    let path = arguments.log.display().to_string();
    let mut log = artifact::read_run_log(&artifact::read_text(&arguments.log)?, &path)?;
    if let Some(name) = &arguments.policy {
        keep(&mut log, name, &path)?;
    }
    let written = write_files(&arguments.files, &log)?;
    match arguments.output.format {
        Format::Json => output::print(&artifact::comparison_to_json(&log)?)?,
        Format::Text => output::print(&report::run::text(&log, arguments.rounds))?,
    }
    for line in &written {
        output::note(arguments.output.quiet, line);
    }
    Ok(())
}

fn keep(log: &mut RunLog, name: &str, path: &str) -> Result<(), Failure> {
    let mut names: Vec<String> = log.policies.iter().map(|policy| policy.name.clone()).collect();
    names.dedup();
    log.policies.retain(|policy| policy.name == name);
    if log.policies.is_empty() {
        return Err(Failure::usage(format!("`--policy`: {path} holds no run of `{name}`"))
            .hint(format!("it holds {}", names.join(", "))));
    }
    Ok(())
}

/// Refuses outputs of one name; `log` is where `run-multi` writes the run.
pub(super) fn refuse_one_name(files: &RunFiles, log: Option<&Path>) -> Result<(), Failure> {
    let RunFiles { gantt, html, trace } = files;
    output::refuse_one_name(&[
        ("--out", log),
        ("--gantt", gantt.as_deref()),
        ("--html", html.as_deref()),
        ("--trace", trace.as_deref()),
    ])
}

/// Writes what the flags ask for; says what was written.
pub(super) fn write_files(files: &RunFiles, log: &RunLog) -> Result<Vec<String>, Failure> {
    let RunFiles { gantt, html, trace } = files;
    let mut written = Vec::new();
    let mut write = |path: &Option<std::path::PathBuf>, text: &dyn Fn() -> anyhow::Result<String>, what: &str| {
        let Some(path) = path else { return Ok(()) };
        artifact::write_text(path, &text()?)?;
        written.push(format!("wrote {} ({what})", path.display()));
        Ok::<(), anyhow::Error>(())
    };
    write(gantt, &|| Ok(report::svg::compared(log)), "Gantt chart")?;
    write(html, &|| Ok(report::run_page(log)), "page")?;
    write(trace, &|| artifact::trace_to_json(log), "trace")?;
    Ok(written)
}
