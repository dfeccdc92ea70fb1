//! The informal speaking list: who asked for the floor, and in which order they get it.
//!
//! What: [`SpeakingStep`], one line of the journal (somebody inscribes, withdraws, is moved, a draw is made), and
//! [`SpeakingList`], what all of them come to. The list is computed anew from its steps each time, so that the history is whole
//! and a later inscription finds its place by the same rule as the first.
//! Source: practice of the United Nations (A/CN.4/L.129 for ranks; S/2014/739 for draws and sign-up sheets "adjusted for
//! protocol"): category, then the time of the request; first come; or a draw; then moves by hand, each with its reason.
//! Not here: SQL (`io::store`), the printed list (`desk`). Called by: `io::store`, `desk`, `command`. Can fail: nothing.

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use crate::input::speaking::{Order, SpeakingRules};
use crate::people::{Category, Rank, fold};

/// What somebody did to the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SpeakingAct {
    /// Asks for the floor, or says something new of an inscription that stands; then the first request's time counts.
    Inscribe {
        /// Who speaks for the entity; empty where it was not said.
        speaker: String,
        /// The speaker's rank, as a cell would have it; empty where it was not said.
        rank: String,
        /// Time asked for, in minutes; `None` takes the list's.
        minutes: Option<u32>,
    },
    /// Gives the floor back.
    Withdraw,
    /// Is put before another entity, or at a position that counts from 1.
    Move(Target),
    /// Lots are drawn with this seed; it stands until another draw.
    Draw(String),
}

/// Where somebody is moved to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Counted from 1; beyond the end is the end.
    Position(u32),
    /// Directly before this entity.
    Before(String),
}

/// One line of the journal; appended and never changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpeakingStep {
    /// Whom it concerns; empty for a draw.
    pub entity: String,
    /// What.
    pub act: SpeakingAct,
    /// Why; a move has one.
    pub reason: String,
    /// How it came: `phone`, `mail`, ...
    pub by: String,
    /// When it was asked for.
    pub at: Timestamp,
}

/// One place on the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Who has the floor.
    pub entity: String,
    /// Who speaks; may be empty.
    pub speaker: String,
    /// The rank as it was given; may be empty.
    pub rank: String,
    /// Its class.
    pub category: Category,
    /// Minutes.
    pub minutes: u32,
    /// When the floor was first asked for.
    pub asked: Timestamp,
    /// How it was asked for.
    pub by: String,
    /// Why it stands where the rule would not put it; empty where the rule did.
    pub moved: String,
    /// Minutes of all before it.
    pub after_minutes: u32,
}

/// Who speaks, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpeakingList {
    /// In their order.
    pub slots: Vec<Slot>,
    /// Who gave the floor back, in the order in which they did.
    pub withdrawn: Vec<String>,
    /// The rule that ordered it before moves.
    pub order: Order,
    /// The seed of the draw where the order is one that was made; anybody can repeat it.
    pub seed: Option<String>,
}

impl SpeakingList {
    /// What the steps, in the journal's order, come to.
    pub fn of(steps: &[SpeakingStep], rules: &SpeakingRules) -> Self {
        let mut slots: Vec<Slot> = Vec::new();
        let mut withdrawn: Vec<String> = Vec::new();
        let mut seed = None;
        let is = |entity: &str, other: &str| fold(entity) == fold(other);
        for step in steps {
            match &step.act {
                SpeakingAct::Inscribe { speaker, rank, minutes } => {
                    withdrawn.retain(|entity| !is(entity, &step.entity));
                    let found = slots.iter().position(|slot| is(&slot.entity, &step.entity));
                    let at = found.unwrap_or_else(|| {
                        slots.push(Slot {
                            entity: step.entity.clone(),
                            speaker: String::new(),
                            rank: String::new(),
                            category: Category::Other,
                            minutes: rules.minutes,
                            asked: step.at,
                            by: step.by.clone(),
                            moved: String::new(),
                            after_minutes: 0,
                        });
                        slots.len() - 1
                    });
                    let slot = &mut slots[at];
                    if !speaker.is_empty() {
                        slot.speaker.clone_from(speaker);
                    }
                    if !rank.is_empty() {
                        slot.rank.clone_from(rank);
                        slot.category = Category::of(Rank::parse(rank));
                    }
                    slot.minutes = minutes.unwrap_or(slot.minutes);
                }
                SpeakingAct::Withdraw => {
                    if slots.iter().any(|slot| is(&slot.entity, &step.entity)) {
                        slots.retain(|slot| !is(&slot.entity, &step.entity));
                        withdrawn.push(step.entity.clone());
                    }
                }
                SpeakingAct::Draw(drawn) => seed = Some(drawn.clone()),
                SpeakingAct::Move(_) => {}
            }
        }
        let seed = seed.filter(|_| rules.order == Order::Draw);
        match (rules.order, &seed) {
            (Order::Rank, _) => slots.sort_by_key(|slot| (slot.category, slot.asked)),
            // Before the draw there is no other order than that of requests.
            (Order::FirstCome, _) | (Order::Draw, None) => slots.sort_by_key(|slot| slot.asked),
            (Order::Draw, Some(seed)) => slots.sort_by_cached_key(|slot| lot(seed, &slot.entity)),
        }
        for step in steps {
            let SpeakingAct::Move(target) = &step.act else { continue };
            let Some(from) = slots.iter().position(|slot| is(&slot.entity, &step.entity)) else { continue };
            // A move says something of the inscription that stood then; a new one begins anew.
            if slots[from].asked > step.at {
                continue;
            }
            let mut slot = slots.remove(from);
            slot.moved.clone_from(&step.reason);
            let to = match target {
                Target::Position(position) => (*position as usize).saturating_sub(1).min(slots.len()),
                // Whom it was put before has gone: it stays where the rule puts it.
                Target::Before(other) => slots.iter().position(|slot| is(&slot.entity, other)).unwrap_or(from),
            };
            slots.insert(to, slot);
        }
        let mut after = 0_u32;
        for slot in &mut slots {
            slot.after_minutes = after;
            after = after.saturating_add(slot.minutes);
        }
        Self { slots, withdrawn, order: rules.order, seed }
    }

    /// Minutes of all together.
    pub fn minutes(&self) -> u32 {
        self.slots.last().map_or(0, |slot| slot.after_minutes.saturating_add(slot.minutes))
    }

    /// The place of an entity, from 1.
    pub fn position(&self, entity: &str) -> Option<usize> {
        self.slots.iter().position(|slot| fold(&slot.entity) == fold(entity)).map(|at| at + 1)
    }
}

/// The lot of one entity in a draw: SHA-256 of seed, line feed and the entity's name, in hexadecimal; the least speaks first. Anybody
/// with the seed and `sha256sum` comes to the same order.
pub fn lot(seed: &str, entity: &str) -> String {
    data_encoding::HEXLOWER.encode(&Sha256::digest(format!("{seed}\n{entity}")))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use proptest::prelude::{Strategy, any, prop, proptest};

    use super::{SpeakingAct, SpeakingList, SpeakingStep, Target};
    use crate::input::speaking::{Order, SpeakingRules};

    fn rules(order: Order) -> SpeakingRules {
        SpeakingRules { order, minutes: 3 }
    }

    fn step(second: i64, entity: &str, act: SpeakingAct) -> SpeakingStep {
        let at = Timestamp::from_second(second).expect("in range");
        SpeakingStep { entity: entity.to_owned(), act, reason: "because".to_owned(), by: "phone".to_owned(), at }
    }

    fn asks(second: i64, entity: &str, rank: &str) -> SpeakingStep {
        let act = SpeakingAct::Inscribe { speaker: String::new(), rank: rank.to_owned(), minutes: None };
        step(second, entity, act)
    }

    fn names(list: &SpeakingList) -> String {
        list.slots.iter().map(|slot| slot.entity.as_str()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn ranks_come_before_times_and_times_among_equals() {
        let steps = [
            asks(1, "Chile", "permanent representative"),
            asks(2, "Kenya", "minister"),
            asks(3, "Fiji", "head of state"),
            asks(4, "Peru", "permanent representative"),
            asks(5, "Greenpeace", ""),
        ];
        assert_eq!(names(&SpeakingList::of(&steps, &rules(Order::Rank))), "Fiji Kenya Chile Peru Greenpeace");
        assert_eq!(names(&SpeakingList::of(&steps, &rules(Order::FirstCome))), "Chile Kenya Fiji Peru Greenpeace");
    }

    #[test]
    fn who_asks_again_keeps_the_place_and_who_withdrew_loses_it() {
        let mut steps = vec![asks(1, "Chile", ""), asks(2, "Kenya", ""), asks(3, "chile", "")];
        let list = SpeakingList::of(&steps, &rules(Order::FirstCome));
        assert_eq!(names(&list), "Chile Kenya");
        steps.push(step(4, "CHILE", SpeakingAct::Withdraw));
        let list = SpeakingList::of(&steps, &rules(Order::FirstCome));
        assert_eq!((names(&list).as_str(), list.withdrawn.as_slice()), ("Kenya", ["CHILE".to_owned()].as_slice()));
        steps.push(asks(5, "Chile", ""));
        let list = SpeakingList::of(&steps, &rules(Order::FirstCome));
        assert_eq!((names(&list).as_str(), list.withdrawn.len()), ("Kenya Chile", 0));
    }

    #[test]
    fn moves_hold_when_others_come_later_and_say_why() {
        let steps = [
            asks(1, "Chile", ""),
            asks(2, "Kenya", ""),
            asks(3, "Fiji", ""),
            step(4, "Fiji", SpeakingAct::Move(Target::Before("Chile".to_owned()))),
            asks(5, "Peru", "head of state"),
            step(6, "Kenya", SpeakingAct::Move(Target::Position(9))),
        ];
        let list = SpeakingList::of(&steps, &rules(Order::Rank));
        assert_eq!(names(&list), "Peru Fiji Chile Kenya");
        assert_eq!((list.slots[1].moved.as_str(), list.slots[2].moved.as_str()), ("because", ""));
        assert_eq!((list.slots[3].after_minutes, list.minutes(), list.position("kenya")), (9, 12, Some(4)));
    }

    #[test]
    fn a_draw_can_be_repeated_by_anybody() {
        let steps = [asks(1, "Chile", ""), asks(2, "Kenya", ""), step(3, "", SpeakingAct::Draw("2017".to_owned()))];
        let list = SpeakingList::of(&steps, &rules(Order::Draw));
        let mut lots: Vec<(String, &str)> = ["Chile", "Kenya"].map(|name| (super::lot("2017", name), name)).into();
        lots.sort();
        assert_eq!(names(&list), format!("{} {}", lots[0].1, lots[1].1));
        assert_eq!(super::lot("2017", "Chile").len(), 64);
        assert_eq!(names(&SpeakingList::of(&steps[..2], &rules(Order::Draw))), "Chile Kenya");
    }

    proptest! {
        #[test]
        fn everybody_who_asked_and_did_not_withdraw_stands_there_once(
            acts in prop::collection::vec((0..6_usize, any::<u8>().prop_map(|n| n % 4), 1..9_u32), 0..30),
        ) {
            let entities = ["A", "B", "C", "D", "E", "F"];
            let mut standing = std::collections::BTreeSet::new();
            let steps: Vec<SpeakingStep> = acts.iter().zip(1..).map(|((who, what, position), second)| {
                let entity = entities[*who];
                match what {
                    0 | 3 => { standing.insert(entity); asks(second, entity, if *what == 0 { "" } else { "minister" }) }
                    1 => { standing.remove(entity); step(second, entity, SpeakingAct::Withdraw) }
                    _ => step(second, entity, SpeakingAct::Move(Target::Position(*position))),
                }
            }).collect();
            let list = SpeakingList::of(&steps, &rules(Order::Rank));
            let mut found: Vec<&str> = list.slots.iter().map(|slot| slot.entity.as_str()).collect();
            found.sort_unstable();
            assert_eq!(found, standing.into_iter().collect::<Vec<_>>());
        }
    }
}
