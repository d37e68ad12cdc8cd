//! The `contention` field of a platform file: `none`, PCCS parameters or a measured table.

use anyhow::{Context, Result, anyhow, bail};
use serde::Deserialize;

use super::field::{ProvenanceField, SourcedField, WordOr};
use crate::platform::{ContentionCurve, CurveError, Pccs, Provenance, SlowdownTable, Sourced, StatedNumber};

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
            let number = required(field, key, "pccs", at)?.sourced();
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
        let curve = ContentionCurve::Pccs(pccs);
        check(&curve, at)?;
        Ok((curve, stated))
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
        let Tag(provenance) = required(self.provenance, "provenance", "table", at)?;
        let source = required(self.source, "source", "table", at)?;
        let size = format!("{} x {} grid", table.own.len(), table.external.len());
        let stated =
            Sourced { value: (), provenance, source }.state(format!("{accelerator}.contention.speed"), &size, "");
        let curve = ContentionCurve::Table(table);
        check(&curve, at)?;
        Ok((curve, vec![stated]))
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

/// Refuses a curve that isn't one, naming the field.
fn check(curve: &ContentionCurve, at: &str) -> Result<()> {
    curve.validate().map_err(|error| {
        let field = match &error {
            CurveError::Parameter { name, .. } => format!("{name}.value"),
            CurveError::Grid { name } => (*name).to_owned(),
            CurveError::NoStart { .. } => "external[0]".to_owned(),
            _ => "speed".to_owned(),
        };
        anyhow!("{at}.{field}: {error}")
    })
}
