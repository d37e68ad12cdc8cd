//! How long parsing and grouping networks take, evaluating and solving at 2 x 10, 2 x 20 and 3 x 10 groups, and what a
//! plain one-shot Z3 `Optimize` encoding of 2 x 10 reaches in a fixed time.

#[path = "../tests/common/mod.rs"]
mod common;
mod peer;

use std::hint::black_box;
use std::time::{Duration, Instant};

use common::{Shape, profile_like_problem};
use criterion::{Criterion, criterion_group, criterion_main};
use haxconn::artifact::builtin;
use haxconn::group::{AcceleratorRules, GroupSpec, split};
use haxconn::network::{Network, caffe, catalog};
use haxconn::problem::Problem;
use haxconn::schedule::{Solution, SolveOptions, evaluate, solve};

/// Time that the one-shot encoding gets.
const PEER_TIME: Duration = Duration::from_secs(20);

/// Name, size and transition limit of what is measured.
const CASES: [(&str, Shape, Option<usize>); 6] = [
    ("2x10 K=1", Shape::exact(2, 10, 2), Some(1)),
    ("2x10 K=2", Shape::exact(2, 10, 2), Some(2)),
    ("2x20 K=1", Shape::exact(2, 20, 2), Some(1)),
    ("2x20 K=2", Shape::exact(2, 20, 2), Some(2)),
    ("3x10 K=1", Shape::exact(3, 10, 2), Some(1)),
    ("2x10 unlimited", Shape::exact(2, 10, 2), None),
];

/// Networks that are parsed and grouped: a small one, a usual one, the largest.
const NETWORKS: [&str; 3] = ["googlenet", "resnet101", "inc-res-v2"];

fn parsed(name: &str) -> Network {
    let entry = catalog::find(name).expect("a built-in network");
    caffe::parse(entry.text, entry.name, entry.title).expect("built-in networks are right")
}

fn parsing(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("parse");
    for name in NETWORKS {
        group.bench_function(name, |bencher| bencher.iter(|| parsed(black_box(name))));
    }
}

fn grouping(criterion: &mut Criterion) {
    let platform = builtin::platform("xavier_agx").expect("a built-in platform");
    let rules: Vec<AcceleratorRules> = platform.accelerators.iter().map(Into::into).collect();
    let mut group = criterion.benchmark_group("group");
    for name in NETWORKS {
        let network = parsed(name);
        group
            .bench_function(name, |bencher| bencher.iter(|| split(black_box(&network), &rules, &GroupSpec::default())));
    }
}

fn solved(problem: &Problem) -> Solution {
    let options = SolveOptions::default();
    solve(problem, &options, &[], &mut |_| ()).expect("the problem has a schedule")
}

fn evaluating(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("evaluate");
    for (name, shape, limit) in CASES {
        let problem = profile_like_problem(1, shape, limit);
        let decision = solved(&problem).decision;
        group.bench_function(name, |bencher| bencher.iter(|| evaluate(black_box(&problem), black_box(&decision))));
    }
}

fn solving(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("solve to proof");
    group.sample_size(10).measurement_time(Duration::from_secs(3));
    for (name, shape, limit) in CASES {
        let problem = profile_like_problem(1, shape, limit);
        group.bench_function(name, |bencher| bencher.iter(|| solved(black_box(&problem))));
    }
}

/// Prints once what both reach: a measurement over many samples would take hours.
#[expect(clippy::print_stdout, reason = "a benchmark's result")]
fn against_the_peer(_: &mut Criterion) {
    for (name, shape) in [("2x3", Shape::exact(2, 3, 2)), ("2x10", Shape::exact(2, 10, 2))] {
        let problem = profile_like_problem(1, shape, Some(1));
        let started = Instant::now();
        let ours = solved(&problem);
        println!("{name} K=1, plan search: makespan {} proved in {:.1?}", ours.timeline.makespan(), started.elapsed());
        let started = Instant::now();
        let peer = peer::optimize(&problem, PEER_TIME);
        let reached = peer.makespan.map_or_else(|| "no schedule".into(), |makespan| makespan.to_string());
        let proved = if peer.is_proved { "its own optimum" } else { "no proof" };
        println!("{name} K=1, one-shot Optimize: {reached} after {:.1?}, {proved}", started.elapsed());
    }
}

criterion_group!(benches, parsing, grouping, evaluating, solving, against_the_peer);
criterion_main!(benches);
