//! `convoke completions` and `convoke manual`, from the same definitions as the help.

use std::io::Write as _;

use clap::CommandFactory as _;

use crate::cli::{self, Cli};
use crate::exit::{Exit, Stopped};
use crate::io::files::FileError;

pub(super) fn completions(typed: &cli::Completions) -> Result<Exit, Stopped> {
    // In memory first: the generator panics where it cannot write.
    let mut script = Vec::new();
    clap_complete::generate(typed.shell, &mut Cli::command(), "convoke", &mut script);
    std::io::stdout().write_all(&script)?;
    Ok(Exit::Done)
}

pub(super) fn pages(typed: &cli::Manual) -> Result<Exit, Stopped> {
    std::fs::create_dir_all(&typed.dir).map_err(|e| FileError::new("make", &typed.dir, e))?;
    clap_mangen::generate_to(Cli::command(), &typed.dir)?;
    println!("manual pages are in `{}`", typed.dir.display());
    Ok(Exit::Done)
}
