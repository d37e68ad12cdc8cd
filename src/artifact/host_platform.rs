//! The platform file of the present machine's processor, divided into accelerators of some cores each.

use std::fmt::Write as _;

use anyhow::Result;

use super::contention_block::contention_block;
use super::field::SCHEMA_VERSION;
use crate::platform::Sourced;
use crate::profile::FittedContention;
use crate::units::GigabytesPerSecond;

/// What is known of a processor.
#[derive(Clone, Debug)]
pub struct HostPlatform {
    /// The platform's name.
    pub name: String,
    /// What people call the machine.
    pub title: String,
    /// What all cores together read.
    pub peak_bandwidth: Sourced<GigabytesPerSecond>,
    /// Share of it that the partitions reach together.
    pub sharing_efficiency: Sourced<f64>,
    /// The partitions.
    pub partitions: Vec<Partition>,
}

/// Some of its cores, as an accelerator.
#[derive(Clone, Debug)]
pub struct Partition {
    /// The accelerator's name.
    pub name: String,
    /// Its cores.
    pub cores: Vec<usize>,
    /// What they read alone.
    pub bandwidth: Sourced<GigabytesPerSecond>,
    /// Their rate of multiply-accumulates, in 10^9 a second.
    pub compute_gmacs: Sourced<f64>,
    /// How they slow while others use the memory.
    pub contention: FittedContention,
}

/// Bytes of a tensor's element: engines of processors compute in single precision.
const BYTES_PER_ELEMENT: u64 = 4;

/// The text of the file.
pub fn write_host_platform(host: &HostPlatform) -> Result<String> {
    let text = |text: &str| serde_json::to_string(text);
    let mut file = format!(
        "# The processor of this machine as accelerators of some of its cores each, for ONNX Runtime. Made by\n\
         # `haxconn platform detect`. Throughputs in GB/s (10^9 bytes per second), times in milliseconds.\n\
         schema_version: {SCHEMA_VERSION}\nname: {}\ntitle: {}\nbytes_per_element: {BYTES_PER_ELEMENT}\n",
        host.name,
        text(&host.title)?
    );
    writeln!(file, "peak_bandwidth_gbps: {}", number(host.peak_bandwidth.value.0, &host.peak_bandwidth)?)?;
    writeln!(file, "sharing_efficiency: {}", number(host.sharing_efficiency.value, &host.sharing_efficiency)?)?;
    file.push_str("accelerators:\n");
    for partition in &host.partitions {
        write_partition(&mut file, partition)?;
    }
    Ok(file)
}

fn write_partition(file: &mut String, partition: &Partition) -> Result<()> {
    let Partition { name, cores, bandwidth, compute_gmacs, contention } = partition;
    writeln!(
        file,
        "  - name: {name}\n    kind: cpu\n    provider: {{name: cpu, cores: {cores:?}}}\n    rules: everything"
    )?;
    file.push_str(&contention_block(contention)?);
    writeln!(file, "    roofline:")?;
    writeln!(file, "      compute_gmacs: {}", number(compute_gmacs.value, compute_gmacs)?)?;
    writeln!(file, "      bandwidth_gbps: {}", number(bandwidth.value.0, bandwidth)?)?;
    let overhead = "what a fused layer costs to start in ONNX Runtime isn't told apart";
    writeln!(file, "      overhead_ms: {{value: 0.005, provenance: assumed, source: {overhead:?}}}")?;
    // What crosses lies in the memory that both use. The one that enters reads it from there, not from its own caches.
    let crossing =
        format!("a tensor in the memory, read at {:.1} GB/s; `profile transitions` measures it", bandwidth.value.0);
    let per_mib = f64::from(1 << 20) / (bandwidth.value.0 * 1e6);
    let wake = "waking the thread that waits for the tensor; `profile transitions` measures it";
    writeln!(file, "    transition:")?;
    writeln!(file, "      in_fixed_ms: {{value: 0.01, provenance: assumed, source: {wake:?}}}")?;
    writeln!(file, "      in_per_mib_ms: {{value: {per_mib:.5}, provenance: derived, source: {crossing:?}}}")?;
    for key in ["out_fixed_ms", "out_per_mib_ms"] {
        writeln!(file, "      {key}: {{value: 0, provenance: assumed, source: \"all of it is booked as entering\"}}")?;
    }
    Ok(())
}

fn number<T>(value: f64, sourced: &Sourced<T>) -> Result<String> {
    let source = serde_json::to_string(&sourced.source)?;
    Ok(format!("{{value: {value:.4}, provenance: {}, source: {source}}}", sourced.provenance))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::read_platform;
    use crate::platform::{AcceleratorKind, ContentionGrid, Provenance};
    use crate::profile::ContentionModel;

    #[test]
    fn what_is_written_is_read_back() {
        let grid = ContentionGrid::new(vec![2.0, 9.0], vec![0.0, 8.0], vec![vec![2.0, 1.9], vec![9.0, 6.0]]).unwrap();
        let fitted = FittedContention::new("cpu0", grid, ContentionModel::Table, Provenance::Measured, "here");
        let measured = |value| Sourced { value, provenance: Provenance::Measured, source: "a \"test\"".to_owned() };
        let partition = |name: &str, cores: Vec<usize>| Partition {
            name: name.to_owned(),
            cores,
            bandwidth: measured(9.0).map(GigabytesPerSecond),
            compute_gmacs: measured(40.0),
            contention: fitted.clone(),
        };
        let host = HostPlatform {
            name: "host".to_owned(),
            title: "Some Processor: 2 + 1 cores".to_owned(),
            peak_bandwidth: measured(12.5).map(GigabytesPerSecond),
            sharing_efficiency: measured(0.9),
            partitions: vec![partition("cpu0", vec![0, 1]), partition("cpu1", vec![2])],
        };
        let text = write_host_platform(&host).unwrap();
        let platform = read_platform(&text, "host.yaml").unwrap_or_else(|error| panic!("{error:#}\n{text}"));
        assert_eq!((&*platform.title, platform.bytes_per_element), ("Some Processor: 2 + 1 cores", 4));
        let first = &platform.accelerators[0];
        assert_eq!((first.kind, &*first.provider.as_ref().unwrap().cores), (AcceleratorKind::Cpu, &[0, 1][..]));
        assert_eq!(platform.peak_bandwidth.provenance, Provenance::Measured);
        assert!(first.contention.pccs().is_none() && !first.pays_network_io);
    }
}
