//! `haxconn profile`: what layer groups, transitions, memory and contention cost, from engines that are run or files of
//! engines that were.

mod all;
mod arguments;
mod characterise;
mod child;
mod contention;
mod emc;
mod engines;
mod files;
mod layers;
mod measure;
mod memory;
mod plans;
mod segments;
mod source;
mod tegrastats;
mod traffic;
mod transitions;
mod trtexec;

use clap::{Args, Subcommand};

use super::failure::Failure;
use arguments::{AllArguments, LayersArguments, TransitionsArguments};
use contention::ContentionArguments;
use emc::EmcArguments;

#[derive(Args, Debug)]
pub(super) struct ProfileArguments {
    #[command(subcommand)]
    command: ProfileCommand,
}

#[derive(Debug, Subcommand)]
enum ProfileCommand {
    /// Time layer groups on GPU and DLA
    Layers(LayersArguments),
    /// Time changes of accelerator, in both directions
    Transitions(TransitionsArguments),
    /// Measure how busy each convolution, or one engine, keeps the memory
    Emc(EmcArguments),
    /// Make contention curves of accelerators from grids of own and external demand
    Contention(ContentionArguments),
    /// Time layers and transitions, and write the profiles that `schedule` takes
    All(AllArguments),
}

pub(super) fn run(arguments: &ProfileArguments) -> Result<(), Failure> {
    match &arguments.command {
        ProfileCommand::Layers(arguments) => layers::run(arguments),
        ProfileCommand::Transitions(arguments) => transitions::run(arguments),
        ProfileCommand::Emc(arguments) => emc::run(arguments),
        ProfileCommand::Contention(arguments) => contention::run(arguments),
        ProfileCommand::All(arguments) => all::run(arguments),
    }
}
