//! `haxconn doctor`: what this machine has, what is missing, and what to do about it. Missing things are no failure.

pub(super) mod jetson;
mod libraries;
pub(super) mod programs;

use super::args::{DoctorArguments, Format};
use super::failure::Failure;
use super::output;
use crate::artifact;
use crate::report::doctor::{self, Finding, State};

pub(super) fn run(arguments: &DoctorArguments) -> Result<(), Failure> {
    let (findings, backends) = examine();
    match arguments.output.format {
        Format::Json => output::print(&artifact::findings_to_json(&findings, &backends)?),
        Format::Text => output::print(&doctor::text(&findings, &backends)),
    }
}

/// Every finding, in the order of the report, and the sentence on backends.
fn examine() -> (Vec<Finding>, String) {
    let tensorrt = super::tensorrt::open();
    let cuda = crate::backend::cuda::probe();
    let findings = vec![
        jetson::board(),
        libraries::headers(),
        libraries::library(&tensorrt),
        libraries::cuda_driver(&cuda),
        libraries::gpu(&cuda),
        libraries::dla_cores(&tensorrt),
        jetson::trtexec(),
        jetson::tegrastats(),
        jetson::power_mode(),
        jetson::clocks(),
        libraries::z3(),
        libraries::onnx_runtime(),
    ];
    let building = match (tensorrt.is_ok(), cuda) {
        (false, _) => "sim builds engines".to_owned(),
        (true, Ok(_)) => "tensorrt builds engines (`auto` takes it), and so does sim".to_owned(),
        (true, Err(reason)) => {
            format!(
                "tensorrt builds engines (`auto` takes it; {reason}, so that plans can't be loaded), and so does sim"
            )
        }
    };
    let backends = format!("backends: {building}; sim runs schedules");
    (findings, backends)
}

fn found(subject: &'static str, what: impl Into<String>) -> Finding {
    Finding { subject, state: State::Ok, what: what.into(), advice: None }
}

fn missing(subject: &'static str, what: impl Into<String>, advice: impl Into<String>) -> Finding {
    Finding { subject, state: State::Missing, what: what.into(), advice: Some(advice.into()) }
}

fn needless(subject: &'static str, what: impl Into<String>) -> Finding {
    Finding { subject, state: State::Needless, what: what.into(), advice: None }
}
