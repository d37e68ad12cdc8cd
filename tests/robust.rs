//! `schedule --robust`: what it prints, writes and refuses.
#![expect(clippy::unwrap_used, reason = "a test ends where its folder or its program can't be used")]

mod program;

use std::path::Path;

use program::{accepts, accepts_in, refuses};
use serde_json::Value;
use tempfile::TempDir;

const NETWORKS: [&str; 3] = ["schedule", "--dnns", "alexnet,googlenet"];

fn document(folder: &Path, flags: &[&str]) -> Value {
    let text = accepts_in(folder, &[&NETWORKS, flags, &["--format", "json"]].concat());
    serde_json::from_str(&text).unwrap()
}

#[test]
fn the_text_says_what_was_sampled_and_what_becomes_of_the_gain() {
    let text = accepts(&[&NETWORKS[..], &["--robust", "5%", "--samples", "10"]].concat());
    let words = [
        "Sensitivity: every profiled number moved by up to 5.0 %, each by itself: 10 samples (seed 1), not measurements",
        "Gain over each sample's best baseline",
        "at least as good as every baseline in ",
        "each sample was solved again with at most 20000 nodes: ",
        "All numbers of one accelerator moved together",
        "DLA            -5.0 %",
    ];
    for words in words {
        assert!(text.contains(words), "no `{words}` in:\n{text}");
    }
}

#[test]
fn the_same_flags_sample_the_same_and_the_file_holds_it_for_those_who_judge_and_run_it() {
    let folder = TempDir::new().unwrap();
    let flags = ["--robust", "3%", "--samples", "8", "--seed", "5"];
    let written = document(folder.path(), &[&flags[..], &["--out", "s.json", "--html", "s.html"]].concat());
    let robustness = &written["robustness"];
    assert_eq!(document(folder.path(), &flags)["robustness"], *robustness);
    assert_eq!(
        (&robustness["samples"], &robustness["seed"], &robustness["share"]),
        (&8.into(), &5.into(), &0.03.into())
    );
    let value = written["value"].as_f64().unwrap();
    let median = robustness["sampled_value"]["median"].as_f64().unwrap();
    assert!((median / value - 1.0).abs() < 0.03, "{median} around {value}");
    assert_eq!(robustness["corners"].as_array().unwrap().len(), 4);
    let other = document(folder.path(), &["--robust", "3%", "--samples", "8", "--seed", "6"]);
    assert_ne!(other["robustness"]["sampled_value"], robustness["sampled_value"]);
    let page = std::fs::read_to_string(folder.path().join("s.html")).unwrap();
    assert!(page.contains("<h2 id=\"sensitivity-heading\">Sensitivity</h2>"));
    accepts_in(folder.path(), &["check", "s.json"]);
}

#[test]
fn numbers_that_move_by_next_to_nothing_change_nothing() {
    let folder = TempDir::new().unwrap();
    let found = document(folder.path(), &["--robust", "0.0000001%", "--samples", "4"]);
    let (value, robustness) = (found["value"].as_f64(), &found["robustness"]);
    for at in ["p5", "median", "p95"] {
        assert_eq!(robustness["sampled_value"][at].as_f64(), value);
        assert_eq!(robustness["gain_over_best"][at], robustness["gain"]);
        assert_eq!(robustness["regret"][at].as_f64(), Some(0.0));
    }
    let counts = ["as_good_as_baselines", "placement_stays", "within_limits", "proved"];
    assert!(counts.iter().all(|count| robustness[count] == 4), "{robustness}");
}

#[test]
fn a_gain_that_moved_numbers_swallow_is_flagged() {
    let text = accepts(&[&NETWORKS[..], &["--robust", "60%", "--samples", "40"]].concat());
    assert!(text.contains("warning: the gain of "), "{text}");
}

#[test]
fn without_the_flag_nothing_is_said_of_it() {
    let folder = TempDir::new().unwrap();
    assert_eq!(document(folder.path(), &[]).get("robustness"), None);
}

#[test]
fn shares_and_numbers_of_samples_that_mean_nothing_are_refused() {
    let refused = |flags: &[&str], words: &str| refuses(&[&NETWORKS[..], flags].concat(), 2, &[words]);
    for wrong in ["0", "0%", "5", "100%", "200%", "-5%", "much", "NaN%"] {
        refused(&["--robust", wrong], "expected more than 0 % and less than 100 %, as in `5%`");
    }
    refused(&["--robust", "5%", "--samples", "0"], "0 is not in 1..=100000");
    refused(&["--robust", "5%", "--samples", "-1"], "-1 is not in 1..=100000");
    refused(&["--samples", "10"], "--robust <P%>");
    refused(&["--robust", "5%", "--policy", "herald"], "`--robust` is about the solver's schedule");
}
