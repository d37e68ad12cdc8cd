//! `haxconn read`: what is in a file that `trtexec`, `tegrastats` or Nsight Compute wrote.

use std::path::PathBuf;

use anyhow::anyhow;

use super::args::{Format, ReadArguments};
use super::failure::Failure;
use super::{inputs, output};
use crate::artifact;
use crate::backend::{Foreign, read_foreign};
use crate::report::read;

pub(super) fn run(arguments: &ReadArguments) -> Result<(), Failure> {
    let mut files: Vec<(&PathBuf, Foreign)> = Vec::new();
    let mut failures: Vec<Failure> = Vec::new();
    for path in &arguments.files {
        match inputs::read_by(path, read_foreign) {
            Ok(content) => files.push((path, content)),
            Err(failure) => failures.push(failure),
        }
    }
    // A single file is refused as it is; of several, those that can be read are shown all the same.
    if arguments.files.len() == 1
        && let Some(failure) = failures.pop()
    {
        return Err(failure);
    }
    if !files.is_empty() {
        show(arguments.output.format, &files)?;
    }
    let n_unread = failures.len();
    for failure in failures {
        output::note(false, &format!("error: {:#}", failure.error));
    }
    if n_unread > 0 {
        Err(anyhow!("{n_unread} of {} files can't be read", arguments.files.len()).into())
    } else {
        Ok(())
    }
}

fn show(format: Format, files: &[(&PathBuf, Foreign)]) -> Result<(), Failure> {
    let named = || files.iter().map(|(path, content)| (path.display().to_string(), content));
    if format == Format::Json {
        return output::print(&artifact::readings_to_json(named())?);
    }
    for (idx, (name, content)) in named().enumerate() {
        let (head, table) = read::head_and_table(content);
        output::print(&format!("{}{name}: {head}\n", if idx > 0 { "\n" } else { "" }))?;
        if let Some(table) = table {
            output::print(&format_args!("\n{table}"))?;
        }
    }
    Ok(())
}
