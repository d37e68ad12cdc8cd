//! What stands for TensorRT in a program that was compiled without its headers: nothing can be opened.

use std::convert::Infallible;
use std::path::{Path, PathBuf};

use super::{BuildError, EngineRunner, LaneEngine, LaneError, MeasureError, Unavailable};
use crate::backend::{EngineSamples, RunPlan};
use crate::engine::{BuildOptions, BuiltEngine, EngineSpec};
use crate::network::Network;

/// TensorRT on this machine; there is no value of this type, which others needn't know.
#[derive(Clone, Debug)]
pub struct Tensorrt(Infallible);

impl Tensorrt {
    /// Always fails.
    pub fn open(_: &[PathBuf]) -> Result<Self, Unavailable> {
        Err(Unavailable::NotCompiled)
    }

    /// Name and number of the version.
    pub fn version(&self) -> String {
        match self.0 {}
    }

    /// The file or name by which the library was opened.
    pub fn library(&self) -> &Path {
        match self.0 {}
    }

    /// DLA cores of this machine.
    pub fn n_dla_cores(&self) -> u32 {
        match self.0 {}
    }

    /// Whether a precision can be asked for.
    pub fn check_precision(&self, _: crate::engine::Precision) -> Result<(), BuildError> {
        match self.0 {}
    }

    /// Builds one engine.
    pub fn build(&self, _: &Network, _: &EngineSpec, _: &BuildOptions, _: &[u8]) -> Result<BuiltEngine, BuildError> {
        match self.0 {}
    }

    /// Runs an engine many times.
    pub fn measure(&self, _: &[u8], _: Option<u32>, _: &RunPlan) -> Result<EngineSamples, MeasureError> {
        match self.0 {}
    }

    /// Makes a lane's engines ready.
    pub fn lane(&self, _: Vec<LaneEngine>) -> Result<Vec<EngineRunner>, LaneError> {
        match self.0 {}
    }
}

/// Version of the headers that the program was compiled for.
pub fn compiled_for() -> Option<String> {
    None
}

/// Where the library is looked for.
pub fn library_candidates() -> Vec<PathBuf> {
    Vec::new()
}
