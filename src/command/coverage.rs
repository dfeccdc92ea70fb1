//! `convoke check --coverage`: the lists against reference lists.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::folder::Folder;
use crate::desk::coverage::Covered;
use crate::exit::Stopped;
use crate::input::problem::{Place, Problem};
use crate::input::reference;
use crate::input::table::{Sniffer, TableReader};
use crate::io::files;
use crate::io::store::Store;
use crate::people::coverage::{Comparison, Wanted};

/// Rows in memory at once.
const PAGE: usize = 1024;

/// What is to be compared with what.
pub(super) struct References {
    /// As named, with its path.
    files: Vec<(String, PathBuf)>,
    /// Whether they were typed: then the findings are told one by one, and decide how the command ends.
    pub(super) is_asked: bool,
}

impl References {
    /// Those that were typed; `--coverage` alone means the one of `convoke.toml`, which without the flag gives one line.
    pub(super) fn of(folder: &Folder, typed: Option<&[PathBuf]>) -> Result<Self, Stopped> {
        let configured = folder.file.coverage.iter().map(|name| (name.clone(), folder.path.join(name)));
        match typed {
            None => Ok(Self { files: configured.collect(), is_asked: false }),
            Some([]) => {
                let files: Vec<_> = configured.collect();
                if files.is_empty() {
                    let words = "--coverage names no file; name one, or write `reference = \"…\"` under `[coverage]`";
                    return Err(Stopped::Usage(words.to_owned()));
                }
                Ok(Self { files, is_asked: true })
            }
            Some(paths) => {
                let files = paths.iter().map(|path| (path.display().to_string(), path.clone()));
                Ok(Self { files: files.collect(), is_asked: true })
            }
        }
    }

    /// Compares each with the lists that the store holds; a configured one that cannot be read is a remark.
    pub(super) async fn compare(
        &self,
        folder: &Folder,
        store: &Store,
        remarks: &mut Vec<String>,
    ) -> Result<Vec<Covered>, Stopped> {
        let mut read = Vec::new();
        let mut problems = Vec::new();
        for (name, path) in &self.files {
            match self::read(name, path) {
                Ok(wanted) => read.push((name, wanted)),
                Err(of_file) => problems.extend(of_file),
            }
        }
        if self.is_asked && !problems.is_empty() {
            return Err(Stopped::Data(problems, 0));
        }
        remarks.extend(problems.iter().map(|problem| format!("coverage is not known: {problem}")));
        if read.is_empty() {
            return Ok(Vec::new());
        }
        let mut comparisons: Vec<_> = read.iter().map(|(_, wanted)| Comparison::new(wanted)).collect();
        let mut after = 0;
        loop {
            let page = store.entities_page(after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.id;
            for row in &page {
                for comparison in &mut comparisons {
                    comparison.add(&row.entity, row.kind, || row.place.to_string());
                }
            }
        }
        let on = folder.file.event.local_start.date();
        let covered = comparisons.into_iter().zip(&read).map(|(comparison, (name, _))| Covered {
            reference: (*name).clone(),
            coverage: comparison.finish(on),
            on,
        });
        Ok(covered.collect())
    }
}

fn read(name: &str, path: &Path) -> Result<Vec<Wanted>, Vec<Problem>> {
    let unreadable = |error: &dyn std::error::Error| {
        let cure = "name a CSV file with a column `name`";
        vec![Problem::new(Place::file(name), crate::io::chain(error), cure)]
    };
    let mut sniffer = Sniffer::new();
    files::digest(path, |piece| sniffer.push(piece)).map_err(|e| unreadable(&e))?;
    let file = File::open(path).map_err(|e| unreadable(&e))?;
    reference::read(TableReader::new(name, file, &sniffer.finish()))
}
