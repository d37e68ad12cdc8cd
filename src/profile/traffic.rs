//! Bytes that Nsight Compute counted, booked to layer groups by the names of TensorRT's NVTX ranges.

use std::iter;

use super::booking::layer_of_entry;
use crate::backend::fused_names::LayerNames;
use crate::backend::nsight::KernelTraffic;
use crate::group::LayerRange;
use crate::network::Network;
use crate::units::Bytes;

/// What the kernels of an engine moved in one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountedTraffic {
    /// Bytes of each group, in the groups' order; `None` where no kernel is of its layers.
    pub groups: Vec<Option<Bytes>>,
    /// Bytes of kernels that are of no group.
    pub elsewhere: Bytes,
    /// Runs that were counted; the bytes are means over them.
    pub runs: u64,
    /// Kernels at the end that are of a run which the file doesn't hold all of, and which aren't counted.
    pub cut_off: usize,
}

/// Books `kernels`, which are in the order in which they ran. A kernel belongs to the group of the first layer that its
/// innermost range with a layer's name names, reformatters included.
pub fn counted_bytes(network: &Network, groups: &[LayerRange], kernels: &[KernelTraffic]) -> CountedTraffic {
    let names = LayerNames::of(network);
    let starts: Vec<usize> = groups.iter().map(|group| group.first).collect();
    let booked: Vec<Option<Booked>> = kernels.iter().map(|kernel| booked(network, &names, &starts, kernel)).collect();
    let (runs, counted) = whole_runs(&booked);
    let (kernels, cut_off) = (&kernels[..counted], kernels.len() - counted);
    let sum = |is_wanted: &dyn Fn(Option<usize>) -> bool| {
        let layers = booked.iter().map(|booked| booked.as_ref().map(|booked| booked.layer));
        let wanted: Vec<Bytes> =
            kernels.iter().zip(layers).filter(|(_, layer)| is_wanted(*layer)).map(|(kernel, _)| kernel.bytes).collect();
        (!wanted.is_empty()).then(|| Bytes(wanted.into_iter().sum::<Bytes>().0 / runs))
    };
    let is_in = |layer: Option<usize>, group: &LayerRange| layer.is_some_and(|layer| group.contains(layer));
    CountedTraffic {
        groups: groups.iter().map(|group| sum(&|layer| is_in(layer, group))).collect(),
        elsewhere: sum(&|layer| !groups.iter().any(|group| is_in(layer, group))).unwrap_or_default(),
        runs,
        cut_off,
    }
}

/// A kernel that is of a layer.
struct Booked<'k> {
    layer: usize,
    range: &'k str,
    kernel: &'k str,
}

fn booked<'k>(
    network: &Network,
    names: &LayerNames<'_>,
    starts: &[usize],
    kernel: &'k KernelTraffic,
) -> Option<Booked<'k>> {
    let of_range = |range: &'k String| {
        let layer = layer_of_entry(network, starts, range, &names.split(range))?;
        Some(Booked { layer, range, kernel: &kernel.kernel })
    };
    kernel.ranges.iter().rev().find_map(of_range)
}

/// How often the engine ran, and how many of the kernels are of these runs: one begins where its first range begins anew;
/// where all is one range, where its first kernel does. TensorRT names every layer of an engine differently, so that a range
/// comes once a run. A last run of fewer kernels than the first wasn't counted to its end.
fn whole_runs(booked: &[Option<Booked>]) -> (u64, usize) {
    let of_layers = || booked.iter().enumerate().filter_map(|(at, booked)| Some((at, booked.as_ref()?)));
    let Some((_, first)) = of_layers().next() else { return (1, booked.len()) };
    let is_one_range = of_layers().all(|(_, booked)| booked.range == first.range);
    let before = iter::once(None).chain(of_layers().map(|(_, booked)| Some(booked.range)));
    let begins = |(before, (_, booked)): &(Option<&str>, (usize, &Booked<'_>))| {
        let is_first_kernel = is_one_range && booked.kernel == first.kernel;
        booked.range == first.range && (*before != Some(first.range) || is_first_kernel)
    };
    let begins: Vec<usize> = before.zip(of_layers()).filter(begins).map(|(_, (at, _))| at).collect();
    let n_in = |from: usize, until: usize| booked[from..until].iter().flatten().count();
    match *begins {
        [first, second, .., last] if n_in(last, booked.len()) < n_in(first, second) => (begins.len() as u64 - 1, last),
        [first, last] if n_in(last, booked.len()) < n_in(first, last) => (1, last),
        _ => (begins.len() as u64, booked.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::nsight::Counter;
    use crate::network::caffe;

    const NETWORK: &str = "input: \"data\" input_dim: 1 input_dim: 1 input_dim: 1 input_dim: 1
layer { name: \"a\" type: \"ReLU\" bottom: \"data\" top: \"a\" }
layer { name: \"b\" type: \"ReLU\" bottom: \"a\" top: \"b\" }
layer { name: \"c\" type: \"ReLU\" bottom: \"b\" top: \"c\" }";

    /// Kernels, each with its name, the names of its ranges with `/` between them, and its bytes.
    #[track_caller]
    fn check(kernels: &[(&str, &str, u64)], groups: [Option<u64>; 2], elsewhere: u64, runs: u64) {
        check_cut(kernels, groups, elsewhere, runs, 0);
    }

    #[track_caller]
    fn check_cut(kernels: &[(&str, &str, u64)], groups: [Option<u64>; 2], elsewhere: u64, runs: u64, cut_off: usize) {
        let network = caffe::parse(NETWORK, "net", "Net").unwrap();
        let ranges = [LayerRange { first: 0, last: 2 }, LayerRange { first: 2, last: 3 }];
        let kernels: Vec<KernelTraffic> = kernels
            .iter()
            .zip(0..)
            .map(|(&(kernel, names, bytes), id)| KernelTraffic {
                id,
                kernel: kernel.to_owned(),
                ranges: names.split('/').filter(|name| !name.is_empty()).map(str::to_owned).collect(),
                bytes: Bytes(bytes),
                counter: Counter::Dram,
            })
            .collect();
        let groups = groups.map(|bytes| bytes.map(Bytes)).to_vec();
        let expected = CountedTraffic { groups, elsewhere: Bytes(elsewhere), runs, cut_off };
        assert_eq!(counted_bytes(&network, &ranges, &kernels), expected, "{kernels:?}");
    }

    #[test]
    fn a_kernel_is_of_the_first_layer_that_its_innermost_named_range_names() {
        let one = [("k", "enqueue/a + b", 10), ("k", "enqueue/c/tactic", 20), ("k", "b/c", 3)];
        check(&one, [Some(10), Some(23)], 0, 1);
        let reformats = [
            ("r", "Reformatting CopyNode for Network Input data", 1),
            ("r", "Reformatting CopyNode for Input Tensor 0 to c", 5),
        ];
        check(&reformats, [Some(1), Some(5)], 0, 1);
    }

    #[test]
    fn bytes_of_no_group_are_told_apart() {
        let kernels = [("k", "a", 10), ("memset", "", 7), ("k", "enqueue", 1), ("k", "{ForeignNode[a...c]}", 2)];
        check(&kernels, [Some(10), None], 10, 1);
        check(&[], [None, None], 0, 1);
    }

    #[test]
    fn bytes_are_means_over_the_runs_in_a_file() {
        let run = [("first", "a", 10), ("second", "a", 20), ("memset", "", 4), ("k", "c", 6)];
        check(&[run, run, run].concat(), [Some(30), Some(6)], 4, 3);
        check(&[("k", "a", 10), ("l", "a", 2), ("k", "a", 10), ("l", "a", 2)], [Some(12), None], 0, 2);
    }
    #[test]
    fn a_run_that_was_not_counted_to_its_end_is_left_out() {
        let run = [("first", "a", 10), ("second", "a", 20), ("memset", "", 4), ("k", "c", 6)];
        check_cut(&[&run[..], &run[..], &run[..2]].concat(), [Some(30), Some(6)], 4, 2, 2);
        check_cut(&[&run[..], &run[..3]].concat(), [Some(30), Some(6)], 4, 1, 3);
        // Counting may begin inside a run, too.
        check_cut(&[&run[3..], &run[..], &run[..3]].concat(), [Some(30), Some(6)], 4, 2, 0);
    }
}
