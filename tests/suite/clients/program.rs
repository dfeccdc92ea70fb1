//! The whole program in place of the story: commands, journal, outbox. What it sends to each guest is what the story tells,
//! on which all other histories here are built.

use std::collections::BTreeMap;

use convoke::calendar::PartStat;

use super::law::{Answer, Fate, Post};
use super::story::{Said, Story, Verb};
use super::told::Told;
use super::{CLIENTS, Record, play, understood};
use crate::desk::Desk;

/// Somebody else who is invited before everybody and told everything that the guests need not be told.
const OTHER: &str = "Committee,ngo,en,committee@host.example,Ms.,Jo,Doe,\n";
const HEADING: &str = "entity,kind,language,email,honorific,given,family,of_state\n";

/// A guest by the answer that he gives and that we hear.
struct Guest {
    address: String,
    entity: String,
    answer: Option<(usize, PartStat)>,
    story: Story,
    told: Vec<Option<Told>>,
}

fn guests(steps: usize) -> Vec<Guest> {
    let answers = (0..steps).flat_map(|step| [PartStat::Accepted, PartStat::Declined].map(|partstat| (step, partstat)));
    std::iter::once(None)
        .chain(answers.map(Some))
        .enumerate()
        .map(|(number, answer)| Guest {
            address: format!("guest{number}@host.example"),
            entity: format!("Mission {number}"),
            answer,
            story: Story::new(),
            told: Vec::new(),
        })
        .collect()
}

/// The commands of a verb, and how it changes the folder before.
fn act(desk: &Desk, verb: Verb, step: usize, guests: &[Guest]) {
    let settings = desk.read("convoke.toml");
    let place = |text: &str| desk.write("convoke.toml", text);
    match verb {
        Verb::Invite => {
            let rows: String = guests
                .iter()
                .map(|guest| format!("{},mission,en,{},,,,of {0}\n", guest.entity, guest.address))
                .collect();
            desk.write("recipients/list.csv", &format!("{HEADING}{OTHER}{rows}"));
            desk.ends(0, &["send"]);
        }
        Verb::Wording => {
            let (before, behind) = settings.split_once("Conference Room ").expect("the sample's place");
            let behind = behind.trim_start_matches(|c: char| c.is_ascii_digit());
            place(&format!("{before}Conference Room {}{behind}", 3 + step));
            desk.ends(0, &["update", "--as", "wording"]);
        }
        Verb::Material => {
            let (before, behind) = settings.split_once("start = 2017-09-22T15:").expect("the sample's hour");
            place(&format!("{before}start = 2017-09-22T15:{:02}{}", 5 * (step + 1), &behind[2..]));
            desk.ends(0, &["update", "--as", "material"]);
        }
        Verb::Cancel => drop(desk.ends(0, &["cancel", "--all"])),
        Verb::Withdraw => drop(desk.ends(0, &["cancel", "--only", "kind=mission"])),
        Verb::Reinstate => drop(desk.ends(0, &["reinstate", "--all"])),
        Verb::Remind => drop(desk.ends(0, &["remind", "--not-within", "0s", "--only", "kind=mission"])),
    }
}

fn hear(desk: &Desk, guest: &Guest, partstat: PartStat) {
    let said = match partstat {
        PartStat::Accepted => "--accepted",
        PartStat::Declined => "--declined",
        PartStat::Tentative => "--tentative",
        PartStat::NeedsAction | PartStat::Delegated => unreachable!("no guest here says so"),
    };
    desk.ends(0, &["note", &guest.address, said]);
}

/// Plays the verbs at the program and tells them, and compares what every guest gets.
fn course(verbs: &[Verb]) {
    let desk = Desk::with_list(&format!("{HEADING}{OTHER}"));
    for (folder, kind) in
        [("update", "mission"), ("cancellation", "mission"), ("update", "ngo"), ("cancellation", "ngo")]
    {
        let letter =
            "+++\nsubject = \"{{event.title}}\"\nregister = \"letter\"\n+++\nTo {{entity}}: see your calendar.\n";
        let name = format!("templates/{folder}/{kind}.en.md.hbs");
        if !desk.path.join(&name).exists() {
            desk.write(&name, letter);
        }
    }
    desk.ends(0, &["send"]);
    let mut guests = guests(verbs.len());
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for (step, verb) in verbs.iter().enumerate() {
        act(&desk, *verb, step, &guests);
        let mut arrived: BTreeMap<String, Vec<Told>> = BTreeMap::new();
        for octets in desk.outbox() {
            if let Some(told) = understood(&octets) {
                arrived.entry(told.to.clone()).or_default().push(told);
            }
        }
        for guest in &mut guests {
            let all = arrived.remove(&guest.address).unwrap_or_default();
            let count = seen.insert(guest.address.clone(), all.len()).unwrap_or_default();
            let new = &all[count..];
            let expected = match guest.story.say(*verb) {
                Said::No => panic!("{verbs:?}: {verb:?} is no step"),
                Said::Nothing => None,
                Said::Message(octets) => understood(&octets),
            };
            let said = |told: &Told| (told.method.clone(), told.sequence, told.partstat, told.status.clone());
            assert_eq!(
                new.iter().map(said).collect::<Vec<_>>(),
                expected.iter().map(said).collect::<Vec<_>>(),
                "{verbs:?} at {step} to one who answered {:?}",
                guest.answer
            );
            guest.told.push(new.first().cloned());
            let (Some((at, partstat)), Some(last)) = (guest.answer, &expected) else { continue };
            if at == step && !last.is_cancel() {
                hear(&desk, guest, partstat);
                guest.story.hear(partstat, last);
            }
        }
    }
    let mut record = Record::default();
    for guest in &guests {
        judge(&mut record, verbs, guest);
    }
    record.close();
}

/// What the program sent, at every client, as it comes and with each message lost or behind the next.
fn judge(record: &mut Record, verbs: &[Verb], guest: &Guest) {
    let told: Vec<_> = guest.told.iter().map(|told| told.clone().map(std::rc::Rc::new)).collect();
    let mut before: Option<&Told> = None;
    for (verb, told) in verbs.iter().zip(&guest.told) {
        let Some(told) = told else { continue };
        match (verb, before) {
            (Verb::Remind, before) => assert_eq!(Some(told), before, "a reminder brings the same object again"),
            (_, Some(before)) => {
                assert!(before.dtstamp < told.dtstamp, "DTSTAMP grows");
                assert_eq!(before.uid, told.uid);
            }
            (_, None) => {}
        }
        before = Some(told);
    }
    let answer = guest.answer.map(|(step, partstat)| Answer { step, partstat, is_heard: true });
    let answered = answer.is_none_or(|answer| told[answer.step].as_ref().is_some_and(|told| !told.is_cancel()));
    if !answered {
        return;
    }
    let prompt = vec![Fate::Prompt; verbs.len()];
    // What came before the answer must have come: the program knows of it.
    let disturbed = (answer.map_or(0, |answer| answer.step + 1)..verbs.len()).flat_map(|step| {
        [Fate::Lost, Fate::Late(1)].map(|fate| {
            let mut fates = prompt.clone();
            fates[step] = fate;
            fates
        })
    });
    for fates in std::iter::once(prompt.clone()).chain(disturbed) {
        let is_prompt = fates == prompt;
        for client in &CLIENTS {
            let ending = play(client, verbs, &Post::of(&fates), answer, |_| told.clone().into());
            record.keep(client, &ending, || format!("{verbs:?} {fates:?} {answer:?}"), is_prompt, false);
        }
    }
}

#[test]
fn the_program_tells_updates_as_the_story_does() {
    course(&[Verb::Invite, Verb::Wording, Verb::Material, Verb::Wording]);
}

#[test]
fn the_program_reminds_as_the_story_does() {
    course(&[Verb::Invite, Verb::Remind, Verb::Wording, Verb::Remind, Verb::Material, Verb::Remind]);
}

#[test]
fn the_program_tells_cancellations_as_the_story_does() {
    course(&[Verb::Invite, Verb::Wording, Verb::Cancel, Verb::Reinstate, Verb::Wording]);
}

#[test]
fn the_program_tells_late_guests_as_the_story_does() {
    course(&[Verb::Wording, Verb::Material, Verb::Invite, Verb::Wording, Verb::Withdraw]);
}

#[test]
fn the_program_tells_those_withdrawn_as_the_story_does() {
    course(&[Verb::Invite, Verb::Withdraw, Verb::Material, Verb::Reinstate, Verb::Wording]);
}

#[test]
fn the_program_tells_those_withdrawn_before_the_end_as_the_story_does() {
    course(&[Verb::Invite, Verb::Withdraw, Verb::Cancel, Verb::Reinstate, Verb::Material]);
}
