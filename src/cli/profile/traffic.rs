//! Bytes that Nsight Compute counted (`--nsight`), and what the user must know of them.

use std::path::Path;

use crate::backend::nsight::{self, Counter, KernelTraffic};
use crate::cli::failure::Failure;
use crate::cli::{inputs, output};
use crate::group::LayerRange;
use crate::network::Network;
use crate::profile::{LayerTimes, counted_bytes};
use crate::units::Bytes;

/// The kernels of a file, which tells of one network only.
pub(super) fn read(path: &Path, n_networks: usize) -> Result<Vec<KernelTraffic>, Failure> {
    if n_networks != 1 {
        return Err(Failure::usage(format!("`--nsight` is of one network, but `--dnns` names {n_networks}"))
            .hint("profile each network by itself"));
    }
    inputs::read_by(path, nsight::read)
}

/// The bytes of each group of `times`; says what they are made of.
pub(super) fn counted(
    network: &Network,
    times: &LayerTimes,
    kernels: &[KernelTraffic],
    quiet: bool,
) -> Vec<Option<Bytes>> {
    let groups: Vec<LayerRange> = times.groups.iter().map(|group| group.layers).collect();
    let traffic = counted_bytes(network, &groups, kernels);
    let n_known = traffic.groups.iter().flatten().count();
    let note = |words: String| output::note(quiet, &format!("note: --nsight: {words}"));
    note(format!(
        "{} kernels, runs of the engine: {}; {n_known} of {} groups have bytes; {:.3} MiB a run are of no group",
        kernels.len(),
        traffic.runs,
        groups.len(),
        traffic.elsewhere.mebibytes()
    ));
    if traffic.cut_off > 0 {
        note(format!("the last {} kernels are of a run that was cut off; they aren't counted", traffic.cut_off));
    }
    if n_known == 0 {
        note("no NVTX range names a layer; profile with `ncu --nvtx`".to_owned());
    }
    if kernels.iter().any(|kernel| kernel.counter == Counter::L2) {
        note("bytes are the L2 cache's (`lts__t_bytes.sum`), at least as many as reach the memory".to_owned());
    }
    traffic.groups
}
