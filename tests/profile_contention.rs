//! `haxconn profile contention`: curves from the simulator and from grids measured elsewhere, what is refused, and that a
//! platform file takes what is written.
#![expect(clippy::unwrap_used, reason = "a test ends where its folder or its program can't be used")]

mod program;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use haxconn::artifact::read_platform;
use program::{XAVIER, accepts_in, haxconn_in, json_in, names_in, refuses_in, write};
use serde_json::Value;
use tempfile::TempDir;

const COMMAND: [&str; 2] = ["profile", "contention"];

/// A grid of Xavier's GPU as its platform file has it: own demands of 10 to 120 GB/s, external ones of 0 to 110.
fn xavier_gpu_grid() -> String {
    let mut text = "# made for a test\nown_gbps,external_gbps,achieved_gbps\n".to_owned();
    let gpu = &read_platform(XAVIER, "xavier").unwrap().accelerators[0];
    for own in (10..=120).step_by(10).map(f64::from) {
        for external in (0..=110).step_by(10).map(f64::from) {
            let gbps = haxconn::units::GigabytesPerSecond;
            let speed = gpu.contention.relative_speed(gbps(own), gbps(external));
            writeln!(text, "{own},{external},{:.3}", own * speed).unwrap();
        }
    }
    text
}

/// Runs `profile contention` with `arguments` as JSON.
fn document(folder: &Path, arguments: &[&str]) -> Value {
    json_in(folder, &[&COMMAND, arguments].concat())
}

/// Xavier's platform file with the curves that were written to `blocks`.
fn platform_with(blocks: &str) -> String {
    let mut text = XAVIER.to_owned();
    for block in blocks.split("  - name: ").skip(1) {
        let (name, contention) = block.split_once('\n').unwrap();
        let (before, accelerator) = text.split_once(&format!("  - name: {name}\n")).unwrap();
        let (head, rest) = accelerator.split_once("    contention:\n").unwrap();
        let (_, tail) = rest.split_once("    roofline:\n").unwrap();
        text = format!("{before}  - name: {name}\n{head}{contention}    roofline:\n{tail}");
    }
    text
}

#[test]
fn the_simulators_curves_are_written_and_shown_beside_the_platforms() {
    let folder = TempDir::new().unwrap();
    let ran = haxconn_in(folder.path(), &COMMAND);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    for words in [
        "Contention curves of NVIDIA Jetson AGX Xavier (xavier_agx), simulated",
        "They describe the simulator's law of sharing bandwidth, not a board.",
        "GPU           Unit         Fitted  Platform file",
        "rate          % per GB/s",
        "GPU [GB/s]  Others [GB/s]  Simulated speed  Fitted speed  Difference",
        "fit error 0.00 % of full speed root mean square, 0.00 % at most, over 10 x 10 points",
    ] {
        assert!(ran.stdout.contains(words), "`{words}` is missing in\n{}", ran.stdout);
    }
    let notes: Vec<&str> = ran.stderr.lines().collect();
    assert_eq!(notes[0], "backend: sim (no other measures grids in this version; `--grid` takes one)");
    assert!(notes[1].starts_with("wrote output/contention_xavier_agx.yaml (gpu modelled, error at most "), "{notes:?}");
    assert_eq!(names_in(&folder.path().join("output")), ["contention_xavier_agx.yaml"]);
}

#[test]
fn a_platform_file_takes_what_is_written_and_schedule_uses_it() {
    let folder = TempDir::new().unwrap();
    for model in ["pccs", "table"] {
        let command = ["--backend", "sim", "--model", model, "--out", "curves.yaml", "--quiet"];
        accepts_in(folder.path(), &[&COMMAND[..], &command].concat());
        let blocks = fs::read_to_string(folder.path().join("curves.yaml")).unwrap();
        write(folder.path(), "mine.yaml", platform_with(&blocks));
        let schedule = ["schedule", "--dnns", "alexnet,googlenet", "--platform", "mine.yaml"];
        let ran = haxconn_in(folder.path(), &schedule);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert!(ran.stdout.contains(&format!("contention by {model}")), "{}", ran.stdout);
        assert!(!ran.stdout.contains("rests on assumed"), "{}", ran.stdout);
        let shown = accepts_in(folder.path(), &["platform", "show", "mine.yaml"]);
        assert!(shown.contains("10 x 10 grid on haxconn's simulator of xavier_agx"), "{shown}");
    }
}

#[test]
fn a_measured_grid_gives_the_curve_it_was_made_of() {
    let folder = TempDir::new().unwrap();
    write(folder.path(), "gpu.csv", xavier_gpu_grid());
    let grid = ["--grid", "gpu.csv", "--accelerator", "gpu", "--out", "gpu.yaml"];
    let document = document(folder.path(), &grid);
    let gpu = &document["accelerators"][0];
    assert_eq!((&document["grid_from"], &gpu["provenance"]), (&"gpu.csv".into(), &"derived".into()));
    assert!(gpu["largest_error_percent"].as_f64().unwrap() < 0.1, "{gpu}");
    assert!((gpu["pccs"]["rate"].as_f64().unwrap() - 1.11).abs() < 0.01, "{gpu}");
    assert_eq!(gpu["platform_pccs"]["rate"], 1.11);
    let blocks = fs::read_to_string(folder.path().join("gpu.yaml")).unwrap();
    let source = "provenance: derived, source: \"least squares of a 12 x 12 grid in gpu.csv; error 0.0";
    assert_eq!(blocks.matches(source).count(), 7, "{blocks}");
    let ran = haxconn_in(folder.path(), &[&COMMAND[..], &grid].concat());
    assert!(
        ran.stdout
            .starts_with("Contention curves of NVIDIA Jetson AGX Xavier (xavier_agx), from the grid in gpu.csv\n")
    );
    assert!(ran.stdout.contains("Measured speed"), "{}", ran.stdout);
    assert!(!ran.stderr.contains("backend:"), "{}", ran.stderr);
}

#[test]
fn the_simulators_grid_is_taken_as_a_measured_one() {
    let folder = TempDir::new().unwrap();
    let simulated = document(folder.path(), &["--points", "7", "--grid-out", "grids"]);
    assert_eq!(names_in(&folder.path().join("grids")), ["xavier_agx_dla.csv", "xavier_agx_gpu.csv"]);
    let again = document(folder.path(), &["--grid", "grids/xavier_agx_gpu.csv", "--accelerator", "gpu"]);
    for key in ["pccs", "own_gbps", "external_gbps", "achieved_gbps"] {
        assert_eq!(simulated["accelerators"][0][key], again["accelerators"][0][key], "{key}");
    }
}

#[test]
fn a_table_says_its_largest_correction() {
    let folder = TempDir::new().unwrap();
    let noisy = "own_gbps,external_gbps,achieved_gbps\n10,0,10\n10,5,8\n10,9,9\n20,0,20\n20,5,15\n20,9,10\n";
    write(folder.path(), "gpu.csv", noisy);
    let command = ["--grid", "gpu.csv", "--accelerator", "gpu", "--model", "table"];
    let printed = accepts_in(folder.path(), &[&COMMAND[..], &command].concat());
    assert!(printed.contains("(largest correction to a speed that never rises: 5.00 %)"), "{printed}");
    let blocks = fs::read_to_string(folder.path().join("output/contention_xavier_agx.yaml")).unwrap();
    assert!(blocks.contains("        - [1.0, 0.85, 0.85]\n"), "{blocks}");
}

#[test]
fn a_grid_that_is_none_is_refused_with_its_line_and_nothing_is_written() {
    let folder = TempDir::new().unwrap();
    let heading = "own_gbps,external_gbps,achieved_gbps\n";
    let check = |lines: &str, message: &str| {
        write(folder.path(), "g.csv", lines);
        let command = ["--grid", "g.csv", "--accelerator", "dla"];
        refuses_in(folder.path(), &[&COMMAND[..], &command].concat(), 1, &[&format!("error: g.csv{message}")]);
        assert_eq!(names_in(folder.path()), ["g.csv"]);
    };
    check("", ":1: expected the heading `own_gbps,external_gbps,achieved_gbps`, found nothing");
    check(&format!("{heading}1,0,1\n1,2\n"), ":3: expected three numbers");
    check(&format!("{heading}1,0,x\n"), ":2: `x` is not a number in GB/s");
    check(&format!("{heading}1,0,1\n1,2,1\n2,0,2\n"), ":4: own 2 has no line with external 2");
    check(&format!("{heading}1,0,1\n1,2,1\n2,0,2\n2,2,3\n"), ":5: row 2, column 2: 3 GB/s were reached of 2");
    check(&format!("{heading}1,0,1\n"), ": the grid has 1 own and 1 external demands");
}

#[test]
fn what_cannot_be_done_is_said_with_what_can() {
    let folder = TempDir::new().unwrap();
    write(folder.path(), "gpu.csv", xavier_gpu_grid());
    let refuses = |arguments: &[&str], code: i32, words: &[&str]| {
        refuses_in(folder.path(), &[&COMMAND, arguments].concat(), code, words);
    };
    refuses(&["--backend", "tensorrt"], 4, &["backend `tensorrt` can't measure", "`--grid FILE.csv`"]);
    refuses(
        &["--backend", "onnxruntime"],
        2,
        &["accelerator `gpu` of `xavier_agx` is no set of cores", "--platform host"],
    );
    refuses(&["--accelerator", "npu"], 2, &["has no `npu`; it has gpu, dla"]);
    refuses(&["--grid", "gpu.csv"], 2, &["`--grid` holds the speeds of one accelerator", "hint: "]);
    refuses(&["--grid", "gpu.csv", "--accelerator", "gpu,dla"], 2, &["`--grid` holds the speeds of one accelerator"]);
    refuses(&["--grid", "gpu.csv", "--accelerator", "gpu", "--points", "5"], 2, &["cannot be used with"]);
    refuses(&["--points", "1"], 2, &["1 is not in 2..=50"]);
    refuses(&["--grid", "none.csv", "--accelerator", "gpu"], 1, &["none.csv: no such file"]);
    let alone = XAVIER.split("\n  # One deep-learning accelerator").next().unwrap();
    write(folder.path(), "alone.yaml", alone);
    refuses(&["--platform", "alone.yaml"], 2, &["platform `xavier_agx` has one accelerator"]);
}
