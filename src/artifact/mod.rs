//! Files on disk: the only serde structs, each with a `schema_version`; atomic writes; what ships inside the binary.

pub mod builtin;
mod comparison;
mod contention;
mod contention_block;
mod contention_grid;
mod doctor;
mod documents;
mod dynamic;
mod emc;
mod field;
mod file;
mod hash;
mod host_platform;
pub mod inspect;
mod json;
mod measured;
mod onnx;
mod origin;
mod plan;
mod platform;
mod profile;
mod readings;
mod rules;
mod run_log;
pub mod schedule;
mod script;
mod segments;
#[cfg(test)]
mod tests;
mod trace;
mod workload;

pub use comparison::comparison_to_json;
pub use contention_block::{contention_blocks, contention_to_json};
pub use contention_grid::{read_contention_grid, write_contention_grid};
pub use doctor::findings_to_json;
pub use documents::{
    PolicySchedule, calibration_to_json, check_to_json, inspections_to_json, platform_to_json, platforms_to_json,
    policies_to_json, reproduction_to_json,
};
pub use dynamic::dynamic_to_json;
pub use emc::{
    EMC_SAMPLE_FOLDER, emc_results_to_json, emc_results_to_yaml, emc_sample_stem, emc_samples_to_csv, read_emc_results,
};
pub use field::SCHEMA_VERSION;
pub use file::{prepare_folder, read_bytes, read_text, write_bytes, write_text};
pub use hash::sha256;
pub use host_platform::{HostPlatform, Partition, write_host_platform};
pub use json::to_json;
pub use measured::{LayerResults, layer_results_to_json, profiles_to_json, transition_results_to_json};
pub use onnx::{embed_external_data, read_onnx};
pub use origin::{Found, Origin};
pub use plan::{
    BuiltPlan, EngineField, LayerField, PlacementField, PlanDescription, PlanInputs, built_plans_to_json, check_plan,
    description_path, read_plan, read_plan_description, write_simulated_plan,
};
pub use platform::read_platform;
pub use profile::{read_profile, write_profile};
pub use readings::readings_to_json;
pub use run_log::{read_run_log, write_run_log};
pub use schedule::{ScheduleContext, ScheduleFile, read_schedule};
pub use script::read_script;
pub use segments::{SegmentResults, segment_results_to_json};
pub use trace::trace_to_json;
pub use workload::{Workload, WorkloadObjective, WorkloadTask, read_workload};
