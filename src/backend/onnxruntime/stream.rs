//! Kernels that read memory as fast as they can between rounds of arithmetic, on cores of their own: how much a set of cores
//! reaches alone, and how much beside others. What they ask for is set by the arithmetic, not by waiting, so that a slower
//! memory slows them as it slows a layer.

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::{OnnxRuntimeError, bind_thread};
use crate::units::{Bytes, GigabytesPerSecond, Milliseconds};

/// Bytes that each thread reads over and over: more than its share of any cache.
pub const BUFFER: Bytes = Bytes(64 << 20);

/// Cache lines between two looks at what it was told, without arithmetic.
const CHUNK: usize = 1024;

/// Time between two looks of a stream that rests.
const NAP: Duration = Duration::from_micros(200);

/// Longest that a stream is waited for that reads nothing.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Numbers in a cache line.
const LINE: usize = 8;

/// Arithmetic that keeps a core busy without its memory: some ten megabytes a second.
pub const BUSY: u32 = 1 << 12;

/// One kernel on some cores, a thread each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream {
    /// The cores.
    pub cores: Vec<usize>,
    /// Rounds of arithmetic on each cache line: 0 only reads, [`BUSY`] reads next to nothing.
    pub arithmetic: u32,
}

/// Streams that run until they are ended.
pub struct Background {
    stop: Arc<AtomicBool>,
    /// Whether each stream rests.
    rests: Vec<Arc<AtomicBool>>,
    /// Bytes that each thread has read, by stream.
    counts: Vec<Vec<Arc<AtomicU64>>>,
    threads: Vec<JoinHandle<()>>,
}

impl Background {
    /// Starts `streams`; returns when all of them read.
    ///
    /// # Errors
    /// Where a thread can't be bound to its core.
    pub fn start(streams: &[Stream]) -> Result<Self, OnnxRuntimeError> {
        let mut background = Self { stop: Arc::default(), rests: Vec::new(), counts: Vec::new(), threads: Vec::new() };
        let (ready, becomes_ready) = mpsc::channel();
        for Stream { cores, arithmetic } in streams {
            let rests: Arc<AtomicBool> = Arc::default();
            let counts: Vec<Arc<AtomicU64>> = cores.iter().map(|_| Arc::default()).collect();
            for (&core, count) in cores.iter().zip(counts.iter().map(Arc::clone)) {
                let orders = Orders { stop: Arc::clone(&background.stop), rests: Arc::clone(&rests) };
                let (ready, arithmetic) = (ready.clone(), *arithmetic);
                background.threads.push(thread::spawn(move || {
                    let bound = bind_thread(&[core]);
                    let buffer: Vec<u64> = if bound.is_ok() { (0..BUFFER.0 / 8).collect() } else { Vec::new() };
                    let goes_on = bound.is_ok();
                    // Whoever started it may have given up. It waits until the last thread has said so, and let go.
                    let _ = ready.send(bound);
                    drop(ready);
                    if goes_on {
                        read(&buffer, arithmetic, &orders, &count);
                    }
                }));
            }
            background.rests.push(rests);
            background.counts.push(counts);
        }
        drop(ready);
        becomes_ready.iter().collect::<Result<Vec<()>, OnnxRuntimeError>>()?;
        Ok(background)
    }

    /// Has the stream at `idx` rest, its cores idle, or go on.
    pub fn rest(&self, idx: usize, rests: bool) {
        self.rests[idx].store(rests, Relaxed);
    }

    /// What each stream reads in `time`, after a tenth of it that isn't counted; in longer where one that doesn't rest got no core
    /// meanwhile.
    pub fn throughputs(&self, time: Duration) -> Vec<GigabytesPerSecond> {
        thread::sleep(time / 10);
        let (begin, before) = (Instant::now(), self.read());
        let has_waited = || begin.elapsed() > LONGEST_WAIT;
        loop {
            thread::sleep(time);
            let (took, after) = (begin.elapsed(), self.read());
            let mut reads = before.iter().zip(&after).zip(&self.rests);
            if has_waited() || reads.all(|((before, after), rests)| after > before || rests.load(Relaxed)) {
                let took = Milliseconds(took.as_secs_f64() * 1e3);
                return before.iter().zip(&after).map(|(before, after)| Bytes(after.0 - before.0).over(took)).collect();
            }
        }
    }

    /// What each stream has read so far.
    fn read(&self) -> Vec<Bytes> {
        let sum = |counts: &Vec<Arc<AtomicU64>>| Bytes(counts.iter().map(|count| count.load(Relaxed)).sum());
        self.counts.iter().map(sum).collect()
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
        for thread in self.threads.drain(..) {
            // What it read is counted elsewhere; that it ended is all that matters.
            let _ = thread.join();
        }
    }
}

/// What each of `streams` reads from the memory while all of them run for `time`, after a tenth of it that isn't counted.
///
/// # Errors
/// Where a thread can't be bound to its core.
pub fn throughputs(streams: &[Stream], time: Duration) -> Result<Vec<GigabytesPerSecond>, OnnxRuntimeError> {
    Ok(Background::start(streams)?.throughputs(time))
}

/// What a thread is told.
struct Orders {
    stop: Arc<AtomicBool>,
    rests: Arc<AtomicBool>,
}

impl Orders {
    /// Whether it goes on, after a rest where it was told to.
    fn goes_on(&self) -> bool {
        while self.rests.load(Relaxed) && !self.stop.load(Relaxed) {
            thread::sleep(NAP);
        }
        !self.stop.load(Relaxed)
    }
}

/// Reads `buffer` over and over until it is told to stop, and counts what it has read.
fn read(buffer: &[u64], arithmetic: u32, orders: &Orders, count: &AtomicU64) {
    let mut sums = [0_u64; LINE];
    // The more is computed on a line, the fewer of them are read until it listens.
    let chunk = LINE * (CHUNK / (1 + arithmetic as usize / 8)).max(1);
    loop {
        for chunk in buffer.chunks_exact(chunk) {
            for line in chunk.chunks_exact(LINE) {
                sums.iter_mut().zip(line).for_each(|(sum, number)| *sum = sum.wrapping_add(*number));
                for _ in 0..arithmetic {
                    for sum in &mut sums {
                        *sum = sum.wrapping_mul(5).rotate_left(7);
                    }
                }
            }
            count.fetch_add(8 * chunk.len() as u64, Relaxed);
            if !orders.goes_on() {
                black_box(sums);
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::available_cores;
    use super::*;

    #[test]
    fn arithmetic_lowers_what_a_stream_asks_for() {
        let cores = vec![available_cores()[0]];
        let reached = |arithmetic| {
            let stream = Stream { cores: cores.clone(), arithmetic };
            throughputs(&[stream], Duration::from_millis(40)).unwrap()[0].0
        };
        let (reads, computes) = (reached(0), reached(200));
        assert!(reads > 0.0 && computes > 0.0 && computes < reads, "{reads} {computes}");
    }

    #[test]
    fn a_stream_that_rests_reads_nothing_and_goes_on() {
        let cores = available_cores();
        let stream = |core: usize, arithmetic| Stream { cores: vec![core], arithmetic };
        let background = Background::start(&[stream(cores[0], 0), stream(cores[cores.len() - 1], BUSY)]).unwrap();
        background.rest(0, true);
        thread::sleep(Duration::from_millis(20));
        let [resting, busy] = [0, 1].map(|idx| background.throughputs(Duration::from_millis(20))[idx].0);
        assert!(resting == 0.0 && busy > 0.0 && busy < 0.1, "{resting} {busy}");
        background.rest(0, false);
        assert!(background.throughputs(Duration::from_millis(40))[0].0 > 0.0);
    }

    #[test]
    fn cores_that_are_not_there_are_refused() {
        let stream = Stream { cores: vec![1 << 20], arithmetic: 0 };
        assert!(throughputs(&[stream], Duration::from_millis(1)).is_err());
    }
}
