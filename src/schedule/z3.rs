//! The only room that speaks to Z3: Booleans, pseudo-Boolean rows and clauses over them, and the check of the library.
//!
//! Z3 objects belong to the thread that made them; nothing here leaves it.

use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use z3::ast::Bool;
use z3::{Context, Params, SatResult, Solver};

use super::Cancel;

/// Lowest version of the library that the search was run with.
const LOWEST_VERSION: (u32, u32, u32) = (4, 8, 12);

/// What Z3 answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The variables that are true.
    Model(Vec<bool>),
    /// Nothing satisfies what was asserted.
    Unsat,
    /// It gave up, for the reason that it names.
    Unknown(String),
}

/// Time between two looks at whether Z3 shall give up.
const PATIENCE: Duration = Duration::from_millis(10);

/// Finite domains: Booleans and pseudo-Boolean rows.
const LOGIC: &str = "QF_FD";

/// A set of Booleans with what is asserted about them, in logic `QF_FD`.
pub(super) struct Master {
    solver: Solver,
    variables: Vec<Bool>,
}

impl Master {
    pub(super) fn new(n_variables: usize, seed: u64) -> Self {
        let solver = Solver::new_for_logic(LOGIC).expect("the self-test has refused a library without this logic");
        let mut params = Params::new();
        params.set_u32("random_seed", u32::try_from(seed % 1_000_000_007).unwrap_or(0));
        solver.set_params(&params);
        let variables = (0..n_variables).map(|idx| Bool::new_const(format!("x{idx}"))).collect();
        Self { solver, variables }
    }

    /// Exactly one of `variables` is true.
    pub(super) fn exactly_one(&self, variables: &[usize]) {
        let terms: Vec<(&Bool, i32)> = variables.iter().map(|&variable| (&self.variables[variable], 1)).collect();
        self.solver.assert(Bool::pb_eq(&terms, 1));
    }

    /// At least one literal holds: a variable is true where its flag is.
    pub(super) fn clause(&self, literals: &[(usize, bool)]) {
        let literals: Vec<Bool> = literals
            .iter()
            .map(
                |&(variable, value)| {
                    if value { self.variables[variable].clone() } else { self.variables[variable].not() }
                },
            )
            .collect();
        self.solver.assert(Bool::or(&literals));
    }

    /// The weights of the true variables add up to at most `limit`.
    pub(super) fn at_most(&self, weights: &[(usize, i32)], limit: i32) {
        let terms: Vec<(&Bool, i32)> =
            weights.iter().map(|&(variable, weight)| (&self.variables[variable], weight)).collect();
        self.solver.assert(Bool::pb_le(&terms, limit));
    }

    /// Nothing satisfies the current scope any more.
    pub(super) fn refute(&self) {
        self.solver.assert(Bool::from_bool(false));
    }

    pub(super) fn push(&self) {
        self.solver.push();
    }

    pub(super) fn pop(&self) {
        self.solver.pop(1);
    }

    /// The same as [`Self::check`], but gives up where `cancel` is cancelled meanwhile.
    pub(super) fn check_unless(&self, timeout_ms: Option<u32>, cancel: &Cancel) -> Answer {
        if !cancel.is_shared() {
            return self.check(timeout_ms);
        }
        let context = Context::thread_local();
        let handle = context.handle();
        thread::scope(|scope| {
            let done = Cancel::default();
            let watcher = scope.spawn({
                let done = done.clone();
                move || {
                    while !done.is_cancelled() {
                        if cancel.is_cancelled() {
                            handle.interrupt();
                        }
                        thread::park_timeout(PATIENCE);
                    }
                }
            });
            let answer = self.check(timeout_ms);
            done.cancel();
            watcher.thread().unpark();
            answer
        })
    }

    /// Looks for values that satisfy everything asserted, for at most `timeout_ms`.
    pub(super) fn check(&self, timeout_ms: Option<u32>) -> Answer {
        if let Some(timeout_ms) = timeout_ms {
            let mut params = Params::new();
            params.set_u32("timeout", timeout_ms);
            self.solver.set_params(&params);
        }
        match self.solver.check() {
            SatResult::Unsat => Answer::Unsat,
            SatResult::Unknown => Answer::Unknown(self.solver.get_reason_unknown().unwrap_or_default()),
            SatResult::Sat => self.model(),
        }
    }

    fn model(&self) -> Answer {
        let Some(model) = self.solver.get_model() else { return Answer::Unknown("no model".into()) };
        let value = |variable: &Bool| model.get_const_interp(variable).and_then(|value| value.as_bool());
        Answer::Model(self.variables.iter().map(|variable| value(variable).unwrap_or(false)).collect())
    }
}

/// Checks the library's version and that it solves five lines of pseudo-Boolean arithmetic, once per process.
/// The error says in words what is wrong.
pub(super) fn self_test() -> Result<(), String> {
    static RESULT: OnceLock<Result<(), String>> = OnceLock::new();
    RESULT
        .get_or_init(|| {
            check_version(z3::full_version()).and_then(|()| check_logic()).and_then(|()| check_arithmetic())
        })
        .clone()
}

/// The library's version, where the search can use it; else what is wrong with it.
///
/// # Errors
/// A version below the lowest one that the search was run with, or wrong answers in the self-test.
pub fn z3_version() -> Result<String, String> {
    self_test().map(|()| z3::full_version().to_owned())
}

/// Refuses a version such as `4.8.7.0` or `Z3 4.8.7 - build hashcode ..` that is below the lowest one.
fn check_version(version: &str) -> Result<(), String> {
    let number = version.split_whitespace().find(|word| word.starts_with(|first: char| first.is_ascii_digit()));
    let mut parts = number.unwrap_or("").split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let mut next = || parts.next().unwrap_or(0);
    let found = (next(), next(), next());
    let (major, minor, patch) = LOWEST_VERSION;
    if found < LOWEST_VERSION {
        return Err(format!("the Z3 library is version `{version}`, at least {major}.{minor}.{patch} is needed"));
    }
    Ok(())
}

/// Refuses a library without the logic of pseudo-Boolean rows.
fn check_logic() -> Result<(), String> {
    Solver::new_for_logic(LOGIC).map(drop).ok_or_else(|| format!("the Z3 library has no logic `{LOGIC}`"))
}

/// `x0 + x1 + x2 = 1` and `3 x0 + 5 x1 + 7 x2 <= 6` and not `x0` leave `x1`; without it nothing is left.
fn check_arithmetic() -> Result<(), String> {
    let master = Master::new(3, 0);
    master.exactly_one(&[0, 1, 2]);
    master.at_most(&[(0, 3), (1, 5), (2, 7)], 6);
    master.clause(&[(0, false)]);
    let first = master.check(None);
    master.clause(&[(1, false)]);
    let second = master.check(None);
    if first == Answer::Model(vec![false, true, false]) && second == Answer::Unsat {
        Ok(())
    } else {
        Err(format!("the Z3 library answers a known question wrongly: `{first:?}`, then `{second:?}`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_installed_library_passes_its_self_test() {
        assert_eq!(self_test(), Ok(()));
    }

    #[test]
    fn refuses_an_old_library_and_takes_newer_ones() {
        assert!(check_version("4.8.7.0").is_err());
        assert!(check_version("nonsense").is_err());
        assert_eq!(check_version("4.8.12.0"), Ok(()));
        assert_eq!(check_version("Z3 5.4.1.0"), Ok(()));
    }

    #[test]
    fn scopes_take_back_what_they_asserted() {
        let master = Master::new(2, 0);
        master.exactly_one(&[0, 1]);
        master.push();
        master.refute();
        assert_eq!(master.check(None), Answer::Unsat);
        master.pop();
        master.clause(&[(1, false)]);
        assert_eq!(master.check(Some(1000)), Answer::Model(vec![true, false]));
    }
}
