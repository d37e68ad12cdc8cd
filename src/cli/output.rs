//! Printing: data to stdout, everything else to stderr. A closed pipe ends the program quietly.

use std::fmt::Display;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;

use super::failure::Failure;

/// Writes a command's result to stdout. A broken pipe is not an error.
pub(super) fn print(text: &(impl Display + ?Sized)) -> Result<(), Failure> {
    let mut stdout = BufWriter::new(io::stdout().lock());
    match write!(stdout, "{text}").and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(anyhow::Error::new(error).context("can't write to stdout").into())
        }
        _ => Ok(()),
    }
}

/// Refuses to write one output over another; outputs are given with their flags.
pub(super) fn refuse_one_name(outputs: &[(&str, Option<&Path>)]) -> Result<(), Failure> {
    for (idx, (second, path)) in outputs.iter().enumerate() {
        let Some(path) = path else { continue };
        if let Some((first, _)) = outputs[..idx].iter().find(|(_, other)| *other == Some(*path)) {
            return Err(Failure::usage(format!("`{first}` and `{second}` name the same file {}", path.display())));
        }
    }
    Ok(())
}

/// Says something to the person at the terminal, unless `quiet`.
pub(super) fn note(quiet: bool, message: &str) {
    if !quiet {
        // Nothing is left to do where stderr is closed.
        let _ = writeln!(io::stderr().lock(), "{message}");
    }
}

/// Prints a failure as a sentence with its causes and the hint; returns its exit code.
pub(super) fn report_failure(failure: &Failure) -> ExitCode {
    note(false, &format!("error: {:#}", failure.error));
    if let Some(hint) = &failure.hint {
        note(false, &format!("hint: {hint}"));
    }
    ExitCode::from(failure.code)
}

/// Prints clap's help, version or complaint; returns the exit code that belongs to it.
pub(super) fn clap_message(error: &clap::Error) -> ExitCode {
    // Help goes to stdout, complaints to stderr; neither has anywhere to report a closed stream.
    let _ = error.print();
    if error.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS }
}
