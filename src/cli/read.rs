//! `haxconn read`: what is in a file that `trtexec`, `tegrastats` or Nsight Compute wrote.

use std::path::PathBuf;

use super::args::{Format, ReadArguments};
use super::failure::Failure;
use super::{inputs, output};
use crate::artifact;
use crate::backend::{Foreign, read_foreign};
use crate::report::read;

pub(super) fn run(arguments: &ReadArguments) -> Result<(), Failure> {
    let files: Vec<(&PathBuf, Foreign)> = arguments
        .files
        .iter()
        .map(|path| Ok((path, inputs::read_by(path, read_foreign)?)))
        .collect::<Result<_, Failure>>()?;
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
