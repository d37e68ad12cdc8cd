//! What `haxconn platform calibrate` prints: the fitted cost model, how well it fits, and what it says of a figure that
//! it wasn't fitted to.

use super::{Align, Table};
use crate::backend::sim::Parameters;
use crate::platform::Platform;
use crate::profile::{AcceleratorFit, CoRun, PUBLISHED_CO_RUN, Residue};

/// The whole text. `residues` compare the published GPU groups with the GPU parts of other engines; `co_runs` are the
/// simulator's answer to the published co-run.
pub fn calibration(platform: &Platform, fits: &[AcceleratorFit], residues: &[Residue], co_runs: &[CoRun]) -> String {
    let groups: Vec<String> = fits.iter().map(|fit| groups(fit).to_string()).collect();
    format!(
        "cost model of {}, fitted by least squares of relative errors\n\
         time of a kernel = overhead + multiply-accumulates / compute + bytes / bandwidth\n\n\
         {}\n{}\n\
         published GPU groups against the GPU part of the engines that move to the DLA at a layer\n{}\n\
         not fitted: GoogleNet on one accelerator beside GoogleNet on the other, times as long as alone\n{}",
        platform.name,
        parameters(platform, fits),
        groups.join("\n"),
        published_residues(residues),
        validation(co_runs)
    )
}

fn parameters(platform: &Platform, fits: &[AcceleratorFit]) -> Table {
    let mut table = Table::new(&[
        ("Accelerator", Align::Left),
        ("Compute [GMAC/s]", Align::Right),
        ("Bandwidth [GB/s]", Align::Right),
        ("Overhead [ms]", Align::Right),
        ("Platform file", Align::Left),
    ]);
    for fit in fits {
        let Parameters { compute_gmacs, bandwidth, overhead } = fit.fit.parameters;
        let roofline = platform.accelerator_index(&fit.accelerator).map(|idx| &platform.accelerators[idx].roofline);
        let distance = roofline.map_or(0.0, |roofline| fit.distance(roofline));
        let agreement =
            if distance < 1e-3 { "agrees".to_owned() } else { format!("differs by {:.1} %", 100.0 * distance) };
        table.row([
            fit.accelerator.to_uppercase(),
            format!("{compute_gmacs:.1}"),
            format!("{:.2}", bandwidth.0),
            format!("{:.5}", overhead.0),
            agreement,
        ]);
    }
    table
}

fn groups(fit: &AcceleratorFit) -> Table {
    let heading = format!("{}, fitted to", fit.accelerator.to_uppercase());
    let mut table = Table::new(&[
        (&heading, Align::Left),
        ("Published [ms]", Align::Right),
        ("Model [ms]", Align::Right),
        ("Error", Align::Right),
        ("Error leave-one-out", Align::Right),
    ]);
    for group in &fit.fit.groups {
        table.row([
            group.label.clone(),
            format!("{:.3}", group.observed.0),
            format!("{:.3}", group.fitted.0),
            signed_percent(group.error()),
            group.left_out_error().map_or("-".to_owned(), signed_percent),
        ]);
    }
    let [rms, left_out] =
        [fit.fit.rms_error(), fit.fit.rms_left_out_error()].map(|error| format!("{:.1} %", 100.0 * error));
    table.row(["root mean square".to_owned(), String::new(), String::new(), rms, left_out]);
    table
}

fn published_residues(residues: &[Residue]) -> Table {
    let mut table = Table::new(&[
        ("Layer", Align::Right),
        ("Groups before [ms]", Align::Right),
        ("GPU part [ms]", Align::Right),
        ("Residue [ms]", Align::Right),
    ]);
    for Residue { cut, summed, engine } in residues {
        let [summed, engine] = [summed.0, engine.0];
        table.row([
            cut.to_string(),
            format!("{summed:.4}"),
            format!("{engine:.4}"),
            format!("{:+.4}", summed - engine),
        ]);
    }
    table
}

fn validation(co_runs: &[CoRun]) -> Table {
    let mut table = Table::new(&[
        ("Accelerator", Align::Left),
        ("Alone [ms]", Align::Right),
        ("Together [ms]", Align::Right),
        ("Simulated", Align::Right),
        ("Published", Align::Right),
    ]);
    for run in co_runs {
        let published = PUBLISHED_CO_RUN.iter().find(|(name, _)| *name == run.accelerator);
        table.row([
            run.accelerator.to_uppercase(),
            format!("{:.3}", run.alone.0),
            format!("{:.3}", run.together.0),
            format!("{:.2}", run.factor()),
            published.map_or("-".to_owned(), |(_, factor)| format!("{factor:.2}")),
        ]);
    }
    table
}

fn signed_percent(share: f64) -> String {
    format!("{:+.1} %", 100.0 * share)
}
