//! `--nsight` of `haxconn profile layers` and `all`: from a table of Nsight Compute to the demand of layer groups.
#![expect(clippy::unwrap_used, reason = "a test ends where its folder or its program can't be used")]

mod program;

use std::fmt::Write as _;
use std::path::Path;

use program::{SHORT, accepts_in, haxconn_in, refuses_in, write};
use serde_json::Value;
use tempfile::TempDir;

/// `profile what` of AlexNet with further arguments.
fn alexnet<'a>(what: &'a str, further: &[&'a str]) -> Vec<&'a str> {
    [&["profile", what, "--dnns", "alexnet"], &SHORT[..], further].concat()
}

/// A raw page with one metric, of kernels in ranges of these names, with their Kbytes.
fn raw_page(metric: &str, kernels: &[(&str, &str)]) -> String {
    let ranges = "thread Domain:Push/Pop_Range:PL_Type:PL_Value:CLR_Type:Color:Msg_Type:Msg";
    let mut text = format!(
        "==PROF== Connected to process 4242 (/usr/src/tensorrt/bin/trtexec)\n\"ID\",\"{ranges}\",\"Kernel Name\",\"{metric}\"\n\"\",\"\",\"\",\"Kbyte\"\n"
    );
    let range = |name: &str| format!("\"\"TensorRT:{name}:none:none:none:none:none:none\"\"");
    for (id, (name, kbytes)) in kernels.iter().enumerate() {
        let ranges = format!("17  {}  {} ", range("ExecutionContext::enqueue"), range(name));
        writeln!(text, "\"{id}\",\"{ranges}\",\"kernel_{id}(float *)\",\"{kbytes}\"").unwrap();
    }
    text
}

/// One run of AlexNet: a reformatter, two groups' layers, and what is of no layer.
const RUN: [(&str, &str); 4] = [
    ("Reformatting CopyNode for Input Tensor 0 to conv1 + relu1", "500.5"),
    ("conv1 + relu1", "1,000"),
    ("prob", "20"),
    ("nothing known", "2,048"),
];

fn profiled(folder: &Path, csv: &str) -> (Value, String) {
    write(folder, "alexnet.csv", csv);
    let ran = haxconn_in(folder, &alexnet("layers", &["--nsight", "alexnet.csv", "--format", "json"]));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    (serde_json::from_str(&ran.stdout).unwrap(), ran.stderr)
}

#[track_caller]
fn check_gpu(group: &Value, bytes: f64) {
    let gpu = &group["gpu"];
    let expected = bytes / (gpu["t_ms"].as_f64().unwrap() * 1e6);
    assert_eq!(gpu["demand_source"], "nsight", "{group}");
    assert!((gpu["demand_gbps"].as_f64().unwrap() - expected).abs() < 1e-9 * expected, "{group} {expected}");
}

#[test]
fn counted_bytes_over_the_time_alone_are_a_groups_demand() {
    let folder = TempDir::new().unwrap();
    let twice = raw_page("dram__bytes.sum", &[RUN, RUN].concat());
    let (document, notes) = profiled(folder.path(), &twice);
    let groups = document["networks"][0]["groups"].as_array().unwrap();
    check_gpu(&groups[0], 1_500_500.0);
    check_gpu(groups.last().unwrap(), 20_000.0);
    assert_eq!(groups[1]["gpu"]["demand_source"], "model");
    // The DLA's kernels are none of the GPU's.
    assert_eq!(groups[0]["dla"]["demand_source"], "model");
    for words in ["note: --nsight: 8 kernels, runs of the engine: 2; 2 of ", "1.953 MiB a run are of no group"] {
        assert!(notes.contains(words), "{notes}");
    }
    assert!(!notes.contains("L2"), "{notes}");
    let time = groups[0]["gpu"]["t_ms"].as_f64().unwrap();
    let table = accepts_in(folder.path(), &alexnet("layers", &["--nsight", "alexnet.csv"]));
    assert!(table.contains(&format!(" {:.1} nsight ", 1.5005 / time)), "{table}");
}

#[test]
fn bytes_of_the_l2_cache_are_called_so() {
    let folder = TempDir::new().unwrap();
    let (document, notes) = profiled(folder.path(), &raw_page("lts__t_bytes.sum", &RUN));
    check_gpu(&document["networks"][0]["groups"][0], 1_500_500.0);
    assert!(notes.contains("bytes are the L2 cache's"), "{notes}");
    let (_, notes) = profiled(folder.path(), &raw_page("lts__t_bytes.sum", &RUN[3..]));
    assert!(notes.contains("no NVTX range names a layer"), "{notes}");
}

#[test]
fn profiles_say_that_a_demand_was_derived() {
    let folder = TempDir::new().unwrap();
    write(folder.path(), "alexnet.csv", raw_page("dram__bytes.sum", &RUN));
    let text = accepts_in(folder.path(), &alexnet("all", &["--nsight", "alexnet.csv"]));
    assert!(text.contains("nsight"), "{text}");
}

#[test]
fn tables_that_can_not_be_used_are_refused_in_words() {
    let folder = TempDir::new().unwrap();
    let refuses = |arguments: &[&str], code: i32, words: &[&str]| {
        refuses_in(folder.path(), &alexnet("layers", arguments), code, words);
    };
    refuses(&["--nsight", "nowhere.csv"], 1, &["nowhere.csv: no such file"]);
    write(folder.path(), "bad.csv", raw_page("dram__bytes.sum", &[RUN[0], ("prob", "1.2.3")]));
    refuses(&["--nsight", "bad.csv"], 1, &["bad.csv:5: column `dram__bytes.sum`: expected a number", "found `1.2.3`"]);
    write(folder.path(), "denied.csv", "==PROF== Connected\n==ERROR== ERR_NVGPUCTRPERM - no permission\n");
    refuses(&["--nsight", "denied.csv"], 1, &["denied.csv:2: expected a table", "`==ERROR== ERR_NVGPUCTRPERM"]);
    let two = ["profile", "layers", "--dnns", "alexnet,googlenet", "--backend", "sim", "--nsight", "bad.csv"];
    let words = ["`--nsight` is of one network, but `--dnns` names 2", "hint: profile each network by itself"];
    refuses_in(folder.path(), &two, 2, &words);
}

#[test]
fn a_demand_above_the_peak_is_marked() {
    let folder = TempDir::new().unwrap();
    let kernels = [("conv1 + relu1", "9,000,000"), ("prob", "20")];
    let (document, _) = profiled(folder.path(), &raw_page("dram__bytes.sum", &kernels));
    let gpu = &document["networks"][0]["groups"][0]["gpu"];
    assert_eq!((gpu["demand_gbps"].as_f64(), gpu["demand_clamped"].as_bool()), (Some(137.0), Some(true)), "{gpu}");
    let text = accepts_in(folder.path(), &alexnet("layers", &["--nsight", "alexnet.csv"]));
    assert!(text.contains("137.0! nsight") && text.contains("! came out above the memory's peak"), "{text}");
}
