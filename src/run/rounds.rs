//! The order of rounds: warm-up, then one round of every policy in turn (A B C A B C), so that what drifts meets all alike.

use super::log::Round;
use crate::units::{Milliseconds, Nanoseconds};

/// What came of running rounds in turn.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Interleaved {
    /// Recorded rounds, by policy.
    pub rounds: Vec<Vec<Round>>,
    /// Rounds of every policy before them.
    pub warm_up_rounds: u64,
}

/// Runs `n_policies` policies in turn: rounds of all of them until these have taken `warm_up`, then `iterations` that are
/// recorded. `run` runs one round of a policy; its second argument counts the turns from zero.
pub fn interleave<E>(
    n_policies: usize,
    iterations: u64,
    warm_up: Milliseconds,
    mut run: impl FnMut(usize, u64) -> Result<Round, E>,
) -> Result<Interleaved, E> {
    let warm_up = warm_up.to_nanoseconds();
    let mut warm_up_rounds = 0;
    let mut spent = Nanoseconds::ZERO;
    while spent < warm_up {
        let mut turn = Nanoseconds::ZERO;
        for policy in 0..n_policies {
            turn += run(policy, warm_up_rounds)?.makespan();
        }
        warm_up_rounds += 1;
        // Rounds that take no time would never end.
        spent = if turn == Nanoseconds::ZERO { warm_up } else { spent + turn };
    }
    let mut rounds = vec![Vec::new(); n_policies];
    for iteration in 0..iterations {
        for (policy, rounds) in rounds.iter_mut().enumerate() {
            rounds.push(run(policy, warm_up_rounds + iteration)?);
        }
    }
    Ok(Interleaved { rounds, warm_up_rounds })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Span;

    fn round(end: u64) -> Round {
        let span = Span { start: Nanoseconds::ZERO, end: Nanoseconds(end) };
        Round { released: Vec::new(), spans: vec![vec![span]] }
    }

    #[test]
    fn policies_take_turns_and_warm_up_rounds_are_left_out() {
        let mut order = Vec::new();
        let ran = interleave(3, 2, Milliseconds(5e-6), |policy, turn| {
            order.push((policy, turn));
            Ok::<_, ()>(round(1))
        })
        .unwrap();
        assert_eq!(ran.warm_up_rounds, 2);
        assert_eq!(ran.rounds.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2, 2]);
        let expected: Vec<(usize, u64)> = (0..4).flat_map(|turn| (0..3).map(move |policy| (policy, turn))).collect();
        assert_eq!(order, expected);
    }

    #[test]
    fn warm_up_ends_where_rounds_take_no_time_and_a_failure_ends_all() {
        let ran = interleave(1, 1, Milliseconds(1.0), |_, _| Ok::<_, ()>(round(0))).unwrap();
        assert_eq!((ran.warm_up_rounds, ran.rounds[0].len()), (1, 1));
        let mut n_rounds = 0;
        let failed = interleave(2, 9, Milliseconds(0.0), |policy, _| {
            n_rounds += 1;
            if policy == 1 { Err("no") } else { Ok(round(1)) }
        });
        assert_eq!((failed, n_rounds), (Err("no"), 2));
    }
}
