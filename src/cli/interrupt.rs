//! Ctrl-C: what it does from now on. A process has one handler, so that a command asks once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use anyhow::anyhow;

use super::failure::Failure;

/// Does `act` at every Ctrl-C from now on.
pub(super) fn on_interrupt(act: impl FnMut() + Send + 'static) -> Result<(), Failure> {
    ctrlc::set_handler(act).map_err(|error| anyhow!("Ctrl-C can't be caught: {error}").into())
}

/// What Ctrl-C sets from now on.
pub(super) fn stopped_by_interrupt() -> Result<Arc<AtomicBool>, Failure> {
    let cancel = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&cancel);
    on_interrupt(move || flag.store(true, SeqCst))?;
    Ok(cancel)
}
