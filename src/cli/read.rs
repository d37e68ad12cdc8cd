//! `haxconn read`: what is in a file that `trtexec`, `tegrastats` or Nsight Compute wrote.

use std::path::{Path, PathBuf};

use anyhow::anyhow;

use super::args::{Format, ReadArguments};
use super::failure::Failure;
use super::output;
use crate::artifact;
use crate::backend::trtexec::{self, Document};
use crate::report::read;

pub(super) fn run(arguments: &ReadArguments) -> Result<(), Failure> {
    let documents: Vec<(&PathBuf, Document)> =
        arguments.files.iter().map(|path| Ok((path, document(path)?))).collect::<Result<_, Failure>>()?;
    let named = || documents.iter().map(|(path, document)| (path.display().to_string(), document));
    if arguments.output.format == Format::Json {
        return output::print(&artifact::documents_to_json(named())?);
    }
    for (idx, (name, document)) in named().enumerate() {
        output::print(if idx > 0 { "\n" } else { "" })?;
        output::print(&read::text(&name, document))?;
    }
    Ok(())
}

/// Reads any file of `trtexec`.
pub(super) fn document(path: &Path) -> Result<Document, Failure> {
    let text = artifact::read_text(path)?;
    Ok(trtexec::read(&text).map_err(|error| anyhow!("{}:{error}", path.display()))?)
}
