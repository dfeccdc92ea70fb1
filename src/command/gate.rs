//! Every message that is to be sent, made once in memory before the first one leaves.

use std::collections::BTreeMap;

use super::progress::Bar;
use crate::exit::Stopped;
use crate::input::problem::{Place, Problem};
use crate::io::clock;
use crate::io::store::{OpenRow, RecipientRow, Store};
use crate::message::{Composer, Reader};
use crate::plan::Errand;

/// Messages in memory at once.
const PAGE: usize = 256;
/// Different problems kept; the same problem of many rows counts once.
const KEPT: usize = 1000;

/// What the gate found.
#[derive(Default)]
pub(super) struct Found {
    /// Nothing may be sent while there is one.
    pub(super) problems: Vec<Problem>,
    /// Things to know.
    pub(super) warnings: Vec<String>,
    /// Messages by letter.
    pub(super) letters: BTreeMap<String, u64>,
    /// Octets of all messages.
    pub(super) octets: u64,
    /// Messages made.
    pub(super) messages: u64,
}

/// The same problem of several rows.
struct Concern {
    problem: Problem,
    first: Place,
    rows: u64,
}

/// What one thread made of its share.
#[derive(Default)]
struct Share {
    problems: Vec<(Problem, Place)>,
    warnings: Vec<String>,
    letters: BTreeMap<String, u64>,
    octets: u64,
}

/// As the composer wants it.
pub(super) fn reader(row: &OpenRow) -> Reader<'_> {
    Reader {
        address: &row.recipient.address,
        entity: &row.recipient.entity,
        kind: row.recipient.kind,
        language: &row.recipient.language,
        cells: &row.recipient.cells,
    }
}

/// Makes a message of a purpose that nobody is sent now for everybody who is on the lists, so that its templates are not found
/// broken on the day. `dress` gives each row the dispatch that it would have,
/// or says that it would have none.
pub(super) async fn rehearse(
    store: &Store,
    composer: &Composer,
    dress: impl Fn(&mut OpenRow) -> bool,
) -> Result<Found, Stopped> {
    let mut gathered = Gathered::default();
    let mut after = 0;
    loop {
        let mut page = store.listed_page(super::plan::INVITATIONS, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.id;
        page.retain_mut(&dress);
        if page.is_empty() {
            continue;
        }
        gathered.take(make(&page, composer));
    }
    Ok(gathered.found())
}

/// Makes all messages of an errand that are open, page by page, on all cores; without signatures, which no template can spoil.
pub(super) async fn check_all(
    store: &Store,
    composer: &Composer,
    errand: Errand,
    expected: u64,
) -> Result<Found, Stopped> {
    let bar = Bar::items("checking every message", expected);
    let mut gathered = Gathered::default();
    let mut after = 0;
    loop {
        let page = store.open_page(errand, after, i64::MAX, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.id;
        gathered.take(make(&page, composer));
        bar.advance(page.len() as u64);
    }
    bar.finish();
    Ok(gathered.found())
}

/// What many pages gave; a problem of a million rows counts once.
#[derive(Default)]
struct Gathered {
    found: Found,
    concerns: BTreeMap<(Place, String), Concern>,
    warnings: BTreeMap<String, u64>,
}

impl Gathered {
    fn take(&mut self, shares: Vec<Share>) {
        let Self { found, concerns, warnings } = self;
        for share in shares {
            found.octets += share.octets;
            for (letter, count) in share.letters {
                found.messages += count;
                *found.letters.entry(letter).or_default() += count;
            }
            for warning in share.warnings {
                *warnings.entry(warning).or_default() += 1;
            }
            for (problem, first) in share.problems {
                let key = (problem.place.clone(), problem.fault.clone());
                if concerns.contains_key(&key) || concerns.len() < KEPT {
                    concerns.entry(key).or_insert(Concern { problem, first, rows: 0 }).rows += 1;
                }
            }
        }
    }

    fn found(self) -> Found {
        let Self { mut found, concerns, warnings } = self;
        found.problems = concerns.into_values().map(in_words).collect();
        found.warnings = warnings
            .into_iter()
            .map(|(warning, n)| if n > 1 { format!("{warning} ({n} messages)") } else { warning })
            .collect();
        found
    }
}

fn in_words(concern: Concern) -> Problem {
    let Concern { problem, first, rows } = concern;
    let others = match rows {
        1 => String::new(),
        2 => " and 1 more row".to_owned(),
        n => format!(" and {} more rows", n - 1),
    };
    if problem.place == first {
        return problem;
    }
    Problem::new(problem.place, format!("{} for {first}{others}", problem.fault), problem.cure)
}

fn make(page: &[OpenRow], composer: &Composer) -> Vec<Share> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let now = clock::now();
    std::thread::scope(|scope| {
        let workers: Vec<_> = page
            .chunks(page.len().div_ceil(threads).max(1))
            .map(|rows| {
                scope.spawn(move || {
                    let mut share = Share::default();
                    for row in rows {
                        match composer.check(&reader(row), &row.dispatch, row.date.unwrap_or(now), now) {
                            Ok(checked) => {
                                share.octets += checked.octets as u64;
                                share.warnings.extend(checked.warnings);
                                *share.letters.entry(checked.letter).or_default() += 1;
                            }
                            Err(problems) => {
                                let RecipientRow { address, place, .. } = &row.recipient;
                                // What is wrong with the row itself the composer tells by its address.
                                let placed = |p: Problem| match p.place.file == address.as_str() {
                                    true => Problem { place: place.clone(), ..p },
                                    false => p,
                                };
                                share.problems.extend(problems.into_iter().map(|p| (placed(p), place.clone())));
                            }
                        }
                    }
                    share
                })
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().expect("a worker reports its faults as values")).collect()
    })
}
