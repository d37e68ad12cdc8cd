//! Records what `tegrastats` prints while something runs: every line with the moment of its arrival. No wait is longer
//! than it has to be, whatever the program does; when the recording is dropped, the program is ended.

use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use super::child::{PAUSE, Running};
use crate::backend::tegrastats::{Sample, read};
use crate::cli::failure::Failure;

/// How long the first line may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// A running `tegrastats`.
pub(super) struct Recording {
    program: Running,
    shown: String,
}

impl Recording {
    /// Starts `program`, which is to print a line every `interval`.
    pub(super) fn start(program: &Path, interval: Duration) -> Result<Self, Failure> {
        let shown = program.display().to_string();
        let begin = Instant::now();
        let stamp = move |line: &str| format!("{:.3} {line}\n", begin.elapsed().as_secs_f64());
        let mut command = Command::new(program);
        let running = Running::start(command.arg("--interval").arg(interval.as_millis().to_string()), begin, stamp);
        let program = running.map_err(|error| {
            Failure::no_backend(format!("`{shown}` can't be started: {error}"))
                .hint("name NVIDIA's program by `--tegrastats PATH`")
        })?;
        Ok(Self { program, shown })
    }

    /// When it began; the moments in its lines count from here.
    pub(super) fn begin(&self) -> Instant {
        self.program.begin()
    }

    /// The first line, waited for; the error says what the program said instead.
    pub(super) fn first_sample(&mut self) -> Result<Sample, Failure> {
        while self.begin().elapsed() < PATIENCE {
            let has_ended = self.program.has_ended();
            if has_ended {
                self.program.await_output();
            }
            if let Some(line) = self.program.stdout().lines().next() {
                let samples = read(line).map_err(|error| anyhow::anyhow!("`{}`: {error}", self.shown))?;
                return samples.into_iter().next().ok_or_else(|| self.failure("printed an empty line"));
            }
            if has_ended {
                return Err(self.failure("ended without a line"));
            }
            thread::sleep(PAUSE);
        }
        Err(self.failure(&format!("printed no line within {} s", PATIENCE.as_secs())))
    }

    /// Ends the program and returns its lines, each after the seconds of its arrival.
    pub(super) fn finish(mut self) -> Result<String, Failure> {
        if self.program.has_ended() {
            return Err(self.failure("ended before the run did"));
        }
        self.program.end();
        Ok(self.program.stdout().clone())
    }

    fn failure(&self, what: &str) -> Failure {
        let complaints = self.program.stderr().trim().replace('\n', "; ");
        let said = if complaints.is_empty() { String::new() } else { format!(": {complaints}") };
        Failure::from(anyhow::anyhow!("`{}` {what}{said}", self.shown))
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use crate::units::Percent;

    const LINE: &str = "RAM 1/2MB CPU [1%@100] EMC_FREQ 41%@2133 GR3D_FREQ 1%@1377";

    /// A recording of a script with this body.
    fn recording(folder: &Path, body: &str) -> Recording {
        let (text, path) = (folder.join("text"), folder.join("tegrastats"));
        std::fs::write(&text, format!("#!/bin/sh\n{body}\n")).unwrap();
        // Not written here: a program that is open for writing, in a child of another test too, can't be started.
        assert!(Command::new("install").args(["-m", "755"]).args([&text, &path]).status().unwrap().success());
        Recording::start(&path, Duration::from_millis(10)).unwrap()
    }

    #[test]
    fn lines_are_recorded_with_their_arrival_until_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let body = format!("[ \"$1 $2\" = '--interval 10' ] || exit 1\nwhile :; do echo '{LINE}'; sleep 0.01; done");
        let mut recording = recording(folder.path(), &body);
        assert_eq!(recording.first_sample().unwrap().emc.utilization, Some(Percent(41.0)));
        let begin = recording.begin();
        while begin.elapsed() < Duration::from_millis(200) {
            thread::sleep(PAUSE);
        }
        let samples = read(&recording.finish().unwrap()).unwrap();
        assert!(samples.len() > 2, "{}", samples.len());
        assert!(samples.windows(2).all(|pair| pair[0].arrival.unwrap().0 <= pair[1].arrival.unwrap().0));
    }

    #[track_caller]
    fn refuses(body: &str, expected: &str) {
        let folder = tempfile::tempdir().unwrap();
        let error = recording(folder.path(), body).first_sample().unwrap_err().error.to_string();
        assert_eq!(error.replace(&folder.path().display().to_string(), "DIR"), expected);
    }

    #[test]
    fn a_program_that_fails_is_quoted() {
        refuses(
            "echo 'no permission' >&2; echo 'try sudo' >&2; exit 1",
            "`DIR/tegrastats` ended without a line: no permission; try sudo",
        );
        refuses("exit 0", "`DIR/tegrastats` ended without a line");
        refuses("echo hello", "`DIR/tegrastats`: line 1: expected `RAM` with used and total megabytes, found `hello`");
    }

    #[test]
    fn a_program_that_ends_during_the_run_is_no_recording() {
        let folder = tempfile::tempdir().unwrap();
        let mut recording = recording(folder.path(), &format!("echo '{LINE}'; echo gone >&2"));
        recording.first_sample().unwrap();
        while !recording.program.has_ended() {
            thread::sleep(PAUSE);
        }
        recording.program.await_output();
        let error = recording.finish().unwrap_err().error.to_string();
        assert!(error.ends_with("ended before the run did: gone"), "{error}");
    }

    #[test]
    fn what_is_no_program_is_refused() {
        let failure = Recording::start(Path::new("/nonexistent/tegrastats"), PAUSE).err().unwrap();
        assert_eq!(failure.code, 4);
        assert!(failure.error.to_string().starts_with("`/nonexistent/tegrastats` can't be started: "));
    }
}
