//! Which board this machine is.

use std::fs;

/// A board that names itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Board {
    /// As the device tree says it.
    pub(super) model: String,
    /// The shipped platform that describes it.
    pub(super) platform: Option<&'static str>,
}

/// What the device tree says of this machine; `None` where it has none, as on desktops.
pub(super) fn board() -> Option<Board> {
    Some(named(&fs::read_to_string("/proc/device-tree/model").ok()?))
}

/// Name of the platform of this machine where no file describes it.
pub(super) const HOST: &str = "host";

fn named(model: &str) -> Board {
    let model = model.trim_matches(['\0', '\n', ' ']).to_owned();
    let holds = |words: [&str; 2]| words.iter().all(|word| model.to_ascii_lowercase().contains(word));
    let platform = if holds(["agx", "orin"]) {
        Some("orin_agx")
    } else if holds(["agx", "xavier"]) || model.to_ascii_lowercase().trim_end() == "jetson-agx" {
        Some("xavier_agx")
    } else {
        None
    };
    Board { model, platform }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_boards_of_the_shipped_platforms_are_known_by_their_models() {
        assert_eq!(named("Jetson-AGX\0").platform, Some("xavier_agx"));
        assert_eq!(named("NVIDIA Jetson AGX Xavier Developer Kit\0").platform, Some("xavier_agx"));
        assert_eq!(named("NVIDIA Jetson AGX Orin Developer Kit\0").platform, Some("orin_agx"));
        assert_eq!(named("NVIDIA Jetson Orin Nano Developer Kit\0").platform, None);
        assert_eq!(named("Raspberry Pi 5\0"), Board { model: "Raspberry Pi 5".into(), platform: None });
    }
}
