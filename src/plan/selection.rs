//! Which of the planned are meant: `--only kind=ngo --only language=fr,es`.

use std::collections::BTreeMap;

/// Conditions that must all hold; each names a column and the values that it may have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection(Vec<(String, Vec<String>)>);

/// A condition that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "selection `{0}` is not understood; write COLUMN=VALUE or COLUMN=VALUE,VALUE, for example kind=ngo or language=fr,es"
)]
pub struct SelectionFault(String);

impl Selection {
    /// Reads conditions; none selects everybody. `to` means the address.
    ///
    /// # Errors
    /// The first text that is no `COLUMN=VALUE`.
    pub fn parse(conditions: &[String]) -> Result<Self, SelectionFault> {
        conditions
            .iter()
            .map(|text| {
                let fault = || SelectionFault(text.clone());
                let (column, values) = text.split_once('=').ok_or_else(fault)?;
                let column = column.trim().to_lowercase();
                let values: Vec<String> = values.split(',').map(fold).filter(|v| !v.is_empty()).collect();
                if column.is_empty() || values.is_empty() {
                    return Err(fault());
                }
                Ok((if column == "to" { "email".to_owned() } else { column }, values))
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether a row is meant, whatever the case of its values.
    pub fn takes(&self, cells: &BTreeMap<String, String>) -> bool {
        self.0.iter().all(|(column, values)| {
            let cell = cells.get(column).map(|c| fold(c)).unwrap_or_default();
            values.contains(&cell)
        })
    }

    /// The columns that it names, so that a mistyped one can be reported.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(column, _)| column.as_str())
    }

    /// Whether everybody is meant.
    pub fn is_everybody(&self) -> bool {
        self.0.is_empty()
    }
}

fn fold(text: &str) -> String {
    text.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::Selection;

    #[test]
    fn every_condition_must_hold() {
        let selection = Selection::parse(&["kind=ngo".to_owned(), "language=fr, ES".to_owned()]).expect("valid");
        let row = |kind: &str, language: &str| {
            [("kind", kind), ("language", language)].map(|(k, v)| (k.to_owned(), v.to_owned())).into()
        };
        assert!(selection.takes(&row("NGO", "es")));
        assert!(!selection.takes(&row("ngo", "en")));
        assert!(!selection.takes(&row("mission", "fr")));
        assert!(Selection::parse(&["kind".to_owned()]).is_err());
        assert!(Selection::parse(&["kind=".to_owned()]).is_err());
    }
}
