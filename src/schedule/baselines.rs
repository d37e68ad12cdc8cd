//! Schedules that others would choose: what a proved one is compared with, and never worse than.

use super::{Decision, Timeline};

/// One baseline's schedule under the evaluator.
#[derive(Clone, Debug, PartialEq)]
pub struct Baseline {
    /// Name in flags and files: `gpu-only`, `gpu-dla`, `mensa`, `herald`, `h2h`.
    pub name: String,
    /// What people read, with the variant (`googlenet on gpu, resnet101 on dla`).
    pub label: String,
    /// Placement and order.
    pub decision: Decision,
    /// Its timeline.
    pub timeline: Timeline,
    /// Most counted changes of accelerator of a task.
    pub transitions: usize,
    /// Whether it respects the problem's transition limit; one that doesn't is shown and left out of the gain.
    pub within_limit: bool,
}
