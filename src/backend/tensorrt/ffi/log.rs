//! What TensorRT says, sorted by the thread on which it says it: TensorRT keeps one logger for the whole process, but
//! engines may be built on several threads at once.

use std::cell::RefCell;
use std::ffi::{CStr, c_char};
use std::sync::Once;

use super::sys;

/// How grave a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// TensorRT can't go on.
    InternalError,
    /// A call failed.
    Error,
    /// Something was recovered from.
    Warning,
    /// Information.
    Information,
    /// Everything else.
    Verbose,
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// How grave it is.
    pub severity: Severity,
    /// What it says; may have several lines.
    pub text: String,
}

thread_local! {
    static MESSAGES: RefCell<Option<Vec<Message>>> = const { RefCell::new(None) };
}

/// Runs `body` and returns with its result what TensorRT said meanwhile on this thread.
pub fn listening<T>(body: impl FnOnce() -> T) -> (T, Vec<Message>) {
    static INSTALLED: Once = Once::new();
    // SAFETY: the function has the signature of `hx_log_fn`, lives as long as the program and does not unwind.
    INSTALLED.call_once(|| unsafe { sys::hx_set_log(Some(receive)) });
    let outer = MESSAGES.replace(Some(Vec::new()));
    let result = body();
    (result, MESSAGES.replace(outer).unwrap_or_default())
}

/// The first error among `messages`, which the others follow from, or a sentence that says that there was none.
pub fn first_error(messages: &[Message]) -> String {
    let errors = messages.iter().filter(|message| message.severity <= Severity::Error);
    errors.map(|message| first_line(&message.text)).next().unwrap_or_else(|| "it gave no reason".to_owned())
}

fn first_line(text: &str) -> String {
    text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default().to_owned()
}

unsafe extern "C" fn receive(severity: i32, message: *const c_char) {
    // SAFETY: the shim passes a string that ends with a zero byte and lives until this call returns.
    let text = unsafe { CStr::from_ptr(message) }.to_string_lossy().into_owned();
    let severity = match severity {
        0 => Severity::InternalError,
        1 => Severity::Error,
        2 => Severity::Warning,
        3 => Severity::Information,
        _ => Severity::Verbose,
    };
    // A thread that ends may no longer have its messages: what is said then is lost, as nobody listens.
    let _ = MESSAGES.try_with(|messages| {
        if let Ok(mut messages) = messages.try_borrow_mut()
            && let Some(messages) = messages.as_mut()
        {
            messages.push(Message { severity, text });
        }
    });
}
