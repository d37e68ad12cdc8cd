//! A program that runs beside this one, with what it prints collected meanwhile. It can't fill the memory, and it is ended
//! when nobody holds it any more.
//!
//! It stays in our process group, for Ctrl-C at the terminal goes to the whole foreground group: it ends the program with
//! us. In a group of its own it would run on, and a handler that passes the signal on would need unsafe code. The price
//! is that a program which was started by the child (by a wrapper script that doesn't `exec`) isn't ended by us.

use std::io::{self, BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How long a killed program may take to end, and the end of its output to arrive.
const PATIENCE: Duration = Duration::from_secs(5);
/// Pause between two looks at a program.
pub(super) const PAUSE: Duration = Duration::from_millis(2);
/// Bytes of a line that are read at once; a longer one is taken for several.
const LONGEST_LINE: u64 = 1 << 20;
/// Bytes of each of the two outputs that are kept, in MiB.
pub(super) const LARGEST_OUTPUT_MIB: usize = 64;

/// A running program.
pub(super) struct Running {
    child: Child,
    begin: Instant,
    stdout: Collected,
    stderr: Collected,
}

impl Running {
    /// Starts it, at `begin`. `entry` makes of every line of its standard output what is kept of it, when it arrives.
    pub(super) fn start(
        command: &mut Command,
        begin: Instant,
        entry: impl Fn(&str) -> String + Send + 'static,
    ) -> io::Result<Self> {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let stdout = child.stdout.take().map(|stdout| Collected::of(stdout, entry)).unwrap_or_default();
        let stderr =
            child.stderr.take().map(|stderr| Collected::of(stderr, |line| format!("{line}\n"))).unwrap_or_default();
        Ok(Self { child, begin, stdout, stderr })
    }

    /// When it was started.
    pub(super) fn begin(&self) -> Instant {
        self.begin
    }

    /// What was kept of its standard output so far: whole lines.
    pub(super) fn stdout(&self) -> MutexGuard<'_, String> {
        locked(&self.stdout.text)
    }

    /// What it said on its standard error so far: whole lines.
    pub(super) fn stderr(&self) -> MutexGuard<'_, String> {
        locked(&self.stderr.text)
    }

    /// Its status, where it has ended.
    pub(super) fn status(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    /// Whether it has ended, or nothing can be learnt of it any more.
    pub(super) fn has_ended(&mut self) -> bool {
        !matches!(self.status(), Ok(None))
    }

    /// Whether it printed more than is kept; then the pipe is closed, which ends most programs.
    pub(super) fn is_flooding(&self) -> bool {
        [&self.stdout, &self.stderr].iter().any(|collected| locked(&collected.text).len() >= LARGEST_OUTPUT_MIB << 20)
    }

    /// Waits for what a program that has ended printed last, which may still be on its way. A grandchild that holds the
    /// pipe open isn't waited for longer than a few seconds.
    pub(super) fn await_output(&self) {
        let begin = Instant::now();
        let is_read = |collected: &Collected| collected.reader.as_ref().is_none_or(JoinHandle::is_finished);
        while !(is_read(&self.stdout) && is_read(&self.stderr)) && begin.elapsed() < PATIENCE {
            thread::sleep(PAUSE);
        }
    }

    /// Ends it.
    pub(super) fn end(&mut self) {
        // It may have ended just now; then there is nothing to end.
        let _ = self.child.kill();
        let begin = Instant::now();
        while !self.has_ended() && begin.elapsed() < PATIENCE {
            thread::sleep(PAUSE);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}

/// What a pipe gave so far, and who reads it. The reader isn't joined: it ends with the last holder of the pipe, which may be
/// a grandchild.
#[derive(Default)]
struct Collected {
    text: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

impl Collected {
    /// Reads `pipe` as long as there is somebody at its other end, and keeps `entry` of every line.
    fn of(pipe: impl Read + Send + 'static, entry: impl Fn(&str) -> String + Send + 'static) -> Self {
        let text = Arc::new(Mutex::new(String::new()));
        let shared = Arc::clone(&text);
        let reader = thread::spawn(move || {
            let mut pipe = BufReader::new(pipe);
            let mut line = Vec::new();
            while matches!(pipe.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line), Ok(1..)) {
                let entry = entry(String::from_utf8_lossy(&line).trim_end());
                line.clear();
                let mut text = locked(&shared);
                *text += &entry;
                if text.len() >= LARGEST_OUTPUT_MIB << 20 {
                    break;
                }
            }
        });
        Self { text, reader: Some(reader) }
    }
}

/// A lock that a panic of the reader doesn't take from us: what it guards is whole after every line.
fn locked(text: &Mutex<String>) -> MutexGuard<'_, String> {
    text.lock().unwrap_or_else(PoisonError::into_inner)
}
