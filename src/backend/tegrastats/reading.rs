//! One engine's reading in a line of `tegrastats`: `off`, `34%`, `@1377`, `34%@1377`, `34%@[407,407]` or `1377`.

use crate::units::{Megahertz, Percent};

/// What a line says of one engine.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Reading {
    pub(super) is_off: bool,
    pub(super) percent: Option<Percent>,
    pub(super) clocks: Vec<Megahertz>,
    /// Whether it is a clock without its `@`, which some engines have and others never do.
    pub(super) is_bare: bool,
}

/// What `word` says, in any of the forms.
pub(super) fn reading(word: &str) -> Option<Reading> {
    if word.eq_ignore_ascii_case("off") {
        return Some(Reading { is_off: true, ..Reading::default() });
    }
    let (percent, rest) = match word.split_once('%') {
        Some((percent, rest)) => (Some(share(percent)?), rest),
        None => (None, word),
    };
    let is_bare = percent.is_none() && !rest.starts_with('@');
    let clocks = match rest.strip_prefix('@') {
        Some(clocks) => clock_list(clocks)?,
        None if is_bare => vec![clock(rest)?],
        None if rest.is_empty() => Vec::new(),
        None => return None,
    };
    Some(Reading { is_off: false, percent, clocks, is_bare })
}

/// Whole hundredths. A mean over a time in which the clock fell may exceed the whole.
fn share(text: &str) -> Option<Percent> {
    number(text).filter(|share| *share < 1000).map(|share| Percent(f64::from(share)))
}

fn clock_list(text: &str) -> Option<Vec<Megahertz>> {
    match text.strip_prefix('[') {
        Some(list) => list.strip_suffix(']')?.split(',').map(clock).collect(),
        None => Some(vec![clock(text)?]),
    }
}

fn clock(text: &str) -> Option<Megahertz> {
    number(text).map(Megahertz)
}

/// A number that is all digits: signs are not for numbers here.
pub(super) fn number(text: &str) -> Option<u32> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_words_are_no_readings() {
        for word in [
            "",
            "%",
            "@",
            "@[]",
            "@[1,]",
            "[1]",
            "12%13",
            "12%@",
            "+1%",
            "-1",
            "1.5%",
            "12@13",
            "4294967296",
            "1000%",
            "\u{663}%",
        ] {
            assert_eq!(reading(word), None, "{word}");
        }
    }
}
