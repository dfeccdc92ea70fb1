//! How the program ends, and what it says then.

use std::process::ExitCode;

use crate::input::problem::Problem;
use crate::io;
use crate::io::files::FileError;
use crate::io::inbound::InboundError;
use crate::io::printing::remark;
use crate::io::secrets::SecretError;
use crate::io::smtp::TlsError;
use crate::io::store::StoreError;
use crate::plan::{Change, SelectionFault};

/// Problems shown one by one; the rest are counted.
const SHOWN: usize = 100;

/// The documented exit codes (sysexits.h where one fits).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0
    Done,
    /// 1: done, with refusals or doubts.
    Partly,
    /// 64
    Usage,
    /// 65
    Data,
    /// 69
    Unreachable,
    /// 74
    InputOutput,
    /// 75
    TryAgain,
    /// 78
    Configuration,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Partly => 1,
            Exit::Usage => 64,
            Exit::Data => 65,
            Exit::Unreachable => 69,
            Exit::InputOutput => 74,
            Exit::TryAgain => 75,
            Exit::Configuration => 78,
        })
    }
}

/// What stops a command.
#[derive(Debug, thiserror::Error)]
pub enum Stopped {
    /// Faults in convoke.toml or in templates.
    #[error("{}", counted(.0, "nothing was sent"))]
    Configuration(Vec<Problem>),
    /// Faults in the lists: the first ones, and how many there are.
    #[error("{}", refused(.0, *.1))]
    Data(Vec<Problem>, u64),
    /// Flags that do not go together or cannot be read.
    #[error("{0}")]
    Usage(String),
    /// Nobody said yes to this plan: what has changed since somebody did, and why it cannot be sent.
    #[error("{1}; nothing was sent")]
    Approval(Vec<Change>, String),
    /// Nothing can be sent through the relay.
    #[error("{0}")]
    Relay(String),
    /// The journal.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Another file.
    #[error(transparent)]
    File(#[from] FileError),
    /// The relay's password.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// A source of returned mail.
    #[error(transparent)]
    Inbound(#[from] InboundError),
    /// A message that was handed to us is not in the journal: whoever brought it is to bring it again.
    #[error("the message is not recorded")]
    Later(#[source] Box<Self>),
    /// Certificates.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// Standard output, the sandbox's port.
    #[error("input or output failed")]
    Io(#[from] std::io::Error),
}

impl From<SelectionFault> for Stopped {
    fn from(fault: SelectionFault) -> Self {
        Self::Usage(fault.to_string())
    }
}

impl Stopped {
    /// The exit code.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Configuration(_) | Self::Secret(_) | Self::Tls(_) => Exit::Configuration,
            Self::Data(..) => Exit::Data,
            Self::Usage(_) => Exit::Usage,
            Self::Relay(_) => Exit::Unreachable,
            Self::Inbound(error) => match error {
                InboundError::Unreachable(..) => Exit::Unreachable,
                InboundError::Login(..) | InboundError::Unfit(..) | InboundError::Secret(_) | InboundError::Tls(_) => {
                    Exit::Configuration
                }
                InboundError::File(_) | InboundError::Message(_) => Exit::InputOutput,
            },
            Self::Later(_) => Exit::TryAgain,
            Self::Store(StoreError::Busy(_)) | Self::Approval(..) => Exit::TryAgain,
            Self::Store(StoreError::Newer { .. } | StoreError::OtherEvent { .. }) => Exit::Configuration,
            Self::Store(_) | Self::File(_) | Self::Io(_) => Exit::InputOutput,
        }
    }

    /// Prints it: the problems, then one line with all causes.
    pub fn print(&self) {
        let mut cause = self;
        while let Self::Later(stopped) = cause {
            cause = stopped;
        }
        if let Self::Configuration(problems) | Self::Data(problems, _) = cause {
            print_problems(problems);
        }
        if let Self::Approval(changes, _) = self {
            changes.iter().for_each(|change| remark(format_args!("{change}")));
        }
        remark(format_args!("convoke: {}", io::chain(self)));
    }
}

/// Tells of trouble that stops nothing.
pub fn print_trouble(error: &dyn std::error::Error) {
    remark(format_args!("convoke: {}", io::chain(error)));
}

/// One line for each problem, in the order of the files.
pub fn print_problems(problems: &[Problem]) {
    for problem in problems.iter().take(SHOWN) {
        remark(format_args!("{problem}"));
    }
    if problems.len() > SHOWN {
        remark(format_args!("… and {} more", problems.len() - SHOWN));
    }
}

fn counted(problems: &[Problem], rest: &str) -> String {
    match problems.len() {
        1 => format!("1 problem; {rest}"),
        n => format!("{n} problems; {rest}"),
    }
}

fn refused(problems: &[Problem], rows: u64) -> String {
    let rows = if rows == 1 { "1 row is".to_owned() } else { format!("{rows} rows are") };
    let problems = counted(problems, "");
    let problems = problems.trim_end_matches("; ");
    format!(
        "{rows} refused ({problems}); nothing was sent: mend the lists, or leave those rows out with --skip-refused"
    )
}
