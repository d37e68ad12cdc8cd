//! Names of an engine's layers. TensorRT fuses layers and joins their names; what it adds by itself it names after the
//! layer beside it. Here such a name is taken apart into the network's layers.

use std::collections::HashMap;

use crate::network::Network;

/// What a layer of an engine does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Computes layers of the network.
    Work,
    /// Changes a tensor's format or shape beside a layer (`reformatter`, `Reformatting CopyNode`, `reshape_after_`).
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
        /// The end with the lower index.
        first: usize,
        /// The end with the higher index, or the same.
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
        let (role, of) = if self.layer(name).is_some() { (Role::Work, name) } else { self.role(name) };
        let mut parts = Vec::new();
        self.collect(of, &mut parts, MAX_DEPTH);
        FusedName { role, parts }
    }

    /// The layer called `name`, or that an engine layer of `name` was made for.
    fn layer(&self, name: &str) -> Option<usize> {
        let ours = |name: &str| self.0.get(name).or_else(|| self.0.get(without_helper(name))).copied();
        ours(name).or_else(|| stems(name).find_map(ours))
    }

    /// What the words around a name say of it, and the name without them.
    fn role<'t>(&self, name: &'t str) -> (Role, &'t str) {
        if let Some(rest) = name.strip_prefix("Reformatting CopyNode for ") {
            return (Role::Reformat, rest.split_once(" to ").map_or("", |(_, layer)| layer));
        }
        if let Some(rest) = name.strip_prefix("shuffle_between_") {
            let mut after = rest.match_indices("_and_").map(|(at, and)| &rest[at + and.len()..]);
            return (Role::Reformat, after.find(|layer| self.layer(layer).is_some()).unwrap_or(""));
        }
        if let Some(layer) = RESHAPES.iter().find_map(|words| name.strip_prefix(words)) {
            return (Role::Reformat, layer);
        }
        // The words belong to the last name of a fusion where that is one of the network's.
        let last = pieces(name, true).last().map_or(name, |&(begin, end)| name[begin..end].trim());
        if self.layer(last).is_some() { (Role::Work, name) } else { role_by_suffix(name) }
    }

    fn collect(&self, text: &str, parts: &mut Vec<Part>, depth: usize) {
        let text = text.trim();
        if let Some(layer) = self.layer(text) {
            parts.push(Part::Layer(layer));
            return;
        }
        let Some(depth) = depth.checked_sub(1) else { return };
        let joined = pieces(text, true);
        if joined.len() > 1 {
            self.collect_list(text, &joined, parts, depth);
        } else if let Some(ends) = enclosed(text, "{ForeignNode[", "]}").or_else(|| enclosed(text, "ForeignNode[", "]"))
        {
            match self.range(ends, depth) {
                Some(range) => parts.push(range),
                // A node of one layer, or of one fusion.
                None => self.collect(ends, parts, depth),
            }
        } else if let Some(inner) = enclosed(text, "{", "}").or_else(|| enclosed(text, "PWN(", ")")) {
            self.collect(inner, parts, depth);
        } else {
            // Brackets of the network's own names need not be closed.
            self.collect_list(text, &pieces(text, false), parts, depth);
        }
    }

    /// `a...b`, at any `...` that stands between two known names, else between two fusions of known names.
    fn range(&self, text: &str, depth: usize) -> Option<Part> {
        let dots = text.char_indices().filter(|&(at, _)| text[at..].starts_with("...")).take(MAX_JOINED);
        let sides: Vec<_> = dots.map(|(at, _)| (text[..at].trim(), text[at + 3..].trim())).collect();
        let names = |&(before, after): &(&str, &str)| Some((self.layer(before)?, self.layer(after)?));
        let fusions = |&(before, after): &(&str, &str)| {
            let (before, after) = (self.fusion(before, depth), self.fusion(after, depth));
            Some((*before.first()?, *after.last()?))
        };
        let (one, other) = sides.iter().find_map(names).or_else(|| sides.iter().find_map(fusions))?;
        Some(Part::Range { first: one.min(other), last: one.max(other) })
    }

    /// The layers of a fusion at one end of a range.
    fn fusion(&self, text: &str, depth: usize) -> Vec<usize> {
        let mut parts = Vec::new();
        self.collect(text, &mut parts, depth.min(END_DEPTH));
        let layer = |part| match part {
            Part::Layer(layer) => Some(layer),
            Part::Range { .. } => None,
        };
        parts.into_iter().filter_map(layer).collect()
    }

    /// Names joined by separators, as [`pieces`] finds them. Pieces that only together are a name are put together again.
    fn collect_list(&self, text: &str, pieces: &[(usize, usize)], parts: &mut Vec<Part>, depth: usize) {
        let mut next = 0;
        while pieces.len() > 1 && next < pieces.len() {
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

/// How deep they are nested at an end of a range.
const END_DEPTH: usize = 3;

/// Most separators that one layer's own name may hold.
const MAX_JOINED: usize = 8;

/// What the names of shuffles begin with that TensorRT puts beside a layer.
const RESHAPES: [&str; 6] = [
    "reshape_before_",
    "reshape_after_",
    "shuffle_before_",
    "shuffle_after_",
    "squeeze_after_",
    "unsqueeze_node_after_",
];

/// What the words after a name say of it, and the name without them.
fn role_by_suffix(name: &str) -> (Role, &str) {
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

/// What TensorRT's compiler may have made `name` of. It calls what it makes of X `X_U7_myl0_6`, after its operation, graph
/// and node, and where it makes several of one layer `X_pooling_myl0_4`, after what each does.
fn stems(name: &str) -> impl Iterator<Item = &str> {
    let made = name.rsplit_once("_myl").map(|(stem, _)| stem);
    std::iter::successors(made, |stem| Some(stem.rsplit_once('_')?.0)).take(MAX_JOINED)
}

/// Begin and end of what stands between separators; outside of brackets only, where these are to be heeded.
fn pieces(text: &str, heed_brackets: bool) -> Vec<(usize, usize)> {
    let (mut pieces, mut begin, mut depth, mut at) = (Vec::new(), 0, [0_usize; 3], 0);
    while let Some(c) = text[at..].chars().next() {
        let open = !heed_brackets || depth == [0; 3];
        if let Some(separator) = SEPARATORS.iter().find(|separator| open && text[at..].starts_with(**separator)) {
            pieces.push((begin, at));
            begin = at + separator.len();
            at = begin;
            continue;
        }
        if let Some(kind) = "{([".find(c) {
            depth[kind] += 1;
        } else if let Some(kind) = "})]".find(c) {
            depth[kind] = depth[kind].saturating_sub(1);
        }
        at += c.len_utf8();
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
        let bottoms = std::iter::once(&"data").chain(names);
        let layer =
            |(top, bottom)| format!("layer {{ name: \"{top}\" type: \"ReLU\" bottom: \"{bottom}\" top: \"{top}\" }}\n");
        let layers: String = names.iter().zip(bottoms).map(layer).collect();
        let input = "input: \"data\" input_dim: 1 input_dim: 1 input_dim: 1 input_dim: 1\n";
        caffe::parse(&(input.to_owned() + &layers), "chain", "chain").unwrap()
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
            ("PWN(PWN(a), PWN(b))", &layers([0, 1])),
            ("PWN(a) + PWN(b)", &layers([0, 1])),
            ("PWN(PWN(a, PWN(b + c/1x1, d)), prob)", &layers([0, 1, 2, 3, 4])),
            ("{ForeignNode[a...d]}", &[Part::Range { first: 0, last: 3 }]),
            ("{ForeignNode[d...a]}", &[Part::Range { first: 0, last: 3 }]),
            ("{ForeignNode[c/1x1]}", &layers([2])),
            ("{ForeignNode[a + b...PWN(d)]}", &[Part::Range { first: 0, last: 3 }]),
            ("{ForeignNode[a...unknown]}", &[]),
            ("c/1x1_U7_myl0_6", &layers([2])),
            ("c/1x1_pooling_myl0_6", &layers([2])),
            ("c/1x1 padding_U7_myl0_6", &layers([2])),
            ("c/1x1_pooling", &[]),
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
            ("Reformatting CopyNode for Network Input data", Role::Reformat, &[]),
            ("shuffle_between_a_and_b", Role::Reformat, &layers([1])),
            ("reshape_after_prob", Role::Reformat, &layers([4])),
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
        check(&hostile, "b + m copy", Role::Work, &layers([4, 6]));
        let brackets = ["a(", "b)", "c]}", "d.", "e: f/g"];
        check(&brackets, "{a(,b),c]}}", Role::Work, &layers([0, 1, 2]));
        check(&brackets, "{b),e: f/g}", Role::Work, &layers([1, 4]));
        check(&brackets, "a( + e: f/g", Role::Work, &layers([0, 4]));
        check(&brackets, "{ForeignNode[d....c]}]}", Role::Work, &[Part::Range { first: 2, last: 3 }]);
    }

    proptest! {
        #[test]
        fn no_name_makes_it_panic(name in "(\\{ForeignNode\\[|\\]\\}|\\.\\.\\.|PWN\\(| \\+ |_and_|shuffle_between_|[ab{}()\\[\\],+|. _myl0U…]){0,60}") {
            let network = network(&["a", "b", "a + b"]);
            let split = LayerNames::of(&network).split(&name);
            prop_assert!(split.parts.len() <= name.len());
        }
    }
}
