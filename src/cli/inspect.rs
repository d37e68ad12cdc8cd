//! `haxconn inspect`: what there is to know of networks before anything is scheduled.

use super::args::{Format, InspectArguments};
use super::failure::Failure;
use super::{inputs, output};
use crate::artifact;
use crate::report::inspect::{self, Inspection};

pub(super) fn run(arguments: &InspectArguments) -> Result<(), Failure> {
    let spec = inputs::group_spec(&arguments.networks)?.unwrap_or_default();
    let networks = inputs::networks(&arguments.networks, 1)?;
    let platform = inputs::platform(&arguments.platform.platform)?;
    let remarks = networks.iter().flat_map(|network| inputs::announce("network", network));
    for remark in remarks.chain(inputs::announce("platform", &platform)) {
        output::note(arguments.output.quiet, &format!("note: {remark}"));
    }
    let rules = inputs::rules(&platform.value);
    let inspect = |network: &crate::artifact::Found<crate::network::Network>| {
        inspect::inspect(&network.value, &platform.value.name, &rules, &spec)
            .map_err(|error| inputs::refused_groups(&error))
    };
    let inspections: Vec<Inspection> = networks.iter().map(inspect).collect::<Result<_, _>>()?;
    match arguments.output.format {
        Format::Json => output::print(&artifact::inspections_to_json(inspections.iter().map(Into::into).collect())?),
        Format::Text => {
            let texts: Vec<String> = inspections.iter().map(|inspection| inspect::text(inspection, true)).collect();
            output::print(&texts.join("\n"))
        }
    }
}
