//! Every form of every version, in fixtures laid out as TensorRT's own reporting code does it, and what is refused.

use proptest::prelude::*;

use super::*;
use crate::backend::{EngineSamples, LayerSamples, RunPlan};
use crate::units::{Milliseconds, Percent};

macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!("../../../tests/fixtures/trtexec/", $name))
    };
}

const NAMES: [&str; 5] = ["conv1 + relu1 input reformatter 0", "conv1 + relu1", "pool1", "ip1 || ip2", "prob"];
const MEANS: [f64; 5] = [0.0223, 0.0831, 0.0263, 0.1255, 0.0061];

fn log(text: &str) -> Log {
    match read(text) {
        Ok(Document::Log(log)) => *log,
        other => panic!("{other:?}"),
    }
}

fn profile(text: &str) -> Profile {
    match read(text) {
        Ok(Document::Profile(profile)) => profile,
        other => panic!("{other:?}"),
    }
}

/// Names and means, which a version prints to within `step`.
#[track_caller]
fn check_profile(profile: &Profile, has_median: bool, step: f64) {
    assert_eq!(profile.iterations, 12);
    assert_eq!(profile.entries.iter().map(|entry| &*entry.name).collect::<Vec<_>>(), NAMES);
    for (entry, mean) in profile.entries.iter().zip(MEANS) {
        assert!((entry.mean.0 - mean).abs() <= step, "{entry:?}");
        assert_eq!(entry.median.is_some(), has_median);
    }
    assert!((profile.total.0 - MEANS.iter().sum::<f64>()).abs() <= step, "{profile:?}");
    assert!(profile.unlisted().0.abs() <= 3.0 * step, "{profile:?}");
}

#[test]
fn logs_of_every_version_are_read() {
    // The table of 7.1 has two decimals: of the sum over 12 runs, too.
    let coarse = 0.006 / 12.0;
    for (text, generation, has_median, step, was_profiled) in [
        (fixture!("7.1.log"), "TensorRT 7.1", false, coarse, Some(true)),
        (fixture!("7.2.log"), "TensorRT 7.2", false, 1e-4, Some(false)),
        (fixture!("8.2.log"), "TensorRT 8.2.1", false, 1e-4, Some(false)),
        (fixture!("8.4.log"), "TensorRT 8.4.1", true, 1e-4, Some(false)),
        (fixture!("8.5.log"), "TensorRT 8.5.2", true, 1e-4, Some(false)),
        (fixture!("8.6.log"), "TensorRT 8.6.1", true, 1e-4, Some(false)),
        (fixture!("8.6.verbose.log"), "TensorRT 8.6.1", true, 1e-4, Some(false)),
        (fixture!("10.log"), "TensorRT 10.3.0", true, 1e-4, Some(false)),
        (fixture!("11.log"), "TensorRT 11.1.0", true, 1e-4, Some(false)),
    ] {
        let log = log(text);
        assert_eq!(log.generation.to_string(), generation);
        let compute = log.compute.as_ref().unwrap();
        assert_eq!((compute.mean, compute.median), (Some(Milliseconds(0.2633)), Milliseconds(0.262)), "{generation}");
        assert_eq!(compute.percentiles.last().unwrap().0, Percent(99.0));
        assert_eq!(log.latency.as_ref().unwrap().mean, Some(Milliseconds(0.3)));
        assert_eq!(log.enqueue.as_ref().unwrap().median, Milliseconds(0.06));
        assert_eq!((log.runs, log.throughput), (Some(45), Some(3308.6)));
        let averages: Vec<_> = log.averages.iter().map(|average| (average.runs, average.compute.0)).collect();
        assert_eq!(averages, [(15, 0.2631), (15, 0.2634), (15, 0.2634)]);
        assert_eq!(log.was_profiled(), was_profiled, "{generation}");
        check_profile(log.profile.as_ref().unwrap(), has_median, step);
    }
}

#[test]
fn a_log_without_a_banner_is_of_a_range_of_versions() {
    let check = |text: &str, shown: &str| {
        let bare: Vec<&str> = text.lines().filter(|line| !line.contains("TensorRT")).collect();
        assert_eq!(log(&bare.join("\n")).generation.to_string(), shown);
    };
    check(fixture!("7.1.log"), "TensorRT 7.1");
    check(fixture!("7.2.log"), "TensorRT 7.2");
    check(fixture!("8.2.log"), "TensorRT 8.0 to 8.2");
    check(fixture!("8.4.log"), "TensorRT 8.4 to 8.5");
    check(fixture!("8.5.log"), "TensorRT 8.5");
    check(fixture!("11.log"), "TensorRT 8.6 or newer");
}

#[test]
fn a_verbose_log_explains_its_figures_and_lists_its_options() {
    let verbose = log(fixture!("8.6.verbose.log"));
    assert_eq!((verbose.throughput, verbose.was_profiled()), (Some(3308.6), Some(false)));
    // Before 8.4 the options tell; a log of unknown version with a table doesn't, and 7.1 has no separate run.
    let options = |text: &str| {
        let kept = |line: &&str| !line.starts_with("&&&&");
        log(&text.lines().filter(kept).collect::<Vec<_>>().join("\n")).was_profiled()
    };
    let listed = |options: &str| fixture!("8.2.log").replacen('\n', &format!("\n{options}"), 1);
    assert_eq!(options(&listed("[I] Profile: Enabled\n[I] Separate profiling: Enabled\n")), Some(false));
    assert_eq!(options(&listed("[I] Profile: Enabled\n[I] Separate profiling: Disabled\n")), Some(true));
    assert_eq!(options(&listed("[I] Export profile to JSON file: x.json\n")), Some(true));
    assert_eq!(options(&listed("[I] Profile: Disabled\n[I] Export profile to JSON file: \n")), Some(false));
    assert_eq!(options(fixture!("8.2.log")), None);
    let times = fixture!("7.1.log").replace("--dumpProfile", "--exportTimes=x.json");
    assert_eq!(log(&times).was_profiled(), Some(true));
    let indented: String =
        fixture!("8.6.verbose.log").lines().fold(String::new(), |text, line| text + "    " + line + "\n");
    assert_eq!(log(&indented).compute, verbose.compute);
}

#[test]
fn profiles_are_read_with_quotes_in_names_and_after_a_program_wrote_them_anew() {
    check_profile(&profile(fixture!("7.1.profile")), false, 1e-6);
    check_profile(&profile(fixture!("8.4.profile")), true, 1e-6);
    assert_eq!(profile(fixture!("quoted.profile")).entries[2].name, r#"pool "1" {max}, "x""#);
    let escaped = r#"[{"count": 2}, {"averageMs": 1.5, "name": "a \"b\"", "percentage": 100, "timeMs": 3}]"#;
    assert_eq!(profile(escaped).entries[0].name, r#"a "b""#);
    let of_nothing =
        "[\n  { \"count\" : 1 }\n, { \"name\" : \"a\", \"timeMs\" : 0, \"averageMs\" : 0, \"percentage\" : -nan }\n]\n";
    assert_eq!(profile(of_nothing).entries[0].mean, Milliseconds(0.0));
}

#[test]
fn times_are_put_where_they_belong() {
    for (text, generation, includes_warm_up) in [
        (fixture!("7.1.times"), "TensorRT 7.1 to 7.2", Some(true)),
        (fixture!("8.2.times"), "TensorRT 8.0 to 8.2", Some(true)),
        (fixture!("8.5.times"), "TensorRT 8.4 or newer", None),
    ] {
        let Ok(Document::Times(times)) = read(text) else { panic!("{generation}") };
        assert_eq!((times.generation.to_string(), times.includes_warm_up), (generation.to_owned(), includes_warm_up));
        assert_eq!(times.runs.len(), 6);
        // The enqueueing comes first, and takes 0.06 ms in every version; 7 exchanges its names with the input's.
        let run = times.runs[3];
        assert!((run.enqueue[1].0 - run.enqueue[0].0 - 0.06).abs() < 2e-3, "{run:?}");
        assert!((run.input[0].0 - run.enqueue[0].0 - 0.01).abs() < 2e-3, "{run:?}");
        assert_eq!(run.compute_time, Milliseconds(0.2636));
        let n_counted = if includes_warm_up.is_some() { 5 } else { 6 };
        assert_eq!(times.compute_after(Milliseconds(200.0)).len(), n_counted);
    }
}

#[test]
fn layer_information_is_read_with_and_without_details() {
    let check = |text: &str, kinds: [Option<&str>; 2]| {
        let Ok(Document::LayerInformation(information)) = read(text) else { panic!("{text}") };
        let layers: Vec<_> = information.layers.iter().map(|layer| (&*layer.name, layer.kind.as_deref())).collect();
        assert_eq!(layers[..2], [("conv1 + relu1", kinds[0]), ("{ForeignNode[pool1...ip2]}", kinds[1])]);
        assert_eq!(information.bindings, ["data", "prob"]);
    };
    check(fixture!("names.layers"), [None, None]);
    check(fixture!("detailed.layers"), [Some("CaskConvolution"), Some("DLA")]);
}

#[test]
fn what_is_cut_off_mixed_or_foreign_is_refused_with_its_line() {
    let check = |text: &str, words: &str| {
        let message = read(text).unwrap_err().to_string();
        assert!(message.contains(words), "{message}\ninstead of\n{words}");
    };
    let old = fixture!("7.1.log");
    let new = fixture!("8.6.log");
    check("", "1: expected a log, profile, times or layer information of trtexec, found an empty file");
    check(
        "RAM 1/2MB\n",
        "1: expected a summary with the GPU's compute time, or a table of layers, found nothing of it",
    );
    let until = |text: &'static str, words: &str| text.split_inclusive(words).next().unwrap();
    check(
        until(old, "max: 0.298 ms"),
        "21: expected `mean: X ms` in the block `GPU Compute`, found a block without it",
    );
    check(until(old, "GPU latency: 0.2634 ms"), "found the end of the log: it was cut off");
    check(
        until(new, "ip1 || ip2"),
        "expected a row of the table, or its `Total`, found the end of the log: it was cut off",
    );
    check(until(new, "percentile(95%) ="), "expected");
    check(&new.replace("0.1255       0.1255", "0.12551.56 0.13"), "expected a row of the table, or its `Total`");
    check(&format!("{new}{new}"), "logs of several runs are mixed");
    check(
        &old.replace("mean: 0.2633 ms", "mean: 0,2633 ms"),
        "a number, with a decimal point, in ms, found `0,2633 ms`",
    );
    check(&old.replace("mean: 0.2633 ms", "mean: 0.26mean: 0.2633 ms"), "a number, with a decimal point, in ms");
    check(&new.replace("Layer", "Schicht"), "the headings `Layer`, `Time`, `Avg.` and `Time %` of the table");
    check(
        "&&&& RUNNING TensorRT.trtexec # x\n[I] hello\n&&&& FAILED TensorRT.trtexec # x\n",
        "3: expected the log of a run",
    );
    // Before the table, which stands at the end, the summary is whole already.
    check(until(new, "Total GPU Compute Time: 0.0118485 s\n"), "expected `&&&& PASSED ..`, with which a log ends");
    let (before, after) = old.split_once("[11/24/2025-10:20:30] [I] === Profile").unwrap();
    let end = after.split_once("&&&&").unwrap().1;
    check(&format!("{before}&&&&{end}"), "expected the table of layers that was asked for");
    let profile = fixture!("7.1.profile");
    check(until(profile, "ip1 ||"), "6: expected a name between quotes, with `,` or `}` after it");
    check(until(profile, "\"percentage\" : 47.66"), "expected `,` or `}` after a value, found the end of the file");
    check(profile.trim_end().trim_end_matches(']'), "expected a further layer, or `]` at the end of the profile");
    check(&profile.replace(": 12 }", ": 0 }"), "2: expected `{ \"count\" : N }` with the number of runs, N at least 1");
    check(
        &profile.replace("\"timeMs\" : 0.2676", "\"timeMs\" : -0.2676"),
        "a `timeMs` that is a time, found `{ \"name\"",
    );
    check("[ { \"count\" : 12 } ]", "expected at least one layer");
    check(&profile.replace(']', "] x"), "the end of the file after `]`");
    let times = fixture!("8.5.times");
    check(until(times, "\"startH2dMs\""), "2: expected `:` after a key, found the end of the file");
    check(&times.replace("\"computeMs\" : 0.2635", "\"computeMs\" : nan"), "a `computeMs` that is a time");
    check("{\"Layers\": [1]}", "expected layers with names, found `Layers[0]` without one");
    check("{\"Layers\"", "1: expected JSON, found a fault");
}

#[test]
fn what_is_written_is_read_back() {
    let times = |base: f64| (0..40).map(|run| Milliseconds(base + f64::from(run) * 1e-4)).collect::<Vec<_>>();
    let samples = EngineSamples {
        compute: times(0.25),
        enqueue: times(0.05),
        layers: NAMES
            .iter()
            .zip(MEANS)
            .map(|(name, mean)| LayerSamples { name: (*name).to_owned(), times: times(mean) })
            .collect(),
    };
    let plan = RunPlan { iterations: 40, warm_up: Milliseconds(200.0), duration: Milliseconds(0.0), average_runs: 10 };
    let exported = profile(&write_profile(&samples, SIMULATOR));
    let log = log(&write_log(&samples, &plan, SIMULATOR, None, "profile layers"));
    assert_eq!(log.compute.as_ref().unwrap().mean, Some(Milliseconds(0.25195)));
    assert_eq!((log.runs, log.averages.len(), log.averages[3].compute), (Some(40), 4, Milliseconds(0.25345)));
    for (idx, mean) in MEANS.iter().enumerate() {
        let mean = mean + 0.00195;
        assert!((exported.entries[idx].mean.0 - mean).abs() < 1e-6, "{exported:?}");
        assert!((log.profile.as_ref().unwrap().entries[idx].mean.0 - mean).abs() < 1e-4, "{log:?}");
    }
    assert_eq!(exported.iterations, 40);
    assert_eq!((exported.program.as_deref(), log.program.as_deref()), (Some(SIMULATOR), Some(SIMULATOR)));
}

#[test]
fn warnings_inside_the_table_are_passed_over() {
    for name in [fixture!("7.1.log"), fixture!("8.6.log")] {
        let plain = log(name);
        for warning in ["[W] [TRT] Using default stream", "[11/24/2025-10:20:30] [V] [TRT] Total 3 4 5"] {
            let lines = name.lines().flat_map(|line| {
                let before = line.contains("pool1").then_some(warning);
                before.into_iter().chain([line])
            });
            let with_warning = lines.collect::<Vec<_>>().join("\n");
            assert_eq!(log(&with_warning), plain);
        }
    }
}

#[test]
fn a_log_of_a_million_runs_is_short_enough_to_be_read() {
    let times = vec![Milliseconds(0.25); 1_000_000];
    let samples = EngineSamples { compute: times.clone(), enqueue: times, layers: Vec::new() };
    let plan = RunPlan { iterations: 1, warm_up: Milliseconds(0.0), duration: Milliseconds(0.0), average_runs: 1 };
    let device = LoggedDevice { name: "board".into(), compute_capability: Some("8.7".into()) };
    let text = write_log(&samples, &plan, SIMULATOR, Some(&device), "");
    assert!(text.len() < 4 << 20 && text.contains("[I] ... Omitting 980000 lines\n"), "{}", text.len());
    let log = log(&text);
    assert_eq!((log.runs, log.averages.len(), log.device), (Some(1_000_000), 20_000, Some(device)));
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "(\\[|\\]|\\{|\\}|\"name\" : \"|\"timeMs\" : |\"count\" : |, |\n|nan|1\\.5|é|=== Profile \\(3 iterations \\) ===|   Time\\(ms\\)     Avg.\\(ms\\)   Median\\(ms\\)   Time\\(%\\)   Layer|GPU Compute|mean: |GPU Compute Time: min = |Total| ms){0,60}") {
        let _ = read(&text);
    }

    #[test]
    fn no_damage_makes_it_panic(at in 0..4000_usize, with in "\\PC{0,4}") {
        for text in [fixture!("7.1.log"), fixture!("8.6.log"), fixture!("7.1.profile"), fixture!("8.2.times"), fixture!("detailed.layers")] {
            let at = at % text.len();
            let _ = read(&format!("{}{with}{}", &text[..at], &text[at..]));
            let _ = read(&text[..at]);
            let _ = read(&text[at..]);
        }
    }
}
