//! Laws of the projection, whatever was answered.

use jiff::Timestamp;
use proptest::prelude::{Just, Strategy, any, prop, prop_assert, prop_assert_eq, prop_oneof, proptest};

use super::{Answer, Asked, Position, Weight};
use crate::calendar::{PartStat, Sequence};
use crate::plan::Participation;

fn answer() -> impl Strategy<Value = Answer> {
    let partstat = prop_oneof![
        Just(PartStat::Accepted),
        Just(PartStat::Declined),
        Just(PartStat::Tentative),
        Just(PartStat::Delegated),
        Just(PartStat::NeedsAction)
    ];
    let mailbox = prop_oneof![1 => Just(None), 4 => (1..4i64).prop_map(Some)];
    let order = (proptest::option::of(0..3u32), proptest::option::of(0..50i64), 0..50i64, 0..3u32);
    (partstat, mailbox, order, proptest::option::of(0..6u32), any::<bool>(), prop::bool::weighted(0.9)).prop_map(
        |(partstat, recipient, (sequence, dtstamp, said, revision), persons, is_note, applies)| {
            let at = |second: i64| Timestamp::from_second(second).expect("in range");
            Answer {
                entity: "X".to_owned(),
                recipient,
                partstat,
                persons,
                comment: String::new(),
                source: String::new(),
                by: String::new(),
                is_note,
                attendee: String::new(),
                sequence: sequence.and_then(Sequence::new),
                dtstamp: dtstamp.map(at),
                said: at(said),
                recorded: at(said),
                revision,
                evidence: String::new(),
                level: None,
                applies,
            }
        },
    )
}

fn asked() -> impl Strategy<Value = Asked> {
    (0..3u32, 0..2u32)
        .prop_map(|(revision, sequence)| Asked { revision, sequence: Sequence::new(sequence).expect("in range") })
}

/// What a person reads.
fn read(position: &Position) -> (Participation, u32, u32, usize) {
    (position.participation, position.persons, position.perhaps, position.conflicts.len())
}

proptest! {
    #[test]
    fn the_order_of_arrival_does_not_matter_where_no_two_were_said_at_once(
        (answers, shuffled) in prop::collection::vec(answer(), 0..8)
            .prop_map(|answers| {
                let apart = answers.into_iter().enumerate();
                apart.map(|(n, answer)| {
                    let said = Timestamp::from_second(100 * n as i64).expect("in range");
                    Answer { said, recorded: said, ..answer }
                }).collect::<Vec<_>>()
            })
            .prop_flat_map(|answers| (Just(answers.clone()), Just(answers).prop_shuffle())),
        asked in asked(),
    ) {
        let (one, other) = (Position::of(&answers, asked), Position::of(&shuffled, asked));
        prop_assert_eq!(read(&one), read(&other));
    }

    #[test]
    fn a_note_is_never_changed_by_a_reader(
        answers in prop::collection::vec(answer(), 0..8),
        more in answer(),
        asked in asked(),
    ) {
        let before = Position::of(&answers, asked);
        let is_noted = before.decided_by.as_ref().is_some_and(|answer| answer.is_note);
        let mut with = answers;
        with.push(Answer { is_note: false, ..more });
        let after = Position::of(&with, asked);
        if is_noted {
            prop_assert_eq!(after.participation, before.participation);
            prop_assert_eq!(after.decided_by, before.decided_by);
        }
    }

    #[test]
    fn what_is_recorded_twice_counts_once(
        answers in prop::collection::vec(answer(), 0..8),
        asked in asked(),
    ) {
        let before = Position::of(&answers, asked);
        let twice: Vec<Answer> = answers.iter().chain(&answers).cloned().collect();
        let after = Position::of(&twice, asked);
        prop_assert_eq!(after.participation, before.participation);
        prop_assert_eq!((after.persons, after.perhaps), (before.persons, before.perhaps));
    }

    #[test]
    fn at_most_one_answer_decides_and_nobody_comes_who_did_not_say_so(
        answers in prop::collection::vec(answer(), 0..8),
        asked in asked(),
    ) {
        let position = Position::of(&answers, asked);
        let deciding = position.history.iter().filter(|(_, weight)| *weight == Weight::Decides).count();
        prop_assert_eq!(deciding, usize::from(position.decided_by.is_some()));
        prop_assert_eq!(position.history.len(), answers.len());
        if position.persons > 0 {
            prop_assert!(matches!(position.participation, Participation::Accepted | Participation::Delegated));
        }
        if position.participation == Participation::Accepted {
            prop_assert!(answers.iter().any(|a| a.partstat == PartStat::Accepted && a.applies && a.revision >= asked.revision));
        }
    }
}
