//! The `contention` field of a platform file: `none`, PCCS parameters or a measured table.

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::field::{ProvenanceField, SourcedField, WordOr, check_amount};
use crate::platform::{ContentionCurve, Pccs, Provenance, SlowdownTable, Sourced, StatedNumber};

/// The fields of all models; which of them must be there depends on `model`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ContentionFields {
    model: Model,
    normal_bw: Option<SourcedField<f64>>,
    intensive_bw: Option<SourcedField<f64>>,
    mrmc: Option<SourcedField<f64>>,
    tbwdc: Option<SourcedField<f64>>,
    cbp: Option<SourcedField<f64>>,
    rate: Option<SourcedField<f64>>,
    pbw: Option<SourcedField<f64>>,
    own: Option<Vec<f64>>,
    external: Option<Vec<f64>>,
    speed: Option<Vec<Vec<f64>>>,
    provenance: Option<Tag>,
    source: Option<String>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Model {
    Pccs,
    Table,
}

#[derive(Deserialize)]
struct Tag(#[serde(with = "ProvenanceField")] Provenance);

/// The curve of `accelerator`, and its numbers for people; errors begin with `at`.
pub(super) fn read_contention(
    field: WordOr<ContentionFields>,
    accelerator: &str,
    at: &str,
) -> Result<(ContentionCurve, Vec<StatedNumber>)> {
    match field {
        WordOr::Word(word) if word == "none" => Ok((ContentionCurve::None, Vec::new())),
        WordOr::Word(word) => bail!("{at}: `{word}` is neither `none` nor a table that begins with `model`"),
        WordOr::Fields(fields) => match fields.model {
            Model::Pccs => fields.into_pccs(accelerator, at),
            Model::Table => fields.into_table(accelerator, at),
        },
    }
}

impl ContentionFields {
    fn into_pccs(self, accelerator: &str, at: &str) -> Result<(ContentionCurve, Vec<StatedNumber>)> {
        let foreign = [
            ("own", self.own.is_some()),
            ("external", self.external.is_some()),
            ("speed", self.speed.is_some()),
            ("provenance", self.provenance.is_some()),
            ("source", self.source.is_some()),
        ];
        refuse_foreign(&foreign, "table", at)?;
        let mut stated = Vec::new();
        let mut take = |field: Option<SourcedField<f64>>, key: &str, unit| {
            let number = required(field, key, "pccs", at)?.amount(&format!("{at}.{key}"))?;
            stated.push(number.state(format!("{accelerator}.contention.{key}"), &number.value, unit));
            Ok::<_, anyhow::Error>(number.value)
        };
        let pccs = Pccs {
            normal_bw: take(self.normal_bw, "normal_bw", "GB/s")?,
            intensive_bw: take(self.intensive_bw, "intensive_bw", "GB/s")?,
            mrmc: take(self.mrmc, "mrmc", "%")?,
            tbwdc: take(self.tbwdc, "tbwdc", "GB/s")?,
            cbp: take(self.cbp, "cbp", "GB/s")?,
            rate: take(self.rate, "rate", "% per GB/s")?,
            pbw: take(self.pbw, "pbw", "GB/s")?,
        };
        check_pccs(&pccs, at)?;
        Ok((ContentionCurve::Pccs(pccs), stated))
    }

    fn into_table(self, accelerator: &str, at: &str) -> Result<(ContentionCurve, Vec<StatedNumber>)> {
        let foreign = [
            ("normal_bw", self.normal_bw.is_some()),
            ("intensive_bw", self.intensive_bw.is_some()),
            ("mrmc", self.mrmc.is_some()),
            ("tbwdc", self.tbwdc.is_some()),
            ("cbp", self.cbp.is_some()),
            ("rate", self.rate.is_some()),
            ("pbw", self.pbw.is_some()),
        ];
        refuse_foreign(&foreign, "pccs", at)?;
        let table = SlowdownTable {
            own: required(self.own, "own", "table", at)?,
            external: required(self.external, "external", "table", at)?,
            speed: required(self.speed, "speed", "table", at)?,
        };
        check_table(&table, at)?;
        let Tag(provenance) = required(self.provenance, "provenance", "table", at)?;
        let source = required(self.source, "source", "table", at)?;
        let size = format!("{} x {} grid", table.own.len(), table.external.len());
        let stated =
            Sourced { value: (), provenance, source }.state(format!("{accelerator}.contention.speed"), &size, "");
        Ok((ContentionCurve::Table(table), vec![stated]))
    }
}

fn required<T>(field: Option<T>, key: &str, model: &str, at: &str) -> Result<T> {
    field.with_context(|| format!("{at}.{key}: missing; model `{model}` needs it"))
}

fn refuse_foreign(fields: &[(&str, bool)], model: &str, at: &str) -> Result<()> {
    match fields.iter().find(|(_, present)| *present) {
        Some((key, _)) => bail!("{at}.{key}: belongs to model `{model}`"),
        None => Ok(()),
    }
}

/// With no negative parameter the curve can't rise in the external demand; what is left can contradict itself.
fn check_pccs(pccs: &Pccs, at: &str) -> Result<()> {
    let Pccs { normal_bw, intensive_bw, mrmc, pbw, rate, cbp, .. } = *pccs;
    if normal_bw > intensive_bw {
        bail!("{at}.normal_bw.value: `{normal_bw}` is above intensive_bw `{intensive_bw}`");
    }
    if pbw == 0.0 {
        bail!("{at}.pbw.value: is zero, must be above");
    }
    if mrmc > 100.0 {
        bail!("{at}.mrmc.value: `{mrmc}` is above 100 percent");
    }
    if rate > 0.0 && cbp == 0.0 {
        bail!("{at}.cbp.value: is zero, so that nothing would slow down; use `contention: none` for that");
    }
    Ok(())
}

fn check_table(table: &SlowdownTable, at: &str) -> Result<()> {
    check_axis(&table.own, &format!("{at}.own"))?;
    check_axis(&table.external, &format!("{at}.external"))?;
    if table.external[0] != 0.0 {
        bail!("{at}.external[0]: `{}` is not 0, the demand without contention", table.external[0]);
    }
    if table.speed.len() != table.own.len() {
        bail!("{at}.speed: has {} rows, `own` has {} entries", table.speed.len(), table.own.len());
    }
    for (idx, row) in table.speed.iter().enumerate() {
        check_row(row, table.external.len(), &format!("{at}.speed[{idx}]"))?;
    }
    Ok(())
}

fn check_axis(axis: &[f64], path: &str) -> Result<()> {
    if axis.is_empty() {
        bail!("{path}: empty; it needs at least one demand in GB/s");
    }
    for (idx, &demand) in axis.iter().enumerate() {
        check_amount(demand, &format!("{path}[{idx}]"))?;
        if idx > 0 && demand <= axis[idx - 1] {
            bail!("{path}[{idx}]: `{demand}` is not above the entry before it");
        }
    }
    Ok(())
}

fn check_row(row: &[f64], n_external: usize, path: &str) -> Result<()> {
    if row.len() != n_external {
        bail!("{path}: has {} entries, `external` has {n_external}", row.len());
    }
    for (idx, &speed) in row.iter().enumerate() {
        check_amount(speed, &format!("{path}[{idx}]"))?;
        if speed == 0.0 || speed > 1.0 {
            bail!("{path}[{idx}]: `{speed}` is not above 0 and at most 1");
        }
        if idx == 0 && speed < 1.0 {
            bail!("{path}[0]: `{speed}` is not 1, the speed without contention");
        }
        if idx > 0 && speed > row[idx - 1] {
            bail!("{path}[{idx}]: `{speed}` rises although the external demand grows");
        }
    }
    Ok(())
}
