//! `convoke update`: tells those who were sent the invitation what has changed.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::Path;

use serde_json::{Map, Value, json};

use super::chosen::Chosen;
use super::folder::Folder;
use super::mailing::{Approval, Mailing, in_folder, joined, say_others};
use super::plan::{self, INVITATIONS, Part, Settled};
use super::send::{in_session, of_session, only_of, say_lists};
use super::trial::{self, Trial};
use super::{gate, who};
use crate::cli;
use crate::desk::count;
use crate::exit::{Exit, Stopped};
use crate::io::clock;
use crate::io::store::{Circle, Planning, Store, StoreError};
use crate::message::Composer;
use crate::plan::amendment::{AmendmentKind, Change};
use crate::plan::{Errand, Purpose};
use crate::settings::Sending;

/// What `update` and `reinstate` send.
pub(super) const UPDATES: Errand = Errand { purpose: Purpose::Update, mailing: 0 };

pub(super) async fn run(path: &Path, typed: &cli::Update) -> Result<Exit, Stopped> {
    let folder = Folder::read(path, &typed.lists)?;
    let delivery = &typed.delivery;
    let sending = Sending::of(&folder.file, delivery, clock::now()).map_err(Stopped::Usage)?;
    let selection = plan::selection(&typed.only, &folder.columns)?.and_named(&typed.named.entity, &typed.named.to);
    if !delivery.json {
        say_lists(&folder);
    }
    let store = open(path, delivery).await?;
    let mut settled = plan::settle(&folder, &store).await?;
    let selection = of_session(&folder, &store, selection, typed.session.as_deref()).await?;
    let mut amendments = Vec::new();
    for part in plan::meant(&mut settled.parts, typed.session.as_deref())? {
        if part.history.is_cancelled() {
            if typed.session.is_none() && !folder.file.sessions.is_empty() {
                continue;
            }
            return Err(Stopped::Usage(format!(
                "{} was called off; `convoke {}reinstate --all{}` tells the new facts, too",
                part.name(),
                in_folder(path),
                in_session(typed.session.as_deref())
            )));
        }
        let kind = match part.difference.proposed() {
            Some((proposed, reason)) => Some(decide(part, proposed, reason, typed)?),
            None => None,
        };
        amendments.push(Amendment { part, kind });
    }
    let kinds: Vec<AmendmentKind> = amendments.iter().filter_map(|amendment| amendment.kind).collect();
    let planning = store.begin_planning().await?;
    let planned = plan_updates(&store, planning, &mut amendments, &selection, &typed.note).await;
    let story = story(&amendments);
    // From here on it is a matter of what is open, of the session that was named or of all.
    store.look_at(&plan::session(&folder.file.session_ids(), typed.session.as_deref())?);
    let planned = match planned {
        Ok(()) => checked(&folder, &store, &settled).await,
        Err(stopped) => Err(stopped),
    };
    let composer = or_give_up(planning, planned).await?;
    let is_silent = kinds.iter().all(|kind| *kind == AmendmentKind::Typo);
    if is_silent && (kinds == [AmendmentKind::Typo] || store.count_open(UPDATES).await? == 0) {
        planning.commit().await?;
        if delivery.json {
            let recorded = json!({ "sent": 0, "recorded": kinds.first().map(|kind| kind.as_str()) });
            println!("{}", joined(recorded, &story));
        } else if !kinds.is_empty() {
            println!("recorded for those who are invited from now on; nobody is written to");
        } else {
            println!("nothing has changed since those who were sent the invitation were told last");
        }
        if !delivery.json {
            say_others(&store, INVITATIONS, path).await?;
        }
        return Ok(Exit::Done);
    }
    let again = format!("update{}", in_session(typed.session.as_deref()));
    let only = only_of(&typed.only, typed.session.as_deref());
    let (folder, store, typed_only, typed) = (&folder, &store, &only[..], delivery);
    let mailing = Mailing {
        folder,
        store,
        composer,
        errand: UPDATES,
        selection: &selection,
        only: typed_only,
        typed,
        sending: &sending,
        again,
        story,
    };
    leave(mailing, planning).await
}

/// The journal, or a scratch copy where nothing is to stay. There has to be one: without it nobody was told anything.
pub(super) async fn open(path: &Path, delivery: &cli::Delivery) -> Result<Store, Stopped> {
    if !Store::path_in(path).exists() {
        return Err(StoreError::Absent(path.to_owned()).into());
    }
    Ok(if delivery.dry_run || delivery.test_to.is_some() {
        Store::scratch(path, &format!("dry-run-{}", std::process::id())).await?
    } else {
        Store::open(path, clock::now().as_millisecond()).await?
    })
}

/// Gives a plan up where it cannot be carried out.
pub(super) async fn or_give_up<T>(planning: Planning<'_>, made: Result<T, Stopped>) -> Result<T, Stopped> {
    if made.is_err() {
        planning.give_up().await?;
    }
    made
}

/// Makes every message of a plan before it is lasting.
pub(super) async fn checked(folder: &Folder, store: &Store, settled: &Settled) -> Result<Composer, Stopped> {
    checked_errand(folder, store, settled, UPDATES).await
}

/// The same for any errand.
pub(super) async fn checked_errand(
    folder: &Folder,
    store: &Store,
    settled: &Settled,
    errand: Errand,
) -> Result<Composer, Stopped> {
    let composer = settled.composer(folder)?;
    let open = store.count_open(errand).await?;
    let found = gate::check_all(store, &composer, errand, open).await?;
    if !found.problems.is_empty() {
        return Err(Stopped::Configuration(found.problems));
    }
    for warning in &found.warnings {
        eprintln!("warning: {warning}");
    }
    Ok(composer)
}

/// Asks, makes the plan lasting, sends; or tries it out.
pub(super) async fn leave(mailing: Mailing<'_>, planning: Planning<'_>) -> Result<Exit, Stopped> {
    if let Some(to) = &mailing.typed.test_to {
        let Mailing { folder, store, errand, selection, typed, sending, .. } = mailing;
        let trial = Trial { folder, store, composer: &mailing.composer, errand, selection, typed, sending };
        return trial::run(trial, to).await;
    }
    let approval = mailing.approve().await;
    match or_give_up(planning, approval).await? {
        Approval::Over(exit) | Approval::Sealed(exit) => {
            planning.commit().await?;
            Ok(exit)
        }
        Approval::Given(approved) => {
            planning.commit().await?;
            approved.send().await
        }
    }
}

/// Shows what has changed and what it is taken for; on a terminal a person has the last word.
fn decide(part: &Part, proposed: AmendmentKind, reason: &str, typed: &cli::Update) -> Result<AmendmentKind, Stopped> {
    let asked = typed.kind.map(kind_of);
    let kind = asked.unwrap_or(proposed);
    if typed.delivery.json {
        return Ok(kind);
    }
    say_changes(part, asked, proposed, reason);
    let is_trial = typed.delivery.dry_run || typed.delivery.test_to.is_some();
    if asked.is_some() || is_trial || !std::io::stdin().is_terminal() {
        return Ok(kind);
    }
    eprint!("Enter for `{kind}`, or type another of typo, wording, material: ");
    std::io::stderr().flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    match answer.trim() {
        "" if answer.ends_with('\n') => Ok(kind),
        word => AmendmentKind::parse(word)
            .ok_or_else(|| Stopped::Usage("that is none of typo, wording, material; nothing was sent".to_owned())),
    }
}

/// The changes as data, and what they are taken for; `null` where nothing has changed. With sessions, each by its session.
fn story(amendments: &[Amendment<'_>]) -> Map<String, Value> {
    let change = |part: &Part, change: &Change| {
        let mut told = json!({
            "kind": change.kind.as_str(),
            "what": change.field.as_str(),
            "from": change.before,
            "to": change.after,
            "sentence": change.sentence,
            "reason": change.reason,
        });
        if !part.session().is_empty() {
            told["session"] = json!(part.session());
        }
        told
    };
    let changes = amendments.iter().flat_map(|of| of.part.difference.changes().iter().map(|one| change(of.part, one)));
    let by_session = |word: &dyn Fn(&Amendment<'_>) -> Option<&'static str>| match amendments {
        [only] if only.part.session().is_empty() => json!(word(only)),
        all => all.iter().map(|one| (one.part.session().to_owned(), json!(word(one)))).collect::<Map<_, _>>().into(),
    };
    let all = [
        ("changes", changes.collect()),
        ("taken_for", by_session(&|one| one.kind.map(AmendmentKind::as_str))),
        ("proposed", by_session(&|one| one.part.difference.proposed().map(|(kind, _)| kind.as_str()))),
    ];
    all.into_iter().map(|(name, value): (&str, Value)| (name.to_owned(), value)).collect()
}

/// What was typed for `--as`.
pub(super) fn kind_of(typed: cli::Amendment) -> AmendmentKind {
    match typed {
        cli::Amendment::Typo => AmendmentKind::Typo,
        cli::Amendment::Wording => AmendmentKind::Wording,
        cli::Amendment::Material => AmendmentKind::Material,
    }
}

/// What has changed, and what it is taken for.
pub(super) fn say_changes(part: &Part, asked: Option<AmendmentKind>, proposed: AmendmentKind, reason: &str) {
    match part.session() {
        "" => println!("what has changed:"),
        id => println!("what has changed of the session `{id}`:"),
    }
    part.difference.changes().iter().for_each(|change| println!("  {}", change.sentence));
    match asked {
        Some(asked) if asked != proposed => {
            println!("taken for `{asked}`, as asked ({proposed} was proposed: {reason}): {}", asked.in_words());
        }
        _ => println!("taken for `{proposed}` ({reason}): {}", proposed.in_words()),
    }
}

/// What becomes of the event, or of a session of it.
pub(super) struct Amendment<'p> {
    pub(super) part: &'p mut Part,
    /// `None` where nothing has changed: those who were told nothing yet of an earlier change are told it now.
    pub(super) kind: Option<AmendmentKind>,
}

/// The same for the event, or for each of its sessions that are meant.
pub(super) async fn plan_updates(
    store: &Store,
    planning: Planning<'_>,
    amendments: &mut [Amendment<'_>],
    selection: &Chosen,
    note: &str,
) -> Result<(), Stopped> {
    for amendment in amendments {
        store.look_at(amendment.part.session());
        plan_update(store, planning, amendment, selection, note).await?;
    }
    Ok(())
}

/// Adds the new state, where there is one, and plans a message for everybody who knows an older one.
async fn plan_update(
    store: &Store,
    planning: Planning<'_>,
    amendment: &mut Amendment<'_>,
    selection: &Chosen,
    note: &str,
) -> Result<(), Stopped> {
    let now = clock::now();
    let now_ms = now.as_millisecond();
    let Amendment { part, kind } = amendment;
    if let Some(kind) = kind {
        let next = part.history.next(kind.revision(), &part.facts, note, now).ok_or_else(spent)?;
        let next = planning.add_revision(next, now_ms).await?;
        planning.move_invitations(&next, now_ms).await?;
        part.history = part.history.clone().with(next);
    }
    if *kind != Some(AmendmentKind::Typo)
        && let Some(revision) = part.history.amended()
    {
        let circle = Circle::Behind(revision.number);
        let meant = who::among(store, circle, |candidate| selection.takes(candidate.id, &candidate.recipient)).await?;
        planning.plan(Purpose::Update, revision, &who::rows(&meant), now_ms).await?;
    }
    Ok(())
}

/// RFC 5545 section 3.3.8: SEQUENCE is an INTEGER.
pub(super) fn spent() -> Stopped {
    Stopped::Usage("the event has been changed as often as calendars can count".to_owned())
}

/// `3 mailboxes`, for words of a plan.
pub(super) fn mailboxes(n: usize) -> String {
    count(n as u64, "mailbox", "mailboxes")
}
