//! What the program does with bad input: one sentence on stderr, the documented exit code, nothing on stdout and no file.
#![expect(clippy::unwrap_used, reason = "a test ends where its folder or its program can't be used")]

mod program;

use program::{ACCEPTED_NETWORK, XAVIER, refuses, refuses_in, write};
use tempfile::TempDir;

/// Refuses the network file that `text` makes, with exit code 1 and `words`, and leaves nothing beside it.
#[track_caller]
fn refuses_network(text: impl AsRef<[u8]>, words: &[&str]) {
    let folder = TempDir::new().unwrap();
    write(folder.path(), "bad.prototxt", text);
    for arguments in [
        &["schedule", "--dnns", "bad.prototxt,googlenet", "--out", "schedule.json"][..],
        &["inspect", "--dnns", "./bad.prototxt"],
    ] {
        refuses_in(folder.path(), arguments, 1, &[&["bad.prototxt:"], words].concat());
    }
    assert_eq!(program::names_in(folder.path()), ["bad.prototxt"]);
}

/// Refuses the accepted network after `from` became `to`.
#[track_caller]
fn refuses_changed_network(from: &str, to: &str, words: &[&str]) {
    assert!(ACCEPTED_NETWORK.contains(from), "{from}");
    refuses_network(ACCEPTED_NETWORK.replacen(from, to, 1), words);
}

/// Refuses the Xavier's file after `from` became `to`.
#[track_caller]
fn refuses_platform(from: &str, to: &str, words: &[&str]) {
    assert!(XAVIER.contains(from), "{from}");
    refuses_platform_file(XAVIER.replacen(from, to, 1), words);
}

#[track_caller]
fn refuses_platform_file(text: impl AsRef<[u8]>, words: &[&str]) {
    let folder = TempDir::new().unwrap();
    write(folder.path(), "bad.yaml", text);
    let words = &[&["error: bad.yaml: "], words].concat();
    refuses_in(folder.path(), &["platform", "show", "bad.yaml"], 1, words);
    refuses_in(
        folder.path(),
        &["schedule", "--dnns", "googlenet,resnet", "--platform", "bad.yaml", "--out", "schedule.json"],
        1,
        words,
    );
    assert_eq!(program::names_in(folder.path()), ["bad.yaml"]);
}

#[test]
fn files_that_hold_no_network_are_refused_at_their_place() {
    refuses_network("", &["1:1: the file is empty"]);
    refuses_network(b"\x7fELF\xff\xfe\x00\x01", &["is not text", "byte 4"]);
    refuses_network("layer {", &["1:7: the `{` opened here is never closed"]);
    refuses_network("}", &["1:1: "]);
    refuses_network("{}", &["1:1: "]);
    refuses_network("layer".repeat(100_000), &["1:"]);
    refuses_network("layer {".repeat(100_000), &["nest"]);
}

#[test]
fn wrong_layers_are_refused_with_line_column_and_layer() {
    refuses_changed_network("\"ReLU\"", "\"Frob\"", &["4:9: layer `r1`", "type `Frob` is not supported"]);
    refuses_changed_network("bottom: \"c2\" top: \"p\"", "bottom: \"nope\" top: \"p\"", &["6:", "layer `p`", "`nope`"]);
    refuses_changed_network(
        "bottom: \"data\" top: \"c1\"",
        "bottom: \"c2\" top: \"c1\"",
        &["3:", "layer `c1`", "cycle"],
    );
    refuses_changed_network("kernel_size: 3", "kernel_size: 300", &["3:", "layer `c1`", "300x300", "32x32"]);
    refuses_changed_network("kernel_size: 3", "kernel_size: -3", &["3:", "layer `c1`", "-3"]);
    refuses_changed_network(
        "kernel_size: 3",
        "kernel_size: 99999999999999999999",
        &["3:", "layer `c1`", "at most 2147483647"],
    );
    refuses_changed_network("num_output: 16", "num_output: 0", &["3:", "layer `c1`", "num_output"]);
    refuses_changed_network("dim: 32 }", "dim: 0 }", &["2:", "layer `data`"]);
    refuses_changed_network(
        "\"Softmax\" bottom: \"c2\"",
        "\"Eltwise\" bottom: \"c2\" bottom: \"data\"",
        &["6:", "layer `p`", "3x32x32", "16x28x28"],
    );
}

#[test]
fn networks_that_are_no_files_are_refused() {
    refuses(&["inspect", "--dnns", "./none.prototxt"], 1, &["./none.prototxt: no such file"]);
    refuses(&["inspect", "--dnns", "none.prototxt"], 1, &["none.prototxt: no such file"]);
    refuses(&["inspect", "--dnns", "/"], 1, &["/: is a directory, not a file"]);
    let folder = TempDir::new().unwrap();
    write(folder.path(), "file", "");
    refuses_in(folder.path(), &["inspect", "--dnns", "file/x.prototxt"], 1, &["file/x.prototxt: "]);
}

#[test]
fn dnns_needs_two_known_networks() {
    for dnns in ["googlenet", "", ",", "googlenet,", "googlenet,,resnet", " , "] {
        refuses(&["schedule", "--dnns", dnns], 2, &["`--dnns` needs at least two networks", "hint: "]);
    }
    refuses(&["schedule"], 2, &["--dnns"]);
    refuses(&["schedule", "--dnns"], 2, &["--dnns"]);
    refuses(&["inspect", "--dnns", ""], 2, &["`--dnns` needs at least one network"]);
    refuses(&["schedule", "--dnns", "googlnet,resnet"], 2, &["`googlnet`", "nearest: `googlenet`", "hint: "]);
    refuses(&["schedule", "--dnns", "resnet,réseau"], 2, &["no network is called `réseau`"]);
}

#[test]
fn wrong_platforms_are_refused_with_the_path_of_the_field() {
    refuses_platform("bytes_per_element: 2", "bytes_per_element: two", &["bytes_per_element: ", "line 8"]);
    refuses_platform("bytes_per_element: 2", "bytes_per_element: 0", &["bytes_per_element: "]);
    refuses_platform("bytes_per_element: 2", "bytes_per_elephant: 2", &["unknown field `bytes_per_elephant`"]);
    for wrong in ["-137", ".nan", ".inf", "1e999", "null", "[137]", "0"] {
        refuses_platform("{value: 137", &format!("{{value: {wrong}"), &["peak_bandwidth_gbps"]);
    }
    let time = "in_fixed_ms: {value: 0.0013";
    refuses_platform(
        time,
        "in_fixed_ms: {value: -1",
        &["accelerators[0].transition.in_fixed_ms.value: `-1` is negative"],
    );
    refuses_platform("kind: dla", "kind: tpu", &["accelerators[1].kind", "`tpu`"]);
    refuses_platform("name: dla", "name: gpu", &["accelerators[1].name", "`gpu`"]);
    refuses_platform("schema_version: 1", "schema_version: 2", &["schema_version 2 is newer"]);
    refuses_platform("schema_version: 1", "", &["schema_version: missing"]);
    let head = XAVIER.split("accelerators:\n").next().unwrap();
    refuses_platform_file(head, &["missing field `accelerators`"]);
    refuses_platform_file(format!("{head}accelerators: []\n"), &["accelerators: empty"]);
    for garbage in ["", "{{{", "- 1", "a: &x [*x]", "\t", "12"] {
        refuses_platform_file(garbage, &[]);
    }
    refuses_platform_file([0xff, 0x00], &["is not text"]);
}

#[test]
fn platforms_that_are_nowhere_are_refused() {
    refuses(&["platform", "show", "xavier"], 2, &["unknown platform `xavier`", "`xavier_agx`", "orin_agx"]);
    refuses(&["schedule", "--dnns", "alexnet,resnet", "--platform", ""], 2, &["unknown platform ``"]);
    refuses(&["platform", "show", "none.yaml"], 1, &["none.yaml: no such file"]);
    refuses(&["platform", "show", "/"], 1, &["/: is a directory, not a file"]);
}

#[test]
fn illegal_groups_are_refused() {
    let two = |groups: &str, words: &[&str]| {
        refuses(&["schedule", "--dnns", "googlenet,resnet", "--groups", groups], 2, &[&["`--groups`"], words].concat());
    };
    two("0,1", &["`googlenet` can't be cut before layer 1", "it breaks the fusion", "nearest legal cut is 2"]);
    two("0,10,24", &["`resnet101` can't be cut before layer 10", "2 tensors are live there"]);
    two("0,999", &["before layer 999"]);
    two("paper", &["`paper`", "`googlenet` only", "`resnet101`"]);
    for garbage in ["0", "", "garbage", "1.5", "0-9", "10,10", "24,10", "999999999999999999999999", "十"] {
        two(garbage, &[&format!("`{garbage}` is neither")]);
    }
}

#[test]
fn pins_that_cannot_hold_are_refused() {
    let pin = |pin: &str, words: &[&str]| {
        refuses(&["schedule", "--dnns", "googlenet,resnet", "--pin", pin], 2, &[&["`", pin], words].concat());
    };
    pin("alexnet=gpu", &["not among the networks `googlenet`, `resnet101`"]);
    pin("googlenet=tpu", &["accelerator `tpu`", "`gpu`, `dla`"]);
    pin("googlenet:0-9999=gpu", &["past the last layer", "140"]);
    pin("googlenet:140-140=dla", &["`dla` can't run layer 140 (`prob`)", "softmax"]);
    for garbage in
        ["garbage", "googlenet:9-0=gpu", "googlenet:x=gpu", "googlenet:-1-3=gpu", "=", ":=", "googlenet:0-9="]
    {
        pin(garbage, &["is not a pin", "googlenet:0-9=gpu"]);
    }
    let both = ["--pin", "googlenet:0-9=gpu", "--pin", "googlenet:0-9=dla"];
    refuses(&[&["schedule", "--dnns", "googlenet,resnet"], &both[..]].concat(), 2, &["both hold for group 0-9"]);
}

#[test]
fn pins_beyond_the_transition_limit_leave_no_schedule() {
    let pins = ["--pin", "googlenet:0-9=gpu", "--pin", "googlenet:38-52=dla", "--max-transitions", "0"];
    let folder = TempDir::new().unwrap();
    let arguments = [&["schedule", "--dnns", "googlenet,resnet", "--out", "schedule.json"], &pins[..]].concat();
    refuses_in(folder.path(), &arguments, 3, &["`googlenet` needs at least 1 transition", "limit of 0"]);
    assert_eq!(program::names_in(folder.path()), [""; 0]);
}

#[test]
fn bad_usage_is_refused_with_exit_code_2() {
    let schedule = |flags: &[&str], words: &[&str]| {
        refuses(&[&["schedule", "--dnns", "googlenet,resnet"], flags].concat(), 2, words);
    };
    for limit in ["-1", "x", "5h", "1e400", "nan", "inf", "", " ", "s", "99999999999999999999", "1 s", "1s1s"] {
        schedule(&["--time-limit", limit], &["--time-limit", limit]);
    }
    schedule(&["--max-transitions=x"], &["--max-transitions", "expected a whole number or `unlimited`"]);
    schedule(&["--max-transitions", "-1"], &["--max-transitions", "expected a whole number or `unlimited`"]);
    schedule(&["--seed", "-1"], &["--seed", "-1"]);
    schedule(&["--objective", "fun"], &["--objective", "makespan", "throughput"]);
    schedule(&["--policy", "fun"], &["--policy", "gpu-only"]);
    schedule(&["--format", "xml"], &["--format", "json"]);
    schedule(&["--contention", "table"], &["`--contention`", "`gpu` of `xavier_agx`", "`table`"]);
    schedule(&["--out", "x", "--html", "x"], &["`--out` and `--html` name the same file x"]);
    schedule(&["--frobnicate"], &["--frobnicate"]);
    schedule(&["more"], &["more"]);
    refuses(&["frobnicate"], 2, &["frobnicate"]);
    refuses(&["check"], 2, &["<SCHEDULE>"]);
    let run = |flags: &[&str], words: &[&str]| {
        refuses(&[&["run-multi", "--backend", "sim", "--dnns", "googlenet,resnet"], flags].concat(), 2, words);
    };
    run(&["--iterations", "0"], &["--iterations"]);
    run(&["--warm-up", "-1"], &["--warm-up"]);
    run(&["--warm-up", "600001"], &["--warm-up"]);
    run(&["--policy", "fun"], &["--policy", "herald"]);
    run(&["--engine-mode", "fun"], &["--engine-mode", "transition"]);
    run(&["--out", "x", "--trace", "x"], &["`--out` and `--trace` name the same file x"]);
    run(&["--schedule", "s.json", "--pin", "googlenet=gpu"], &["--schedule", "--pin"]);
    run(&["--iterations", "1000000"], &["`--iterations 1000000`", "hint: use at most `--iterations "]);
    refuses(&["run-multi"], 2, &["--dnns"]);
    refuses(&["run-multi", "--backend", "sim", "--dnns", "googlenet"], 2, &["`--dnns` needs at least two networks"]);
}

#[test]
fn a_backend_that_nobody_has_is_refused() {
    refuses(&["run-multi", "--dnns", "googlenet,resnet", "--backend", "abacus"], 2, &["--backend", "sim", "tensorrt"]);
}
