//! What `haxconn reproduce` prints: the paper's four pairs on AGX Xavier as published, and ours beside them.
//!
//! The published figures are data: the artifact's expected results (`ismetdagli/HaX-CoNN`, `multi_dnn_expected.txt`), the
//! gains that its scripts quote from the paper, and one row of the survey arXiv 2506.01377. Ours come from the caller.

mod published;

use std::fmt::Write as _;

use super::{Align, Table};

pub use published::{Figures, PublishedPair, published};

/// What we predict for one pair.
#[derive(Clone, Debug, PartialEq)]
pub struct OurPair {
    /// The pair for people.
    pub title: String,
    /// Predicted makespan [ms].
    pub ours_ms: f64,
    /// Whether it is proved optimal.
    pub optimal: bool,
    /// Best makespan [ms] by baseline name (`gpu-only`, `gpu-dla`, `mensa`, `herald`, `h2h`); `None` where it has no
    /// schedule within the limit.
    pub baselines: Vec<(String, Option<f64>)>,
    /// Gain over the best baseline, as a share of its makespan.
    pub gain: f64,
}

/// Names of the baselines, and the columns that hold them.
const BASELINES: [(&str, &str); 5] = [
    ("gpu-only", "GPU only [ms]"),
    ("gpu-dla", "GPU & DLA [ms]"),
    ("mensa", "Mensa [ms]"),
    ("herald", "Herald [ms]"),
    ("h2h", "H2H [ms]"),
];

/// Where the published and our numbers part, and why they can't be expected to meet.
const DIFFERENCES: [&str; 10] = [
    "Ours are predicted by the scheduler's model, one round with both networks started together; the artifact's were measured.",
    "Only GoogleNet's times per layer group are published; every other network here is modelled by a roofline fitted to few figures.",
    "The artifact ran in MAXN, the paper in the default power mode: the paper's own times are longer, so only its gains are quoted.",
    "The artifact times each process on its own and takes the mean of its compute time; a pair's makespan was never measured.",
    "The artifact's gain is the baseline's makespan over HaX-CoNN's, less one; ours is the share of the baseline's makespan saved.",
    "Its GPU-only figure is the sum of two means for two of the pairs and their maximum for the other two; of those sums, \
     one adds GoogleNet's time measured while ResNet101 ran on the DLA.",
    "Its GPU & DLA figure reads one orientation of the pair; the other one is run and not read. Ours is the better of both.",
    "For VGG19 + ResNet152 its Herald figure is a value left over from the schedule read before it, and its H2H figure reads Herald's runs.",
    "How its Herald and H2H schedules were found isn't published, only their cuts, one per network; ours follow the algorithms as described.",
    "Several of its transitions cut inside a fused layer or where more than one tensor is live; such cuts aren't legal here.",
];

/// The table of all pairs, then what differs and why.
pub fn text(pairs: &[(PublishedPair, OurPair)]) -> String {
    let mut text = String::from("Makespan of pairs on AGX Xavier: published (measured) beside ours (predicted)\n\n");
    let _ = write!(text, "{}", makespans(pairs));
    let _ = write!(text, "\nGain over the best baseline\n\n{}", gains(pairs));
    text.push_str("\nWhat differs and why\n");
    for difference in DIFFERENCES {
        let _ = writeln!(text, "* {difference}");
    }
    text
}

/// Rows per pair: the artifact's, the survey's where there is one, ours, and ours over the artifact's.
fn makespans(pairs: &[(PublishedPair, OurPair)]) -> Table {
    let mut headings = vec![("Pair", Align::Left), ("Source", Align::Left)];
    headings.extend(BASELINES.map(|(_, heading)| (heading, Align::Right)));
    headings.extend([("HaX-CoNN [ms]", Align::Right), ("Proof", Align::Left)]);
    let mut table = Table::new(&headings);
    for (published, ours) in pairs {
        table.row(published_row(&ours.title, "artifact", &published.artifact));
        if let Some(survey) = &published.survey {
            table.row(published_row("", "survey", survey));
        }
        table.row(our_row(ours));
        table.row(ratio_row(published, ours));
    }
    table
}

fn published_row(pair: &str, source: &str, figures: &Figures) -> Vec<String> {
    let cells = BASELINES.map(|(name, _)| figures.baseline(name).map_or_else(|| "-".to_owned(), |ms| ms.to_string()));
    [pair.to_owned(), source.to_owned()].into_iter().chain(cells).chain([figures.hax_conn.to_string()]).collect()
}

fn our_row(ours: &OurPair) -> Vec<String> {
    let cells = BASELINES.map(|(name, _)| optional(ours.baseline(name), 3));
    let proof = if ours.optimal { "optimal" } else { "feasible" };
    let result = [format!("{:.3}", ours.ours_ms), proof.to_owned()];
    [String::new(), "ours".to_owned()].into_iter().chain(cells).chain(result).collect()
}

fn ratio_row(published: &PublishedPair, ours: &OurPair) -> Vec<String> {
    let ratio = |ours: Option<f64>, theirs: Option<f64>| {
        ours.zip(theirs).map_or_else(|| "-".to_owned(), |(ours, theirs)| format!("{:.2}x", ours / theirs))
    };
    let cells = BASELINES.map(|(name, _)| ratio(ours.baseline(name), published.artifact.baseline(name)));
    let result = ratio(Some(ours.ours_ms), Some(published.artifact.hax_conn));
    [String::new(), "ours / artifact".to_owned()].into_iter().chain(cells).chain([result]).collect()
}

fn gains(pairs: &[(PublishedPair, OurPair)]) -> Table {
    let headings = [
        ("Pair", Align::Left),
        ("Paper, as stated", Align::Right),
        ("Artifact, as stated", Align::Right),
        ("Artifact, counted as ours", Align::Right),
        ("Ours", Align::Right),
    ];
    let mut table = Table::new(&headings);
    for (published, ours) in pairs {
        table.row([
            ours.title.clone(),
            format!("{:.0} %", published.paper_gain_percent),
            format!("{:.1} %", published.artifact_gain_percent),
            format!("{:.1} %", 100.0 * published.artifact.gain()),
            format!("{:.1} %", 100.0 * ours.gain),
        ]);
    }
    table
}

impl OurPair {
    fn baseline(&self, name: &str) -> Option<f64> {
        self.baselines.iter().find(|(baseline, _)| baseline == name).and_then(|(_, ms)| *ms)
    }
}

/// A number, or a dash where there is none.
fn optional(number: Option<f64>, digits: usize) -> String {
    number.map_or_else(|| "-".to_owned(), |number| format!("{number:.digits$}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours(title: &str) -> OurPair {
        let baselines = [("gpu-only", Some(8.0)), ("gpu-dla", Some(9.5)), ("mensa", None), ("h2h", Some(10.2))];
        OurPair {
            title: title.to_owned(),
            ours_ms: 7.8,
            optimal: true,
            baselines: baselines.map(|(name, ms)| (name.to_owned(), ms)).into(),
            gain: 0.025,
        }
    }

    #[test]
    fn a_pair_shows_published_figures_ours_and_their_ratio() {
        let text = text(&[(published()[0].clone(), ours("GoogleNet + ResNet101"))]);
        let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        let has = |words: &str| assert!(lines.contains(&words.split(' ').collect()), "{words}\n{text}");
        has("GoogleNet + ResNet101 artifact 8.1 10.2 - 10.7 10.2 7.8");
        has("ours 8.000 9.500 - - 10.200 7.800 optimal");
        has("ours / artifact 0.99x 0.93x - - 1.00x 1.00x");
        has("GoogleNet + ResNet101 0 % 4.9 % 3.7 % 2.5 %");
    }

    #[test]
    fn the_survey_has_a_row_where_it_names_the_pair() {
        let pairs: Vec<_> = published().iter().map(|pair| (pair.clone(), ours("pair"))).collect();
        let text = text(&pairs);
        let surveys: Vec<_> = text.lines().filter(|line| line.trim_start().starts_with("survey")).collect();
        assert_eq!(surveys.len(), 1);
        let words: Vec<_> = surveys[0].split_whitespace().collect();
        assert_eq!(words, ["survey", "17.05", "-", "-", "19.73", "16.55", "13.01"]);
    }

    #[test]
    fn the_reader_is_told_what_differs() {
        let text = text(&[]);
        let reasons: Vec<_> = text.lines().skip_while(|line| *line != "What differs and why").skip(1).collect();
        assert_eq!(reasons.len(), DIFFERENCES.len());
        assert!(reasons.iter().all(|reason| reason.starts_with("* ") && reason.ends_with('.')));
    }
}
