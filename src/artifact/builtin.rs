//! What ships inside the binary: platforms and profiles, found by name. A user's own file of the same name, in
//! `platforms/` or `profiles/` of the working folder, wins; the caller is told which one it was.

use anyhow::{Result, bail};

use super::read_platform;
use crate::platform::Platform;

/// Name and text of every embedded platform.
const PLATFORMS: [(&str, &str); 2] = [
    ("xavier_agx", include_str!("../../platforms/xavier_agx.yaml")),
    ("orin_agx", include_str!("../../platforms/orin_agx.yaml")),
];

/// Names of the embedded platforms, the default one first.
pub fn platform_names() -> Vec<&'static str> {
    PLATFORMS.iter().map(|(name, _)| *name).collect()
}

/// The embedded platform called `name`.
pub fn platform(name: &str) -> Result<Platform> {
    match PLATFORMS.iter().find(|(known, _)| *known == name) {
        Some((_, text)) => read_platform(text, &format!("built-in platform `{name}`")),
        None => bail!("no built-in platform `{name}`; there are {}", platform_names().join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::{Accelerator, ContentionCurve, SupportRules};

    #[test]
    fn every_embedded_platform_has_the_name_of_its_file_and_a_gpu_that_runs_everything_before_its_dla() {
        for name in platform_names() {
            let platform = platform(name).unwrap();
            assert_eq!(platform.name, name);
            let accelerators: Vec<_> = platform.accelerators.iter().map(|accelerator| &*accelerator.name).collect();
            assert_eq!(accelerators, ["gpu", "dla"]);
            assert_eq!(platform.accelerators[0].rules, SupportRules::Everything);
            assert_ne!(platform.accelerators[1].rules, SupportRules::Everything);
            assert_eq!(platform.content_hash.len(), 64);
        }
    }

    #[test]
    fn the_published_differences_of_the_xavier_curves_are_kept() {
        let platform = platform("xavier_agx").unwrap();
        let difference = |accelerator: &Accelerator| match &accelerator.contention {
            ContentionCurve::Pccs(pccs) => pccs.cbp - pccs.tbwdc,
            other => panic!("{other:?}"),
        };
        let differences: Vec<_> = platform.accelerators.iter().map(difference).collect();
        assert!((differences[0] - -41.9).abs() < 1e-9 && (differences[1] - 49.0).abs() < 1e-9, "{differences:?}");
    }
}
