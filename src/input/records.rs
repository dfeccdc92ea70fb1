//! `[suppression]`, `[reports]` and `[log]` of `convoke.toml`: what is kept beside the journal's states.

use super::toml_reader::TomlReader;

/// What is kept, and where. File names are below the event folder, or absolute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Records {
    /// Whether suppressed addresses are kept as keyed hashes only.
    pub hashed: bool,
    /// A list of suppressed addresses that several folders share; it is read and never written.
    pub suppression_list: Option<String>,
    /// Whether each run that attempted something leaves a report.
    pub report_each_run: bool,
    /// A file to which every attempt is appended.
    pub log: Option<String>,
    /// Whether that file shows addresses whole.
    pub log_addresses: bool,
}

/// Reads the three tables.
pub(crate) fn read(root: &TomlReader<'_, '_>) -> Records {
    let suppression = root.table("suppression");
    let hashed = suppression.boolean("hashed").unwrap_or(false);
    let suppression_list = file(&suppression, "list of addresses");
    suppression.finish();
    let reports = root.table("reports");
    let report_each_run = reports.boolean("each_run").unwrap_or(true);
    reports.finish();
    let table = root.table("log");
    let log = file(&table, "log");
    let log_addresses = table.boolean("addresses").unwrap_or(false);
    table.finish();
    Records { hashed, suppression_list, report_each_run, log, log_addresses }
}

fn file(table: &TomlReader<'_, '_>, what: &str) -> Option<String> {
    let found = table.string("file")?;
    if found.value.trim().is_empty() {
        let cure = format!("name the {what}, or leave the key out");
        table.problem(found.place, "the name of a file is empty", cure);
        return None;
    }
    Some(found.value)
}

#[cfg(test)]
mod tests {
    use super::{Records, read};
    use crate::input::toml_reader::TomlDocument;

    fn records(text: &str) -> (Records, Vec<String>) {
        let document = TomlDocument::parse("convoke.toml", text, 1);
        let root = document.root();
        let records = read(&root);
        root.finish();
        (records, document.problems().iter().map(ToString::to_string).collect())
    }

    #[test]
    fn reports_are_the_only_thing_kept_unasked() {
        let (found, problems) = records("");
        assert!(problems.is_empty());
        let kept =
            Records { hashed: false, suppression_list: None, report_each_run: true, log: None, log_addresses: false };
        assert_eq!(found, kept);
    }

    #[test]
    fn faults_are_named_with_their_places() {
        let (_, problems) =
            records("[suppression]\nhashed = \"yes\"\nfile = \"\"\n[reports]\neach = true\n[log]\naddresses = 1\n");
        let all = problems.join("\n");
        assert_eq!(problems.len(), 4, "{all}");
        for part in ["convoke.toml:2:", "convoke.toml:3:8", "each_run", "convoke.toml:7:"] {
            assert!(all.contains(part), "{part} in {all}");
        }
    }
}
