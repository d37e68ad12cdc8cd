//! Colours, hatches and the style sheet of the charts.

/// Style sheet for a page that defines the four variables.
pub(crate) const THEMED: &str = "\
.gantt text{font:12px system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif;fill:var(--ink);font-variant-numeric:tabular-nums}\
.gantt .heading{font-size:15px;font-weight:600}\
.gantt .lane,.gantt .tick,.gantt .key{fill:var(--soft)}\
.gantt .name{font-weight:650;fill:var(--ink)}\
.gantt text.label,.gantt text.factor{fill:inherit;pointer-events:none}\
.gantt .label{font-weight:600;font-size:11.5px}\
.gantt .factor{font-size:10.5px}\
.gantt .block{stroke:var(--paper);stroke-width:1}\
.gantt .track{fill:var(--line);opacity:.55}\
.gantt .lost{fill:var(--ink);opacity:.8}\
.gantt .grid{stroke:var(--line);stroke-width:1}\
.gantt .axis{stroke:var(--soft);stroke-width:1}\
.gantt .end{stroke:var(--ink);stroke-width:1.5;stroke-dasharray:4 3;fill:none}";

/// The style sheet with a light theme's colours in place of the variables, for readers of SVG that know no variables.
pub(super) fn light() -> String {
    [("var(--ink)", "#16202b"), ("var(--soft)", "#51606f"), ("var(--line)", "#d5dbe1"), ("var(--paper)", "#ffffff")]
        .into_iter()
        .fold(THEMED.to_owned(), |style, (variable, colour)| style.replace(variable, colour))
}

/// A task's colour and the colour of text on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Swatch {
    pub(super) fill: &'static str,
    pub(super) ink: &'static str,
}

const DARK: &str = "#10161d";
const LIGHT: &str = "#ffffff";

/// The colours of Okabe and Ito, which people with any colour vision tell apart; letters do so beyond seven tasks.
const SWATCHES: [Swatch; 7] = [
    Swatch { fill: "#56b4e9", ink: DARK },
    Swatch { fill: "#e69f00", ink: DARK },
    Swatch { fill: "#009e73", ink: DARK },
    Swatch { fill: "#cc79a7", ink: DARK },
    Swatch { fill: "#f0e442", ink: DARK },
    Swatch { fill: "#0072b2", ink: LIGHT },
    Swatch { fill: "#d55e00", ink: DARK },
];

/// The colours of a task.
pub(super) fn swatch(task: usize) -> Swatch {
    SWATCHES[task % SWATCHES.len()]
}

/// Hatches of the phases that compute nothing: launch, entry, exit.
pub(super) fn patterns(chart_id: &str) -> String {
    let hatches = [("launch", 90), ("in", 45), ("out", -45)];
    let patterns = hatches.map(|(phase, angle)| {
        format!(
            r##"<pattern id="{chart_id}-{phase}" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate({angle})"><rect width="5" height="5" fill="#ffffff" fill-opacity=".4"/><rect width="1.8" height="5" fill="#10161d"/></pattern>"##
        )
    });
    format!("<defs>{}</defs>", patterns.concat())
}
