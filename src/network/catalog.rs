//! The networks that come with the program, by name.

use super::nearest;

/// A network that comes with the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name by which users call it.
    pub name: &'static str,
    /// Other names for it.
    pub aliases: &'static [&'static str],
    /// The name that people read.
    pub title: &'static str,
    /// Its prototxt.
    pub text: &'static str,
}

/// A name that no built-in network has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownNetwork {
    /// What was asked for.
    pub name: String,
    /// Names that look like it, most alike first; all names where none does.
    pub nearest: Vec<&'static str>,
}

impl std::error::Error for UnknownNetwork {}

impl std::fmt::Display for UnknownNetwork {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let quoted: Vec<_> = self.nearest.iter().map(|name| format!("`{name}`")).collect();
        write!(f, "no network is called `{}`; nearest: {}", self.name, quoted.join(", "))
    }
}

macro_rules! entry {
    ($name:literal, $aliases:expr, $title:literal, $file:literal) => {
        Entry {
            name: $name,
            aliases: &$aliases,
            title: $title,
            text: include_str!(concat!("../../prototxt_input_files/", $file, ".prototxt")),
        }
    };
}

/// Every built-in network.
pub static ENTRIES: [Entry; 12] = [
    entry!("alexnet", [], "AlexNet", "alexnet"),
    entry!("vgg16", [], "VGG16", "vgg16"),
    entry!("vgg19", [], "VGG19", "vgg19"),
    entry!("googlenet", [], "GoogleNet", "googlenet"),
    entry!("resnet18", [], "ResNet18", "resnet18"),
    entry!("resnet50", [], "ResNet50", "resnet50"),
    entry!("resnet101", ["resnet"], "ResNet101", "resnet101"),
    entry!("resnet152", [], "ResNet152", "resnet152"),
    entry!("mobilenet", ["mobilenet_v1"], "MobileNet", "mobilenet"),
    entry!("densenet", ["densenet121"], "DenseNet121", "densenet"),
    entry!("inception_v4", ["inception", "inception-v4"], "Inception-v4", "inception"),
    entry!("inc-res-v2", ["inception_resnet_v2", "inception-resnet-v2"], "Inception-ResNet-v2", "inc-res-v2"),
];

/// The built-in network called `name`, in any case.
pub fn find(name: &str) -> Result<&'static Entry, UnknownNetwork> {
    let names = |entry: &'static Entry| std::iter::once(entry.name).chain(entry.aliases.iter().copied());
    let called = |entry: &&'static Entry| names(entry).any(|known| known.eq_ignore_ascii_case(name));
    ENTRIES.iter().find(called).ok_or_else(|| {
        let mut nearest = nearest::nearest(name, ENTRIES.iter().flat_map(names));
        if nearest.is_empty() {
            nearest = ENTRIES.iter().map(|entry| entry.name).collect();
        }
        UnknownNetwork { name: name.to_owned(), nearest }
    })
}
