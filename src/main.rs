//! The program: reads what was typed, runs the verb, ends with its code.

use std::io::ErrorKind;
use std::process::ExitCode;

use clap::Parser as _;
use convoke::exit::{Exit, Stopped};

fn main() -> ExitCode {
    let cli = match convoke::cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no errors; everything else is usage, whose code is 64 here and 2 in clap.
            let wrong = error.use_stderr();
            // A closed pipe is no reason for another message; a full disk is, where somebody waits for the text.
            return match error.print() {
                _ if wrong => ExitCode::from(64),
                Err(fault) if fault.kind() != ErrorKind::BrokenPipe => {
                    Stopped::Io(fault).print();
                    Exit::InputOutput.into()
                }
                _ => ExitCode::SUCCESS,
            };
        }
    };
    convoke::command::run(cli)
}
