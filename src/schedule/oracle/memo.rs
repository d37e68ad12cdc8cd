//! States that a search has been in. All keys lie in one piece of memory: forgetting millions of them takes no time.

use hashbrown::HashTable;

use super::super::goal::Settled;

/// With more states than this the memory is given back instead of being emptied.
const MOST_KEPT: usize = 100_000;

/// When a state was reached, and what had been settled by then.
pub(super) type Reached = (u64, Settled);

/// The states of one search by their keys, all of one length.
pub(super) struct Memo {
    /// Beyond so many, new ones aren't remembered.
    most: usize,
    table: HashTable<u32>,
    keys: Vec<u64>,
    reached: Vec<Reached>,
}

impl Memo {
    pub(super) fn new(most: usize) -> Self {
        Self { most, table: HashTable::new(), keys: vec![], reached: vec![] }
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        if self.reached.len() > MOST_KEPT {
            *self = Self::new(self.most);
        }
        self.table.clear();
        self.keys.clear();
        self.reached.clear();
    }

    /// Whether a state was reached before, no later and with nothing settled worse; remembers it where not.
    pub(super) fn covers(&mut self, key: &[u64], reached: Reached) -> bool {
        let hash = hash(key);
        let (keys, stride) = (&self.keys, key.len());
        let key_of = |idx: u32| &keys[idx as usize * stride..(idx as usize + 1) * stride];
        if let Some(&idx) = self.table.find(hash, |&idx| key_of(idx) == key) {
            let known = &mut self.reached[idx as usize];
            let is_covered = is_no_worse(known, &reached);
            if !is_covered && is_no_worse(&reached, known) {
                *known = reached;
            }
            return is_covered;
        }
        if let Some(idx) = u32::try_from(self.reached.len()).ok().filter(|_| self.reached.len() < self.most) {
            self.table.insert_unique(hash, idx, |&idx| self::hash(key_of(idx)));
            self.keys.extend_from_slice(key);
            self.reached.push(reached);
        }
        false
    }
}

fn is_no_worse(one: &Reached, other: &Reached) -> bool {
    one.0 <= other.0 && one.1.paid <= other.1.paid && one.1.excess <= other.1.excess
}

/// Multiplies and rotates whole words: fast, and the full key is compared after it.
fn hash(key: &[u64]) -> u64 {
    let mixed = key.iter().fold(0_u64, |hash, &word| (hash.rotate_left(5) ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    mixed ^ mixed >> 29
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(paid: u64) -> Settled {
        Settled { paid, excess: 0 }
    }

    #[test]
    fn a_state_is_covered_by_an_equal_one_that_was_no_later_and_no_worse() {
        let mut memo = Memo::new(10);
        assert!(!memo.covers(&[1, 2], (5, settled(3))));
        assert!(memo.covers(&[1, 2], (5, settled(3))));
        assert!(memo.covers(&[1, 2], (6, settled(4))));
        assert!(!memo.covers(&[1, 2], (6, settled(2))), "later, but less is settled");
        assert!(!memo.covers(&[2, 1], (6, settled(4))), "another state");
        assert!(!memo.covers(&[1, 2], (4, settled(3))), "earlier: remembered from now on");
        assert!(memo.covers(&[1, 2], (4, settled(3))));
        memo.clear();
        assert!(!memo.covers(&[1, 2], (5, settled(3))));
    }

    #[test]
    fn states_beyond_the_most_are_searched_again_and_others_still_known() {
        let mut memo = Memo::new(1000);
        for round in 0..2 {
            for word in 0..2000_u64 {
                let is_known = memo.covers(&[word, word % 7], (0, settled(0)));
                assert_eq!(is_known, round == 1 && word < 1000, "state {word} in round {round}");
            }
        }
    }
}
