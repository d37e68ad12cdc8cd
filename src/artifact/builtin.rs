//! What ships inside the binary: platforms and profiles, found by name. A user's own file of the same name, in
//! `platforms/` or `profiles/` of the working folder, wins; the caller is told which one it was.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use super::{Found, Origin, read_platform, read_profile, read_text, sha256};
use crate::platform::Platform;
use crate::profile::NetworkProfile;

/// Name and text of every embedded platform, the default one first.
const PLATFORMS: [(&str, &str); 3] = [
    ("xavier_agx", include_str!("../../platforms/xavier_agx.yaml")),
    ("orin_agx", include_str!("../../platforms/orin_agx.yaml")),
    ("orin_agx_2dla", include_str!("../../platforms/orin_agx_2dla.yaml")),
];

/// File stem (network, `_`, platform) and text of every embedded profile.
const PROFILES: [(&str, &str); 1] =
    [("googlenet_xavier_agx", include_str!("../../profiles/googlenet_xavier_agx.json"))];

/// Names of the embedded platforms, the default one first.
pub fn platform_names() -> Vec<&'static str> {
    PLATFORMS.iter().map(|(name, _)| *name).collect()
}

/// The embedded platform called `name`, whatever files there are.
pub fn platform(name: &str) -> Result<Platform> {
    match embedded(&PLATFORMS, name) {
        Some(text) => read_platform(text, &format!("built-in platform `{name}`")),
        None => bail!("no built-in platform `{name}`; there are {}", platform_names().join(", ")),
    }
}

/// The embedded profile of `network` on `platform`, whatever files there are.
pub fn profile(network: &str, platform: &str) -> Result<NetworkProfile> {
    let stem = format!("{network}_{platform}");
    match embedded(&PROFILES, &stem) {
        Some(text) => read_profile(text, &format!("built-in profile `{stem}`")),
        None => bail!("no built-in profile `{stem}`"),
    }
}

/// The platform that `wanted` names: a file where it has a slash or ends in `.yaml` or `.yml`, else
/// `platforms/NAME.yaml` in `folder`, else an embedded one.
pub fn find_platform(wanted: &str, folder: &Path) -> Result<Found<Platform>> {
    let extension = Path::new(wanted).extension().and_then(|extension| extension.to_str());
    if wanted.contains('/') || matches!(extension, Some("yaml" | "yml")) {
        return read(Origin::File(wanted.into()), wanted, None, read_platform);
    }
    let file = folder.join("platforms").join(format!("{wanted}.yaml"));
    match choose(file, wanted, embedded(&PLATFORMS, wanted)) {
        Some(origin) => read(origin, wanted, embedded(&PLATFORMS, wanted), read_platform),
        None => bail!("unknown platform `{wanted}`{}", nearest(wanted)),
    }
}

/// The profile of `network` on `platform`: `profiles/NETWORK_PLATFORM.json` in `folder`, else an embedded one, else
/// none.
pub fn find_profile(network: &str, platform: &str, folder: &Path) -> Result<Option<Found<NetworkProfile>>> {
    let stem = format!("{network}_{platform}");
    let file = folder.join("profiles").join(format!("{stem}.json"));
    let Some(origin) = choose(file, &stem, embedded(&PROFILES, &stem)) else { return Ok(None) };
    let found = read(origin, &stem, embedded(&PROFILES, &stem), read_profile)?;
    let NetworkProfile { network: for_network, platform: for_platform, .. } = &found.value;
    if for_network != network || for_platform != platform {
        bail!("{}: is a profile of `{for_network}` on `{for_platform}`, which its name denies", found.origin);
    }
    Ok(Some(found))
}

fn embedded(table: &[(&str, &'static str)], name: &str) -> Option<&'static str> {
    table.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// The user's file where there is one, else the built-in; neither where there is neither.
fn choose(file: PathBuf, name: &str, embedded: Option<&str>) -> Option<Origin> {
    if file.exists() { Some(Origin::File(file)) } else { embedded.map(|_| Origin::BuiltIn(name.to_owned())) }
}

/// Reads from `origin`. A file that only repeats the embedded text of `name` counts as the built-in.
fn read<T>(origin: Origin, name: &str, embedded: Option<&str>, parse: fn(&str, &str) -> Result<T>) -> Result<Found<T>> {
    let text = match &origin {
        Origin::File(path) => read_text(path)?,
        Origin::BuiltIn(_) => embedded.unwrap_or_default().to_owned(),
    };
    let origin = if embedded == Some(&*text) { Origin::BuiltIn(name.to_owned()) } else { origin };
    let value = parse(&text, &origin.to_string())?;
    let hides_builtin = embedded.is_some() && matches!(origin, Origin::File(_));
    Ok(Found { value, sha256: sha256(text.as_bytes()), hides_builtin, origin, notes: Vec::new() })
}

/// Which names there are, the most similar ones first.
fn nearest(wanted: &str) -> String {
    let mut names = platform_names();
    names.sort_by(|a, b| strsim::jaro_winkler(b, wanted).total_cmp(&strsim::jaro_winkler(a, wanted)));
    format!("; did you mean `{}`? There are {}, or give the path of a platform file", names[0], names.join(", "))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::platform::{Accelerator, ContentionCurve, SupportRules};
    use crate::units::GigabytesPerSecond;

    #[test]
    fn the_orins_second_core_is_like_its_first_one() {
        let [one, two] = ["orin_agx", "orin_agx_2dla"].map(|name| platform(name).unwrap());
        // Paths of numbers begin with the core's name.
        let alike = |dla: &Accelerator| Accelerator { name: String::new(), stated: Vec::new(), ..dla.clone() };
        assert_eq!(one.accelerators[0], two.accelerators[0]);
        assert_eq!(alike(&one.accelerators[1]), alike(&two.accelerators[1]));
        assert_eq!(alike(&one.accelerators[1]), alike(&two.accelerators[2]));
        assert_eq!((one.peak_bandwidth, one.sharing_efficiency), (two.peak_bandwidth, two.sharing_efficiency));
    }

    #[test]
    fn every_embedded_platform_has_the_name_of_its_file_and_a_gpu_that_runs_everything_before_its_dla() {
        for name in platform_names() {
            let platform = platform(name).unwrap();
            assert_eq!(platform.name, name);
            let accelerators: Vec<_> = platform.accelerators.iter().map(|accelerator| &*accelerator.name).collect();
            let expected: &[&str] = if name == "orin_agx_2dla" { &["gpu", "dla0", "dla1"] } else { &["gpu", "dla"] };
            assert_eq!(accelerators, expected);
            assert_eq!(platform.accelerators[0].rules, SupportRules::Everything);
            assert!(platform.accelerators[1..].iter().all(|dla| dla.rules != SupportRules::Everything));
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

    #[test]
    fn every_file_of_the_profile_folder_is_embedded_and_of_the_network_and_platform_in_its_name() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        let files = std::fs::read_dir(folder.join("profiles")).into_iter().flatten();
        let paths = files.map(|file| file.unwrap().path()).filter(|path| path.extension().is_some_and(|e| e == "json"));
        let mut stems: Vec<_> = paths.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
        stems.sort();
        let mut embedded: Vec<_> = PROFILES.iter().map(|(stem, _)| (*stem).to_owned()).collect();
        embedded.sort();
        assert_eq!(stems, embedded);
        for (stem, text) in PROFILES {
            let profile = read_profile(text, stem).unwrap();
            assert_eq!(stem, format!("{}_{}", profile.network, profile.platform));
        }
    }

    #[test]
    fn an_unknown_platform_names_the_nearest_one() {
        let message = find_platform("xavier", Path::new("/nonexistent")).unwrap_err().to_string();
        let expected = "unknown platform `xavier`; did you mean `xavier_agx`? There are xavier_agx, orin_agx_2dla, \
                        orin_agx, or give the path of a platform file";
        assert_eq!(message, expected);
    }

    #[test]
    fn a_users_platform_of_the_same_name_wins_and_says_so_unless_it_is_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let found = find_platform("xavier_agx", folder.path()).unwrap();
        assert_eq!((found.origin, found.hides_builtin), (Origin::BuiltIn("xavier_agx".into()), false));
        let path = folder.path().join("platforms/xavier_agx.yaml");
        crate::artifact::write_text(&path, PLATFORMS[0].1).unwrap();
        assert!(!find_platform("xavier_agx", folder.path()).unwrap().hides_builtin);
        crate::artifact::write_text(&path, &PLATFORMS[0].1.replace("title: NVIDIA", "title: My")).unwrap();
        let found = find_platform("xavier_agx", folder.path()).unwrap();
        assert_eq!((&found.origin, found.hides_builtin), (&Origin::File(path.clone()), true));
        assert_eq!(found.value.title, "My Jetson AGX Xavier");
        assert_eq!(found.sha256, found.value.content_hash);
        assert_eq!(find_platform(path.to_str().unwrap(), Path::new("/")).unwrap().value, found.value);
    }

    #[test]
    fn a_path_to_no_platform_file_is_refused() {
        let message = find_platform("platforms/none.yaml", Path::new("/")).unwrap_err().to_string();
        assert_eq!(message, "platforms/none.yaml: no such file");
    }

    #[test]
    fn a_profile_is_found_by_network_and_platform_and_refused_under_another_name() {
        let folder = tempfile::tempdir().unwrap();
        assert!(find_profile("tiny", "mine", folder.path()).unwrap().is_none());
        let text = r#"{"schema_version": 1, "network": {"name": "tiny", "title": "Tiny", "hash": "ab"},
            "platform": {"name": "mine", "hash": null}, "backend": "b", "precision": "fp16", "power_mode": null,
            "launch_ms": {}, "sources": [], "groups": [{"layers": [0, 1], "costs": {"gpu": {
            "t_ms": {"value": 1, "provenance": "measured"}, "demand_gbps": {"value": 1, "provenance": "measured"},
            "in_ms": {"value": 0, "provenance": "measured"}, "out_ms": {"value": 0, "provenance": "measured"}}}}]}"#;
        crate::artifact::write_text(&folder.path().join("profiles/tiny_mine.json"), text).unwrap();
        crate::artifact::write_text(&folder.path().join("profiles/huge_mine.json"), text).unwrap();
        let found = find_profile("tiny", "mine", folder.path()).unwrap().unwrap();
        assert_eq!((&*found.value.network, found.hides_builtin), ("tiny", false));
        let message = find_profile("huge", "mine", folder.path()).unwrap_err().to_string();
        assert!(
            message.ends_with("huge_mine.json: is a profile of `tiny` on `mine`, which its name denies"),
            "{message}"
        );
    }

    proptest! {
        #[test]
        fn no_curve_rises_or_jumps_in_the_external_demand(own in 0.0..210.0, y in 0.0..210.0, step in 0.0..1.0) {
            for accelerator in platform_names().into_iter().flat_map(|name| platform(name).unwrap().accelerators) {
                let speed = |y| accelerator.contention.relative_speed(GigabytesPerSecond(own), GigabytesPerSecond(y));
                let drop = speed(y) - speed(y + step);
                // The steepest is Xavier's GPU at an own demand of 210 GB/s: (210 - 41.9) x 1.11 / 45.3 = 4.12 % per GB/s.
                prop_assert!((-1e-12..=0.0412 * step + 1e-12).contains(&drop), "{} {own} {y} {drop}", accelerator.name);
                prop_assert!((speed(0.0) - 1.0).abs() < 1e-12);
            }
        }
    }
}
