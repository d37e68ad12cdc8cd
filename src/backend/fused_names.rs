//! Names of an engine's layers. TensorRT fuses layers and joins their names; what it adds by itself it names after the
//! layer beside it. Here such a name is taken apart into the network's layers.

use std::collections::HashMap;

use crate::network::Network;

/// What a layer of an engine does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Computes layers of the network.
    Work,
    /// Changes a tensor's format beside a layer (`reformatter`, `Reformatting CopyNode`).
    Reformat,
    /// Copies a tensor (`copy`: a concatenation's input, for one).
    Copy,
    /// Hands data to the DLA, takes it back or waits for it (`to nvm`, `from nvm`, `finish`).
    DlaTransfer,
}

/// Layers of the network in a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// One layer, by index.
    Layer(usize),
    /// What lies between two layers, both included: the name tells only the ends.
    Range {
        /// The first one named.
        first: usize,
        /// The last one named.
        last: usize,
    },
}

/// A name taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FusedName {
    /// What it does.
    pub role: Role,
    /// The layers that it names, in its order; empty where it names none of the network's.
    pub parts: Vec<Part>,
}

/// The names of a network's layers, to look for in others.
pub struct LayerNames<'n>(HashMap<&'n str, usize>);

impl<'n> LayerNames<'n> {
    /// The names of `network`.
    pub fn of(network: &'n Network) -> Self {
        Self(network.layers.iter().enumerate().map(|(idx, layer)| (layer.name.as_str(), idx)).collect())
    }

    /// Takes `name` apart. The network's own names go before all other readings, longer ones before shorter ones, so
    /// that a name which holds a `+` or a `,` of its own is found.
    pub fn split(&self, name: &str) -> FusedName {
        let name = name.trim();
        let (role, of) = if self.layer(name).is_some() { (Role::Work, name) } else { role(name) };
        let mut parts = Vec::new();
        self.collect(of, &mut parts, MAX_DEPTH);
        FusedName { role, parts }
    }

    /// The layer called `name`, or that an engine layer of `name` was made for.
    fn layer(&self, name: &str) -> Option<usize> {
        let exact = |name: &str| self.0.get(name).copied();
        exact(name).or_else(|| exact(without_helper(name))).or_else(|| exact(without_compiler_suffix(name)))
    }

    fn collect(&self, text: &str, parts: &mut Vec<Part>, depth: usize) {
        let text = text.trim();
        if let Some(layer) = self.layer(text) {
            parts.push(Part::Layer(layer));
        } else if depth == 0 {
            // Deeper than any name that TensorRT writes.
        } else if let Some(ends) = enclosed(text, "{ForeignNode[", "]}").or_else(|| enclosed(text, "ForeignNode[", "]"))
        {
            self.collect_range(ends, parts, depth);
        } else if let Some(inner) = enclosed(text, "{", "}").or_else(|| enclosed(text, "PWN(", ")")) {
            self.collect(inner, parts, depth - 1);
        } else {
            self.collect_list(text, parts, depth - 1);
        }
    }

    /// `a...b`, at any `...` that stands between two known names.
    fn collect_range(&self, text: &str, parts: &mut Vec<Part>, depth: usize) {
        let ends = text
            .match_indices("...")
            .find_map(|(at, dots)| Some((self.layer(text[..at].trim())?, self.layer(text[at + dots.len()..].trim())?)));
        match ends {
            Some((first, last)) => parts.push(Part::Range { first, last }),
            None => self.collect_list(text, parts, depth - 1),
        }
    }

    /// Names joined by `+`, `||` or `,`. Pieces that only together are a name are put together again.
    fn collect_list(&self, text: &str, parts: &mut Vec<Part>, depth: usize) {
        let pieces = pieces(text);
        if pieces.len() < 2 {
            return;
        }
        let mut next = 0;
        while next < pieces.len() {
            let begin = pieces[next].0;
            let joined = |last: &usize| self.layer(text[begin..pieces[*last].1].trim()).is_some();
            let farthest = pieces.len().min(next + MAX_JOINED);
            let last = (next + 1..farthest).rev().find(joined).unwrap_or(next);
            self.collect(&text[begin..pieces[last].1], parts, depth);
            next = last + 1;
        }
    }
}

/// How deep names are nested in what TensorRT writes, with room to spare.
const MAX_DEPTH: usize = 8;

/// Most separators that one layer's own name may hold.
const MAX_JOINED: usize = 8;

/// What the words around a name say of it, and the name without them.
fn role(name: &str) -> (Role, &str) {
    if let Some(rest) = name.strip_prefix("Reformatting CopyNode for ") {
        return (Role::Reformat, rest.split_once(" to ").map_or("", |(_, layer)| layer));
    }
    for (words, role) in [
        (" input reformatter", Role::Reformat),
        (" output reformatter", Role::Reformat),
        (" to nvm", Role::DlaTransfer),
        (" from nvm", Role::DlaTransfer),
        (" copy finish", Role::DlaTransfer),
        (" finish", Role::DlaTransfer),
        (" copy", Role::Copy),
    ] {
        let numbered = name.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end();
        if let Some(layer) = name.strip_suffix(words).or_else(|| numbered.strip_suffix(words)) {
            return (role, layer);
        }
    }
    (Role::Work, name)
}

fn enclosed<'t>(text: &'t str, open: &str, close: &str) -> Option<&'t str> {
    text.strip_prefix(open)?.strip_suffix(close)
}

/// `X padding` and `X coefficient 1` are what this program adds for a layer X where TensorRT needs several.
fn without_helper(name: &str) -> &str {
    let numbered = name.trim_end_matches(|c: char| c.is_ascii_digit());
    name.strip_suffix(" padding").or_else(|| numbered.strip_suffix(" coefficient ")).unwrap_or(name)
}

/// `X_U7_myl0_6` is what TensorRT's compiler makes of X: the suffix numbers its operation, graph and node.
fn without_compiler_suffix(name: &str) -> &str {
    let Some((stem, _)) = name.rsplit_once("_myl") else { return name };
    match stem.rsplit_once("_U") {
        Some((layer, number)) if number.bytes().all(|byte| byte.is_ascii_digit()) => layer,
        _ => stem,
    }
}

/// Begin and end of what stands between separators outside of brackets.
fn pieces(text: &str) -> Vec<(usize, usize)> {
    let (mut pieces, mut begin, mut depth, mut at) = (Vec::new(), 0, 0_usize, 0);
    while let Some(c) = text[at..].chars().next() {
        match c {
            '{' | '(' | '[' => depth += 1,
            '}' | ')' | ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        let separator = SEPARATORS.iter().find(|separator| depth == 0 && text[at..].starts_with(**separator));
        if let Some(separator) = separator {
            pieces.push((begin, at));
            begin = at + separator.len();
            at = begin;
        } else {
            at += c.len_utf8();
        }
    }
    pieces.push((begin, text.len()));
    pieces
}

const SEPARATORS: [&str; 3] = [" + ", " || ", ","];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::network::caffe;

    /// A chain of ReLU layers of these names.
    fn network(names: &[&str]) -> Network {
        let mut text = "input: \"data\" input_dim: 1 input_dim: 1 input_dim: 1 input_dim: 1\n".to_owned();
        let mut bottom = "data";
        for name in names {
            text += &format!("layer {{ name: \"{name}\" type: \"ReLU\" bottom: \"{bottom}\" top: \"{name}\" }}\n");
            bottom = name;
        }
        caffe::parse(&text, "chain", "chain").unwrap()
    }

    #[track_caller]
    fn check(names: &[&str], name: &str, role: Role, parts: &[Part]) {
        let network = network(names);
        assert_eq!(LayerNames::of(&network).split(name), FusedName { role, parts: parts.to_vec() }, "{name}");
    }

    const PLAIN: [&str; 5] = ["a", "b", "c/1x1", "d", "prob"];

    fn layers<const N: usize>(layers: [usize; N]) -> [Part; N] {
        layers.map(Part::Layer)
    }

    #[test]
    fn fusions_of_every_version_are_taken_apart() {
        for (name, parts) in [
            ("a", &layers([0])[..]),
            ("a + b", &layers([0, 1])),
            ("a || b", &layers([0, 1])),
            ("a + b || c/1x1 + d", &layers([0, 1, 2, 3])),
            ("{a,b,c/1x1}", &layers([0, 1, 2])),
            ("{a}", &layers([0])),
            ("PWN(a)", &layers([0])),
            ("PWN(PWN(a), b)", &layers([0, 1])),
            ("a + PWN(PWN(b), c/1x1) + d", &layers([0, 1, 2, 3])),
            ("{ForeignNode[a...d]}", &[Part::Range { first: 0, last: 3 }]),
            ("c/1x1_U7_myl0_6", &layers([2])),
            ("prob_myl0_90", &layers([4])),
            ("a padding", &layers([0])),
            ("b coefficient 1 + b", &layers([1, 1])),
            ("__myl_CastMulMove_myl0_3", &[]),
            ("", &[]),
        ] {
            check(&PLAIN, name, Role::Work, parts);
        }
    }

    #[test]
    fn what_tensorrt_adds_is_told_from_the_work() {
        let cases = [
            ("Reformatting CopyNode for Input Tensor 0 to a + b", Role::Reformat, &layers([0, 1])[..]),
            ("Reformatting CopyNode for Output Tensor 0 to prob", Role::Reformat, &layers([4])),
            ("prob input reformatter 0", Role::Reformat, &layers([4])),
            ("{a,b} output reformatter 0", Role::Reformat, &layers([0, 1])),
            ("a copy", Role::Copy, &layers([0])),
            ("data to nvm", Role::DlaTransfer, &[]),
            ("data copy finish", Role::DlaTransfer, &[]),
            ("prob from nvm", Role::DlaTransfer, &layers([4])),
            ("{ForeignNode[a...d]} finish", Role::DlaTransfer, &[Part::Range { first: 0, last: 3 }]),
        ];
        for (name, role, parts) in cases {
            check(&PLAIN, name, role, parts);
        }
    }

    #[test]
    fn names_with_separators_of_their_own_are_found() {
        let hostile = ["a + b", "a", "x,y", "a...b", "b", "copy", "m copy"];
        check(&hostile, "a + b", Role::Work, &layers([0]));
        check(&hostile, "a + b + a", Role::Work, &layers([0, 1]));
        check(&hostile, "{x,y,b}", Role::Work, &layers([2, 4]));
        check(&hostile, "{ForeignNode[a...b...b]}", Role::Work, &[Part::Range { first: 3, last: 4 }]);
        check(&hostile, "m copy", Role::Work, &layers([6]));
        check(&hostile, "m copy copy", Role::Copy, &layers([6]));
    }

    proptest! {
        #[test]
        fn no_name_makes_it_panic(name in "[ab{}()\\[\\],+|. PWN_myl0U…]{0,60}") {
            let network = network(&["a", "b", "a + b"]);
            let split = LayerNames::of(&network).split(&name);
            prop_assert!(split.parts.len() <= name.len());
        }
    }
}
