//! The shipped profile follows from the raw figures, and the platform's cost model from the shipped profile.

#![allow(clippy::unwrap_used, reason = "a test that fails to set up should fail")]

use haxconn::artifact::{builtin, read_profile, write_profile};
use haxconn::group::{AcceleratorRules, GroupSpec, LayerGroup, split};
use haxconn::network::{Network, caffe, catalog};
use haxconn::platform::{Platform, Provenance};
use haxconn::profile::{
    AcceleratorFit, CalibrationSources, GOOGLENET_DLA_TAILS, GOOGLENET_GPU_LAYERS, NetworkProfile, ProfileError,
    calibrate_platform, co_run, dla_tails, googlenet_on_xavier, gpu_layers, merge_groups, model, residues, validate,
};
use haxconn::report;

const SHIPPED: &str = include_str!("../profiles/googlenet_xavier_agx.json");

fn network(name: &str) -> Network {
    let entry = catalog::find(name).unwrap();
    caffe::parse(entry.text, entry.name, entry.title).unwrap()
}

fn xavier() -> Platform {
    builtin::platform("xavier_agx").unwrap()
}

fn shipped() -> NetworkProfile {
    read_profile(SHIPPED, "shipped").unwrap()
}

fn groups(network: &Network, platform: &Platform, spec: &GroupSpec) -> Vec<LayerGroup> {
    let rules: Vec<AcceleratorRules> = platform.accelerators.iter().map(AcceleratorRules::from).collect();
    split(network, &rules, spec).unwrap()
}

fn modelled(name: &str) -> NetworkProfile {
    let (network, platform) = (network(name), xavier());
    model(&network, &platform, &groups(&network, &platform, &GroupSpec::AtMost(10)))
}

fn total(profile: &NetworkProfile, accelerator: &str) -> f64 {
    profile.groups.iter().filter_map(|group| group.costs.get(accelerator)).map(|cost| cost.time.value.0).sum()
}

fn fits(platform: &Platform) -> Vec<AcceleratorFit> {
    let (googlenet, alexnet, profile) = (network("googlenet"), network("alexnet"), shipped());
    let sources = CalibrationSources { googlenet: &googlenet, googlenet_profile: &profile, alexnet: &alexnet };
    calibrate_platform(platform, sources).unwrap()
}

#[test]
fn the_shipped_profile_follows_from_the_raw_figures() {
    let (network, platform) = (network("googlenet"), xavier());
    let paper = groups(&network, &platform, &GroupSpec::Paper);
    let layers = gpu_layers(GOOGLENET_GPU_LAYERS).unwrap();
    let tails = dla_tails(GOOGLENET_DLA_TAILS).unwrap();
    let profile = googlenet_on_xavier(&network, &platform, &paper, &layers, &tails).unwrap();
    assert_eq!(write_profile(&profile).unwrap(), SHIPPED);
    validate(&shipped(), &network).unwrap();
}

#[test]
fn the_shipped_groups_are_those_of_the_paper_with_the_softmax_on_the_gpu_alone() {
    let profile = shipped();
    let starts: Vec<usize> = profile.groups.iter().map(|group| group.layers.first).collect();
    assert_eq!(starts, [0, 10, 24, 38, 53, 67, 81, 95, 110, 124, 140]);
    let gpu: Vec<f64> = profile.groups.iter().map(|group| group.costs["gpu"].time.value.0).collect();
    assert!((gpu[0] - 0.452_25).abs() < 1e-9, "{}", gpu[0]);
    let dla: Vec<f64> =
        profile.groups.iter().filter_map(|group| group.costs.get("dla")).map(|cost| cost.time.value.0).collect();
    let expected = [1.056, 0.212, 0.376, 0.280, 0.202, 0.215, 0.231, 0.299, 0.223, 0.398];
    assert_eq!(dla.len(), expected.len());
    for (time, expected) in dla.iter().zip(expected) {
        assert!((time - expected).abs() < 6e-4, "{time} is not {expected}");
    }
    assert!((total(&profile, "dla") - 3.4928).abs() < 1e-9);
}

#[test]
fn the_gpu_groups_agree_with_the_gpu_parts_of_other_engines_within_30_microseconds() {
    let layers = gpu_layers(GOOGLENET_GPU_LAYERS).unwrap();
    let tails = dla_tails(GOOGLENET_DLA_TAILS).unwrap();
    let residues = residues(&network("googlenet"), &layers, &tails).unwrap();
    let summed: Vec<f64> = residues.iter().map(|residue| residue.summed.0 - residue.engine.0).collect();
    assert_eq!(summed.len(), 9);
    assert!(summed.iter().all(|residue| residue.abs() < 0.03), "{summed:?}");
    assert!(summed.iter().skip(1).all(|residue| *residue < 0.0), "{summed:?}");
}

#[test]
fn the_platform_file_holds_what_the_calibration_finds() {
    let platform = xavier();
    for fit in fits(&platform) {
        let roofline = &platform.accelerators[platform.accelerator_index(&fit.accelerator).unwrap()].roofline;
        assert!(fit.distance(roofline) < 1e-3, "{fit:?}");
        assert_eq!(roofline.compute_gmacs.provenance, Provenance::Derived);
    }
}

#[test]
fn the_calibration_errors_are_those_that_the_readme_states() {
    let fits = fits(&xavier());
    let check = |idx: usize, name: &str, rms: f64, left_out: f64| {
        let AcceleratorFit { accelerator, fit } = &fits[idx];
        assert_eq!((accelerator.as_str(), fit.groups.len()), (name, 11));
        assert!((fit.rms_error() - rms).abs() < 5e-4, "{}", fit.rms_error());
        assert!((fit.rms_left_out_error() - left_out).abs() < 5e-4, "{}", fit.rms_left_out_error());
    };
    check(0, "gpu", 0.061, 0.130);
    check(1, "dla", 0.099, 0.320);
}

/// Published and not fitted: 8.1 ms for `GoogleNet` and `ResNet101` and 18.1 ms for `Inception-v4` and `ResNet152` one after the
/// other on the GPU, 15.6 to 17.05 ms for the modified VGG19 and `ResNet152`.
#[test]
fn sums_of_networks_that_were_not_fitted_come_within_a_tenth_of_the_published_ones() {
    let check = |names: [&str; 2], lowest: f64, highest: f64| {
        let sum: f64 = names.iter().map(|name| total(&modelled(name), "gpu")).sum();
        assert!(sum > 0.9 * lowest && sum < 1.1 * highest, "{names:?}: {sum}");
    };
    check(["googlenet", "resnet101"], 8.1, 8.1);
    check(["inception", "resnet152"], 18.1, 18.1);
    check(["vgg19", "resnet152"], 15.6, 17.05);
}

#[test]
fn every_built_in_network_has_a_modelled_profile_within_the_platforms_peak() {
    for platform in builtin::platform_names().into_iter().map(|name| builtin::platform(name).unwrap()) {
        for entry in ["googlenet", "alexnet", "vgg16", "mobilenet", "densenet", "inc-res-v2", "resnet18"] {
            let network = network(entry);
            let profile = model(&network, &platform, &groups(&network, &platform, &GroupSpec::Legal));
            validate(&profile, &network).unwrap();
            for cost in profile.groups.iter().flat_map(|group| group.costs.values()) {
                assert!(cost.demand.value.0 <= platform.peak_bandwidth.value.0, "{entry}: {cost:?}");
                assert_eq!(cost.time.provenance, Provenance::Modelled);
                assert_eq!(cost.entry.provenance, Provenance::Modelled);
                assert_eq!(cost.demand.provenance, Provenance::Derived);
            }
            write_profile(&profile).unwrap();
        }
    }
}

#[test]
fn the_simulated_co_run_is_never_faster_than_alone_and_far_below_the_published_one() {
    let co_runs = co_run(&xavier(), &network("googlenet"), &shipped(), ["gpu", "dla"]).unwrap();
    for run in &co_runs {
        assert!(run.factor() >= 1.0 - 1e-9 && run.factor() < 1.1, "{run:?}");
    }
}

#[test]
fn the_report_shows_parameters_fit_and_validation() {
    let platform = xavier();
    let layers = gpu_layers(GOOGLENET_GPU_LAYERS).unwrap();
    let tails = dla_tails(GOOGLENET_DLA_TAILS).unwrap();
    let googlenet = network("googlenet");
    let residues = residues(&googlenet, &layers, &tails).unwrap();
    let co_runs = co_run(&platform, &googlenet, &shipped(), ["gpu", "dla"]).unwrap();
    let text = report::calibration(&platform, &fits(&platform), &residues, &co_runs);
    for line in [
        "GPU 3195.4 93.51 0.01407 agrees",
        "GoogleNet 0-9 0.452 0.430 -4.9 % -9.7 %",
        "AlexNet 0-19 (unverified) 4.410 4.694 +6.4 % +94.9 %",
        "38 0.7982 0.8145 -0.0163",
        "GPU 1.935 1.971 1.02 1.69",
    ] {
        let squeezed = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(squeezed.contains(line), "{line}\nis not in\n{text}");
    }
}

#[test]
fn refuses_a_profile_of_another_network() {
    let refusal = |profile: &NetworkProfile, name: &str| validate(profile, &network(name)).unwrap_err().to_string();
    assert_eq!(refusal(&shipped(), "alexnet"), "the profile is one of `googlenet`, not of `alexnet`");
    let mut short = shipped();
    short.groups.pop();
    assert_eq!(
        refusal(&short, "googlenet"),
        "the profile of `googlenet` covers layers 0 to 139, the network has layers 0 to 140"
    );
    let other = NetworkProfile { network_hash: "ab".into(), ..shipped() };
    assert!(
        refusal(&other, "googlenet").starts_with("the profile of `googlenet` was made of another definition of it")
    );
}

#[test]
fn joined_groups_keep_the_time_the_bytes_and_the_outer_transitions() {
    let profile = shipped();
    let joined = merge_groups(&profile, &[0, 38, 110]).unwrap();
    let ranges: Vec<String> = joined.groups.iter().map(|group| group.layers.to_string()).collect();
    assert_eq!(ranges, ["0-37", "38-109", "110-139", "140-140"]);
    for name in ["gpu", "dla"] {
        assert!((total(&joined, name) - total(&profile, name)).abs() < 1e-9);
        let moved = |parts: &[haxconn::profile::GroupProfile]| -> f64 {
            parts.iter().map(|part| part.costs[name].time.value.0 * part.costs[name].demand.value.0).sum()
        };
        assert!((moved(&joined.groups[..1]) - moved(&profile.groups[..3])).abs() < 1e-9);
        assert_eq!(joined.groups[1].costs[name].entry, profile.groups[3].costs[name].entry);
        assert_eq!(joined.groups[1].costs[name].exit, profile.groups[7].costs[name].exit);
    }
    let all: Vec<usize> = profile.groups.iter().map(|group| group.layers.first).collect();
    assert_eq!(merge_groups(&profile, &all).unwrap(), profile);
}

#[test]
fn refuses_to_join_groups_at_a_layer_inside_one() {
    let refusal = merge_groups(&shipped(), &[0, 39]).unwrap_err().to_string();
    let expected = "layer 39 starts no group in the profile of `googlenet`, so its groups can't be joined to that one; \
                    leave out `--groups`, or give some of 10,24,38,53,67,81,95,110,124,140";
    assert_eq!(refusal, expected);
}

#[test]
fn refuses_raw_figures_of_another_network_or_at_other_cuts() {
    let platform = xavier();
    let layers = gpu_layers(GOOGLENET_GPU_LAYERS).unwrap();
    let tails = dla_tails(GOOGLENET_DLA_TAILS).unwrap();
    let alexnet = network("alexnet");
    let of_alexnet = groups(&alexnet, &platform, &GroupSpec::AtMost(3));
    let refusal = googlenet_on_xavier(&alexnet, &platform, &of_alexnet, &layers, &tails).unwrap_err();
    assert!(matches!(refusal, ProfileError::UnknownLayer { .. }), "{refusal}");
    let googlenet = network("googlenet");
    let elsewhere = groups(&googlenet, &platform, &GroupSpec::Cuts(vec![39]));
    let refusal = googlenet_on_xavier(&googlenet, &platform, &elsewhere, &layers, &tails).unwrap_err();
    assert!(matches!(refusal, ProfileError::NoBoundary { .. }), "{refusal}");
}
