//! `build-engines` and `plan`: names and folders, what is built anew, what is refused, and real TensorRT engines where its
//! library is at hand (elsewhere those tests say that they skip).
#![expect(clippy::unwrap_used, reason = "a test ends where its folder or its program can't be used")]
#![expect(clippy::print_stderr, reason = "a skipped test says so")]

mod program;

use std::path::{Path, PathBuf};
use std::process::Command;

use program::{ACCEPTED_NETWORK, Ran, XAVIER, accepts_in, haxconn_in, names_in, program, refuses_in, write};
use serde_json::Value;
use tempfile::TempDir;

const SIM: &str = "build/sim/xavier_agx/fp16";

/// `build-engines --backend sim` with further arguments, split at blanks.
fn sim(arguments: &str) -> Vec<&str> {
    let mut all = vec!["build-engines", "--backend", "sim"];
    all.extend(arguments.split(' '));
    all
}

/// Every file below `folder`, by path from there.
fn files(folder: &Path) -> Vec<String> {
    fn visit(folder: &Path, root: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                visit(&path, root, found);
            } else {
                found.push(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    let mut found = Vec::new();
    visit(folder, folder, &mut found);
    found.sort();
    found
}

/// The plans below `folder`.
fn plans(folder: &Path) -> Vec<String> {
    let is_plan = |file: &String| Path::new(file).extension().is_some_and(|extension| extension == "plan");
    files(folder).into_iter().filter(is_plan).collect()
}

/// Refuses the arguments with exit code 2 and `words`, and leaves nothing.
#[track_caller]
fn refuses(arguments: &str, words: &[&str]) {
    let folder = TempDir::new().unwrap();
    refuses_in(folder.path(), &sim(arguments), 2, words);
    assert_eq!(files(folder.path()), [""; 0]);
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn plans_are_called_and_kept_as_upstream_does() {
    let folder = TempDir::new().unwrap();
    accepts_in(folder.path(), &sim("--dnns googlenet --start gpu --transitions -1,38"));
    accepts_in(folder.path(), &sim("--dnns googlenet --start dla --mark -1,38"));
    let expected = [
        "googlenet_mark_plans/googlenet_dla_mark_at_-1.plan",
        "googlenet_mark_plans/googlenet_dla_mark_at_38.plan",
        "googlenet_transition_plans/googlenet_gpu_transition_at_-1.plan",
        "googlenet_transition_plans/googlenet_gpu_transition_at_38.plan",
    ];
    let expected: Vec<String> =
        expected.iter().flat_map(|name| [format!("{SIM}/{name}"), format!("{SIM}/{name}.json")]).collect();
    assert_eq!(files(folder.path()), expected);
    let description =
        json(&folder.path().join(format!("{SIM}/googlenet_mark_plans/googlenet_dla_mark_at_38.plan.json")));
    assert_eq!(description["inputs"]["engine"]["mark"], 38);
    assert_eq!(description["fallbacks"], serde_json::json!([140]));
    assert_eq!(description["placement"]["layers"][140]["placed"], "gpu");
}

#[test]
fn lists_of_transitions_are_understood() {
    let count = |arguments: &str| {
        let folder = TempDir::new().unwrap();
        accepts_in(folder.path(), &sim(arguments));
        plans(folder.path()).len()
    };
    assert_eq!(count("--dnns googlenet --transitions paper"), 10);
    assert_eq!(count("--dnns googlenet --transitions legal"), 21);
    assert_eq!(count("--dnns alexnet --transition 14"), 1);
    assert_eq!(count("--dnns alexnet,alexnet --transitions 14,14,-1"), 2);
    assert_eq!(count("--dnns all"), 12);
    refuses("--dnns alexnet --transitions paper", &["the paper cuts googlenet only, not alexnet"]);
    refuses("--dnns alexnet --transitions 3,x", &["`x` is no layer's index"]);
}

#[test]
fn folders_of_networks_are_built_and_clashing_names_refused() {
    let folder = TempDir::new().unwrap();
    let convolutions = Path::new(env!("CARGO_MANIFEST_DIR")).join("convolution_characterization_prototxts");
    let mut arguments = sim("--start dla --prototxt");
    arguments.push(convolutions.to_str().unwrap());
    accepts_in(folder.path(), &arguments);
    assert_eq!(names_in(&folder.path().join(SIM)).len(), 25);
    write(folder.path(), "a/net.prototxt", ACCEPTED_NETWORK);
    write(folder.path(), "b/net.prototxt", ACCEPTED_NETWORK.replace("num_output: 16", "num_output: 8"));
    refuses_in(folder.path(), &sim("--prototxt a b"), 2, &["a/net.prototxt and b/net.prototxt are both called `net`"]);
    refuses_in(folder.path(), &sim("--prototxt build"), 1, &["build: holds no *.prototxt"]);
    refuses_in(folder.path(), &sim("--prototxt none.prototxt"), 1, &["none.prototxt: no such file"]);
}

#[test]
fn requests_that_can_not_be_met_are_refused_and_nothing_is_written() {
    refuses("--dnns googlenet --transitions 10,52", &["before layer 52: 4 tensors are live", "--force-cut"]);
    refuses("--dnns googlenet --transition 1", &["breaks the fusion", "--force-cut"]);
    for outside in ["0", "141", "99999999999"] {
        refuses(&format!("--dnns googlenet --force-cut --transition {outside}"), &["between layer 1 and layer 140"]);
    }
    refuses("--dnns googlenet --mark 141", &["no layer 141 to mark", "140"]);
    refuses("--dnns googlenet --mark 10 --transition 24", &["not both"]);
    refuses("--dnns googlenet --precision int8", &["the simulator has no int8"]);
    for start in ["gpu", "dla"] {
        refuses(&format!("--dnns googlenet --start {start} --dla-core 1"), &["--dla-core 1", "core 0 only"]);
    }
    refuses("--dnns googlnet", &["no network is called `googlnet`"]);
    refuses("--dnns googlenet --platform nowhere", &["unknown platform `nowhere`"]);
    refuses("--start gpu", &["no network is named"]);
    refuses("--dnns googlenet --jobs 0", &["--jobs"]);
}

#[test]
fn a_platform_without_a_dla_builds_none_for_it() {
    let folder = TempDir::new().unwrap();
    let (head, tail) = XAVIER.split_once("  - name: dla").unwrap();
    assert!(!tail.is_empty());
    let head = head.replace("name: xavier_agx", "name: mine");
    write(folder.path(), "mine.yaml", head.trim_end_matches(|c| c != '}').to_owned() + "\n");
    let arguments = sim("--dnns alexnet --platform mine.yaml --start dla");
    refuses_in(folder.path(), &arguments, 2, &["platform `mine` has no DLA"]);
    accepts_in(folder.path(), &sim("--dnns alexnet --platform mine.yaml"));
}

#[test]
fn a_forced_cut_is_built() {
    let folder = TempDir::new().unwrap();
    accepts_in(folder.path(), &sim("--dnns googlenet --transition 52 --force-cut"));
    assert_eq!(files(folder.path()).len(), 2);
}

#[test]
fn what_is_up_to_date_is_left_alone_and_what_is_not_is_built_anew() {
    let folder = TempDir::new().unwrap();
    let plan = folder.path().join(SIM).join("alexnet_transition_plans/alexnet_gpu_transition_at_14.plan");
    let build = |more: &str| accepts_in(folder.path(), &sim(&format!("--dnns alexnet --transition 14{more}")));
    assert!(build("").trim_end().ends_with("  built"));
    let first = std::fs::read(&plan).unwrap();
    assert!(build("").trim_end().ends_with("  up to date"));
    assert!(build(" --rebuild").trim_end().ends_with("  rebuilt: asked for"));
    assert_eq!(std::fs::read(&plan).unwrap(), first, "the same request makes the same plan");
    assert!(build(" --workspace 16").trim_end().ends_with("  rebuilt: other workspace"));
    std::fs::write(&plan, &first[..first.len() / 2]).unwrap();
    assert!(build(" --workspace 16").trim_end().ends_with("  rebuilt: damaged plan"));
    std::fs::remove_file(plan.with_extension("plan.json")).unwrap();
    assert!(build("").trim_end().ends_with("  rebuilt: no description"));
    let described = plan.with_extension("plan.json");
    let text = std::fs::read_to_string(&described).unwrap();
    let mut short: Value = serde_json::from_str(&text).unwrap();
    short["placement"]["layers"].as_array_mut().unwrap().truncate(3);
    for unusable in [text.replace("\"schema_version\": 1", "\"schema_version\": 9"), short.to_string()] {
        std::fs::write(&described, unusable).unwrap();
        assert!(build("").trim_end().ends_with("  rebuilt: unusable description"));
    }
    let changed = ACCEPTED_NETWORK.replace("num_output: 16", "num_output: 8");
    for (text, state) in [(ACCEPTED_NETWORK, "  built"), (&changed, "  rebuilt: other network")] {
        write(folder.path(), "net.prototxt", text);
        assert!(accepts_in(folder.path(), &sim("--prototxt net.prototxt")).trim_end().ends_with(state));
    }
}

#[test]
fn several_jobs_make_the_same_plans_as_one() {
    let (one, four) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    accepts_in(one.path(), &sim("--dnns googlenet --transitions legal"));
    accepts_in(four.path(), &sim("--dnns googlenet --transitions legal --jobs 4"));
    assert_eq!(files(one.path()), files(four.path()));
    for file in plans(one.path()) {
        assert_eq!(
            std::fs::read(one.path().join(&file)).unwrap(),
            std::fs::read(four.path().join(&file)).unwrap(),
            "{file}"
        );
    }
}

#[test]
fn without_fallback_a_layer_that_the_dla_can_not_run_is_an_error() {
    let folder = TempDir::new().unwrap();
    let arguments = sim("--dnns alexnet --start dla --no-fallback");
    let words = ["alexnet_dla_transition_at_-1.plan: 1 layer(s) for the DLA fall back to the GPU (`prob`)"];
    let ran = haxconn_in(folder.path(), &arguments);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(words.iter().all(|word| ran.stderr.contains(word)), "{}", ran.stderr);
    assert_eq!(files(folder.path()), [""; 0]);
    accepts_in(folder.path(), &sim("--dnns alexnet --no-fallback"));
}

#[test]
fn more_loadables_than_a_core_takes_are_warned_of_before_building() {
    let folder = TempDir::new().unwrap();
    // Without leaky rectifiers on Xavier's DLA every one of them splits the graph.
    let block = |idx: usize| {
        let bottom = if idx == 0 { "data".to_owned() } else { format!("r{}", idx - 1) };
        format!(
            "layer {{ name: \"c{idx}\" type: \"Convolution\" bottom: \"{bottom}\" top: \"c{idx}\"
                convolution_param {{ num_output: 8 kernel_size: 1 }} }}
            layer {{ name: \"r{idx}\" type: \"ReLU\" bottom: \"c{idx}\" top: \"r{idx}\"
                relu_param {{ negative_slope: 0.1 }} }}\n"
        )
    };
    let input = "input: \"data\" input_dim: 1 input_dim: 8 input_dim: 16 input_dim: 16\n".to_owned();
    let network = (0..10).map(block).fold(input, |network, block| network + &block);
    write(folder.path(), "leaky.prototxt", network);
    let ran = haxconn_in(folder.path(), &sim("--prototxt leaky.prototxt --start dla"));
    assert_eq!(ran.code, 0, "{ran:?}");
    let warning = "warning: leaky_dla_transition_at_-1: its layers on the DLA make 10 loadables, a core takes 8";
    assert!(ran.stderr.contains(warning), "{}", ran.stderr);
}

#[test]
fn a_folder_that_can_not_be_made_and_a_disk_that_is_full_are_said() {
    let folder = TempDir::new().unwrap();
    write(folder.path(), "file", "");
    refuses_in(folder.path(), &sim("--dnns alexnet --out file/build"), 1, &["can't write file/build/sim"]);
    let disk = folder.path().join("disk");
    std::fs::create_dir(&disk).unwrap();
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=8k", "none"]).arg(&disk).output();
    if !mounted.is_ok_and(|output| output.status.success()) {
        return eprintln!("skipped: a small disk can't be mounted here");
    }
    let ran = haxconn_in(folder.path(), &sim("--dnns googlenet --out disk"));
    let left = files(&disk);
    assert!(Command::new("umount").arg(&disk).status().unwrap().success());
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.stderr.contains("can't write disk/sim") && ran.stderr.contains("No space left"), "{}", ran.stderr);
    assert!(!left.iter().any(|file| file.ends_with(".plan.json")), "{left:?}");
}

#[test]
fn a_plan_is_shown_only_where_it_is_whole_and_described() {
    let folder = TempDir::new().unwrap();
    accepts_in(folder.path(), &sim("--dnns alexnet --start dla"));
    let name = format!("{SIM}/alexnet_transition_plans/alexnet_dla_transition_at_-1.plan");
    let shown = accepts_in(folder.path(), &["plan", &name]);
    assert!(shown.starts_with("alexnet in fp16, built by the simulator for xavier_agx\n"), "{shown}");
    assert!(shown.contains("placement by the simulator; 1 layer(s) fell back"), "{shown}");
    let (plan, description) = (folder.path().join(&name), folder.path().join(format!("{name}.json")));
    let whole = std::fs::read(&plan).unwrap();
    let described = std::fs::read_to_string(&description).unwrap();
    let refuses = |words: &[&str]| refuses_in(folder.path(), &["plan", &name], 1, words);
    std::fs::write(&plan, &whole[..100]).unwrap();
    refuses(&["holds 100 bytes, its description says", "cut off or replaced"]);
    let mut other = whole.clone();
    other[50] ^= 1;
    std::fs::write(&plan, &other).unwrap();
    refuses(&["is not the plan that its description was written for"]);
    std::fs::write(&plan, &whole).unwrap();
    for (from, to, words) in [
        ("\"schema_version\": 1", "\"schema_version\": 9", "9"),
        ("\"layer\": 3", "\"layer\": 4", "must list every layer in order"),
        ("\"fallbacks\"", "\"falbacks\"", "falbacks"),
        ("\"fallbacks\": [20]", "\"fallbacks\": [999]", "fallbacks: are not those of the placement"),
    ] {
        assert!(described.contains(from), "{from}");
        std::fs::write(&description, described.replacen(from, to, 1)).unwrap();
        refuses(&[&format!("{name}.json"), words]);
    }
    std::fs::remove_file(&description).unwrap();
    refuses(&["no such file", "writes a description beside every plan"]);
}

#[test]
fn a_backend_that_builds_nothing_is_refused() {
    let folder = TempDir::new().unwrap();
    let arguments = ["build-engines", "--dnns", "alexnet", "--backend", "onnxruntime"];
    refuses_in(folder.path(), &arguments, 4, &["`onnxruntime` builds no engines"]);
    let mut command = program(folder.path(), &["build-engines", "--dnns", "alexnet", "--backend", "tensorrt"]);
    let output = command.env("HAXCONN_TENSORRT_LIB", "/nonexistent/libnvinfer.so").output().unwrap();
    assert_eq!(output.status.code(), Some(4));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.starts_with("error: backend `tensorrt` is not available: "), "{stderr}");
    let mut command = program(folder.path(), &["build-engines", "--dnns", "alexnet"]);
    let output = command.env("HAXCONN_TENSORRT_LIB", "/nonexistent/libnvinfer.so").output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8(output.stderr).unwrap().starts_with("backend: sim ("));
}

/// Whether real engines can be built here; says so where not.
fn tensorrt_is_here() -> bool {
    let report = haxconn_in(&std::env::temp_dir(), &["doctor"]).stdout;
    let here = report.contains("backends: tensorrt builds");
    if !here {
        eprintln!("skipped: no TensorRT on this machine (`haxconn doctor` says more)");
    }
    here
}

fn tensorrt(folder: &Path, arguments: &str) -> Ran {
    let mut all = vec!["build-engines", "--backend", "tensorrt"];
    all.extend(arguments.split(' '));
    haxconn_in(folder, &all)
}

/// The only folder below `build/tensorrt`: this machine's platform.
fn platform_folder(folder: &Path) -> PathBuf {
    let root = folder.join("build/tensorrt");
    root.join(&names_in(&root)[0])
}

#[test]
fn tensorrt_builds_real_engines_and_knows_where_their_layers_run() {
    if !tensorrt_is_here() {
        return;
    }
    let folder = TempDir::new().unwrap();
    let convolutions = Path::new(env!("CARGO_MANIFEST_DIR")).join("convolution_characterization_prototxts");
    let five =
        (1..=5).map(|kernel| convolutions.join(format!("conv{kernel}_kernel{kernel}.prototxt")).display().to_string());
    let five = five.collect::<Vec<_>>().join(" ");
    let ran = tensorrt(folder.path(), &format!("--dnns alexnet,googlenet --prototxt {five}"));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("wrote 7 plans"), "{}", ran.stderr);
    let plans = platform_folder(folder.path()).join("fp16");
    for (network, n_layers) in [("alexnet", 21), ("googlenet", 141), ("conv3_kernel3", 2)] {
        let plan = plans.join(format!("{network}_transition_plans/{network}_gpu_transition_at_-1.plan"));
        let description = json(&plan.with_extension("plan.json"));
        let layers = description["placement"]["layers"].as_array().unwrap();
        assert_eq!(layers.len(), n_layers, "{network}");
        assert!(layers.iter().all(|layer| layer["placed"] == "gpu" && layer["engine_layer"] != ""), "{description}");
        let shown = accepts_in(folder.path(), &["plan", plan.to_str().unwrap()]);
        assert!(shown.contains("TensorRT"), "{shown}");
    }
    let again = tensorrt(folder.path(), "--dnns alexnet,googlenet");
    assert!(again.stderr.contains("wrote 0 plans") && again.stderr.contains("(2 up to date)"), "{}", again.stderr);
    let other = tensorrt(folder.path(), "--dnns alexnet --precision fp32");
    assert_eq!(other.code, 0, "{}", other.stderr);
    assert_eq!(names_in(&platform_folder(folder.path())).len(), 2, "one folder a precision, unless timings are kept");
}

#[test]
fn a_plan_of_another_tensorrt_is_refused_and_built_anew() {
    if !tensorrt_is_here() {
        return;
    }
    let folder = TempDir::new().unwrap();
    write(folder.path(), "net.prototxt", ACCEPTED_NETWORK);
    assert_eq!(tensorrt(folder.path(), "--prototxt net.prototxt").code, 0);
    let plan = platform_folder(folder.path()).join("fp16/net_transition_plans/net_gpu_transition_at_-1.plan");
    let description = plan.with_extension("plan.json");
    let mut other = json(&description);
    other["inputs"]["tensorrt"] = "TensorRT 7.1.3".into();
    std::fs::write(&description, other.to_string()).unwrap();
    refuses_in(folder.path(), &["plan", plan.to_str().unwrap()], 1, &["is a plan of TensorRT 7.1.3, but this program"]);
    let ran = tensorrt(folder.path(), "--prototxt net.prototxt");
    assert!(ran.stdout.contains("rebuilt: other TensorRT"), "{}", ran.stdout);
}

#[test]
fn tensorrt_refuses_what_this_machine_has_not() {
    if !tensorrt_is_here() {
        return;
    }
    let folder = TempDir::new().unwrap();
    let refuses = |arguments: &str, code: i32, words: &[&str]| {
        let ran = tensorrt(folder.path(), arguments);
        assert_eq!(ran.code, code, "{arguments}: {}", ran.stderr);
        assert!(words.iter().all(|word| ran.stderr.contains(word)), "{arguments}: {}", ran.stderr);
    };
    let report = haxconn_in(folder.path(), &["doctor"]).stdout;
    if report.contains("compiled for TensorRT-RTX") {
        refuses("--dnns alexnet --start dla", 4, &["this machine has no DLA", "would build these engines for the GPU"]);
        refuses("--dnns alexnet --transition 14", 4, &["this machine has no DLA"]);
        refuses("--dnns alexnet --precision int8", 2, &["TensorRT-RTX", "has no int8"]);
        refuses("--dnns alexnet --platform orin_agx", 2, &["TensorRT builds for the machine it runs on"]);
    }
    let rearranged = ACCEPTED_NETWORK.replace(
        "type: \"ReLU\" bottom: \"c1\" top: \"c1\"",
        "type: \"Permute\" bottom: \"c1\" top: \"q1\" permute_param { order: 0 order: 1 order: 3 order: 2 }",
    );
    write(folder.path(), "net.prototxt", rearranged);
    refuses("--prototxt net.prototxt", 1, &["net_gpu_transition_at_-1.plan: layer `r1`: `Permute` can't be built"]);
    assert_eq!(files(folder.path()), ["net.prototxt"]);
}

#[test]
fn a_library_of_another_version_is_refused_with_both_versions() {
    if !tensorrt_is_here() {
        return;
    }
    let folder = TempDir::new().unwrap();
    let source = write(folder.path(), "old.c", "int getInferLibVersion(void) { return 8502; }\n");
    let library = folder.path().join("libnvinfer.so");
    let compiled = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source).status();
    if !compiled.is_ok_and(|status| status.success()) {
        return eprintln!("skipped: no C compiler");
    }
    let mut command = program(folder.path(), &["build-engines", "--dnns", "alexnet", "--backend", "tensorrt"]);
    let output = command.env("HAXCONN_TENSORRT_LIB", &library).output().unwrap();
    assert_eq!(output.status.code(), Some(4));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("is TensorRT 8.5.2, but this program was compiled for TensorRT"), "{stderr}");
}
