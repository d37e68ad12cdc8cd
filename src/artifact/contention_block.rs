//! Fitted contention curves as a platform file takes them, and as one JSON document.

use std::fmt::Write as _;

use anyhow::Result;
use serde::Serialize;

use super::field::SCHEMA_VERSION;
use super::json::to_json;
use crate::platform::{ContentionCurve, Pccs, Platform, SlowdownTable};
use crate::profile::{FittedContention, Regions};
use crate::units::GigabytesPerSecond;

/// The text of a YAML file that holds, for each of `curves`, the `contention` of its accelerator, indented as in a
/// platform file and to be put there.
pub fn contention_blocks(platform: &Platform, curves: &[FittedContention]) -> Result<String> {
    let mut text = format!(
        "# Contention curves of accelerators of {}. In a platform file, each `contention` takes the place of its \
         accelerator's.\nschema_version: {SCHEMA_VERSION}\nplatform: {}\naccelerators:\n",
        platform.title, platform.name
    );
    for fitted in curves {
        writeln!(text, "  - name: {}", fitted.accelerator)?;
        text.push_str(&contention_block(fitted)?);
    }
    Ok(text)
}

pub(super) fn contention_block(fitted: &FittedContention) -> Result<String> {
    // JSON's strings are YAML's quoted ones.
    let source = serde_json::to_string(&fitted.source)?;
    let origin = format!("provenance: {}, source: {source}", fitted.provenance);
    let mut text = "    contention:\n".to_owned();
    match &fitted.curve {
        ContentionCurve::None => return Ok("    contention: none\n".to_owned()),
        ContentionCurve::Pccs(pccs) => {
            text.push_str("      model: pccs\n");
            for (name, value, _) in pccs.parameters() {
                writeln!(text, "      {name}: {{value: {value}, {origin}}}")?;
            }
        }
        ContentionCurve::Table(table) => {
            writeln!(text, "      model: table\n      own: {:?}\n      external: {:?}", table.own, table.external)?;
            text.push_str("      speed:\n");
            for speeds in &table.speed {
                writeln!(text, "        - {speeds:?}")?;
            }
            writeln!(text, "      provenance: {}\n      source: {source}", fitted.provenance)?;
        }
    }
    Ok(text)
}

#[derive(Serialize)]
struct Document<'a> {
    schema_version: u64,
    platform: &'a str,
    grid_from: &'a str,
    accelerators: Vec<AcceleratorEntry<'a>>,
}

#[derive(Serialize)]
struct AcceleratorEntry<'a> {
    accelerator: &'a str,
    model: &'static str,
    provenance: &'static str,
    source: &'a str,
    pccs: Option<PccsEntry>,
    platform_pccs: Option<PccsEntry>,
    table: Option<TableEntry<'a>>,
    rms_error_percent: f64,
    largest_error_percent: f64,
    points: Option<RegionsEntry>,
    own_gbps: &'a [f64],
    external_gbps: &'a [f64],
    achieved_gbps: &'a [Vec<f64>],
    fitted_speed: Vec<Vec<f64>>,
}

#[derive(Serialize)]
struct PccsEntry {
    normal_bw: f64,
    intensive_bw: f64,
    mrmc: f64,
    tbwdc: f64,
    cbp: f64,
    rate: f64,
    pbw: f64,
}

#[derive(Serialize)]
struct TableEntry<'a> {
    own: &'a [f64],
    external: &'a [f64],
    speed: &'a [Vec<f64>],
}

#[derive(Serialize)]
struct RegionsEntry {
    minor: usize,
    normal: usize,
    intensive: usize,
}

/// The document of `profile contention`; `grid_from` is `sim`, `here` or the path of the grid's file.
pub fn contention_to_json(platform: &Platform, grid_from: &str, curves: &[FittedContention]) -> Result<String> {
    let accelerators = curves.iter().map(|fitted| entry(platform, fitted)).collect();
    to_json(&Document { schema_version: SCHEMA_VERSION, platform: &platform.name, grid_from, accelerators })
}

fn entry<'a>(platform: &Platform, fitted: &'a FittedContention) -> AcceleratorEntry<'a> {
    let present = platform.accelerator_index(&fitted.accelerator).map(|idx| &platform.accelerators[idx].contention);
    AcceleratorEntry {
        accelerator: &fitted.accelerator,
        model: if matches!(fitted.curve, ContentionCurve::Table(_)) { "table" } else { "pccs" },
        provenance: fitted.provenance.name(),
        source: &fitted.source,
        pccs: fitted.curve.pccs().map(pccs_entry),
        platform_pccs: present.and_then(ContentionCurve::pccs).map(pccs_entry),
        table: match &fitted.curve {
            ContentionCurve::Table(SlowdownTable { own, external, speed }) => Some(TableEntry { own, external, speed }),
            _ => None,
        },
        rms_error_percent: fitted.error.rms.0,
        largest_error_percent: fitted.error.worst.0,
        points: fitted.curve.pccs().map(|pccs| regions_entry(Regions::of(&fitted.grid, pccs))),
        own_gbps: fitted.grid.own(),
        external_gbps: fitted.grid.external(),
        achieved_gbps: fitted.grid.achieved(),
        fitted_speed: fitted.grid.own().iter().map(|&own| fitted_row(fitted, own)).collect(),
    }
}

fn pccs_entry(&Pccs { normal_bw, intensive_bw, mrmc, tbwdc, cbp, rate, pbw }: &Pccs) -> PccsEntry {
    PccsEntry { normal_bw, intensive_bw, mrmc, tbwdc, cbp, rate, pbw }
}

fn regions_entry(Regions { minor, normal, intensive }: Regions) -> RegionsEntry {
    RegionsEntry { minor, normal, intensive }
}

fn fitted_row(fitted: &FittedContention, own: f64) -> Vec<f64> {
    let speed = |&external: &f64| fitted.curve.relative_speed(GigabytesPerSecond(own), GigabytesPerSecond(external));
    fitted.grid.external().iter().map(speed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::{builtin, read_platform};
    use crate::platform::{ContentionGrid, Provenance};
    use crate::profile::ContentionModel;

    const XAVIER: &str = include_str!("../../platforms/xavier_agx.yaml");

    /// Xavier's file with `block` instead of the first contention curve.
    fn with_block(block: &str) -> String {
        let (before, rest) = XAVIER.split_once("    contention:\n").unwrap();
        let (_, after) = rest.split_once("    roofline:\n").unwrap();
        format!("{before}{block}    roofline:\n{after}")
    }

    fn fitted(model: ContentionModel, achieved: [[f64; 3]; 3]) -> FittedContention {
        let achieved = achieved.map(|row| row.to_vec()).to_vec();
        let grid = ContentionGrid::new(vec![20.0, 50.0, 80.5], vec![0.0, 20.0, 60.0], achieved).unwrap();
        FittedContention::new("gpu", grid, model, Provenance::Derived, "in \"a: b\".csv")
    }

    #[test]
    fn a_block_in_a_platform_file_is_read_to_the_same_curve() {
        for model in [ContentionModel::Pccs, ContentionModel::Table] {
            for last in [30.0, 80.4, 0.001] {
                let fitted = fitted(model, [[20.0, 20.0, 19.6], [50.0, 45.0, 30.0], [80.5, 60.0, last]]);
                let platform = read_platform(&with_block(&contention_block(&fitted).unwrap()), "pasted").unwrap();
                let gpu = &platform.accelerators[0];
                assert_eq!(gpu.contention, fitted.curve);
                assert_eq!(gpu.assumed_contention, [""; 0]);
                assert_eq!((gpu.stated[0].provenance, &gpu.stated[0].source), (Provenance::Derived, &fitted.source));
            }
        }
    }

    #[test]
    fn the_file_of_blocks_is_itself_yaml() {
        let platform = builtin::platform("xavier_agx").unwrap();
        let curves = [ContentionModel::Pccs, ContentionModel::Table]
            .map(|model| fitted(model, [[20.0, 20.0, 19.6], [50.0, 45.0, 30.0], [80.5, 60.0, 30.0]]));
        let text = contention_blocks(&platform, &curves).unwrap();
        let value: serde_yaml::Value = serde_yaml::from_str(&text).unwrap();
        assert_eq!(value["platform"], "xavier_agx");
        assert_eq!(value["accelerators"][1]["contention"]["model"], "table");
    }
}
