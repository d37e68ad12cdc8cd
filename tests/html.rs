//! The HTML page and the SVG charts: well formed, self-contained, escaped, and shown by a browser where there is one.

mod common;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use common::{Shape, profile_like_problem};
use haxconn::problem::Problem;
use haxconn::report::{ScheduleView, page, svg};
use haxconn::schedule::{
    Baseline, Decision, Objective, Proof, ProofState, SearchStatistics, Stop, Timeline, baselines, best_baseline,
    evaluate,
};

/// A problem with its baselines and a schedule.
struct Example {
    problem: Problem,
    baselines: Vec<Baseline>,
    decision: Decision,
    timeline: Timeline,
    proof: Proof,
    sources: Vec<String>,
}

impl Example {
    /// Two networks on a GPU and a DLA; one changes the accelerator halfway.
    fn new() -> Self {
        let mut problem = profile_like_problem(3, Shape::exact(2, 8, 2), Some(2));
        for (machine, name) in problem.machines.iter_mut().zip(["gpu", "dla"]) {
            name.clone_into(&mut machine.name);
        }
        for (task, title) in problem.tasks.iter_mut().zip(["GoogleNet", "ResNet101"]) {
            (task.title, task.name) = (title.to_owned(), title.to_lowercase());
        }
        Self::of(problem)
    }

    /// Names that would break out of a tag or an attribute.
    fn with_hostile_names() -> Self {
        let mut example = Self::new();
        for task in &mut example.problem.tasks {
            r#"</title><script>alert("1")</script>&'"#.clone_into(&mut task.title);
        }
        "<b onload='x'>".clone_into(&mut example.problem.machines[0].name);
        example.sources = vec!["<img src=x>".to_owned()];
        example
    }

    fn of(problem: Problem) -> Self {
        let baselines = baselines(&problem, Objective::Makespan);
        let (decision, timeline) = best_of_single_cuts(&problem);
        let proof = Proof {
            state: ProofState::Feasible,
            bound: timeline.makespan().0 * 9 / 10,
            elapsed: Duration::from_millis(73),
            stopped_by: Some(Stop::TimeLimit),
            deterministic: false,
            statistics: SearchStatistics { combinations: 4225, z3_checks: 12, ..SearchStatistics::default() },
        };
        let sources = vec!["GoogleNet: a hand-made profile".to_owned()];
        Self { problem, baselines, decision, timeline, proof, sources }
    }

    fn view(&self) -> ScheduleView<'_> {
        ScheduleView {
            problem: &self.problem,
            decision: &self.decision,
            timeline: &self.timeline,
            objective: Objective::Makespan,
            proof: Some(&self.proof),
            policy: "HaX-CoNN",
            baselines: &self.baselines,
            robustness: None,
            platform: "NVIDIA Jetson AGX Xavier",
            contention: "pccs",
            sources: &self.sources,
            warnings: &self.sources,
        }
    }
}

/// The best of all schedules in which task 0 starts on machine 0, task 1 on machine 1, and each moves at most once.
fn best_of_single_cuts(problem: &Problem) -> (Decision, Timeline) {
    let placement = |task: usize, cut: usize| {
        (0..problem.tasks[task].groups.len()).map(move |group| if group < cut { task } else { 1 - task }).collect()
    };
    let cuts = 1..=problem.tasks[0].groups.len();
    let pairs = cuts.clone().flat_map(|first| cuts.clone().map(move |second| [first, second]));
    let schedules = pairs.filter_map(|cuts| {
        let placement: Vec<Vec<usize>> = vec![placement(0, cuts[0]), placement(1, cuts[1])];
        let decision = Decision { order: own_task_first(&placement), placement };
        evaluate(problem, &decision).ok().map(|timeline| (decision, timeline))
    });
    schedules.min_by_key(|(_, timeline)| timeline.makespan()).expect("a schedule without a circle")
}

fn own_task_first(placement: &[Vec<usize>]) -> Vec<Vec<haxconn::problem::GroupId>> {
    let on = |machine: usize, task: usize| {
        let groups = placement[task].iter().enumerate().filter(move |(_, at)| **at == machine);
        groups.map(move |(group, _)| haxconn::problem::GroupId { task, group })
    };
    (0..2).map(|machine| on(machine, machine).chain(on(machine, 1 - machine)).collect()).collect()
}

/// What is wrong with the tags of `text`, if anything. Elements of HTML that have no end tag may stay open.
fn unbalanced(text: &str) -> Option<String> {
    const VOID: [&str; 2] = ["meta", "br"];
    let mut open: Vec<String> = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        let end = rest[start..].find('>').map(|end| start + end);
        let Some(end) = end else { return Some(format!("unclosed tag: {}", &rest[start..])) };
        let tag = &rest[start + 1..end];
        rest = &rest[end + 1..];
        if tag.contains('<') || !tag.matches('"').count().is_multiple_of(2) {
            return Some(format!("broken tag: {tag}"));
        }
        let name: String = tag.trim_start_matches('/').chars().take_while(char::is_ascii_alphanumeric).collect();
        if tag.starts_with('/') {
            if open.pop().as_ref() != Some(&name) {
                return Some(format!("`</{name}>` closes something else"));
            }
        } else if !tag.ends_with('/') && !tag.starts_with('!') && !VOID.contains(&name.as_str()) {
            open.push(name);
        }
    }
    open.pop().map(|name| format!("`<{name}>` stays open"))
}

/// Whatever in `text` would make a reader fetch something.
fn fetches(text: &str) -> Vec<&'static str> {
    let text = text.replace(r#"xmlns="http://www.w3.org/2000/svg""#, "").replace("url(#", "");
    let tokens = ["http", "src=", "@import", "url(", "<link", "<script", "//cdn", "@font-face"];
    tokens.into_iter().filter(|token| text.contains(token)).collect()
}

#[test]
fn the_judge_of_tags_refuses_what_is_not_balanced() {
    for broken in ["<a><b></a></b>", "<a>", "</a>", "<a", "<a <b></b>", r#"<a x="></a>"#] {
        assert!(unbalanced(broken).is_some(), "{broken}");
    }
    assert_eq!(unbalanced(r#"<!DOCTYPE html><a x="1"><meta charset="utf-8"><b/></a>"#), None);
}

#[test]
fn the_judge_of_fetches_sees_links_and_passes_over_the_namespace() {
    assert_eq!(fetches(r#"<img src="http://example.org/a.png">"#), ["http", "src="]);
    assert_eq!(fetches("<style>a{background:url(b.png)}</style>"), ["url("]);
    assert!(fetches(r#"<svg xmlns="http://www.w3.org/2000/svg"><g fill='url(#a)'/></svg>"#).is_empty());
}

#[test]
fn page_and_chart_are_well_formed_and_fetch_nothing() {
    let example = Example::new();
    for text in [page(&example.view()), svg::gantt(&example.view())] {
        assert_eq!(unbalanced(&text), None);
        assert_eq!(fetches(&text), Vec::<&str>::new());
    }
}

#[test]
fn names_are_escaped_everywhere() {
    let example = Example::with_hostile_names();
    for text in [page(&example.view()), svg::gantt(&example.view())] {
        assert_eq!(unbalanced(&text), None);
        let lower = text.to_lowercase();
        assert!(!lower.contains("<script") && !lower.contains("<img") && !lower.contains("<b onload"), "{text}");
        assert!(text.contains("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;&#39;"));
    }
}

#[test]
fn every_group_has_a_block_with_its_layers_and_times_in_words() {
    let example = Example::new();
    let chart = svg::gantt(&example.view());
    assert_eq!(chart.matches(r#"<rect class="block""#).count(), 16);
    for (task, groups) in example.problem.tasks.iter().zip(&example.timeline.groups) {
        for (group, at) in task.groups.iter().zip(groups) {
            let start = chart.find(&format!("{}, layers {}, on ", task.title, group.layers)).expect("a tooltip");
            let tooltip = chart[start..].split('<').next().unwrap();
            assert!(tooltip.contains(&format!("{} to {}, slowed ", at.start, at.end)), "{tooltip}");
        }
    }
}

#[test]
fn a_charts_axis_can_reach_past_its_end_so_that_two_charts_compare() {
    let example = Example::new();
    let end = example.timeline.makespan();
    let right_edge = |end| {
        let chart = svg::inline(&example.view(), &svg::Chart { id: "a", width: 960, end, legend: false });
        let mark = chart.split(r#"<path class="end" d="M"#).nth(1).unwrap();
        mark.split(' ').next().unwrap().parse::<f64>().unwrap()
    };
    assert!((right_edge(end) - 952.0).abs() < 0.01);
    assert!((right_edge(end + end) - 480.0).abs() < 0.01);
}

#[test]
fn the_page_says_what_it_predicts_what_it_gains_and_what_is_proved() {
    let example = Example::new();
    let view = example.view();
    let text = page(&view);
    let best = best_baseline(&example.baselines, Objective::Makespan, &example.problem).unwrap();
    assert!(text.contains("predicted by the scheduler's model, not measured"));
    assert!(text.contains(&format!("<strong>{}</strong>", example.timeline.makespan())));
    assert!(text.contains("Not proved optimal: with at most 2 transitions per network"));
    assert!(text.contains("The search was stopped by time limit."));
    let label = best.label.replace('\'', "&#39;");
    assert!(text.contains(&format!("<strong>{}: {label}</strong> ends at {}", best.name, best.timeline.makespan())));
    let gain = 100.0 * view.gain_over(best);
    assert!(gain > 0.0 && text.contains(&format!("Gain over the best baseline: {gain:.1} %")));
}

#[test]
fn no_gain_and_a_loss_are_said_in_words() {
    let example = Example::new();
    let best = best_baseline(&example.baselines, Objective::Makespan, &example.problem).unwrap();
    let equal = ScheduleView { decision: &best.decision, timeline: &best.timeline, proof: None, ..example.view() };
    let text = page(&equal);
    assert!(text.contains("Equal to the best baseline"));
    assert!(text.contains("Nothing is proved about this schedule: it is a baseline&#39;s."));
    let value = |baseline: &&Baseline| baseline.timeline.makespan();
    let worst = example.baselines.iter().max_by_key(value).unwrap();
    let loss = ScheduleView { decision: &worst.decision, timeline: &worst.timeline, ..example.view() };
    assert!(page(&loss).contains("Worse than the best baseline by "));
}

#[test]
fn throughput_is_shown_per_second_and_more_of_it_is_a_gain() {
    let example = Example::new();
    let view = ScheduleView { objective: Objective::Throughput, ..example.view() };
    let text = page(&view);
    let per_second: f64 = (0..2).map(|task| 1e3 / view.latency(task).0).sum();
    assert!(text.contains(&format!("<strong>{per_second:.1} inferences/s</strong>")));
    assert!(text.contains("Throughput [inferences/s]"));
}

#[test]
fn without_baselines_the_page_compares_with_nothing() {
    let example = Example::new();
    let text = page(&ScheduleView { baselines: &[], ..example.view() });
    assert_eq!(unbalanced(&text), None);
    assert!(!text.to_lowercase().contains("baseline"));
}

/// Where the page for the browser lies; looked at by people, too.
fn write(name: &str, text: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, text).expect("the build folder is writable");
    path
}

/// What headless Chromium makes of `path`; `None` where there is no Chromium.
fn chromium(path: &Path) -> Option<Output> {
    let profile = tempfile::tempdir().expect("a temporary folder");
    let mut command = Command::new("chromium");
    command.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]);
    command.args(["--disable-background-networking", "--disable-component-update", "--enable-logging=stderr"]);
    command.arg(format!("--user-data-dir={}", profile.path().display()));
    command.args(["--virtual-time-budget=1000", "--dump-dom"]).arg(format!("file://{}", path.display()));
    match command.output() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        output => Some(output.expect("Chromium starts")),
    }
}

#[test]
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn a_browser_shows_the_page_without_complaint() {
    let example = Example::new();
    let path = write("page.html", &page(&example.view()));
    write("gantt.svg", &svg::gantt(&example.view()));
    let Some(output) = chromium(&path) else {
        eprintln!("skipped: no `chromium` on PATH to load the page in");
        return;
    };
    let (dom, log) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{log}");
    assert!(!log.contains("CONSOLE"), "{log}");
    let complaining = write("complaint.html", "<!DOCTYPE html><script>console.error('no')</script>");
    let complaint = chromium(&complaining).expect("Chromium is there");
    assert!(String::from_utf8_lossy(&complaint.stderr).contains("CONSOLE"), "a complaint would go unnoticed");
    assert_eq!(dom.matches("<svg ").count(), 4);
    assert_eq!(dom.matches(r#"class="block""#).count(), 4 * 16);
    assert!(dom.contains("<h1>GoogleNet + ResNet101</h1>"));
    assert!(dom.contains(&format!("<strong>{}</strong>", example.timeline.makespan())));
}
