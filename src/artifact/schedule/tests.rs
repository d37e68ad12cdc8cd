//! A schedule survives its file, and a file that can't be understood is refused with the path of the field.

use std::time::Duration;

use super::*;
use crate::group::LayerRange;
use crate::platform::{ContentionCurve, Pccs};
use crate::problem::{Cost, Group, GroupId, Machine, Problem, Task};
use crate::schedule::{Baseline, Decision, Proof, SearchStatistics, Solution, evaluate};
use crate::units::{MegabytesPerSecond, Nanoseconds};

/// Two tasks of two groups each on two accelerators that slow each other.
pub(in crate::artifact) fn problem() -> Problem {
    let pccs = Pccs { normal_bw: 0.0, intensive_bw: 20.0, mrmc: 0.0, tbwdc: 20.0, cbp: 30.0, rate: 1.0, pbw: 100.0 };
    let machine = |name: &str| Machine {
        name: name.to_owned(),
        curve: ContentionCurve::Pccs(pccs),
        pays_network_io: name == "dla",
        ..Machine::default()
    };
    let cost = |work| {
        let demand = MegabytesPerSecond(40_000);
        Some(Cost { work: Nanoseconds(work), demand, entry: Nanoseconds(30), exit: Nanoseconds(20) })
    };
    let group = |first, last, gpu, dla| Group {
        layers: LayerRange { first, last },
        costs: vec![cost(gpu), cost(dla)],
        tail: false,
    };
    let task = |name: &str, after| Task {
        name: name.to_owned(),
        title: "Tiny".to_owned(),
        groups: vec![group(0, 10, 1000, 2000), group(10, 12, 500, 900)],
        launch: vec![Nanoseconds(5), Nanoseconds(7)],
        after,
        ..Task::default()
    };
    Problem {
        machines: vec![machine("gpu"), machine("dla")],
        tasks: vec![task("tiny", vec![]), task("tiny#2", vec![])],
        max_transitions: Some(2),
        ..Problem::default()
    }
}

fn solution(problem: &Problem) -> Solution {
    let id = |task, group| GroupId { task, group };
    let decision = Decision {
        placement: vec![vec![0, 1], vec![1, 0]],
        order: vec![vec![id(0, 0), id(1, 1)], vec![id(1, 0), id(0, 1)]],
    };
    let timeline = evaluate(problem, &decision).unwrap();
    let value = timeline.makespan().0;
    let statistics = SearchStatistics { combinations: 16, oracle_nodes: 3, ..SearchStatistics::default() };
    let elapsed = Duration::from_millis(125);
    let proof =
        Proof { state: ProofState::Optimal, bound: value, elapsed, stopped_by: None, deterministic: true, statistics };
    Solution { decision, timeline, value, proof }
}

pub(in crate::artifact) fn file() -> ScheduleFile {
    let problem = problem();
    let solution = solution(&problem);
    let baseline = Baseline {
        name: "gpu-only".to_owned(),
        label: "both on gpu".to_owned(),
        decision: solution.decision.clone(),
        timeline: solution.timeline.clone(),
        transitions: 1,
        within_limit: true,
    };
    let reference = |name: &str, origin: &str| Reference {
        name: name.to_owned(),
        origin: origin.to_owned(),
        sha256: "ab".to_owned(),
    };
    let network = TaskNetwork { name: "tiny".to_owned(), hash: "cd".to_owned(), places: Places::default() };
    let context = ScheduleContext {
        platform: reference("xavier_agx", "built-in `xavier_agx`"),
        objective: Objective::Makespan,
        contention: "pccs".to_owned(),
        profiles: vec![reference("tiny", "modelled")],
        pins: vec![PinField { network: "tiny".to_owned(), layers: Some([0, 10]), accelerator: "gpu".to_owned() }],
        networks: vec![network.clone(), network],
    };
    ScheduleFile::new(&problem, &solution, &[baseline], context)
}

/// What is said of the file with `from` replaced by `to`.
fn refusal(from: &str, to: &str) -> String {
    let text = file().to_json().unwrap();
    assert!(text.contains(from), "{from} is not in\n{text}");
    format!("{:#}", read_schedule(&text.replacen(from, to, 1), "s.json").unwrap_err())
}

#[test]
fn a_schedule_reads_back_with_its_decision_and_timeline() {
    let problem = problem();
    let expected = solution(&problem);
    let text = file().to_json().unwrap();
    let read = read_schedule(&text, "s.json").unwrap();
    assert_eq!(read, file());
    assert_eq!(read.decision(&problem).unwrap(), (expected.decision, expected.timeline));
    assert_eq!(read.contradictions(), [""; 0]);
}

#[test]
fn moments_are_integers_and_an_interval_is_one_line() {
    let text = file().to_json().unwrap();
    assert!(text.contains("\"launch\": [0, 5],\n"), "{text}");
    assert!(text.contains("\"max_transitions\": 2,\n"), "{text}");
    assert!(text.contains("\"state\": \"optimal\",\n"), "{text}");
}

#[test]
fn no_limit_is_the_word_unlimited() {
    let mut unlimited = file();
    unlimited.max_transitions = TransitionLimit(None);
    let text = unlimited.to_json().unwrap();
    assert!(text.contains("\"max_transitions\": \"unlimited\""), "{text}");
    assert_eq!(read_schedule(&text, "s.json").unwrap(), unlimited);
}

#[test]
fn a_file_that_cannot_be_understood_is_refused_with_the_path_of_the_field() {
    let table = [
        ("\"schema_version\": 1", "\"schema_version\": 7", "schema_version 7 is newer than this program reads (1)"),
        ("\"schema_version\": 1,", "", "schema_version: missing"),
        ("\"objective\": \"makespan\"", "\"objective\": \"speed\"", "objective: unknown variant `speed`"),
        (
            "\"max_transitions\": 2",
            "\"max_transitions\": \"none\"",
            "max_transitions: invalid value: string \"none\", expected a whole number from 0 or `unlimited`",
        ),
        ("\"max_transitions\": 2", "\"max_transitions\": -1", "max_transitions: invalid type: integer `-1`"),
        (
            "\"launch\": [0, 5]",
            "\"launch\": [6, 5]",
            "tasks[0].groups[0].launch: ends at 5 ns, before it begins at 6 ns",
        ),
        (
            "\"launch\": [0, 5]",
            "\"launch\": [0, 4]",
            "tasks[0].groups[0].in: begins at 5 ns, but `launch` ends at 4 ns",
        ),
        (
            "\"launch\": [0, 5]",
            "\"launch\": [0.5, 5]",
            "tasks[0].groups[0].launch[0]: invalid type: floating point `0.5`",
        ),
        ("\"launch\": [0, 5]", "\"launch\": [0]", "tasks[0].groups[0].launch: invalid length 1"),
        ("\"layers\": [10, 12]", "\"layers\": [9, 12]", "tasks[0].groups[1].layers: [9, 12) overlaps"),
        ("\"accelerators\": [\"gpu\"", "\"accelerators\": [\"dla\"", "accelerators[1]: `dla` is there twice"),
        (
            "\"accelerators\": [\"gpu\"",
            "\"accelerators\": [\"npu\"",
            "tasks[0].groups[0].accelerator: `gpu` is none of npu, dla",
        ),
        ("\"name\": \"tiny#2\"", "\"name\": \"tiny\"", "tasks[1].name: `tiny` is there twice"),
        ("\"task\": \"tiny#2\"", "\"task\": \"tiny#3\"", "order[0].groups[1].task: no task `tiny#3`"),
        ("\"group\": 1", "\"group\": 2", "order[0].groups[1].group: 2 of 2 groups, counted from 0"),
        ("\"after\": []", "\"after\": [\"huge\"]", "tasks[0].after[0]: `huge` is none of tiny, tiny#2"),
        (
            "\"release_ns\": 0",
            "\"release_ns\": 18446744073709551615",
            "tasks[0].release_ns: 18446744073709551615 ns is later than",
        ),
        ("\"state\": \"optimal\"", "\"state\": \"perfect\"", "proof.state: unknown variant `perfect`"),
        ("\"gap\"", "\"gaps\"", "proof.gaps: unknown field `gaps`"),
    ];
    for (from, to, expected) in table {
        let found = refusal(from, to);
        assert!(found.starts_with(&format!("s.json: {expected}")), "{found}\ninstead of\n{expected}");
    }
}

#[test]
fn a_truncated_file_names_line_and_column() {
    let text = file().to_json().unwrap();
    let message = format!("{:#}", read_schedule(&text[..100], "s.json").unwrap_err());
    assert!(message.starts_with("s.json: ") && message.contains("EOF while parsing"), "{message}");
    assert!(message.contains("at line 5 column "), "{message}");
    let expected = "s.json: invalid type: string \"schema_version\", expected a table of fields at line 2 column 18";
    assert_eq!(refusal("{", ""), expected);
    let message = format!("{:#}", read_schedule(&(text + "{"), "s.json").unwrap_err());
    assert!(message.starts_with("s.json: trailing characters at line "), "{message}");
}

#[test]
fn an_order_without_an_accelerator_or_with_one_twice_is_refused() {
    let mut without = file();
    without.order.pop();
    let message = format!("{:#}", read_schedule(&without.to_json().unwrap(), "s.json").unwrap_err());
    assert_eq!(message, "s.json: order: accelerator `dla` is missing");
    let mut twice = file();
    twice.order[1].accelerator = "gpu".to_owned();
    let message = format!("{:#}", read_schedule(&twice.to_json().unwrap(), "s.json").unwrap_err());
    assert_eq!(message, "s.json: order[1].accelerator: `gpu` is listed twice");
}

#[test]
fn a_schedule_of_other_tasks_or_groups_is_refused() {
    let refused = |change: fn(&mut Problem), expected: &str| {
        let mut other = problem();
        change(&mut other);
        assert_eq!(file().decision(&other).unwrap_err().to_string(), expected);
    };
    refused(|other| other.tasks.truncate(1), "tasks: the schedule has 2, asked for are 1");
    refused(
        |other| other.tasks[1].name = "big".to_owned(),
        "tasks[1].name: the schedule has `tiny#2`, asked for is `big`",
    );
    refused(
        |other| other.tasks[0].groups[1].layers.last = 13,
        "tasks[0].groups: `tiny` is cut into other groups than in its profile",
    );
    refused(
        |other| other.machines[1].name = "npu".to_owned(),
        "tasks[0].groups[1].accelerator: `dla` is none of gpu, npu",
    );
}

#[test]
fn a_forged_end_makespan_or_proof_is_a_contradiction() {
    let mut forged = file();
    let makespan = forged.makespan_ns;
    forged.makespan_ns = 1;
    forged.tasks[0].end_ns += 1;
    forged.proof.bound += 1;
    let end = forged.tasks[0].end_ns;
    let expected = [
        format!("tasks[0].end_ns: is {end}, the last group ends at {}", end - 1),
        format!("makespan_ns: is 1, the last task ends at {makespan}"),
        format!("proof.bound: is {}, which the value {makespan} contradicts", makespan + 1),
        format!("proof.gap: is 0, value and bound are {} apart", 1.0 / makespan as f64),
    ];
    assert_eq!(forged.contradictions(), expected);
}
