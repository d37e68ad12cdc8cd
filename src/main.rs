//! The `haxconn` program: a doorway to [`haxconn::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    haxconn::cli::main()
}
