//! Bars of long work, on a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// A bar over `n_steps` steps, of which the message names the current one; hidden where `quiet`.
pub(super) fn bar(n_steps: usize, quiet: bool) -> ProgressBar {
    if quiet {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:24} {pos}/{len}  {msg}  {elapsed} gone, {eta} to go");
    let bar = ProgressBar::new(n_steps as u64).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    // One step may take many minutes, in which the time goes on.
    bar.enable_steady_tick(Duration::from_secs(1));
    bar
}
