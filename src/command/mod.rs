//! The verbs: each opens the doors it needs, calls the line, and prints.
//!
//! What: [`run`], from what was typed to the exit code. Not here: decisions (the pure rooms), doors (`io`).
//! Called by: `main`. Can fail: every failure is printed here, once, with its causes.

#[macro_use]
mod voice;

mod approvals;
mod approve;
mod cancel;
mod check;
mod chosen;
mod coverage;
mod doctor;
mod export;
mod folder;
mod forecast;
mod gate;
mod letters;
mod lists;
mod mailing;
mod manual;
mod new;
mod note;
mod plan;
mod preview;
mod progress;
mod record;
mod rehearsal;
mod reinstate;
mod remind;
mod replies;
mod report;
mod run;
mod sandbox;
mod seal;
mod sealing;
mod send;
mod settle;
mod signatures;
mod speakers;
mod status;
mod suppress;
mod triage;
mod trial;
mod update;
mod who;
mod write;

use std::process::ExitCode;

use crate::cli::{Cli, Verb};
use crate::exit::{Exit, Stopped};

/// Runs a verb to its end.
pub fn run(cli: Cli) -> ExitCode {
    // One thread waits for everything: handing a message from thread to thread costs more than making it. What is heavy
    // (checking, signing) goes to threads of its own.
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            Stopped::Io(error).print();
            return Exit::InputOutput.into();
        }
    };
    let ended = runtime.block_on(verb(cli));
    // A task that still waits for the network has nothing left to say.
    runtime.shutdown_background();
    let printed = crate::io::printing::ended();
    match ended {
        Ok(exit) => match printed {
            Ok(()) => exit.into(),
            Err(error) => {
                Stopped::Io(error).print();
                Exit::InputOutput.into()
            }
        },
        // Whoever read our output has seen enough: `convoke export | head`.
        Err(Stopped::Io(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => Exit::Done.into(),
        Err(stopped) => {
            stopped.print();
            stopped.exit().into()
        }
    }
}

async fn verb(cli: Cli) -> Result<Exit, Stopped> {
    let folder = cli.folder;
    match cli.verb {
        Verb::New(typed) => new::run(&folder, &typed),
        Verb::Check(typed) => check::run(&folder, &typed).await,
        Verb::Preview(typed) => preview::run(&folder, &typed).await,
        Verb::Send(typed) => send::run(&folder, &typed).await,
        Verb::Plan(typed) => seal::invitations(&folder, &typed).await,
        Verb::Approve(typed) => approve::run(&folder, &typed).await,
        Verb::Update(typed) => update::run(&folder, &typed).await,
        Verb::Cancel(typed) => cancel::run(&folder, &typed).await,
        Verb::Reinstate(typed) => reinstate::run(&folder, &typed).await,
        Verb::Status(typed) => status::run(&folder, &typed).await,
        Verb::Settle(typed) => settle::run(&folder, &typed).await,
        Verb::Remind(typed) => remind::run(&folder, &typed).await,
        Verb::Write(typed) => write::run(&folder, &typed).await,
        Verb::Note(typed) => note::run(&folder, &typed).await,
        Verb::Export(typed) => export::run(&folder, &typed).await,
        Verb::Replies(typed) => replies::run(&folder, &typed).await,
        Verb::Triage(typed) => triage::run(&folder, &typed).await,
        Verb::Report(typed) => report::run(&folder, &typed).await,
        Verb::Doctor(typed) => doctor::run(&folder, &typed).await,
        Verb::Suppress(typed) => suppress::run(&folder, &typed).await,
        Verb::Speakers(typed) => speakers::run(&folder, &typed).await,
        Verb::Sandbox(typed) => sandbox::run(&typed).await,
        Verb::Completions(typed) => manual::completions(&typed),
        Verb::Manual(typed) => manual::pages(&typed),
    }
}
