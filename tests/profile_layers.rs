//! `haxconn profile layers`, `transitions` and `all`, and `haxconn read`: from the simulator's logs and from files in the
//! forms that TensorRT writes.
#![expect(clippy::unwrap_used, reason = "a test ends where its folder or its program can't be used")]

mod program;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use haxconn::network::{Network, caffe, catalog};
use haxconn::profile::{DlaTail, GOOGLENET_DLA_TAILS, GOOGLENET_GPU_LAYERS, dla_tails, gpu_layers};
use program::{SHORT, accepts_in, haxconn_in, json_in, names_in, refuses_in, write};
use serde_json::Value;
use tempfile::TempDir;

/// The times of GoogleNet's groups on Xavier's DLA, and how far off another way of rounding may put them.
const GOOGLENET_DLA: [f64; 10] = [1.056, 0.212, 0.376, 0.280, 0.202, 0.215, 0.231, 0.299, 0.223, 0.398];

fn googlenet() -> Network {
    let entry = catalog::find("googlenet").unwrap();
    caffe::parse(entry.text, entry.name, entry.title).unwrap()
}

/// `--exportProfile` of TensorRT 7.1 over 1000 runs, from names and mean times.
fn exported(entries: &[(String, f64)]) -> String {
    let all: f64 = entries.iter().map(|(_, time)| time).sum();
    let mut text = "[\n  { \"count\" : 1000 }\n".to_owned();
    for (name, time) in entries {
        let (total, percentage) = (time * 1e3, 100.0 * time / all);
        writeln!(
            text,
            ", {{ \"name\" : \"{name}\", \"timeMs\" : {total:.4}, \"averageMs\" : {time:.6}, \"percentage\" : {percentage:.5} }}"
        )
        .unwrap();
    }
    text + "]\n"
}

/// The published profile of the GPU up to the layer `end`, reformatters before their layers.
fn on_gpu(network: &Network, end: usize) -> Vec<(String, f64)> {
    let mut entries = Vec::new();
    for layer in gpu_layers(GOOGLENET_GPU_LAYERS).unwrap() {
        let idx = network.layers.iter().position(|candidate| candidate.name == layer.first_name()).unwrap();
        if idx < end {
            if layer.reformat.0 > 0.0 {
                entries.push((format!("{} input reformatter 0", layer.entry), layer.reformat.0));
            }
            entries.push((layer.entry, layer.average.0));
        }
    }
    entries
}

/// A node of the DLA, and what stands for it: its time is booked on whatever follows, which tactics decide.
fn on_dla(network: &Network, tail: &DlaTail, at_output: bool) -> Vec<(String, f64)> {
    let layers: Vec<&str> = network.layers[tail.first_dla_layer..140].iter().map(|layer| &*layer.name).collect();
    let node = format!("{{{}}}", layers.join(","));
    let named = |words: &str, time| (format!("{node}{words}"), time);
    let booked = |name: &str, time| (name.to_owned(), time);
    let (waits, finishes) = if at_output {
        (named(" output reformatter 0", tail.dla.0 - 0.008), named(" output to be reformatted 0 finish", 0.002))
    } else {
        (booked("prob input reformatter 0", tail.dla.0 - 0.008), booked("loss3/classifier finish", 0.002))
    };
    // The wait for a changed format is named for the node, that for the network's input is not.
    let mut entries = if tail.first_dla_layer == 0 {
        vec![booked("data to nvm", tail.reformat.0), named("", 0.006), booked("data copy finish", 0.017)]
    } else {
        vec![
            named(" input reformatter 0", tail.reformat.0),
            named("", 0.005),
            named(" reformatted input 0 finish", 0.001),
        ]
    };
    entries.extend([waits, finishes, booked("prob", 0.007)]);
    entries
}

/// The series of a TensorRT 7.1 board: nine transition engines and the one that is wholly on the DLA.
fn xavier_series(folder: &Path) {
    let network = googlenet();
    for (idx, tail) in dla_tails(GOOGLENET_DLA_TAILS).unwrap().iter().enumerate() {
        let mut entries = on_gpu(&network, tail.first_dla_layer);
        entries.extend(on_dla(&network, tail, idx % 2 == 0));
        let name = match tail.first_dla_layer {
            0 => "googlenet_dla_mark_at_-1.profile".to_owned(),
            cut => format!("googlenet_gpu_transition_at_{cut}.profile"),
        };
        write(folder, &name, exported(&entries));
    }
}

fn numbers<'a>(groups: &'a Value, path: &'a [&'a str]) -> impl Iterator<Item = Option<f64>> + 'a {
    groups.as_array().unwrap().iter().map(|group| path.iter().fold(group, |value, key| &value[key]).as_f64())
}

#[test]
fn groups_on_the_dla_come_from_a_boards_series() {
    let folder = TempDir::new().unwrap();
    xavier_series(&folder.path().join("series"));
    let document = json_in(folder.path(), &["profile", "layers", "--dnns", "googlenet", "--from", "series"]);
    let network = &document["networks"][0];
    let dla: Vec<Option<f64>> = numbers(&network["groups"], &["dla", "t_ms"]).collect();
    assert_eq!(dla.len(), 11);
    for (found, expected) in dla.iter().zip(GOOGLENET_DLA) {
        assert!((found.unwrap() - expected).abs() < 0.003, "{dla:?}");
    }
    // The softmax fell back, and only these engines tell its time on the GPU; the group before it is on the DLA in all.
    assert_eq!(dla[10], None);
    let gpu: Vec<Option<f64>> = numbers(&network["groups"], &["gpu", "t_ms"]).collect();
    assert!((gpu[0].unwrap() - 0.4523).abs() < 0.003 && gpu[9].is_none() && gpu[10].is_some(), "{gpu:?}");
    assert!(numbers(&network["groups"], &["dla", "half_width_ms"]).all(|half| half.is_none()));
    // The way into the DLA stands apart, and nothing is lost.
    let engine = &network["engines"][1];
    assert_eq!(engine["engine"], "googlenet_gpu_transition_at_24");
    assert!((engine["into_dla_ms"].as_f64().unwrap() - 0.0352).abs() < 1e-6, "{engine}");
    for engine in network["engines"].as_array().unwrap() {
        let parts = ["gpu_ms", "into_dla_ms", "dla_ms", "fallback_ms", "unattributed_ms"];
        let sum: f64 = parts.iter().map(|part| engine[part].as_f64().unwrap()).sum();
        assert!((sum - engine["total_ms"].as_f64().unwrap()).abs() < 1e-9, "{engine}");
    }
}

#[test]
fn what_is_named_after_another_engine_than_it_is_of_is_left_out_in_words() {
    let folder = TempDir::new().unwrap();
    xavier_series(&folder.path().join("series"));
    let series = folder.path().join("series");
    fs::copy(
        series.join("googlenet_gpu_transition_at_38.profile"),
        series.join("googlenet_dla_transition_at_38.profile"),
    )
    .unwrap();
    let ran = haxconn_in(folder.path(), &["profile", "layers", "--dnns", "googlenet", "--from", "series"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(
        ran.stderr.contains("googlenet_dla_transition_at_38.profile: layer `pool3/3x3_s2` is in a node of the DLA, but the engine's name puts it on the GPU; it was left out"),
        "{}",
        ran.stderr
    );
}

#[test]
fn two_builds_of_each_engine_give_intervals_and_the_sum_lies_within_that_of_the_whole() {
    let folder = TempDir::new().unwrap();
    let arguments =
        ["profile", "layers", "--dnns", "googlenet", "--backend", "sim", "--iterations", "50", "--repeats", "3"];
    let document = json_in(folder.path(), &arguments);
    let network = &document["networks"][0];
    let dla: Vec<f64> = numbers(&network["groups"], &["dla", "t_ms"]).flatten().collect();
    assert!(dla.len() == 10 && dla.iter().all(|time| *time > 0.0), "{dla:?}");
    assert_eq!(numbers(&network["groups"], &["dla", "half_width_ms"]).flatten().count(), 10);
    let whole = &network["tails"][0]["measured"];
    let sum: f64 = dla.iter().sum();
    let distance = (sum - whole["ms"].as_f64().unwrap()).abs();
    assert!(distance <= whole["half_width_ms"].as_f64().unwrap(), "{sum} {whole}");
}

#[test]
fn the_simulators_files_are_read_back_to_what_they_were_made_from() {
    let folder = TempDir::new().unwrap();
    let arguments = [&["profile", "all", "--dnns", "googlenet"], &SHORT[..]].concat();
    let document = json_in(folder.path(), &arguments);
    let groups = document["profiles"][0]["groups"].as_array().unwrap();
    let modelled = accepts_in(
        folder.path(),
        &["schedule", "--dnns", "googlenet,googlenet", "--profile", "output/profiles/xavier_agx/googlenet.json"],
    );
    assert!(modelled.contains("output/profiles/xavier_agx/googlenet.json"), "{modelled}");
    let network = googlenet();
    let platform = haxconn::artifact::builtin::platform("xavier_agx").unwrap();
    let rules: Vec<_> = platform.accelerators.iter().map(Into::into).collect();
    let split = haxconn::group::split(&network, &rules, &haxconn::group::GroupSpec::default()).unwrap();
    let model = haxconn::profile::model(&network, &platform, &split);
    assert_eq!(groups.len(), model.groups.len());
    for (found, expected) in groups.iter().zip(&model.groups) {
        assert_eq!(found["layers"][0], expected.layers.first);
        for (name, cost) in &expected.costs {
            let found = &found["costs"][name];
            let time = found["t_ms"]["value"].as_f64().unwrap();
            // A log has six digits of each time.
            assert!(
                (time - cost.time.value.0).abs() < 2e-5,
                "{} {name}: {time} {}",
                expected.layers,
                cost.time.value.0
            );
            assert_eq!(found["t_ms"]["provenance"], "modelled");
            let entry = found["in_ms"]["value"].as_f64().unwrap();
            assert!(
                (entry - cost.entry.value.0).abs() < 2e-4,
                "{} {name}: {entry} {}",
                expected.layers,
                cost.entry.value.0
            );
        }
    }
}

#[test]
fn a_command_that_was_killed_goes_on_where_it_was() {
    let folder = TempDir::new().unwrap();
    let arguments =
        ["profile", "layers", "--dnns", "alexnet", "--backend", "sim", "--iterations", "20", "--repeats", "1"];
    let first = accepts_in(folder.path(), &arguments);
    let logs = folder.path().join("output/logs/sim/xavier_agx/fp16/run1");
    let kept = logs.join("alexnet_gpu_transition_at_-1.log");
    let lost = logs.join("alexnet_dla_transition_at_-1.log");
    // What marks a file that was not written anew.
    let marked = format!("{}\n# kept\n", fs::read_to_string(&kept).unwrap());
    fs::write(&kept, &marked).unwrap();
    fs::remove_file(&lost).unwrap();
    assert_eq!(accepts_in(folder.path(), &arguments), first);
    assert!(lost.exists());
    assert_eq!(fs::read_to_string(&kept).unwrap(), marked);
    // Another number of runs is another measurement.
    accepts_in(
        folder.path(),
        &["profile", "layers", "--dnns", "alexnet", "--backend", "sim", "--iterations", "30", "--repeats", "1"],
    );
    assert_ne!(fs::read_to_string(&kept).unwrap(), marked);
    assert!(names_in(&folder.path().join("output")).contains(&"layer_results.json".to_owned()));
}

#[test]
fn transitions_are_measured_in_two_ways_side_by_side() {
    let folder = TempDir::new().unwrap();
    let arguments = [&["profile", "transitions", "--dnns", "googlenet"], &SHORT[..]].concat();
    let ran = haxconn_in(folder.path(), &arguments);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    // Xavier's file has 0.0013 ms + 0.0992 ms/MiB in both directions.
    for direction in
        ["GPU to DLA: 0.0013 ms + 0.0992 ms/MiB by reformats", "DLA to GPU: 0.0013 ms + 0.0992 ms/MiB by differences"]
    {
        assert!(ran.stdout.contains(direction), "{}", ran.stdout);
    }
    let document: Value =
        serde_json::from_str(&fs::read_to_string(folder.path().join("output/transition_results.json")).unwrap())
            .unwrap();
    for transition in document["networks"][0]["transitions"].as_array().unwrap() {
        for (direction, measure) in [("gpu_to_dla", "by_reformat"), ("dla_to_gpu", "by_difference")] {
            let measures = &transition[direction];
            let (Some(found), Some(mark)) = (measures[measure]["ms"].as_f64(), measures["by_mark"]["ms"].as_f64())
            else {
                continue;
            };
            assert!((found - mark).abs() < 1e-4, "{transition}");
            assert_eq!(measures["marked_bytes"], transition["crossing_bytes"]);
        }
    }
}

#[test]
fn marked_outputs_are_measured_from_logs_alone() {
    let folder = TempDir::new().unwrap();
    for (engine, mean) in [
        ("gpu_mark_at_-1", "1.9591"),
        ("dla_mark_at_-1", "3.6564"),
        ("gpu_mark_at_23", "1.9871"),
        ("dla_mark_at_23", "3.7204"),
    ] {
        write(folder.path(), &format!("logs/googlenet_{engine}.log"), summary(XAVIER, mean));
    }
    let from = ["profile", "transitions", "--dnns", "googlenet", "--from", "logs"];
    let document = json_in(folder.path(), &from);
    let transitions = document["networks"][0]["transitions"].as_array().unwrap();
    let at_24 = transitions.iter().find(|transition| transition["start"] == 24).unwrap();
    let cost = |direction: &str| at_24[direction]["by_mark"]["ms"].as_f64().unwrap();
    assert!((cost("gpu_to_dla") - 0.028).abs() < 1e-9 && (cost("dla_to_gpu") - 0.064).abs() < 1e-9, "{at_24}");
    let words = ["no run of `googlenet` tells of layers"];
    refuses_in(folder.path(), &["profile", "layers", "--dnns", "googlenet", "--from", "logs"], 1, &words);
}

#[test]
fn files_that_can_not_be_used_are_refused_in_words() {
    let folder = TempDir::new().unwrap();
    let refuses = |arguments: &[&str], code: i32, words: &[&str]| {
        refuses_in(
            folder.path(),
            &[&["profile", "layers", "--dnns", "googlenet", "--quiet"], arguments].concat(),
            code,
            words,
        );
    };
    refuses(&["--from", "nowhere"], 1, &["nowhere: no such file or folder"]);
    write(folder.path(), "mine.profile", "[]");
    refuses(
        &["--from", "mine.profile"],
        2,
        &["mine.profile: its name doesn't say which engine it is of", "hint: name it as the plan is named"],
    );
    refuses(
        &["--from", "googlenet_gpu_transition_at_10.profile"],
        1,
        &["googlenet_gpu_transition_at_10.profile: no such file or folder"],
    );
    fs::create_dir(folder.path().join("empty")).unwrap();
    refuses(&["--from", "empty"], 1, &["`--from`: no file is named after an engine of googlenet"]);
    write(folder.path(), "cut/googlenet_gpu_transition_at_10.profile", "[\n  { \"count\" : 3 }\n, { \"name\" : \"a");
    refuses(&["--from", "cut"], 1, &["cut/googlenet_gpu_transition_at_10.profile:3: expected a name between quotes"]);
    write(folder.path(), "other/googlenet_gpu_transition_at_-1.profile", exported(&[("vgg".to_owned(), 1.0)]));
    refuses(
        &["--from", "other"],
        1,
        &["no run of `googlenet` tells of layers", "no entry names a layer of `googlenet`"],
    );
    xavier_series(&folder.path().join("mixed"));
    accepts_in(
        folder.path(),
        &[
            "profile",
            "layers",
            "--dnns",
            "googlenet",
            "--backend",
            "sim",
            "--iterations",
            "5",
            "--repeats",
            "1",
            "--out",
            "mixed",
        ],
    );
    refuses(&["--from", "mixed"], 1, &["some of the files are the simulator's and some are not"]);
    refuses(&["--backend", "tensorrt"], 4, &["backend `tensorrt` can't run engines here"]);
}

#[test]
fn a_log_or_times_beside_a_profile_say_what_to_scale_to() {
    let folder = TempDir::new().unwrap();
    let network = googlenet();
    let entries = on_gpu(&network, network.layers.len());
    let total: f64 = entries.iter().map(|(_, time)| time).sum();
    let stem = "googlenet_gpu_transition_at_-1";
    let factor = |folder: &TempDir, arguments: &[&str]| {
        let from = [&["profile", "layers", "--dnns", "googlenet", "--from", "series"], arguments].concat();
        json_in(folder.path(), &from)["networks"][0]["engines"][0]["scaled_by"].as_f64()
    };
    let profile = format!("series/profiles/{stem}.profile");
    let newer = exported(&entries).replace(", \"percentage\"", ", \"medianMs\" : 0.1, \"percentage\"");
    write(folder.path(), &profile, &newer);
    assert_eq!(factor(&folder, &[]), None);
    // Its profile is another folder's: a single log of the same engine belongs to it all the same.
    let path = write(folder.path(), &format!("series/logs/{stem}.log"), include_str!("fixtures/trtexec/8.5.log"));
    assert!((factor(&folder, &[]).unwrap() - 0.2633 / total).abs() < 1e-6);
    // No version of TensorRT writes both of these.
    write(folder.path(), &profile, exported(&entries));
    let words = ["is of TensorRT 8.5.2", "of TensorRT 7.1 to 8.2", "hint: profile them apart"];
    refuses_in(folder.path(), &["profile", "layers", "--dnns", "googlenet", "--from", "series"], 1, &words);
    // The summary of TensorRT 7.1 is of the profiled runs.
    fs::write(&path, include_str!("fixtures/trtexec/7.1.log")).unwrap();
    assert_eq!(factor(&folder, &[]), None);
    fs::remove_file(path).unwrap();
    // So are its times; those of 8.2 may be.
    let path = format!("series/profiles/{stem}.times.json");
    write(folder.path(), &path, include_str!("fixtures/trtexec/7.1.times"));
    assert_eq!(factor(&folder, &["--warm-up", "200"]), None);
    write(folder.path(), &path, include_str!("fixtures/trtexec/8.2.times"));
    assert_eq!(factor(&folder, &[]), None);
    let from = ["profile", "layers", "--dnns", "googlenet", "--from", "series"];
    let too_long = [&from[..], &["--warm-up", "5000", "--quiet"]].concat();
    refuses_in(folder.path(), &too_long, 1, &["times.json: no run begins after the warm-up of 5000 ms (`--warm-up`)"]);
    // Newer ones aren't, but only their reader knows whether they hold the warm-up.
    write(folder.path(), &profile, &newer);
    write(folder.path(), &path, include_str!("fixtures/trtexec/8.5.times"));
    assert!((factor(&folder, &["--warm-up", "0"]).unwrap() - 0.26345 / total).abs() < 1e-4);
    write(folder.path(), &path, include_str!("fixtures/trtexec/8.5.times").replace(" 20", " 1"));
    let ran = haxconn_in(folder.path(), &from);
    let words = "times.json: all of its runs are counted; TensorRT 8.4 writes those of the warm-up too";
    assert!(ran.stderr.contains(words), "{}", ran.stderr);
}

#[test]
fn runs_that_slow_each_other_are_nothing_to_scale_to() {
    let folder = TempDir::new().unwrap();
    let network = googlenet();
    let newer = exported(&on_gpu(&network, network.layers.len()));
    let newer = newer.replace(", \"percentage\"", ", \"medianMs\" : 0.1, \"percentage\"");
    write(folder.path(), "series/googlenet_gpu_transition_at_-1.profile", newer);
    let log = include_str!("fixtures/trtexec/8.5.log").replace("--dumpProfile", "--dumpProfile --streams=2");
    write(folder.path(), "series/googlenet_gpu_transition_at_-1.log", log);
    let ran = haxconn_in(folder.path(), &["profile", "layers", "--dnns", "googlenet", "--from", "series"]);
    assert!(ran.stderr.contains("2 runs at a time slow each other, so its times aren't used"), "{}", ran.stderr);
}

#[test]
fn a_profile_and_a_log_of_two_folders_or_names_are_put_together_in_words() {
    let folder = TempDir::new().unwrap();
    let network = googlenet();
    let profile = exported(&on_gpu(&network, network.layers.len()));
    let newer = profile.replace(", \"percentage\"", ", \"medianMs\" : 0.1, \"percentage\"");
    let stem = "googlenet_gpu_transition_at_-1";
    let log = include_str!("fixtures/trtexec/8.5.log");
    write(folder.path(), &format!("a/profiles/{stem}.profile"), &newer);
    write(folder.path(), &format!("a/logs/{stem}.log"), log);
    write(folder.path(), &format!("b/{stem}.run2.profile"), &newer);
    write(folder.path(), &format!("b/{stem}.log"), log);
    let said =
        |from: &str| haxconn_in(folder.path(), &["profile", "layers", "--dnns", "googlenet", "--from", from]).stderr;
    assert!(said("a").contains(".log: are taken to be of the same run, by their names"), "{}", said("a"));
    assert!(said("b").contains(".log: are of different runs, by what their names have beside"), "{}", said("b"));
}

/// A log of TensorRT 8.5 of a board with this mean, without a table of layers.
fn summary(device: &str, mean: &str) -> String {
    let log = include_str!("fixtures/trtexec/8.5.log").replace(" --dumpProfile", "");
    let (log, _) = log.split_once("[11/24/2025-10:20:30] [I] === Profile").unwrap();
    let log = log.replace("mean = 0.2633 ms", &format!("mean = {mean} ms"));
    let log = log.replacen('\n', &format!("\n[I] === Device Information ===\n{device}"), 1);
    format!("{log}&&&& PASSED TensorRT.trtexec [TensorRT v8502] # trtexec\n")
}

const ORIN: &str = "[I] Selected Device: Orin\n[I] Compute Capability: 8.7\n";
const XAVIER: &str = "[I] Selected Device: Xavier\n[I] Compute Capability: 7.2\n";

#[test]
fn files_of_another_board_or_of_two_are_refused() {
    let folder = TempDir::new().unwrap();
    let marks = |arguments: &'static [&'static str]| {
        [&["profile", "transitions", "--dnns", "googlenet", "--from", "logs"], arguments].concat()
    };
    write(folder.path(), "logs/googlenet_gpu_mark_at_-1.log", summary(ORIN, "1.9591"));
    write(folder.path(), "logs/googlenet_gpu_mark_at_23.log", summary(ORIN, "1.9871"));
    let words = ["is of Orin (compute capability 8.7), which isn't `xavier_agx`", "hint: name the board"];
    refuses_in(folder.path(), &marks(&[]), 1, &words);
    accepts_in(folder.path(), &marks(&["--platform", "orin_agx"]));
    write(folder.path(), "logs/other/googlenet_gpu_mark_at_23.log", summary(XAVIER, "2.9871"));
    let words =
        ["is of Orin (compute capability 8.7)", "of Xavier (compute capability 7.2)", "hint: profile them apart"];
    refuses_in(folder.path(), &marks(&["--platform", "orin_agx"]), 1, &words);
    let read = accepts_in(folder.path(), &["read", "logs/googlenet_gpu_mark_at_23.log"]);
    assert!(read.contains("device: Orin (compute capability 8.7)"), "{read}");
}

#[test]
fn files_that_name_no_board_are_taken_for_one_in_words() {
    let folder = TempDir::new().unwrap();
    xavier_series(&folder.path().join("series"));
    let from = ["profile", "layers", "--dnns", "googlenet", "--from", "series"];
    let words = "no file says which board it is of; taken to be NVIDIA Jetson AGX Xavier (`--platform`)";
    assert!(haxconn_in(folder.path(), &from).stderr.contains(words));
    let named = [&from[..], &["--platform", "xavier_agx"]].concat();
    assert!(!haxconn_in(folder.path(), &named).stderr.contains(words));
}

#[test]
fn repeats_are_told_apart_by_their_names_and_never_lost() {
    let folder = TempDir::new().unwrap();
    let network = googlenet();
    let stem = "googlenet_gpu_transition_at_-1";
    let repeat = |name: &str, factor: f64| {
        let entries = on_gpu(&network, network.layers.len()).into_iter();
        let entries: Vec<(String, f64)> = entries.map(|(name, time)| (name, factor * time)).collect();
        write(folder.path(), &format!("series/{stem}.{name}"), exported(&entries));
    };
    repeat("run1.profile", 1.0);
    repeat("run2.profile", 1.1);
    let from = ["profile", "layers", "--dnns", "googlenet", "--from", "series"];
    let groups = json_in(folder.path(), &from)["networks"][0]["groups"].clone();
    assert_eq!(numbers(&groups, &["gpu", "half_width_ms"]).flatten().count(), 11);
    let gpu: f64 = numbers(&groups, &["gpu", "t_ms"]).flatten().sum();
    let once: f64 = on_gpu(&network, network.layers.len()).iter().map(|(_, time)| time).sum();
    assert!((gpu / once - 1.05).abs() < 1e-3, "{gpu} {once}");
    repeat("run2.json", 1.0);
    let words = ["run2.json and ", "run2.profile: both are of the same run, by their names", "hint: give each repeat"];
    refuses_in(folder.path(), &from, 1, &words);
}

#[test]
fn a_profile_needs_every_group_on_the_gpu() {
    let folder = TempDir::new().unwrap();
    xavier_series(&folder.path().join("series"));
    let words = ["layers 124-139 of `googlenet` have no time on the GPU", "googlenet_gpu_transition_at_-1"];
    let all = ["profile", "all", "--dnns", "googlenet", "--from", "series", "--quiet"];
    refuses_in(folder.path(), &all, 1, &words);
    let network = googlenet();
    write(
        folder.path(),
        "series/googlenet_gpu_transition_at_-1.profile",
        exported(&on_gpu(&network, network.layers.len())),
    );
    let ran = haxconn_in(folder.path(), &["profile", "all", "--dnns", "googlenet", "--from", "series"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.contains("GoogleNet: times 11 measured, 10 derived; demands 21 modelled"), "{}", ran.stdout);
}

#[test]
fn demands_come_from_the_best_source_that_there_is() {
    let folder = TempDir::new().unwrap();
    let simulated = ["--dnns", "googlenet", "--backend", "sim", "--iterations", "5", "--repeats", "1"];
    let sources = |document: &Value, side: &str| -> Vec<String> {
        let groups = document["networks"][0]["groups"].as_array().unwrap().iter();
        groups.filter_map(|group| group[side]["demand_source"].as_str()).map(str::to_owned).collect()
    };
    let layers = [&["profile", "layers"], &simulated[..]].concat();
    let document = json_in(folder.path(), &layers);
    assert!(sources(&document, "gpu").iter().all(|source| source == "model"), "{document}");
    json_in(folder.path(), &[&["profile", "all"], &simulated[..]].concat());
    let document = json_in(folder.path(), &[&layers[..], &["--emc", "output/emc_results.json"]].concat());
    assert!(sources(&document, "gpu").iter().all(|source| source == "emc"), "{document}");
    assert!(sources(&document, "dla").iter().all(|source| source == "ratio"), "{document}");
    // What was simulated says nothing of a board, nor one platform of another.
    xavier_series(&folder.path().join("series"));
    let from =
        ["profile", "layers", "--dnns", "googlenet", "--from", "series", "--emc", "output/emc_results.json", "--quiet"];
    refuses_in(folder.path(), &from, 1, &["output/emc_results.json: was simulated, the times were measured"]);
    let other = [&layers[..], &["--platform", "orin_agx", "--emc", "output/emc_results.json"]].concat();
    refuses_in(folder.path(), &other, 1, &["is of platform `xavier_agx`, the times are of `orin_agx`"]);
}

#[test]
fn the_makefile_of_the_scripts_calls_the_program() {
    let folder = TempDir::new().unwrap();
    let makefile = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/Makefile");
    let make = |target: &str| {
        let output = std::process::Command::new("make")
            .current_dir(folder.path())
            .arg("-f")
            .arg(&makefile)
            .args([
                target,
                &format!("HAXCONN={}", env!("CARGO_BIN_EXE_haxconn")),
                "BACKEND=sim",
                "FLAGS=--iterations 5",
            ])
            .output()
            .unwrap();
        assert!(output.status.success(), "{target}: {}", String::from_utf8_lossy(&output.stderr));
        if folder.path().join("output").exists() { names_in(&folder.path().join("output")) } else { Vec::new() }
    };
    assert!(make("layer").contains(&"layer_results.json".to_owned()));
    assert!(make("transition").contains(&"transition_results.json".to_owned()));
    assert!(make("emc").contains(&"emc_results.yaml".to_owned()));
    assert!(make("all").contains(&"profiles".to_owned()));
    assert_eq!(make("clean"), Vec::<String>::new());
}

#[test]
fn any_file_of_trtexec_is_shown() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/trtexec");
    let files: Vec<String> = names_in(&fixtures).iter().map(|name| fixtures.join(name).display().to_string()).collect();
    let arguments: Vec<&str> = ["read"].into_iter().chain(files.iter().map(String::as_str)).collect();
    let folder = TempDir::new().unwrap();
    let text = accepts_in(folder.path(), &arguments);
    for words in [
        "log of trtexec, TensorRT 8.5.2",
        "profile of 12 runs, TensorRT 7.1 to 8.2",
        "times of 6 runs, TensorRT 8.0 to 8.2",
        "layer information of 2 layers",
    ] {
        assert!(text.contains(words), "`{words}` is missing in {text}");
    }
    let document = json_in(folder.path(), &arguments);
    for file in document["files"].as_array().unwrap() {
        if file["kind"] == "log" {
            assert_eq!(
                (file["compute_mean_ms"].as_f64(), file["compute_median_ms"].as_f64()),
                (Some(0.2633), Some(0.262))
            );
            assert_eq!((file["samples"].as_array().unwrap().len(), file["layers"].as_array().unwrap().len()), (3, 5));
        }
    }
    write(folder.path(), "x.log", "no log\n");
    refuses_in(folder.path(), &["read", "x.log"], 1, &["x.log:1: expected a summary with the GPU's compute time"]);
    // What can be read is shown all the same.
    let ran = haxconn_in(folder.path(), &["read", "x.log", &files[0], "none.log"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(ran.stdout.contains("log of trtexec"), "{}", ran.stdout);
    for words in ["x.log:1: expected a summary", "none.log: no such file", "2 of 3 files can't be read"] {
        assert!(ran.stderr.contains(words), "{}", ran.stderr);
    }
}
