//! The order of the house: each room imports rooms to its right only, and pure rooms touch nothing of the world.

use std::fs;
use std::path::{Path, PathBuf};

/// From the top of the imports down.
const ORDER: [&str; 16] = [
    "main", "command", "exit", "settings", "cli", "io", "desk", "replies", "delivery", "message", "journal", "plan",
    "input", "people", "calendar", "mail",
];
/// Those that know no clock, no chance, no file and no socket.
const PURE: [&str; 10] =
    ["desk", "replies", "delivery", "message", "journal", "plan", "input", "people", "calendar", "mail"];
/// What a pure room must not name.
const WORLD: [&str; 10] = [
    "tokio::",
    "std::fs",
    "std::net::Tcp",
    "std::process",
    "std::env",
    "Timestamp::now",
    "SystemTime",
    "Instant::now",
    "getrandom",
    "SystemRandom",
];

fn sources() -> Vec<(PathBuf, String)> {
    fn collect(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                collect(&path, found);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = fs::read_to_string(&path).expect("a source");
                found.push((path, text));
            }
        }
    }
    let mut found = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    assert!(found.len() > 60, "the sources are there");
    found
}

fn room_of(path: &Path) -> String {
    let below = path.strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).expect("below src");
    let first = below.components().next().expect("a name").as_os_str().to_string_lossy().into_owned();
    first.trim_end_matches(".rs").to_owned()
}

/// The code of a file without its comments and its tests.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]").next().unwrap_or(text);
    text.lines().map(|l| l.split("//").next().unwrap_or(l)).collect::<Vec<_>>().join("\n")
}

fn is_test_file(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "tests.rs" || name == "laws.rs")
}

#[test]
fn rooms_import_rooms_to_their_right_only() {
    let rank = |room: &str| ORDER.iter().position(|r| *r == room);
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let room = room_of(&path);
        if room == "lib" || is_test_file(&path) {
            continue;
        }
        let own = rank(&room).unwrap_or_else(|| panic!("`{room}` has no place in the order"));
        for piece in code(&text).split("crate::").skip(1) {
            let named: String = piece.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            match rank(&named) {
                Some(other) if other < own => wrong.push(format!("{}: {room} imports {named}", path.display())),
                _ => {}
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn pure_rooms_touch_nothing_of_the_world() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        if PURE.contains(&room_of(&path).as_str()) && !is_test_file(&path) {
            let code = code(&text);
            wrong.extend(WORLD.iter().filter(|w| code.contains(**w)).map(|w| format!("{}: {w}", path.display())));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_module_has_a_head() {
    let headless: Vec<_> =
        sources().into_iter().filter(|(_, text)| !text.starts_with("//!")).map(|(path, _)| path).collect();
    assert!(headless.is_empty(), "{headless:#?}");
}
