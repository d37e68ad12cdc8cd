//! `haxconn read`: what is in a file that `trtexec`, `tegrastats` or Nsight Compute wrote.

use std::path::{Path, PathBuf};

use anyhow::anyhow;

use super::args::{Format, ReadArguments};
use super::failure::Failure;
use super::output;
use crate::artifact;
use crate::backend::trtexec::{self, Document};
use crate::backend::{Foreign, read_foreign};
use crate::report::read;

pub(super) fn run(arguments: &ReadArguments) -> Result<(), Failure> {
    let files: Vec<(&PathBuf, Foreign)> =
        arguments.files.iter().map(|path| Ok((path, foreign(path)?))).collect::<Result<_, Failure>>()?;
    let named = || files.iter().map(|(path, content)| (path.display().to_string(), content));
    if arguments.output.format == Format::Json {
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

fn foreign(path: &Path) -> Result<Foreign, Failure> {
    let text = artifact::read_text(path)?;
    Ok(read_foreign(&text).map_err(|error| anyhow!("{}:{error}", path.display()))?)
}

/// Reads any file of `trtexec`.
pub(super) fn document(path: &Path) -> Result<Document, Failure> {
    let text = artifact::read_text(path)?;
    Ok(trtexec::read(&text).map_err(|error| anyhow!("{}:{error}", path.display()))?)
}
