//! Whether a profile speaks of the network at hand.

use super::{NetworkProfile, ProfileError};
use crate::network::Network;

/// Refuses a profile of another network, of another definition of it, or of other layers.
pub fn validate(profile: &NetworkProfile, network: &Network) -> Result<(), ProfileError> {
    if profile.network != network.name {
        return Err(ProfileError::OtherName { profiled: profile.network.clone(), given: network.name.clone() });
    }
    let n_profiled = profile.groups.last().map_or(0, |group| group.layers.last);
    if n_profiled != network.layers.len() {
        return Err(ProfileError::LayerCount {
            network: network.name.clone(),
            last_profiled: n_profiled.saturating_sub(1),
            last_layer: network.layers.len().saturating_sub(1),
        });
    }
    if profile.network_hash != network.content_hash {
        return Err(ProfileError::OtherNetwork {
            network: network.name.clone(),
            profiled: profile.network_hash.clone(),
            given: network.content_hash.clone(),
        });
    }
    Ok(())
}
