//! What running one engine many times gives, whoever ran it: TensorRT in this process, or the simulator.

use crate::units::Milliseconds;

/// How often an engine is run, with `trtexec`'s meaning: at least `iterations` runs and at least `duration`, after runs
/// for `warm_up` that aren't counted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RunPlan {
    /// Least number of counted runs.
    pub iterations: u32,
    /// Least time of runs that aren't counted.
    pub warm_up: Milliseconds,
    /// Least time of counted runs.
    pub duration: Milliseconds,
    /// Counted runs of which one mean is printed.
    pub average_runs: u32,
}

/// One layer of an engine in every profiled run.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerSamples {
    /// The engine's name of it, as TensorRT gives it to its profiler.
    pub name: String,
    /// Its time in each run.
    pub times: Vec<Milliseconds>,
}

/// An engine's times.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EngineSamples {
    /// Compute time of each counted run, without the profiler: from the first kernel's start to the last one's end.
    pub compute: Vec<Milliseconds>,
    /// Time that handing each of these runs to the device took.
    pub enqueue: Vec<Milliseconds>,
    /// Layers in the order in which they ran, from runs with the profiler, which makes them slower.
    pub layers: Vec<LayerSamples>,
}

impl RunPlan {
    /// Most runs with the profiler, whose means are steady long before; each one is kept for every layer.
    const MOST_PROFILED: usize = 1000;

    /// Whether one more run is made that isn't counted, `elapsed` after the first one began.
    pub fn warms_up(&self, elapsed: Milliseconds) -> bool {
        elapsed < self.warm_up
    }

    /// Whether one more run is counted after `n_runs`, `elapsed` after the first counted one began.
    pub fn goes_on(&self, n_runs: usize, elapsed: Milliseconds) -> bool {
        n_runs < self.iterations as usize || elapsed < self.duration
    }

    /// How many runs are made with the profiler after `n_runs` without it.
    pub fn profiled_runs(&self, n_runs: usize) -> usize {
        n_runs.clamp(1, Self::MOST_PROFILED)
    }
}

/// A run reported other layers than the runs before.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("profiled run {run} reports {found}, but the runs before {expected}")]
pub struct LayersChanged {
    /// Number of the run, from 1.
    pub run: usize,
    /// What it reports.
    pub found: String,
    /// What the others did.
    pub expected: String,
}

impl EngineSamples {
    /// Adds the layers of one profiled run, in their order. Names may repeat: a layer is known by its place.
    pub fn add_profiled_run(&mut self, layers: Vec<(String, Milliseconds)>) -> Result<(), LayersChanged> {
        let run = self.layers.first().map_or(1, |layer| layer.times.len() + 1);
        if run == 1 {
            self.layers = layers.into_iter().map(|(name, time)| LayerSamples { name, times: vec![time] }).collect();
            return Ok(());
        }
        if layers.len() != self.layers.len() {
            let [found, expected] = [layers.len(), self.layers.len()].map(|n| format!("{n} layers"));
            return Err(LayersChanged { run, found, expected });
        }
        if let Some((known, (name, _))) = self.layers.iter().zip(&layers).find(|(known, (name, _))| known.name != *name)
        {
            return Err(LayersChanged { run, found: format!("`{name}`"), expected: format!("`{}`", known.name) });
        }
        for (known, (_, time)) in self.layers.iter_mut().zip(layers) {
            known.times.push(time);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: RunPlan =
        RunPlan { iterations: 10, warm_up: Milliseconds(5.0), duration: Milliseconds(30.0), average_runs: 1 };

    #[test]
    fn runs_are_counted_until_both_number_and_time_are_reached() {
        let check = |n_runs, elapsed, goes_on| assert_eq!(PLAN.goes_on(n_runs, Milliseconds(elapsed)), goes_on);
        check(0, 0.0, true);
        check(9, 40.0, true);
        check(10, 29.9, true);
        check(10, 30.0, false);
        assert!(PLAN.warms_up(Milliseconds(4.9)) && !PLAN.warms_up(Milliseconds(5.0)));
        let nothing = RunPlan { iterations: 0, warm_up: Milliseconds(0.0), duration: Milliseconds(0.0), ..PLAN };
        assert!(!nothing.warms_up(Milliseconds(0.0)) && !nothing.goes_on(0, Milliseconds(0.0)));
    }

    #[test]
    fn as_many_runs_are_profiled_as_counted_within_limits() {
        assert_eq!([0, 1, 500, 10_000].map(|n_runs| PLAN.profiled_runs(n_runs)), [1, 1, 500, 1000]);
    }

    fn run(layers: &[(&str, f64)]) -> Vec<(String, Milliseconds)> {
        layers.iter().map(|(name, time)| ((*name).to_owned(), Milliseconds(*time))).collect()
    }

    #[test]
    fn layers_of_profiled_runs_are_put_together_by_their_place() {
        let mut samples = EngineSamples::default();
        samples.add_profiled_run(run(&[("a", 1.0), ("b", 2.0), ("a", 3.0)])).unwrap();
        samples.add_profiled_run(run(&[("a", 1.5), ("b", 2.5), ("a", 3.5)])).unwrap();
        let found: Vec<_> =
            samples.layers.iter().map(|layer| (&*layer.name, layer.times[0].0, layer.times[1].0)).collect();
        assert_eq!(found, [("a", 1.0, 1.5), ("b", 2.0, 2.5), ("a", 3.0, 3.5)]);
    }

    #[test]
    fn a_run_with_other_layers_is_refused_by_its_number() {
        let mut samples = EngineSamples::default();
        samples.add_profiled_run(run(&[("a", 1.0), ("b", 2.0)])).unwrap();
        let mut refuses = |layers: &[(&str, f64)], words: &str| {
            let before = samples.clone();
            assert_eq!(samples.add_profiled_run(run(layers)).unwrap_err().to_string(), words);
            assert_eq!(samples, before);
        };
        refuses(&[("a", 1.0)], "profiled run 2 reports 1 layers, but the runs before 2 layers");
        refuses(&[("a", 1.0), ("c", 1.0)], "profiled run 2 reports `c`, but the runs before `b`");
    }
}
