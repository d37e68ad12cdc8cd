//! `haxconn profile`: what layer groups, transitions and memory cost, from engines that are run or files of engines that
//! were.

mod all;
mod arguments;
mod characterise;
mod engines;
mod files;
mod layers;
mod measure;
mod source;
mod transitions;

use clap::{Args, Subcommand};

use super::failure::Failure;
use arguments::{AllArguments, LayersArguments, TransitionsArguments};

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
    /// Time layers and transitions, and write the profiles that `schedule` takes
    All(AllArguments),
}

pub(super) fn run(arguments: &ProfileArguments) -> Result<(), Failure> {
    match &arguments.command {
        ProfileCommand::Layers(arguments) => layers::run(arguments),
        ProfileCommand::Transitions(arguments) => transitions::run(arguments),
        ProfileCommand::All(arguments) => all::run(arguments),
    }
}
