//! Which TensorRT wrote a file: told exactly by a banner, else as a range by how the file looks.

use std::fmt;

/// Major and minor number of a TensorRT version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u32, pub u32);

/// The versions that may have written a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generation {
    /// The oldest one.
    pub first: Version,
    /// The newest one; `None` where the form is still in use.
    pub last: Option<Version>,
    /// The whole number, where the file says it.
    pub exact: Option<String>,
}

impl Generation {
    /// Versions from `first` to `last`.
    pub(super) const fn between(first: Version, last: Version) -> Self {
        Self { first, last: Some(last), exact: None }
    }

    /// `first` and everything after it.
    pub(super) const fn since(first: Version) -> Self {
        Self { first, last: None, exact: None }
    }

    /// The generation that a banner's number means; `8502` and `8.5.2` are the same one.
    pub(super) fn of_number(number: &str) -> Option<Self> {
        let numbers: Vec<u32> = if number.contains('.') {
            number.split('.').map(|part| part.parse().ok()).collect::<Option<_>>()?
        } else {
            let whole: u32 = number.parse().ok()?;
            // Up to TensorRT 8 and 9 a number has a digit for the major version, two for the minor one from 10 on.
            match number.len() {
                4 => vec![whole / 1000, whole / 100 % 10, whole % 100],
                5 | 6 => vec![whole / 10_000, whole / 100 % 100, whole % 100],
                _ => return None,
            }
        };
        let version = Version(*numbers.first()?, *numbers.get(1)?);
        let exact = numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(".");
        Some(Self { first: version, last: Some(version), exact: Some(exact) })
    }

    /// Whether no version may have written both.
    pub fn excludes(&self, other: &Self) -> bool {
        let ends_before = |a: &Self, b: &Self| a.last.is_some_and(|last| last < b.first);
        ends_before(self, other) || ends_before(other, self)
    }

    /// Those of both; the narrower of the two where they exclude each other.
    pub(super) fn and(self, other: Self) -> Self {
        if self.exact.is_some() {
            return self;
        }
        if other.exact.is_some() {
            return other;
        }
        let last = match (self.last, other.last) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        let first = self.first.max(other.first);
        if last.is_some_and(|last| last < first) { other } else { Self { first, last, exact: None } }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.exact, self.last) {
            (Some(exact), _) => write!(f, "TensorRT {exact}"),
            (None, None) => write!(f, "TensorRT {} or newer", self.first),
            (None, Some(last)) if last == self.first => write!(f, "TensorRT {last}"),
            (None, Some(last)) => write!(f, "TensorRT {} to {last}", self.first),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_banners_are_versions() {
        let check = |number: &str, shown: &str| {
            assert_eq!(Generation::of_number(number).unwrap().to_string(), shown, "{number}");
        };
        check("7103", "TensorRT 7.1.3");
        check("8502", "TensorRT 8.5.2");
        check("100300", "TensorRT 10.3.0");
        check("101600", "TensorRT 10.16.0");
        check("10.3.0", "TensorRT 10.3.0");
        assert_eq!(Generation::of_number("v8"), None);
    }

    #[test]
    fn what_several_signs_say_is_what_all_allow() {
        let old = Generation::between(Version(7, 1), Version(8, 2));
        let newer = Generation::since(Version(7, 2));
        assert_eq!(old.clone().and(newer).to_string(), "TensorRT 7.2 to 8.2");
        let exact = Generation::of_number("7103").unwrap();
        assert_eq!(exact.clone().and(old.clone()), exact);
        assert!(exact.excludes(&Generation::since(Version(8, 4))) && !exact.excludes(&old));
        assert_eq!(old.and(Generation::since(Version(8, 6))).to_string(), "TensorRT 8.6 or newer");
    }
}
