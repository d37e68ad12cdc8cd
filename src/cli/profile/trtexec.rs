//! Runs engines by NVIDIA's `trtexec`, the program that is on every board beside TensorRT.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::anyhow;

use super::child::{LARGEST_OUTPUT_MIB, PAUSE, Running};
use crate::artifact;
use crate::backend::RunPlan;
use crate::backend::trtexec::{Version, arguments, version_of};
use crate::cli::doctor::programs;
use crate::cli::failure::Failure;

/// Where JetPack has it.
const FOLDER: &str = "/usr/src/tensorrt/bin";
/// How long it may take to print its help: the libraries come from a slow disk the first time.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long it may take to load an engine and to end, beside its runs.
const LOADING: Duration = Duration::from_secs(120);
/// No run of an engine is longer.
const LONGEST_RUN: Duration = Duration::from_millis(100);
/// Lines of an error that are repeated.
const SHOWN_ERRORS: usize = 3;

/// A `trtexec` and its version, `None` where it doesn't tell: 7.1.
pub(super) struct Trtexec {
    path: PathBuf,
    version: Option<Version>,
}

/// Which engine is run, and how.
pub(super) struct Task<'a> {
    /// The plan file.
    pub(super) plan: &'a Path,
    /// The DLA core, of an engine that has layers there.
    pub(super) dla_core: Option<u32>,
    /// How often.
    pub(super) run: &'a RunPlan,
    /// Where the times of the layers go, where the profiler is to take them.
    pub(super) profile: Option<&'a Path>,
    /// When the program is ended.
    pub(super) limit: Duration,
}

/// What came of a task.
pub(super) struct Output {
    /// What it printed: its standard output, then its standard error.
    pub(super) log: String,
    /// The file of the layers' times.
    pub(super) profile: Option<String>,
    /// When the first run began.
    pub(super) begin: Instant,
    /// When the last run ended.
    pub(super) end: Instant,
}

impl Trtexec {
    /// The program `named`, else the one in `PATH`, else JetPack's; run once to learn its version.
    pub(super) fn find(named: Option<&Path>) -> Result<Self, Failure> {
        let found = named.map(Path::to_owned).or_else(|| programs::find("trtexec", &[FOLDER]));
        let path = found.ok_or_else(|| {
            Failure::no_backend(format!("there is no `trtexec` in PATH or {FOLDER}"))
                .hint("name it by `--trtexec PATH`")
        })?;
        let mut trtexec = Self { path, version: None };
        let begin = Instant::now();
        let mut running = trtexec.start(&["--help".to_owned()], begin, |line| format!("{line}\n"))?;
        trtexec.wait(&mut running, PATIENCE, "printing its help")?;
        let help = format!("{}{}", *running.stdout(), *running.stderr());
        if !help.contains("--loadEngine") {
            let path = trtexec.path.display();
            return Err(Failure::no_backend(format!("`{path}` is no trtexec: its help lists no `--loadEngine`")));
        }
        trtexec.version = version_of(&help);
        Ok(trtexec)
    }

    /// What it calls its version.
    pub(super) fn version(&self) -> String {
        self.version.map_or_else(|| "7.1".to_owned(), |version| version.to_string())
    }

    /// Its file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Runs an engine. The error repeats what the program complained of.
    pub(super) fn run(&self, task: &Task) -> Result<Output, Failure> {
        let plan = text(task.plan)?;
        let profile = task.profile.map(text).transpose()?;
        if let Some(stale) = task.profile {
            remove(stale)?;
        }
        let options = arguments(self.version, plan, task.dla_core, task.run, profile);
        let (begin, moments) = (Instant::now(), Arc::new(Moments::default()));
        let seen = Arc::clone(&moments);
        let mut running = self.start(&options, begin, move |line| {
            seen.look_at(line);
            format!("{line}\n")
        })?;
        let end = self.wait(&mut running, task.limit, plan)?;
        let log = format!("{}{}", *running.stdout(), *running.stderr());
        let profile = task.profile.map(taken).transpose()?;
        let (begin, end) = moments.span(begin, end);
        Ok(Output { log, profile, begin, end })
    }

    fn start(
        &self,
        options: &[String],
        begin: Instant,
        entry: impl Fn(&str) -> String + Send + 'static,
    ) -> Result<Running, Failure> {
        Running::start(Command::new(&self.path).args(options), begin, entry).map_err(|error| {
            Failure::no_backend(format!("`{}` can't be started: {error}", self.path.display()))
                .hint("name NVIDIA's program by `--trtexec PATH`")
        })
    }

    /// Waits until the program has done `what`, at most `limit`, and for all that it printed. Returns when it ended.
    fn wait(&self, running: &mut Running, limit: Duration, what: &str) -> Result<Instant, Failure> {
        let shown = self.path.display();
        loop {
            let status =
                running.status().map_err(|error| anyhow!("`{shown}`: {what}: can't be waited for: {error}"))?;
            let now = Instant::now();
            if status.is_some() {
                running.await_output();
            }
            if running.is_flooding() {
                return Err(Failure::from(anyhow!("`{shown}`: {what}: printed more than {LARGEST_OUTPUT_MIB} MiB"))
                    .hint("print fewer means by a larger `--avg-runs`"));
            }
            match status {
                Some(status) if status.success() => return Ok(now),
                Some(status) => {
                    let said = complaints(&running.stderr(), &running.stdout());
                    return Err(anyhow!("`{shown}`: {what}: failed ({status}){said}").into());
                }
                None if running.begin().elapsed() >= limit => {
                    let seconds = limit.as_secs_f64();
                    return Err(Failure::from(anyhow!("`{shown}`: {what}: did not end within {seconds} s"))
                        .hint("give it more time by `--timeout`"));
                }
                None => thread::sleep(PAUSE),
            }
        }
    }
}

/// The longest that `run` may take: loading the engine, and twice the runs, which are repeated for the profiler from
/// TensorRT 11 on.
pub(super) fn limit(run: &RunPlan) -> Duration {
    let waits = Duration::from_secs_f64((run.warm_up.0 + run.duration.0).max(0.0) / 1e3);
    LOADING + 2 * (waits + LONGEST_RUN * run.iterations)
}

/// When lines came that tell where the runs begin and end.
#[derive(Default)]
struct Moments {
    first_run: OnceLock<Instant>,
    summary: OnceLock<Instant>,
}

impl Moments {
    /// All versions say that inference starts, and begin to sum up as soon as it has ended.
    fn look_at(&self, line: &str) {
        let slot = if line.contains("] Starting inference") {
            &self.first_run
        } else if line.contains("] Warmup completed ") || line.contains("] Timing trace has ") {
            &self.summary
        } else {
            return;
        };
        // Only the first one counts.
        let _ = slot.set(Instant::now());
    }

    /// The span of the runs; without those lines it is that of the program, from `begin` to `end`, and loading counts.
    fn span(&self, begin: Instant, end: Instant) -> (Instant, Instant) {
        let of = |slot: &OnceLock<Instant>, otherwise| slot.get().copied().unwrap_or(otherwise);
        (of(&self.first_run, begin), of(&self.summary, end))
    }
}

/// What a failed program complained of: its last errors; else the last line it printed.
fn complaints(stderr: &str, stdout: &str) -> String {
    let errors =
        || stderr.lines().chain(stdout.lines()).filter_map(|line| line.split_once("[E] ")).map(|(_, said)| said);
    let shown: Vec<&str> = errors().skip(errors().count().saturating_sub(SHOWN_ERRORS)).collect();
    let last = || stderr.lines().chain(stdout.lines()).rfind(|line| !line.trim().is_empty());
    match (shown.as_slice(), last()) {
        ([], None) => String::new(),
        ([], Some(line)) => format!(": {line}"),
        (errors, _) => format!(": {}", errors.join("; ")),
    }
}

/// A path as an option holds it.
fn text(path: &Path) -> Result<&str, Failure> {
    path.to_str().ok_or_else(|| Failure::usage(format!("{}: `trtexec` takes UTF-8 paths only", path.display())))
}

/// What is in the file at `path`, which is removed.
fn taken(path: &Path) -> Result<String, Failure> {
    let text = artifact::read_text(path)?;
    remove(path)?;
    Ok(text)
}

/// Removes what an earlier run may have left at `path`.
fn remove(path: &Path) -> Result<(), Failure> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(anyhow!("{}: can't be removed ({error})", path.display()).into())
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Milliseconds;

    #[test]
    fn a_failure_is_quoted_by_its_last_errors() {
        let check = |stderr: &str, stdout: &str, expected: &str| assert_eq!(complaints(stderr, stdout), expected);
        let stderr = "[11/24/2025-10:20:30] [E] one\n[11/24/2025-10:20:30] [W] dull\n[E] two\n[E] three\n[E] four\n";
        check(stderr, "[I] done\n", ": two; three; four");
        check("", "[E] Error[1]: no memory\n&&&& FAILED\n", ": Error[1]: no memory");
        check("killed\n\n", "", ": killed");
        check("", "", "");
    }

    #[test]
    fn the_limit_covers_all_runs_twice() {
        let run =
            RunPlan { iterations: 100, warm_up: Milliseconds(500.0), duration: Milliseconds(3000.0), average_runs: 1 };
        assert_eq!(limit(&run), Duration::from_secs(120 + 2 * 10 + 7));
    }

    #[test]
    fn runs_lie_between_the_lines_that_tell() {
        let (begin, moments) = (Instant::now(), Moments::default());
        let late = begin + Duration::from_secs(3600);
        assert_eq!(moments.span(begin, late), (begin, late));
        for line in ["[I] Starting inference threads", "[I] Warmup completed 1 queries over 0 ms"] {
            moments.look_at(line);
        }
        let span = moments.span(begin, late);
        moments.look_at("[I] Starting inference");
        moments.look_at("[I] Timing trace has 1 queries over 0 s");
        assert_eq!(moments.span(begin, late), span);
        assert!(begin <= span.0 && span.0 <= span.1 && span.1 < late);
    }
}
