//! A lane's engines made ready on its thread: the process's CUDA context made current there, one stream, one execution context
//! each, and tensors that engines of a network share bound by name.

use std::rc::Rc;
use std::sync::Arc;

use super::ffi::{self, Engine, Library, Refused, RunError, Session, size_of};
use super::lane::{EngineRunner, LaneEngine, LaneError};
use super::numbers::small_numbers;
use super::segment::EngineIo;
use super::{MeasureError, measure};
use crate::backend::cuda::{BufferMismatch, Memory, PrimaryContext, Stream};

/// Why an engine isn't ready; what TensorRT said is among its messages.
enum Failed {
    Run(RunError),
    Other(MeasureError),
}

impl<E: Into<RunError>> From<E> for Failed {
    fn from(error: E) -> Self {
        Self::Run(error.into())
    }
}

impl From<BufferMismatch> for Failed {
    fn from(mismatch: BufferMismatch) -> Self {
        Self::Other(mismatch.into())
    }
}

impl Failed {
    fn explained(self, messages: &[ffi::Message]) -> MeasureError {
        match self {
            Self::Run(error) => measure::Failed::Run(error).explained(messages),
            Self::Other(error) => error,
        }
    }
}

/// Makes `engines` ready on the present thread, on which alone they may run.
pub(super) fn sessions(library: &Library, engines: Vec<LaneEngine>) -> Result<Vec<EngineRunner>, LaneError> {
    let no_driver = |cause| LaneError { what: "the lane's CUDA context".to_owned(), cause };
    let primary = PrimaryContext::open().map_err(|error| no_driver(error.into()))?;
    let stream = Rc::new(Stream::new(&primary).map_err(|error| no_driver(error.into()))?);
    let runner = |engine: LaneEngine| {
        let (session, messages) = ffi::listening(|| session(library, &primary, &stream, &engine));
        let session = session.map_err(|failed| LaneError { what: engine.what, cause: failed.explained(&messages) })?;
        Ok(runner_of(session))
    };
    engines.into_iter().map(runner).collect()
}

fn runner_of(mut session: Session) -> EngineRunner {
    Box::new(move || {
        let (ran, messages) = ffi::listening(|| session.run());
        ran.map_err(|error| measure::Failed::Run(error).explained(&messages))
    })
}

fn session(
    library: &Library,
    primary: &PrimaryContext,
    stream: &Rc<Stream>,
    engine: &LaneEngine,
) -> Result<Session, Failed> {
    let LaneEngine { what, plan, dla_core, tensors, .. } = engine;
    let loaded = Engine::load(library, *dla_core, plan).map_err(|Refused| RunError::Refused("to load the plan"))?;
    let io = loaded.io().map_err(|Refused| RunError::Refused("to say how large inputs and outputs are"))?;
    tensors.check(&io).map_err(|fault| Failed::Other(fault.into()))?;
    let memory = |io: &EngineIo| {
        let numbers = tensors.is_made_up(&io.name).then(|| small_numbers(&io.name, io.bytes));
        let make = || Ok(Memory::new(primary, size_of(io)?, numbers.as_deref())?);
        engine.buffers.claim::<Failed>(&io.name, io.bytes, what, make)
    };
    let memory: Vec<Arc<Memory>> = io.iter().map(memory).collect::<Result<_, _>>()?;
    Ok(Session::new(primary, &Rc::new(loaded), stream, memory)?)
}
