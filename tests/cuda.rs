//! What the TensorRT backend does with the CUDA driver, with copies on the device in the place of engines: memory, streams and
//! events on the threads of lanes. Each test says so and passes where there is no driver or no GPU. None needs TensorRT.
#![expect(clippy::print_stderr, reason = "a skipped test says so")]
#![expect(clippy::unwrap_used, reason = "a test ends where the device can't be used")]

use std::env;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use haxconn::backend::cuda::{BufferMismatch, Buffers, CudaError, Memory, PrimaryContext, Queue, Stream, probe};
use haxconn::group::LayerRange;
use haxconn::run::executor::{Executor, ExecutorOptions, Lane, Program, Runner, SetUp, Work};
use haxconn::units::Nanoseconds;

/// Large enough for a copy to take longer than to put it on a stream: 64 MiB.
const SIZE: usize = 64 << 20;

/// The context on this thread; `None`, said in words, where there is no GPU.
fn context() -> Option<PrimaryContext> {
    let found = probe().and_then(|cuda| if cuda.gpus.is_empty() { Err("no GPU".to_owned()) } else { Ok(cuda) });
    match found {
        Ok(cuda) => {
            eprintln!("runs on {} (CUDA {:?})", cuda.gpus[0].name, cuda.version);
            Some(PrimaryContext::open().unwrap())
        }
        Err(reason) if env::var_os("HAXCONN_CUDA").is_some_and(|word| word == "required") => {
            panic!("a GPU is required, but there is {reason}")
        }
        Err(reason) => {
            eprintln!("skipped: {reason}");
            assert!(PrimaryContext::open().is_err());
            None
        }
    }
}

fn memory(context: &PrimaryContext, size: usize, value: u8) -> Memory {
    Memory::new(context, size, Some(&vec![value; size])).unwrap()
}

fn queue(context: &PrimaryContext) -> Queue {
    Queue::new(context, &Rc::new(Stream::new(context).unwrap())).unwrap()
}

#[test]
fn memory_holds_what_it_is_given_and_is_read_back() {
    let Some(context) = context() else { return };
    let given: Vec<u8> = (0..=255).collect();
    assert_eq!(Memory::new(&context, 256, Some(&given)).unwrap().read(&context).unwrap(), given);
    // What doesn't fit is cut off, what is missing isn't written, and nothing takes a byte.
    assert_eq!(Memory::new(&context, 16, Some(&given)).unwrap().read(&context).unwrap(), given[..16]);
    assert_eq!(Memory::new(&context, 0, None).unwrap().size(), 1);
}

#[test]
fn work_on_a_stream_has_ended_when_it_is_waited_for_and_its_time_is_the_devices() {
    let Some(context) = context() else { return };
    let (from, to) = (memory(&context, SIZE, 7), memory(&context, SIZE, 1));
    let mut queue = queue(&context);
    let taken = queue.copy(&from, &to).unwrap();
    assert!(to.read(&context).unwrap().iter().all(|byte| *byte == 7));
    // 64 MiB twice through the memory: no device does that in a microsecond, and none takes a second.
    assert!((1e-3..1e3).contains(&taken.0), "{taken:?}");
    queue.fill(&from, 9).unwrap();
    assert!(from.read(&context).unwrap().iter().all(|byte| *byte == 9));
    let short = memory(&context, 16, 0);
    queue.copy(&from, &short).unwrap();
    assert_eq!(short.read(&context).unwrap(), [9; 16]);
}

#[test]
fn more_memory_than_there_is_is_a_sentence() {
    let Some(context) = context() else { return };
    let refusal = Memory::new(&context, 1 << 50, None).unwrap_err().to_string();
    assert!(refusal.starts_with("the CUDA driver fails: "), "{refusal}");
    // The context lives on.
    assert_eq!(memory(&context, 4, 3).read(&context).unwrap(), [3; 4]);
}

/// What fails on a lane, as the backend's errors do.
#[derive(Debug, thiserror::Error)]
enum LaneError {
    #[error(transparent)]
    Cuda(#[from] CudaError),
    #[error(transparent)]
    Mismatch(#[from] BufferMismatch),
    #[error("made to fail")]
    Made,
}

fn work(task: &str, after: &[usize]) -> Work {
    let layers = LayerRange { first: 0, last: 10 };
    Work { task: task.to_owned(), layers, after: after.to_vec(), release: Nanoseconds::ZERO }
}

fn lane(name: &str, segments: &[usize], set_up: SetUp<LaneError>) -> Lane<LaneError> {
    Lane { name: name.to_owned(), segments: segments.to_vec(), set_up }
}

/// Claims `names` in `buffers`, and copies from the first to the second in each run.
fn copies(names: [&'static str; 2], buffers: Buffers<Memory>) -> SetUp<LaneError> {
    Box::new(move || {
        let context = PrimaryContext::open()?;
        let mut queue = Queue::new(&context, &Rc::new(Stream::new(&context)?))?;
        let claim = |name: &str| {
            buffers.claim(name, SIZE as u64, "copies", || Ok::<_, LaneError>(Memory::new(&context, SIZE, None)?))
        };
        let [from, to]: [Arc<Memory>; 2] = [claim(names[0])?, claim(names[1])?];
        let runner: Runner<LaneError> = Box::new(move || Ok(queue.copy(&from, &to).map(|_| ())?));
        Ok(vec![runner])
    })
}

fn options() -> ExecutorOptions {
    ExecutorOptions { limit: Duration::from_secs(30), ..ExecutorOptions::default() }
}

#[test]
fn lanes_hand_tensors_over_on_the_device_in_the_order_of_their_causes() {
    let Some(context) = context() else { return };
    let buffers = Buffers::default();
    let input = buffers.claim("data", SIZE as u64, "test", || Ok::<_, LaneError>(memory(&context, SIZE, 0))).unwrap();
    let program = Program {
        segments: vec![work("net", &[]), work("net", &[0]), work("net", &[1])],
        lanes: vec![
            lane("gpu", &[0], copies(["data", "a"], buffers.clone())),
            lane("dla", &[1], copies(["a", "b"], buffers.clone())),
            lane("gpu2", &[2], copies(["b", "c"], buffers.clone())),
        ],
    };
    let mut executor = Executor::start(vec![program], options()).unwrap();
    let mut queue = queue(&context);
    for value in 1..=20 {
        queue.fill(&input, value).unwrap();
        let record = executor.round(0).unwrap();
        assert!(record.spans.windows(2).all(|pair| pair[0].end <= pair[1].start), "{record:?}");
        let output = buffers.get("c").unwrap().read(&context).unwrap();
        assert!(output.iter().all(|byte| *byte == value), "round {value}");
    }
}

#[test]
fn lanes_on_streams_of_their_own_run_at_one_time() {
    let Some(_context) = context() else { return };
    let one = || copies(["x", "y"], Buffers::default());
    let program = Program {
        segments: vec![work("a", &[]), work("b", &[])],
        lanes: vec![lane("stream a", &[0], one()), lane("stream b", &[1], one())],
    };
    let mut executor = Executor::start(vec![program], options()).unwrap();
    let mut n_overlapping = 0;
    for _ in 0..50 {
        let record = executor.round(0).unwrap();
        let [a, b] = [record.spans[0], record.spans[1]];
        n_overlapping += usize::from(a.start < b.end && b.start < a.end);
    }
    assert!(n_overlapping > 0, "one lane always waited for the other");
}

#[test]
fn an_error_in_one_lane_stops_all_and_names_task_layers_and_lane() {
    let Some(context) = context() else { return };
    let n_runs = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&n_runs);
    let failing: SetUp<LaneError> = Box::new(move || {
        let context = PrimaryContext::open()?;
        let mut queue = Queue::new(&context, &Rc::new(Stream::new(&context)?))?;
        let own = Memory::new(&context, SIZE, None)?;
        let runner: Runner<LaneError> = Box::new(move || {
            queue.fill(&own, 1)?;
            if counted.fetch_add(1, SeqCst) < 2 { Ok(()) } else { Err(LaneError::Made) }
        });
        Ok(vec![runner])
    });
    let program = Program {
        segments: vec![work("a", &[]), work("b", &[0])],
        lanes: vec![lane("gpu", &[0], failing), lane("dla", &[1], copies(["x", "y"], Buffers::default()))],
    };
    let mut executor = Executor::start(vec![program], options()).unwrap();
    assert!(executor.round(0).is_ok() && executor.round(0).is_ok());
    assert_eq!(executor.round(0).unwrap_err().to_string(), "layers 0-9 of `a` on `gpu`: made to fail");
    assert_eq!(executor.round(0).unwrap_err().to_string(), "nothing runs after a failure");
    drop(executor);
    // What the lanes held is freed, and the context lives on.
    assert_eq!(memory(&context, 4, 3).read(&context).unwrap(), [3; 4]);
}

#[test]
fn lanes_that_disagree_about_a_tensor_are_not_set_up() {
    let Some(context) = context() else { return };
    let buffers = Buffers::default();
    buffers.claim("a", 16, "a.plan", || Ok::<_, LaneError>(memory(&context, 16, 0))).unwrap();
    let program =
        Program { segments: vec![work("net", &[])], lanes: vec![lane("dla", &[0], copies(["a", "b"], buffers))] };
    let refusal = Executor::start(vec![program], options()).err().unwrap().to_string();
    let words = "`dla` can't be set up: tensor `a` takes 67108864 bytes in copies and 16 in a.plan";
    assert!(refusal.starts_with(words), "{refusal}");
}
