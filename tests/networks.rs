//! The twelve networks against the figures published for them, and everything that a network file can have wrong.

use haxconn::network::{LayerKind, Network, caffe, catalog};

fn built_in(name: &str) -> Network {
    let entry = catalog::find(name).unwrap_or_else(|error| panic!("{error}"));
    caffe::parse(entry.text, entry.name, entry.title).unwrap_or_else(|error| panic!("{name}:{error}"))
}

/// Layers by TensorRT 7.1's count, convolutions, fully connected layers, multiply-accumulates and parameters in millions.
const FIGURES: [(&str, usize, usize, usize, u64, u64); 12] = [
    ("alexnet", 21, 5, 3, 724, 60_965),
    ("vgg16", 37, 13, 3, 15_470, 138_358),
    ("vgg19", 41, 16, 2, 19_509, 20_854),
    ("googlenet", 141, 57, 1, 1_583, 6_999),
    ("resnet18", 92, 21, 1, 1_827, 11_684),
    ("resnet50", 228, 53, 1, 3_858, 25_504),
    ("resnet101", 449, 104, 1, 7_570, 44_444),
    ("resnet152", 670, 155, 1, 11_282, 60_041),
    ("mobilenet", 111, 28, 0, 569, 4_210),
    ("densenet", 547, 121, 0, 3_063, 7_895),
    ("inception", 636, 149, 1, 12_254, 42_617),
    ("inc-res-v2", 986, 244, 1, 13_156, 55_783),
];

#[test]
fn the_twelve_networks_have_the_published_sizes() {
    for (name, n_layers, n_convolutions, n_products, macs, parameters) in FIGURES {
        let network = built_in(name);
        let count = |wanted: fn(&LayerKind) -> bool| network.layers.iter().filter(|layer| wanted(&layer.kind)).count();
        let figures = (
            name,
            network.layers.len(),
            count(|kind| matches!(kind, LayerKind::Convolution(_))),
            count(|kind| matches!(kind, LayerKind::InnerProduct(_))),
            (network.macs() + 500_000) / 1_000_000,
            (network.parameters() + 500) / 1000,
        );
        assert_eq!(figures, (name, n_layers, n_convolutions, n_products, macs, parameters));
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "a skipped test says so")]
fn the_artifacts_own_files_are_the_same_networks() {
    let Some(checkout) = std::env::var_os("HAXCONN_ARTIFACT") else {
        println!("skipped: HAXCONN_ARTIFACT does not name a checkout of github.com/ismetdagli/HaX-CoNN");
        return;
    };
    let folder = std::path::Path::new(&checkout).join("prototxt_input_files");
    for (name, ..) in FIGURES {
        let text = std::fs::read_to_string(folder.join(format!("{name}.prototxt"))).unwrap();
        let ours = built_in(name);
        let theirs = caffe::parse(&text, &ours.name, &ours.title).unwrap_or_else(|error| panic!("{name}:{error}"));
        assert!(theirs == ours, "{name} differs from the artifact's");
    }
}
