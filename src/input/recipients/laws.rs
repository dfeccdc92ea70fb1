//! What holds for every list, whatever is in it.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};
use unicode_normalization::UnicodeNormalization;

use super::{ColumnMap, Defaults, Import, Item};
use crate::input::problem::Problem;
use crate::input::table::{Dialect, Row, RowSource, Sniffer, TableReader, fault_in};
use crate::people::{Kind, Language};

fn import(octets: &[u8]) -> Result<Vec<Item>, Vec<Problem>> {
    let mut sniffer = Sniffer::new();
    sniffer.push(octets);
    import_as(octets, &sniffer.finish())
}

fn import_as(octets: &[u8], dialect: &Dialect) -> Result<Vec<Item>, Vec<Problem>> {
    let defaults = Defaults {
        kind: Some(Kind::Individual),
        language: Language::parse("en").expect("a tag"),
        multiline: vec!["notes".to_owned()],
    };
    let source = TableReader::new("list.csv", octets, dialect);
    Import::new(source, &ColumnMap::default(), defaults).map(Iterator::collect)
}

/// Rows made of what lists trip over.
fn tangle() -> impl Strategy<Value = String> {
    let token = prop_oneof![
        3 => Just("\""),
        4 => Just(","),
        3 => Just("\n"),
        1 => Just("\r\n"),
        1 => Just(" "),
        2 => Just("a@x.example"),
        1 => Just("b@"),
        1 => Just("é\u{202e}\0"),
        1 => Just("ngo"),
        2 => Just("\na@x.example,A,"),
    ];
    vec(token, 0..40).prop_map(|tokens| tokens.concat())
}

proptest! {
    #[test]
    fn no_octets_panic(octets in vec(any::<u8>(), 0..200), rows in vec(any::<u8>(), 0..200)) {
        let _ = import(&octets);
        let _ = import(&[b"email,entity,notes,kind\n".as_slice(), &rows].concat());
    }

    /// Each row that has anything in it is accepted or refused by name, and never both.
    #[test]
    fn nobody_is_lost(rows in tangle()) {
        let text = format!("email,entity,notes\n{rows}");
        let items = import_as(text.as_bytes(), &Sniffer::new().finish()).expect("a sound header");
        let of_items = |accepted: bool| -> BTreeSet<u64> {
            let place = |item: &Item| match item {
                Item::Recipient(recipient) if accepted => Some(recipient.place.line),
                Item::Refused(problem) if !accepted => Some(problem.place.line),
                Item::Recipient(_) | Item::Refused(_) => None,
            };
            items.iter().filter_map(place).collect()
        };
        let (accepted, refused) = (of_items(true), of_items(false));
        let mut reader = TableReader::new("list.csv", text.as_bytes(), &Sniffer::new().finish());
        let mut row = Row::default();
        prop_assert!(reader.next_row(&mut row).expect("a header"));
        while reader.next_row(&mut row).expect("readable") {
            let lines = row.line..=row.last_line;
            let is_in = |set: &BTreeSet<u64>| lines.clone().any(|line| set.contains(&line));
            prop_assert_eq!(u8::from(is_in(&accepted)) + u8::from(is_in(&refused)), u8::from(!row.is_blank()));
        }
    }

    /// Cells of letters come back as they were written, but for the blanks around them and the normal form.
    #[test]
    fn what_is_written_comes_back(rows in vec(("\\PC{0,20}", "[ a\",;|{}<>=@'é]{0,10}"), 0..8)) {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(["email", "first", "second"]).expect("memory");
        for (first, second) in &rows {
            writer.write_record(["a@x.example", first, second]).expect("memory");
        }
        let items = import(&writer.into_inner().expect("memory")).expect("a sound header");
        let mut items = items.into_iter();
        for (first, second) in &rows {
            if fault_in(first.trim(), false).is_some() {
                prop_assert!(matches!(items.next(), Some(Item::Refused(_))));
                continue;
            }
            let Some(Item::Recipient(recipient)) = items.next() else { panic!("{first:?} is not accepted") };
            for (name, text) in [("first", first), ("second", second)] {
                let text: String = text.trim().nfc().collect();
                prop_assert_eq!(recipient.cells.get(name).map_or("", String::as_str), text);
            }
        }
        prop_assert_eq!(items.next(), None);
    }
}
