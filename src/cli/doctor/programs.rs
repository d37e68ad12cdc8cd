//! Other programs: where they are, and what they answer within a few seconds.

use std::env;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// How long a program may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long the end of its output may come after its own.
const AFTERWARDS: Duration = Duration::from_secs(1);

/// Bytes that are read of an answer; whoever prints more finds the pipe closed.
const LONGEST_ANSWER: u64 = 1 << 20;

/// Why a program gave no answer.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::cli) enum Unanswered {
    /// There is no such program.
    NotFound,
    /// It failed or did not end; the rest of a sentence that begins with its name.
    Failed(String),
}

/// The program's file, in the folders of `PATH` and then in `others`.
pub(in crate::cli) fn find(program: &str, others: &[&str]) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain(others.iter().map(PathBuf::from));
    folders.map(|folder| folder.join(program)).find(|file| is_program(file))
}

#[cfg(unix)]
fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(file: &Path) -> bool {
    file.is_file()
}

/// What a program prints; one that doesn't end in time is ended.
pub(in crate::cli) fn answer(program: &str, arguments: &[&str]) -> Result<String, Unanswered> {
    let file = find(program, &["/sbin", "/usr/sbin"]).ok_or(Unanswered::NotFound)?;
    let mut command = Command::new(file);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(|error| Unanswered::Failed(format!("can't be started ({error})")))?;
    let stdout = child.stdout.take();
    let (sender, receiver) = mpsc::channel();
    // Read beside the wait: a program that prints much would otherwise wait for us. The reader isn't joined: it ends with
    // the last holder of the pipe, which may be a grandchild.
    thread::spawn(move || {
        let mut text = Vec::new();
        let read = stdout.map(|stdout| stdout.take(LONGEST_ANSWER).read_to_end(&mut text)).transpose();
        // Nobody listens where the wait was given up.
        let _ = sender.send(read.map(|_| text));
    });
    if !ends(&mut child) {
        return Err(Unanswered::Failed(format!("did not end within {} s", PATIENCE.as_secs())));
    }
    match receiver.recv_timeout(AFTERWARDS) {
        Ok(Ok(text)) => Ok(String::from_utf8_lossy(&text).into_owned()),
        Ok(Err(error)) => Err(Unanswered::Failed(format!("can't be read ({error})"))),
        Err(_) => Err(Unanswered::Failed("left its output open to another program".to_owned())),
    }
}

/// Whether the child ends by itself in time.
fn ends(child: &mut Child) -> bool {
    let begin = Instant::now();
    while begin.elapsed() < PATIENCE {
        match child.try_wait() {
            Ok(Some(_)) => return true,
            Ok(None) => thread::sleep(Duration::from_millis(5)),
            Err(_) => break,
        }
    }
    // It may have ended just now; then there is nothing to end.
    let _ = child.kill();
    let _ = child.wait();
    false
}
