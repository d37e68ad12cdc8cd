//! What `haxconn platform calibrate` prints: the fitted cost model, how well it fits, and what it says of a figure that
//! it wasn't fitted to.

use std::fmt::Write;

use crate::backend::sim::{FittedGroup, Parameters};
use crate::platform::Platform;
use crate::profile::{AcceleratorFit, CoRun, PUBLISHED_CO_RUN, Residue};

/// The whole text. `residues` compare the published GPU groups with the GPU parts of other engines; `co_runs` are the
/// simulator's answer to the published co-run.
pub fn calibration(platform: &Platform, fits: &[AcceleratorFit], residues: &[Residue], co_runs: &[CoRun]) -> String {
    let mut text = format!("cost model of {}, fitted by least squares of relative errors\n", platform.name);
    text += "time of a kernel = overhead + multiply-accumulates / compute + bytes / bandwidth\n\n";
    text += &parameters(platform, fits);
    for fit in fits {
        text += &groups(fit);
    }
    text += &published_residues(residues);
    text += &validation(co_runs);
    text
}

fn parameters(platform: &Platform, fits: &[AcceleratorFit]) -> String {
    let mut text = format!(
        "{:<12}{:>18}{:>18}{:>15}  {}\n",
        "accelerator", "compute [GMAC/s]", "bandwidth [GB/s]", "overhead [ms]", "platform file"
    );
    for fit in fits {
        let Parameters { compute_gmacs, bandwidth, overhead } = fit.fit.parameters;
        let roofline = platform.accelerator_index(&fit.accelerator).map(|idx| &platform.accelerators[idx].roofline);
        let distance = roofline.map_or(0.0, |roofline| fit.distance(roofline));
        let agreement =
            if distance < 1e-3 { "agrees".to_owned() } else { format!("differs by {:.1}%", 100.0 * distance) };
        let _ = writeln!(
            text,
            "{:<12}{:>18.1}{:>18.2}{:>15.5}  {agreement}",
            fit.accelerator, compute_gmacs, bandwidth.0, overhead.0
        );
    }
    text
}

fn groups(fit: &AcceleratorFit) -> String {
    let mut text = format!(
        "\n{:<28}{:>15}{:>14}{:>10}{:>16}\n",
        format!("{}, fitted to", fit.accelerator),
        "published [ms]",
        "model [ms]",
        "error",
        "leave-one-out"
    );
    for group in &fit.fit.groups {
        let FittedGroup { label, observed, fitted, .. } = group;
        let left_out = group.left_out_error().map_or("-".to_owned(), signed_percent);
        let _ = writeln!(
            text,
            "{label:<28}{:>15.3}{:>14.3}{:>10}{left_out:>16}",
            observed.0,
            fitted.0,
            signed_percent(group.error())
        );
    }
    let rms = |error: f64| format!("{:.1}%", 100.0 * error);
    let _ = writeln!(
        text,
        "{:<28}{:>15}{:>14}{:>10}{:>16}",
        "root mean square",
        "",
        "",
        rms(fit.fit.rms_error()),
        rms(fit.fit.rms_left_out_error())
    );
    text
}

fn published_residues(residues: &[Residue]) -> String {
    let mut text =
        "\npublished GPU groups against the GPU part of the engines that move to the DLA at a layer\n".to_owned();
    let _ = writeln!(text, "{:<7}{:>20}{:>18}{:>15}", "layer", "groups before [ms]", "GPU part [ms]", "residue [ms]");
    for Residue { cut, summed, engine } in residues {
        let _ = writeln!(text, "{cut:<7}{:>20.4}{:>18.4}{:>+15.4}", summed.0, engine.0, summed.0 - engine.0);
    }
    text
}

fn validation(co_runs: &[CoRun]) -> String {
    let mut text =
        "\nnot fitted: GoogleNet on one accelerator beside GoogleNet on the other, times as long as alone\n".to_owned();
    let _ = writeln!(
        text,
        "{:<12}{:>12}{:>15}{:>11}{:>11}",
        "accelerator", "alone [ms]", "together [ms]", "simulated", "published"
    );
    for run in co_runs {
        let published = PUBLISHED_CO_RUN.iter().find(|(name, _)| *name == run.accelerator);
        let published = published.map_or("-".to_owned(), |(_, factor)| format!("{factor:.2}"));
        let _ = writeln!(
            text,
            "{:<12}{:>12.3}{:>15.3}{:>11.2}{published:>11}",
            run.accelerator,
            run.alone.0,
            run.together.0,
            run.factor()
        );
    }
    text
}

fn signed_percent(share: f64) -> String {
    format!("{:+.1}%", 100.0 * share)
}
