//! What `haxconn profile contention` prints: the curve of each accelerator beside the platform file's, how far it lies
//! from its grid, and some of the grid's points.

use super::{Align, Table};
use crate::platform::{Pccs, Platform, Provenance};
use crate::profile::{FittedContention, Regions};
use crate::units::GigabytesPerSecond;

/// Own and external demands of a grid that are shown.
const SHOWN: usize = 4;

/// Where the grids of contention curves come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GridOrigin<'a> {
    /// The file at this path.
    File(&'a str),
    /// Streams on this machine's cores.
    Here,
    /// The simulator.
    Simulator,
}

impl GridOrigin<'_> {
    /// The word in files.
    pub fn name(&self) -> &str {
        match self {
            Self::File(path) => path,
            Self::Here => "here",
            Self::Simulator => "sim",
        }
    }
}

/// The whole text.
pub fn contention(platform: &Platform, origin: GridOrigin, curves: &[FittedContention]) -> String {
    let curves: String = curves.iter().map(|fitted| curve(platform, fitted)).collect();
    format!("Contention curves of {} ({}), {}\n{curves}", platform.title, platform.name, origin_words(origin))
}

fn curve(platform: &Platform, fitted: &FittedContention) -> String {
    let parameters = fitted.curve.pccs().map(|pccs| format!("\n{}", parameters(platform, fitted, pccs)));
    format!("{}\n{}{}\n", parameters.unwrap_or_default(), points(fitted), error(fitted))
}

fn origin_words(origin: GridOrigin) -> String {
    match origin {
        GridOrigin::File(file) => format!("from the grid in {file}"),
        GridOrigin::Here => "measured here: streams on some cores beside streams on the others".to_owned(),
        GridOrigin::Simulator => "simulated: a stream beside another in the simulator.\n\
                 They describe the simulator's law of sharing bandwidth, not a board."
            .to_owned(),
    }
}

fn parameters(platform: &Platform, fitted: &FittedContention, pccs: &Pccs) -> Table {
    let mut table = Table::new(&[
        (&fitted.accelerator.to_uppercase(), Align::Left),
        ("Unit", Align::Left),
        ("Fitted", Align::Right),
        ("Platform file", Align::Right),
        ("", Align::Left),
    ]);
    let accelerator = platform.accelerator_index(&fitted.accelerator).map(|idx| &platform.accelerators[idx]);
    let present = accelerator.and_then(|accelerator| accelerator.contention.pccs()).map(Pccs::parameters);
    for (idx, (name, value, unit)) in pccs.parameters().into_iter().enumerate() {
        let path = format!("{}.contention.{name}", fitted.accelerator);
        let stated = accelerator.and_then(|accelerator| accelerator.stated.iter().find(|stated| stated.path == path));
        table.row([
            name.to_owned(),
            unit.to_owned(),
            format!("{value:.3}"),
            present.map_or("-".to_owned(), |present| format!("{:.3}", present[idx].1)),
            stated.map_or("", |stated| stated.provenance.name()).to_owned(),
        ]);
    }
    table
}

fn points(fitted: &FittedContention) -> Table {
    let kind = if fitted.provenance == Provenance::Modelled { "Simulated" } else { "Measured" };
    let mut table = Table::new(&[
        (&format!("{} [GB/s]", fitted.accelerator.to_uppercase()), Align::Right),
        ("Others [GB/s]", Align::Right),
        (&format!("{kind} speed"), Align::Right),
        ("Fitted speed", Align::Right),
        ("Difference", Align::Right),
    ]);
    let (own, external) = (fitted.grid.own(), fitted.grid.external());
    for row in spread(own.len()) {
        for column in spread(external.len()) {
            let (x, y, speed) = (own[row], external[column], fitted.grid.speed(row, column));
            let found = fitted.curve.relative_speed(GigabytesPerSecond(x), GigabytesPerSecond(y));
            let difference = percentage_points(found - speed);
            table.row([format!("{x:.1}"), format!("{y:.1}"), format!("{speed:.4}"), format!("{found:.4}"), difference]);
        }
    }
    table
}

/// Up to [`SHOWN`] positions of `n`, evenly spread, the last one among them.
fn spread(n: usize) -> impl Iterator<Item = usize> {
    let shown = n.min(SHOWN);
    (1..=shown).map(move |position| position * n / shown - 1)
}

/// A difference of speeds; a zero has no sign.
fn percentage_points(difference: f64) -> String {
    let rounded = (1e4 * difference).round() / 100.0;
    if rounded == 0.0 { "0.00 %".to_owned() } else { format!("{rounded:+.2} %") }
}

fn error(fitted: &FittedContention) -> String {
    let (size, error) = (fitted.grid.size(), fitted.error);
    let over = match fitted.curve.pccs().map(|pccs| Regions::of(&fitted.grid, pccs)) {
        Some(Regions { minor, normal, intensive }) => {
            format!("{minor} minor, {normal} normal, {intensive} intensive")
        }
        None => format!("largest correction to a speed that never rises: {:.2} %", error.worst.0),
    };
    format!(
        "fit error {:.2} % of full speed root mean square, {:.2} % at most, over {size} points ({over})",
        error.rms.0, error.worst.0
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_points_shown_are_spread_up_to_the_last_one() {
        let check = |n, expected: &[usize]| assert_eq!(spread(n).collect::<Vec<_>>(), expected);
        check(2, &[0, 1]);
        check(5, &[0, 1, 2, 4]);
        check(10, &[1, 4, 6, 9]);
    }
}
