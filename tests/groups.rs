//! The twelve networks: where they may be cut, what crosses, and the groups that come of it.
//!
//! The cut lists are facts about the networks under the rules of TensorRT 7.1, found by an analysis apart from this
//! program's; the default groups of GoogLeNet are those of the HaX-CoNN artifact.

use haxconn::artifact::builtin;
use haxconn::group::{AcceleratorRules, GroupSpec, legal_cuts, loadables, single_tensor_cuts, split, splitting_layers};
use haxconn::network::{Network, caffe, catalog};
use haxconn::platform::SupportRules;

/// Short name, number of single-tensor cuts, number of legal cuts.
const COUNTS: [(&str, usize, usize); 12] = [
    ("alexnet", 20, 13),
    ("vgg16", 36, 21),
    ("vgg19", 40, 23),
    ("googlenet", 23, 20),
    ("resnet18", 23, 12),
    ("resnet50", 39, 20),
    ("resnet101", 73, 37),
    ("resnet152", 107, 54),
    ("mobilenet", 110, 29),
    ("densenet", 82, 71),
    ("inception", 33, 24),
    ("inc-res-v2", 110, 53),
];

fn network(name: &str) -> Network {
    let entry = catalog::find(name).unwrap_or_else(|refusal| panic!("{name}: {refusal}"));
    caffe::parse(entry.text, entry.name, entry.title).unwrap_or_else(|refusal| panic!("{name}: {refusal}"))
}

fn cuts(name: &str) -> Vec<usize> {
    legal_cuts(&network(name)).iter().map(|cut| cut.layer).collect()
}

/// Layers from `first` to `last` in steps.
fn steps(first: usize, last: usize, step: usize) -> Vec<usize> {
    (first..=last).step_by(step).collect()
}

/// The DLA's rules in a platform file that ships with the program.
fn dla(platform: &str) -> SupportRules {
    let platform = builtin::platform(platform).unwrap_or_else(|refusal| panic!("{refusal}"));
    let index = platform.accelerator_index("dla").unwrap_or_else(|| panic!("no DLA"));
    platform.accelerators[index].rules.clone()
}

fn starts(name: &str, dla: &SupportRules, spec: &GroupSpec) -> Vec<usize> {
    let rules = [AcceleratorRules::new("gpu", &SupportRules::Everything), AcceleratorRules::new("dla", dla)];
    let groups = split(&network(name), &rules, spec).unwrap_or_else(|refusal| panic!("{refusal}"));
    groups.iter().map(|group| group.layers.first).collect()
}

#[test]
fn every_network_has_the_known_number_of_cuts() {
    for (name, n_single, n_legal) in COUNTS {
        let network = network(name);
        let found = (single_tensor_cuts(&network).len(), legal_cuts(&network).len());
        assert_eq!(found, (n_single, n_legal), "{name}");
    }
}

#[test]
fn chains_are_cut_between_their_fused_layers() {
    assert_eq!(cuts("alexnet"), [2, 3, 4, 6, 7, 8, 10, 12, 14, 15, 17, 19, 20]);
    let vgg16 = [2, 4, 5, 7, 9, 10, 12, 14, 16, 17, 19, 21, 23, 24, 26, 28, 30, 31, 33, 35, 36];
    assert_eq!(cuts("vgg16"), vgg16);
    let vgg19 = [2, 4, 5, 7, 9, 10, 12, 14, 16, 18, 19, 21, 23, 25, 27, 28, 30, 32, 34, 36, 37, 39, 40];
    assert_eq!(cuts("vgg19"), vgg19);
    assert_eq!(cuts("mobilenet"), [steps(4, 108, 4), vec![109, 110]].concat());
}

#[test]
fn residual_networks_are_cut_between_blocks() {
    assert_eq!(cuts("resnet18"), [4, 5, 17, 26, 38, 47, 59, 68, 80, 89, 90, 91]);
    let resnet50 = [4, 5, 21, 34, 47, 63, 76, 89, 102, 118, 131, 144, 157, 170, 183, 199, 212, 225, 226, 227];
    assert_eq!(cuts("resnet50"), resnet50);
    let early = vec![4, 5, 21, 34, 47];
    let resnet101 = [early.clone(), steps(63, 102, 13), steps(118, 404, 13), vec![420, 433, 446, 447, 448]].concat();
    assert_eq!(cuts("resnet101"), resnet101);
    let resnet152 = [early, steps(63, 154, 13), steps(170, 625, 13), vec![641, 654, 667, 668, 669]].concat();
    assert_eq!(cuts("resnet152"), resnet152);
}

#[test]
fn inception_networks_are_cut_between_modules() {
    let googlenet = [2, 3, 4, 6, 8, 9, 10, 24, 38, 39, 53, 67, 81, 95, 109, 110, 124, 138, 139, 140];
    assert_eq!(cuts("googlenet"), googlenet);
    let stem = vec![4, 8, 12, 18, 43];
    let end = vec![507, 549, 591, 633, 634, 635];
    assert_eq!(cuts("inception"), [stem, steps(49, 169, 30), steps(187, 481, 42), end].concat());
    let stem = vec![4, 8, 12, 13, 17, 21, 22];
    let blocks = [steps(52, 332, 28), steps(350, 750, 20), steps(780, 960, 20)].concat();
    assert_eq!(cuts("inc-res-v2"), [stem, blocks, vec![979, 983, 984, 985]].concat());
}

#[test]
fn densenet_is_cut_between_dense_layers() {
    let blocks = [steps(4, 5, 1), steps(14, 59, 9), vec![62, 63], steps(64, 172, 9), vec![175, 176]].concat();
    let rest = [steps(177, 393, 9), vec![396, 397], steps(398, 542, 9), vec![545, 546]].concat();
    assert_eq!(cuts("densenet"), [blocks, rest].concat());
}

#[test]
fn crossing_tensors_have_the_known_sizes() {
    let check = |name: &str, known: &[(&[usize], &str)]| {
        let cuts = legal_cuts(&network(name));
        for &(layers, mebibytes) in known {
            for layer in layers {
                let cut = cuts.iter().find(|cut| cut.layer == *layer).unwrap();
                assert_eq!(format!("{:.3}", cut.crossing.mebibytes()), mebibytes, "{name} {layer}");
            }
        }
    };
    let small: &[(&[usize], &str)] = &[(&[15], "0.018"), (&[17, 19], "0.008"), (&[20], "0.002")];
    check("alexnet", small);
    check(
        "alexnet",
        &[(&[2, 3], "0.554"), (&[4], "0.133"), (&[6, 7], "0.356"), (&[8, 14], "0.083"), (&[10, 12], "0.124")],
    );
    check("vgg19", &[(&[2, 4], "6.125"), (&[5, 12, 14, 16, 18], "1.531"), (&[7, 9], "3.062"), (&[19], "0.383")]);
    check("vgg19", &[(&[10, 21, 23, 25, 27], "0.766"), (&[28, 30, 32, 34, 36], "0.191"), (&[37], "0.016")]);
    check("googlenet", &[(&[2], "1.531"), (&[3, 4, 6, 24], "0.383"), (&[8, 9], "1.148"), (&[10], "0.287")]);
    check("googlenet", &[(&[38], "0.718"), (&[39], "0.179"), (&[53, 67, 81], "0.191"), (&[95], "0.197")]);
    check("googlenet", &[(&[109], "0.311"), (&[110, 124], "0.078"), (&[138], "0.096"), (&[139, 140], "0.002")]);
    check("resnet18", &[(&[4], "1.531"), (&[5, 17, 26], "0.383"), (&[38, 47], "0.191"), (&[59, 68], "0.096")]);
    check("resnet18", &[(&[80, 89], "0.048")]);
    let (late, last) = (steps(118, 404, 13), [420, 433, 446]);
    check("resnet101", &[(&[4, 21, 34, 47], "1.531"), (&[5, 118], "0.383"), (&[63, 76, 89, 102], "0.766")]);
    check("resnet101", &[(&late, "0.383"), (&last, "0.191")]);
    check("resnet152", &[(&steps(63, 154, 13), "0.766"), (&steps(170, 625, 13), "0.383"), (&[641, 654, 667], "0.191")]);
    check("inception", &[(&[4], "1.355"), (&[8], "1.319"), (&[12], "2.638"), (&[18], "1.626"), (&[43], "1.846")]);
    check(
        "inception",
        &[(&steps(49, 169, 30), "0.897"), (&steps(187, 481, 42), "0.564"), (&[507, 549, 591, 633], "0.188")],
    );
}

#[test]
fn the_default_groups_of_googlenet_are_the_published_ones() {
    let published = [0, 10, 24, 38, 53, 67, 81, 95, 110, 124, 140];
    assert_eq!(starts("googlenet", &dla("xavier_agx"), &GroupSpec::default()), published);
    assert_eq!(starts("googlenet", &dla("xavier_agx"), &GroupSpec::Paper), published);
    assert_eq!(starts("googlenet", &dla("orin_agx"), &GroupSpec::default()), published[..10]);
}

#[test]
fn no_network_has_more_than_ten_groups_and_its_tail() {
    for (name, ..) in COUNTS {
        let starts = starts(name, &dla("xavier_agx"), &GroupSpec::default());
        // DenseNet ends in a convolution: it has no softmax and so no tail.
        let most = if name == "densenet" { 10 } else { 11 };
        assert!((9..=most).contains(&starts.len()), "{name}: {starts:?}");
    }
}

#[test]
fn the_twelve_networks_run_whole_on_xaviers_dla_but_for_the_softmax() {
    for (name, ..) in COUNTS {
        let network = network(name);
        let whole = loadables(&network, &dla("xavier_agx"), |_| true);
        assert_eq!(whole.len(), 1, "{name}");
        let n_softmax = usize::from(name != "densenet");
        assert_eq!(whole[0].len(), network.layers.len() - n_softmax, "{name}");
        assert_eq!(splitting_layers(&network, &dla("xavier_agx")), Vec::<usize>::new(), "{name}");
    }
}

#[test]
fn published_cuts_that_break_a_fusion_are_refused_with_the_nearest_legal_ones() {
    let refusal =
        |name: &str, cut: usize| split(&network(name), &[], &GroupSpec::Cuts(vec![cut])).unwrap_err().to_string();
    assert_eq!(
        refusal("alexnet", 16),
        "`alexnet` can't be cut before layer 16 (`relu6`): it breaks the fusion `fc6` + `relu6`; \
         the nearest legal cuts are 15 and 17"
    );
    let refused = refusal("googlenet", 52);
    assert!(
        refused.starts_with("`googlenet` can't be cut before layer 52 (`inception_4a/output`): 4 tensors are live")
    );
    assert!(refused.ends_with("the nearest legal cuts are 39 and 53"));
    assert!(refusal("resnet101", 58).contains(": 2 tensors are live there ("));
}

#[test]
fn the_twelve_networks_run_whole_on_orins_dla() {
    for (name, ..) in COUNTS {
        let network = network(name);
        assert_eq!(
            loadables(&network, &dla("orin_agx"), |_| true),
            [(0..network.layers.len()).collect::<Vec<_>>()],
            "{name}"
        );
    }
}
