//! Published raw figures as text: comma-separated lines, `#` before remarks, one heading line.

use super::ProfileError;
use crate::units::Milliseconds;

/// One entry of a GPU profile.
#[derive(Clone, Debug, PartialEq)]
pub struct GpuLayer {
    /// The layers that it fuses, as TensorRT writes them.
    pub entry: String,
    /// Mean time.
    pub average: Milliseconds,
    /// Mean time of the reformatters before it.
    pub reformat: Milliseconds,
}

/// An engine that runs the end of a network on the DLA.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DlaTail {
    /// First layer on the DLA.
    pub first_dla_layer: usize,
    /// Time of the DLA's part, without the reformat into it.
    pub dla: Milliseconds,
    /// Time of the reformat into the DLA.
    pub reformat: Milliseconds,
    /// Time of the GPU's part before it.
    pub gpu: Milliseconds,
}

impl GpuLayer {
    /// Name of the first layer that the entry fuses.
    pub fn first_name(&self) -> &str {
        let first = self.entry.split(" || ").next().and_then(|first| first.split(" + ").next());
        let first = first.unwrap_or_default();
        first.strip_suffix(" copy").unwrap_or(first)
    }
}

/// Reads lines of `entry,average_ms,reformat_ms`.
pub fn gpu_layers(text: &str) -> Result<Vec<GpuLayer>, ProfileError> {
    let layer = |(line, [entry, average, reformat]): (usize, [&str; 3])| {
        Ok(GpuLayer {
            entry: entry.to_owned(),
            average: milliseconds(average, line)?,
            reformat: milliseconds(reformat, line)?,
        })
    };
    rows(text, "entry,average_ms,reformat_ms")?.into_iter().map(layer).collect()
}

/// Reads lines of `first_dla_layer,dla_ms,reformat_ms,gpu_ms`, layers ascending.
pub fn dla_tails(text: &str) -> Result<Vec<DlaTail>, ProfileError> {
    let mut tails: Vec<DlaTail> = Vec::new();
    for (line, [first, dla, reformat, gpu]) in rows(text, "first_dla_layer,dla_ms,reformat_ms,gpu_ms")? {
        let first_dla_layer = first.parse().map_err(|_| bad(line, format!("`{first}` is no layer index")))?;
        if tails.last().is_some_and(|before| before.first_dla_layer >= first_dla_layer) {
            return Err(bad(line, format!("layer {first_dla_layer} is not after the layer of the line before")));
        }
        tails.push(DlaTail {
            first_dla_layer,
            dla: milliseconds(dla, line)?,
            reformat: milliseconds(reformat, line)?,
            gpu: milliseconds(gpu, line)?,
        });
    }
    Ok(tails)
}

/// The fields of every line below the heading, with its number.
fn rows<'a, const N: usize>(text: &'a str, heading: &str) -> Result<Vec<(usize, [&'a str; N])>, ProfileError> {
    let mut lines = text.lines().enumerate().map(|(idx, line)| (idx + 1, line)).filter(|(_, line)| {
        let line = line.trim();
        !line.is_empty() && !line.starts_with('#')
    });
    match lines.next() {
        Some((_, line)) if line == heading => {}
        Some((line, _)) => return Err(bad(line, format!("the heading is not `{heading}`"))),
        None => return Err(bad(1, format!("there is no heading `{heading}`"))),
    }
    lines
        .map(|(line, text)| {
            let fields: Vec<&str> = text.split(',').map(str::trim).collect();
            let n_fields = fields.len();
            let fields = fields.try_into().map_err(|_| bad(line, format!("{n_fields} fields instead of {N}")))?;
            Ok((line, fields))
        })
        .collect()
}

fn milliseconds(field: &str, line: usize) -> Result<Milliseconds, ProfileError> {
    match field.parse::<f64>() {
        Ok(value) if value.is_finite() && value >= 0.0 => Ok(Milliseconds(value)),
        _ => Err(bad(line, format!("`{field}` is no time in milliseconds"))),
    }
}

fn bad(line: usize, what: String) -> ProfileError {
    ProfileError::BadLine { line, what }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_known_by_its_first_layer() {
        let check = |entry: &str, name: &str| {
            let layer = GpuLayer { entry: entry.into(), average: Milliseconds(1.0), reformat: Milliseconds(0.0) };
            assert_eq!(layer.first_name(), name);
        };
        check("a/1x1 + a/relu_1x1 || a/3x3 + a/relu_3x3", "a/1x1");
        check("a/1x1 copy", "a/1x1");
        check("prob", "prob");
    }

    #[test]
    fn refuses_what_is_no_figure() {
        let check = |text: &str, expected: &str| assert_eq!(gpu_layers(text).unwrap_err().to_string(), expected);
        check("", "line 1: there is no heading `entry,average_ms,reformat_ms`");
        check("# a\nname,ms\n", "line 2: the heading is not `entry,average_ms,reformat_ms`");
        check("entry,average_ms,reformat_ms\na,1\n", "line 2: 2 fields instead of 3");
        for time in ["-1", "NaN", "inf", "x"] {
            let text = format!("entry,average_ms,reformat_ms\n\na,{time},0\n");
            check(&text, &format!("line 3: `{time}` is no time in milliseconds"));
        }
    }

    #[test]
    fn refuses_tails_out_of_order() {
        let text = "first_dla_layer,dla_ms,reformat_ms,gpu_ms\n0,2,0,0\n5,1,0,1\n5,1,0,1\n";
        assert_eq!(
            dla_tails(text).unwrap_err().to_string(),
            "line 4: layer 5 is not after the layer of the line before"
        );
    }
}
