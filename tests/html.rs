//! Pictures of a schedule: the SVG is well formed, and the page says in a headless browser what it should, alone.

use std::process::Command;

use haxconn::group::LayerRange;
use haxconn::platform::ContentionCurve;
use haxconn::problem::{Cost, Group, GroupId, Machine, Problem, Task};
use haxconn::report::{ScheduleView, page, svg};
use haxconn::schedule::{Decision, Objective, baselines, evaluate};
use haxconn::units::{MegabytesPerSecond, Nanoseconds};

fn group(first: usize, work_us: [u64; 2]) -> Group {
    let cost = |us: u64| {
        let (entry, exit) = (Nanoseconds(20_000), Nanoseconds(10_000));
        Some(Cost { work: Nanoseconds(us * 1000), demand: MegabytesPerSecond(30_000), entry, exit })
    };
    Group { layers: LayerRange { first, last: first + 10 }, costs: work_us.map(cost).to_vec(), tail: false }
}

fn task(name: &str, title: &str) -> Task {
    Task {
        name: name.to_owned(),
        title: title.to_owned(),
        groups: vec![group(0, [400, 700]), group(10, [300, 500])],
        launch: vec![Nanoseconds(5_000); 2],
        release: Nanoseconds::ZERO,
        after: vec![],
    }
}

fn problem(title: &str) -> Problem {
    let machine = |name: &str| Machine { name: name.to_owned(), curve: ContentionCurve::None, pays_network_io: false };
    Problem {
        machines: vec![machine("gpu"), machine("dla")],
        tasks: vec![task("one", title), task("two", "Second")],
        max_transitions: Some(2),
    }
}

/// The first network crosses from the GPU to the DLA, the second the other way.
fn decision() -> Decision {
    let id = |task, group| GroupId { task, group };
    Decision {
        placement: vec![vec![0, 1], vec![1, 0]],
        order: vec![vec![id(0, 0), id(1, 1)], vec![id(1, 0), id(0, 1)]],
    }
}

fn with_view(title: &str, use_view: impl FnOnce(&ScheduleView)) {
    let problem = problem(title);
    let decision = decision();
    let timeline = evaluate(&problem, &decision).expect("the orders don't wait for each other");
    let baselines = baselines(&problem, Objective::Makespan);
    use_view(&ScheduleView {
        problem: &problem,
        decision: &decision,
        timeline: &timeline,
        objective: Objective::Makespan,
        proof: None,
        policy: "HaX-CoNN",
        baselines: &baselines,
        platform: "A board (board)",
        contention: "none",
        sources: &["First: made by hand".to_owned()],
        warnings: &["nothing here is measured".to_owned()],
    });
}

/// Why `text` isn't well formed: a tag that closes another one, or none; a bare `<` or `&`.
fn malformed(text: &str) -> Option<String> {
    let mut open: Vec<&str> = Vec::new();
    for piece in text.split('<').skip(1) {
        let Some((tag, after)) = piece.split_once('>') else { return Some(format!("`<{piece}` never ends")) };
        let entities = ["amp;", "lt;", "gt;", "quot;", "#39;"];
        let bare = |text: &str| text.split('&').skip(1).any(|rest| !entities.iter().any(|name| rest.starts_with(name)));
        if bare(tag) || bare(after) || tag.matches('"').count() % 2 == 1 {
            return Some(format!("`<{tag}>{after}` holds a bare `&` or an open quote"));
        }
        if let Some(name) = tag.strip_prefix('/') {
            if open.pop() != Some(name) {
                return Some(format!("`</{name}>` closes nothing"));
            }
        } else if !tag.ends_with('/') {
            open.push(tag.split_whitespace().next().unwrap_or_default());
        }
    }
    open.pop().map(|name| format!("`<{name}>` is never closed"))
}

#[test]
fn the_check_of_well_formedness_refuses_broken_markup() {
    assert_eq!(malformed("<a><b c=\"d\"/>&amp;</a>"), None);
    for broken in ["<a>", "</a>", "<a><b></a></b>", "<a b=\"c></a>", "<a>&</a>", "<a"] {
        assert!(malformed(broken).is_some(), "accepted {broken}");
    }
}

#[test]
fn the_svg_is_well_formed_whatever_a_network_is_called() {
    for title in ["First", "<b>&\"'", "</svg>"] {
        with_view(title, |view| assert_eq!(malformed(&svg(view)), None));
    }
}

#[test]
fn the_svg_shows_every_group_and_hatches_every_transition() {
    with_view("First", |view| {
        let svg = svg(view);
        assert_eq!(svg.matches("<g><title>").count(), 4);
        // Four launches; each network also leaves one accelerator and enters another: the exits are apart.
        assert_eq!(svg.matches("url(#chart-hatch)").count(), 4 + 2 + 1);
        assert!(svg.contains(&view.timeline.makespan().to_string()));
    });
}

#[test]
fn the_page_fetches_nothing_and_escapes_names() {
    with_view("<img src=x>", |view| {
        let page = page(view).replace("http://www.w3.org/2000/svg", "");
        for fetches in ["http:", "https:", "//", "<script", "<img", "@import", "src="] {
            let found = page.replace("&lt;img src=x&gt;", "").contains(fetches);
            assert!(!found, "the page contains `{fetches}`");
        }
        for says in ["nothing here is measured", "First: made by hand", "Best baseline", "A board (board)"] {
            assert!(page.contains(says), "the page doesn't say `{says}`");
        }
    });
}

#[expect(clippy::print_stderr, reason = "a skipped test says so")]
#[test]
fn a_headless_browser_renders_the_page_without_errors() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("page.html");
    with_view("First", |view| std::fs::write(&file, page(view)).unwrap());
    let arguments = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking \
                     --disable-component-update --enable-logging=stderr --dump-dom";
    let output = Command::new("chromium")
        .args(arguments.split_whitespace())
        .arg("--host-resolver-rules=MAP * ~NOTFOUND")
        .arg(format!("--user-data-dir={}", folder.path().join("profile").display()))
        .arg(format!("file://{}", file.display()))
        .output();
    let Ok(output) = output else {
        eprintln!("skipped: no `chromium` on this machine");
        return;
    };
    let (dom, log) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(dom.contains("<h1>First + Second on A board (board)</h1>"), "{dom}\n{log}");
    assert_eq!(dom.matches("role=\"img\"").count(), 2, "ours and the best baseline's chart");
    assert!(!log.contains("CONSOLE"), "{log}");
}
