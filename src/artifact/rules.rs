//! The `rules` field of a platform file: `everything`, or the limits of an accelerator with their sources.

use anyhow::{Result, bail};
use serde::{Deserialize, Serialize};

use super::field::{SourcedField, WordOr};
use crate::platform::{LayerLimits, StatedNumber, SupportRules, WindowLimits};

/// Limits by layer type; `null` where a type isn't supported at all.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RulesFields {
    max_dimension: SourcedField<u64>,
    convolution: SourcedField<WindowFields>,
    max_dilation: SourcedField<u64>,
    deconvolution: SourcedField<Option<WindowFields>>,
    pooling: SourcedField<WindowFields>,
    lrn_sizes: SourcedField<Vec<u64>>,
    activations: SourcedField<Vec<String>>,
    eltwise: SourcedField<Vec<String>>,
    softmax_max_channels: SourcedField<Option<u64>>,
    rearrange: SourcedField<Vec<String>>,
}

#[derive(Clone, Copy, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct WindowFields {
    kernel: u64,
    stride: u64,
    pad: u64,
}

impl From<WindowFields> for WindowLimits {
    fn from(WindowFields { kernel, stride, pad }: WindowFields) -> Self {
        Self { kernel, stride, pad }
    }
}

/// The rules of `accelerator`, and their numbers for people; errors begin with `at`.
pub(super) fn read_rules(
    field: WordOr<RulesFields>,
    accelerator: &str,
    at: &str,
) -> Result<(SupportRules, Vec<StatedNumber>)> {
    match field {
        WordOr::Word(word) if word == "everything" => Ok((SupportRules::Everything, Vec::new())),
        WordOr::Word(word) => bail!("{at}: `{word}` is neither `everything` nor a table of limits"),
        WordOr::Fields(fields) => {
            let (limits, stated) = fields.into_limits(accelerator)?;
            Ok((SupportRules::Limited(Box::new(limits)), stated))
        }
    }
}

impl RulesFields {
    fn into_limits(self, accelerator: &str) -> Result<(LayerLimits, Vec<StatedNumber>)> {
        let mut stated = Statements { accelerator, numbers: Vec::new() };
        let limits = LayerLimits {
            max_dimension: stated.take("max_dimension", self.max_dimension)?,
            convolution: stated.take("convolution", self.convolution)?.into(),
            max_dilation: stated.take("max_dilation", self.max_dilation)?,
            deconvolution: stated.take("deconvolution", self.deconvolution)?.map(Into::into),
            pooling: stated.take("pooling", self.pooling)?.into(),
            lrn_sizes: stated.take("lrn_sizes", self.lrn_sizes)?,
            activations: stated.take("activations", self.activations)?,
            eltwise: stated.take("eltwise", self.eltwise)?,
            softmax_max_channels: stated.take("softmax_max_channels", self.softmax_max_channels)?,
            rearrange: stated.take("rearrange", self.rearrange)?,
        };
        Ok((limits, stated.numbers))
    }
}

/// Collects what is said of the limits while they are taken over.
struct Statements<'a> {
    accelerator: &'a str,
    numbers: Vec<StatedNumber>,
}

impl Statements<'_> {
    fn take<T: Serialize>(&mut self, key: &str, field: SourcedField<T>) -> Result<T> {
        let sourced = field.sourced();
        let value = serde_json::to_string(&sourced.value)?;
        self.numbers.push(sourced.state(format!("{}.rules.{key}", self.accelerator), &value, ""));
        Ok(sourced.value)
    }
}
