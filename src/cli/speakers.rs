//! Flags of verbs: the speaking list: `speakers` and its acts.
//!
//! Not here: what is meant by them (`settings`), what they do (`command`). Called by: `cli`. Can fail: nothing.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `convoke speakers`.
#[derive(Debug, Args)]
pub struct Speakers {
    #[command(subcommand)]
    pub act: Option<SpeakersAct>,
}

/// What is done with the speaking list; without one it is shown.
#[derive(Debug, Subcommand)]
pub enum SpeakersAct {
    /// Shows the list, or writes a page to print.
    Show(SpeakersShow),
    /// Puts somebody on the list; once more changes what is known of the speaker and keeps the place.
    Add(SpeakersAdd),
    /// Takes somebody off the list.
    Withdraw(SpeakersWithdraw),
    /// Moves somebody against the rule, with a reason that the list shows.
    Move(SpeakersMove),
    /// Draws lots; the seed is kept, so that anybody can repeat it.
    Draw(SpeakersDraw),
}

/// `convoke speakers show`.
#[derive(Debug, Default, Args)]
pub struct SpeakersShow {
    /// Writes a page to print.
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    pub out: Option<PathBuf>,
    /// When the first has the floor, such as 15:10; without it the event's start.
    #[arg(long, value_name = "HH:MM")]
    pub from: Option<String>,
    /// JSON.
    #[arg(long)]
    pub json: bool,
}

/// `convoke speakers add`.
#[derive(Debug, Args)]
pub struct SpeakersAdd {
    /// The entity, as the lists name it or a part of its name that no other has.
    #[arg(value_name = "ENTITY")]
    pub entity: String,
    /// Who will speak.
    #[arg(long, value_name = "NAME", default_value = "")]
    pub speaker: String,
    /// The speaker's rank, such as minister or permanent representative.
    #[arg(long, value_name = "RANK", default_value = "")]
    pub rank: String,
    /// Minutes, where they are not the list's.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=120))]
    pub minutes: Option<u32>,
    /// When they asked, at the event's place: 2017-09-18T10:30; without it now.
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,
    /// How they asked: phone, mail, ...
    #[arg(long, value_name = "HOW", default_value = "")]
    pub by: String,
    /// Takes an entity that is on none of the lists.
    #[arg(long)]
    pub guest: bool,
}

/// `convoke speakers withdraw`.
#[derive(Debug, Args)]
pub struct SpeakersWithdraw {
    /// Who is on the list.
    #[arg(value_name = "ENTITY")]
    pub entity: String,
    /// Why.
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub reason: String,
}

/// `convoke speakers move`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("target").required(true).args(["to", "before"]))]
pub struct SpeakersMove {
    /// Who is on the list.
    #[arg(value_name = "ENTITY")]
    pub entity: String,
    /// To this position, counted from 1.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub to: Option<u32>,
    /// Directly before this one.
    #[arg(long, value_name = "ENTITY")]
    pub before: Option<String>,
    /// Why; the list shows it.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}

/// `convoke speakers draw`.
#[derive(Debug, Args)]
pub struct SpeakersDraw {
    /// Any text, such as one that the bureau agreed on; without it chance makes one.
    #[arg(long, value_name = "TEXT")]
    pub seed: Option<String>,
}
