//! Waiting for an atomic to change: spin, then park. Whoever changes it wakes those who are parked.

use std::hint;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

/// Longest that a thread stays parked without looking again: what nobody wakes it for (a request to stop) is seen then.
pub(super) const NAP: Duration = Duration::from_millis(10);

/// Looks at what is awaited between two looks at the clock.
const LOOKS: usize = 64;

/// One thread's place to wait.
#[derive(Debug, Default)]
pub(super) struct Waiter {
    thread: Mutex<Option<Thread>>,
    parked: AtomicBool,
}

impl Waiter {
    /// Makes this thread the one that waits here.
    pub(super) fn take(&self) {
        *self.thread.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread::current());
    }

    /// Returns when `is_over` is true: spins for `spin`, then parks.
    pub(super) fn wait(&self, spin: Duration, is_over: impl Fn() -> bool) {
        let begun = Instant::now();
        loop {
            for _ in 0..LOOKS {
                if is_over() {
                    return;
                }
                hint::spin_loop();
            }
            if begun.elapsed() >= spin {
                break;
            }
            // Whom this thread waits for may wait for this core.
            thread::yield_now();
        }
        while !self.nap(&is_over) {}
    }

    /// Parks until somebody wakes this thread, or for one nap; whether `is_over` was true before that.
    ///
    /// The flag is set before the last look, and whoever changes what is looked at reads the flag after that: all in one
    /// order (`SeqCst`), so one of the two sees the other, and no waking is lost.
    pub(super) fn nap(&self, is_over: impl Fn() -> bool) -> bool {
        self.parked.store(true, SeqCst);
        let over = is_over();
        if !over {
            thread::park_timeout(NAP);
        }
        self.parked.store(false, SeqCst);
        over
    }

    /// Wakes the thread where it is parked.
    pub(super) fn wake(&self) {
        if self.parked.load(SeqCst)
            && let Some(thread) = &*self.thread.lock().unwrap_or_else(PoisonError::into_inner)
        {
            thread.unpark();
        }
    }
}
