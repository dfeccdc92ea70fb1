//! What holds for every table, whatever is in it.

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};

use super::{Dialect, Row, RowSource, Sniffer, TableReader};

fn sniff(octets: &[u8], piece: usize) -> Dialect {
    let mut sniffer = Sniffer::new();
    octets.chunks(piece.max(1)).for_each(|piece| sniffer.push(piece));
    sniffer.finish()
}

/// Line and cells of each row, and whether any has a fault.
fn read(octets: &[u8], dialect: &Dialect) -> (Vec<(u64, Vec<String>)>, bool) {
    let mut reader = TableReader::new("t.csv", octets, dialect);
    let (mut row, mut rows, mut is_faulty) = (Row::default(), Vec::new(), false);
    while reader.next_row(&mut row).unwrap_or(false) {
        is_faulty |= !row.faults.is_empty();
        rows.push((row.line, row.cells.iter().map(str::to_owned).collect()));
    }
    (rows, is_faulty)
}

/// Text made of what tables trip over.
fn tangle() -> impl Strategy<Value = String> {
    let token = prop_oneof![
        4 => Just("\""),
        3 => Just(","),
        2 => Just("\n"),
        1 => Just("\r"),
        1 => Just("\r\n"),
        1 => Just(" "),
        1 => Just("\t"),
        2 => Just("x"),
        1 => Just("é"),
        1 => Just(";"),
    ];
    vec(token, 0..40).prop_map(|tokens| tokens.concat())
}

proptest! {
    #[test]
    fn no_octets_panic(octets in vec(any::<u8>(), 0..300), piece in 1_usize..40) {
        let dialect = sniff(&octets, piece);
        let _ = (read(&octets, &dialect), dialect.remarks());
    }

    #[test]
    fn the_cut_agrees_with_the_csv_crate(text in tangle()) {
        let dialect = Sniffer::new().finish();
        let (rows, _) = read(text.as_bytes(), &dialect);
        let mut plain = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
        let expected: Vec<Vec<String>> =
            plain.records().map(|record| record.expect("text").iter().map(str::to_owned).collect()).collect();
        let cells: Vec<Vec<String>> = rows.into_iter().map(|(_, cells)| cells).collect();
        prop_assert_eq!(cells, expected);
    }

    #[test]
    fn what_is_written_comes_back(rows in vec(vec("\\PC{0,12}|[a\", \r\n\t;|]{0,8}", 3), 0..12), piece in 1_usize..100) {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let header = ["first".to_owned(), "second".to_owned(), "third".to_owned()];
        for row in std::iter::once(header.as_slice()).chain(rows.iter().map(Vec::as_slice)) {
            writer.write_record(row).expect("memory");
        }
        let octets = writer.into_inner().expect("memory");
        let dialect = sniff(&octets, piece);
        prop_assert_eq!(dialect.delimiter(), ',');
        prop_assert_eq!(dialect.encoding(), "UTF-8");
        let (read, is_faulty) = read(&octets, &dialect);
        let cells: Vec<&Vec<String>> = read.iter().skip(1).map(|(_, cells)| cells).collect();
        prop_assert!(!is_faulty);
        prop_assert_eq!(cells, rows.iter().collect::<Vec<_>>());
    }

    #[test]
    fn lines_are_physical(rows in vec(("[a\", \r\n]{0,8}", prop_oneof![Just("\n"), Just("\r\n"), Just("\r"), Just("\n\n")]), 1..12)) {
        let mut text = String::new();
        for (number, (cell, end)) in rows.iter().enumerate() {
            text += &format!("row{number},\"{}\"{end}", cell.replace('"', "\"\""));
        }
        let (read, is_faulty) = read(text.as_bytes(), &Sniffer::new().finish());
        prop_assert!(!is_faulty);
        let physical: Vec<String> = text.replace("\r\n", "\n").replace('\r', "\n").split('\n').map(str::to_owned).collect();
        prop_assert_eq!(read.len(), rows.len());
        for (number, (line, _)) in read.iter().enumerate() {
            let at = usize::try_from(*line).expect("few lines") - 1;
            let starts = format!("row{number},");
            prop_assert!(physical[at].starts_with(&starts), "{} at {}", starts, line);
        }
    }
}
