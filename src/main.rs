//! The program: reads what was typed, runs the verb, ends with its code.

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    let cli = match convoke::cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no errors; everything else is usage, whose code is 64 here and 2 in clap.
            let wrong = error.use_stderr();
            // A closed pipe is no reason for another message.
            let _ = error.print();
            return if wrong { ExitCode::from(64) } else { ExitCode::SUCCESS };
        }
    };
    convoke::command::run(cli)
}
