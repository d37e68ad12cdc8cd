//! Processor cores: which there are, which share their caches and units, and binding threads to them.

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use super::OnnxRuntimeError;

/// The cores that this process may use, by the system's numbers.
pub fn available_cores() -> Vec<usize> {
    let Ok(set) = sched_getaffinity(None) else { return vec![0] };
    (0..CpuSet::MAX_CPU).filter(|&core| set.is_set(core)).collect()
}

/// Binds the calling thread to `cores`; threads that it starts later are bound alike. No cores: it stays as it is.
pub fn bind_thread(cores: &[usize]) -> Result<(), OnnxRuntimeError> {
    if cores.is_empty() {
        return Ok(());
    }
    let refused = |reason: String| OnnxRuntimeError::Cores { cores: cores.to_vec(), reason };
    if let Some(core) = cores.iter().find(|&&core| core >= CpuSet::MAX_CPU) {
        return Err(refused(format!("there is no core {core}")));
    }
    let mut set = CpuSet::new();
    for &core in cores {
        set.set(core);
    }
    sched_setaffinity(None, &set).map_err(|error| refused(error.to_string()))?;
    // The system binds to those of the cores that there are.
    let bound = available_cores();
    match cores.iter().find(|core| !bound.contains(core)) {
        Some(core) => Err(refused(format!("this process has no core {core}"))),
        None => Ok(()),
    }
}

/// `cores` in groups that share one physical core's units, in ascending order of their first. `siblings` gives Linux's list of
/// those that share a core's (`0,8`), where it is known.
pub fn core_groups(cores: &[usize], siblings: impl Fn(usize) -> Option<String>) -> Vec<Vec<usize>> {
    let listed = |core: usize| siblings(core).and_then(|list| parse_list(list.trim()));
    group_by_siblings(cores, |core| listed(core).unwrap_or_else(|| vec![core]))
}

fn group_by_siblings(cores: &[usize], siblings: impl Fn(usize) -> Vec<usize>) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for &core in cores {
        if groups.iter().flatten().all(|&grouped| grouped != core) {
            let group: Vec<usize> = siblings(core).into_iter().filter(|sibling| cores.contains(sibling)).collect();
            groups.push(if group.contains(&core) { group } else { vec![core] });
        }
    }
    groups
}

/// Linux's lists of processors: `0-3,8`.
fn parse_list(text: &str) -> Option<Vec<usize>> {
    let mut cores = Vec::new();
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (usize, usize) = (first.parse().ok()?, last.parse().ok()?);
        cores.extend((first..=last).take(CpuSet::MAX_CPU));
    }
    Some(cores)
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn a_thread_and_those_that_it_starts_stay_on_its_cores() {
        let cores = available_cores();
        let one = vec![cores[cores.len() - 1]];
        let expected = one.clone();
        let seen = thread::spawn(move || {
            bind_thread(&one).unwrap();
            [available_cores(), thread::spawn(available_cores).join().unwrap()]
        });
        assert_eq!(seen.join().unwrap(), [expected.clone(), expected]);
        assert_eq!(available_cores(), cores);
    }

    #[test]
    fn cores_that_are_not_there_are_named() {
        let refused =
            |core: usize| thread::spawn(move || bind_thread(&[core])).join().unwrap().unwrap_err().to_string();
        assert_eq!(refused(1 << 20), "threads can't be bound to cores [1048576]: there is no core 1048576");
        assert!(refused(CpuSet::MAX_CPU - 1).starts_with("threads can't be bound to cores [1023]: "));
    }

    #[test]
    fn siblings_are_grouped_whatever_their_numbers() {
        let pairs = |core: usize| vec![core % 4, core % 4 + 4];
        assert_eq!(group_by_siblings(&[0, 1, 2, 3, 4, 5, 6, 7], pairs), [[0, 4], [1, 5], [2, 6], [3, 7]]);
        assert_eq!(group_by_siblings(&[1, 2, 5], pairs), [vec![1, 5], vec![2]]);
        assert_eq!(parse_list("0-2,8"), Some(vec![0, 1, 2, 8]));
        assert_eq!(parse_list("x"), None);
    }
}
