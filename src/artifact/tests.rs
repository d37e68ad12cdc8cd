//! Files that were damaged at random: an answer or a sentence, never a panic.

use proptest::prelude::*;

use super::*;

/// One change of a text: at a place (a share of its length), so many bytes are replaced by these.
#[derive(Clone, Debug)]
struct Damage {
    place: f64,
    removed: usize,
    inserted: String,
}

fn damage() -> impl Strategy<Value = Damage> {
    let token = prop::sample::select(vec![
        "",
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "- ",
        "0",
        "-1",
        "1e999",
        "18446744073709551615",
        "null",
        "true",
        "~",
        ".nan",
        "\n",
        "  ",
        "\t",
        "&a",
        "*a",
        "gpu",
        "unlimited",
        "\u{0}",
        "\u{feff}",
        "ä",
        "? ",
        "|",
        "!!int ",
    ]);
    let inserted = prop_oneof![3 => token.prop_map(str::to_owned), 1 => ".{0,3}"];
    (0.0..1.0, prop_oneof![Just(0_usize), 0..4_usize, 0..400_usize], inserted)
        .prop_map(|(place, removed, inserted)| Damage { place, removed, inserted })
}

fn damaged(text: &str, damages: &[Damage]) -> String {
    let mut characters: Vec<char> = text.chars().collect();
    for Damage { place, removed, inserted } in damages {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of the length")]
        let start = (place * characters.len() as f64) as usize;
        let end = (start + removed).min(characters.len());
        characters.splice(start..end, inserted.chars());
    }
    characters.into_iter().collect()
}

/// A refusal begins with the file's name and says something after it.
fn is_answered<T>(answer: anyhow::Result<T>) -> Option<T> {
    answer
        .map_err(|error| assert!(format!("{error:#}").len() > "f: ".len() && format!("{error:#}").starts_with("f: ")))
        .ok()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_damaged_platform_is_read_or_refused(damages in prop::collection::vec(damage(), 1..4)) {
        let text = damaged(include_str!("../../platforms/xavier_agx.yaml"), &damages);
        if let Some(platform) = is_answered(read_platform(&text, "f")) {
            prop_assert!(!platform.stated_numbers().is_empty());
        }
    }

    #[test]
    fn a_damaged_workload_is_read_or_refused(damages in prop::collection::vec(damage(), 1..4)) {
        let text = damaged(workload::tests::WHOLE, &damages);
        if let Some(workload) = is_answered(read_workload(&text, "f")) {
            prop_assert!(workload.tasks.iter().all(|task| task.n_frames > 0 && task.n_instances > 0));
        }
    }

    #[test]
    fn a_damaged_profile_is_read_or_refused(damages in prop::collection::vec(damage(), 1..4)) {
        let text = damaged(profile::tests::SMALL, &damages);
        if let Some(profile) = is_answered(read_profile(&text, "f")) {
            prop_assert!(write_profile(&profile).is_ok());
        }
    }

    #[test]
    fn a_damaged_schedule_is_read_or_refused(damages in prop::collection::vec(damage(), 1..4)) {
        let text = damaged(&schedule::tests::file().to_json().unwrap(), &damages);
        if let Some(file) = is_answered(read_schedule(&text, "f")) {
            let _ = (file.decision(&schedule::tests::problem()), file.contradictions());
        }
    }
}

/// Every key at any depth of a JSON value, but for the keys of the maps called `named`, which are accelerators.
fn keys(value: &serde_json::Value, named: &[&str], found: &mut Vec<String>) {
    match value {
        serde_json::Value::Array(values) => values.iter().for_each(|value| keys(value, named, found)),
        serde_json::Value::Object(fields) => {
            for (key, value) in fields {
                found.push(key.clone());
                match value {
                    serde_json::Value::Object(by_name) if named.contains(&&**key) => {
                        by_name.values().for_each(|value| keys(value, named, found));
                    }
                    value => keys(value, named, found),
                }
            }
        }
        _ => {}
    }
}

#[test]
fn every_key_of_every_format_is_documented() {
    let formats = include_str!("../../docs/formats.md");
    let (platform, rest) = formats.split_once("## Profile").unwrap();
    let (profile, schedule) = rest.split_once("## Schedule").unwrap();
    let xavier: serde_json::Value = serde_yaml::from_str(include_str!("../../platforms/xavier_agx.yaml")).unwrap();
    let texts = [
        (platform, xavier),
        (profile, serde_json::from_str(profile::tests::SMALL).unwrap()),
        (schedule, serde_json::to_value(schedule::tests::file()).unwrap()),
    ];
    for (section, value) in texts {
        let mut found = Vec::new();
        keys(&value, &["launch_ms", "costs"], &mut found);
        assert!(found.len() > 20, "{found:?}");
        for key in found {
            let general = ["schema_version", "value", "provenance", "source"].contains(&&*key);
            let documented = section.contains(&format!("`{key}`"));
            assert!(documented || general, "`{key}` is not in its section of docs/formats.md");
        }
    }
}
