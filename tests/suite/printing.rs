//! Standard output that nobody reads any more, and one that is full.

use std::fs::{File, OpenOptions};
use std::process::{Command, Stdio};

use crate::desk::Desk;

fn desk() -> Desk {
    let rows = (0..30).map(|n| format!("guest{n}@x.example,Organisation {n},ngo,en,Bern\n"));
    Desk::with_list(&format!("email,entity,kind,language,city\n{}", rows.collect::<String>()))
}

/// Exit code and standard error of a command with this standard output.
fn ran(desk: &Desk, arguments: &[&str], out: Stdio) -> (i32, String) {
    let output = desk.command(arguments).stdout(out).output().expect("the program starts");
    let told = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(!told.contains("panicked"), "{arguments:?}: {told}");
    (output.status.code().unwrap_or(-1), told)
}

/// A pipe whose reader has left: each write fails, from the first one on.
fn left() -> Stdio {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    writer.into()
}

/// Commands that print something and end with 0, in an order that works.
const PRINTING: [&[&str]; 14] = [
    &["--help"],
    &["--version"],
    &["completions", "bash"],
    &["check"],
    &["check", "--json"],
    &["plan", "--by", "Ana"],
    &["preview"],
    &["preview", "--to", "guest1@x.example"],
    &["send", "--dry-run"],
    &["status"],
    &["status", "--json"],
    &["export"],
    &["export", "--format", "json"],
    &["suppress", "--list"],
];

#[test]
fn a_reader_who_left_is_no_trouble() {
    let desk = desk();
    // The work is done whoever reads about it.
    let (code, told) = ran(&desk, &["send"], left());
    assert_eq!((code, desk.outbox().len()), (0, 30), "{told}");
    for arguments in PRINTING {
        let (code, told) = ran(&desk, arguments, left());
        assert_eq!(code, 0, "{arguments:?}: {told}");
        assert!(!told.contains("convoke: "), "{arguments:?}: {told}");
    }
    let both = desk.command(&["status"]).stdout(left()).stderr(left()).status().expect("the program starts");
    assert_eq!(both.code(), Some(0));
}

#[test]
fn the_first_line_of_a_long_output_can_be_had() {
    let desk = desk();
    desk.ends(0, &["send"]);
    let program = env!("CARGO_BIN_EXE_convoke");
    let line = format!("'{program}' export --format json | head -1; echo \"${{PIPESTATUS[0]}}\"");
    let output = Command::new("bash").args(["-c", &line]).current_dir(&desk.path).output().expect("bash");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "[\n0\n", "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn a_full_disk_is_told_in_one_line() {
    let opened = OpenOptions::new().write(true).open("/dev/full");
    let Ok(file) = &opened else {
        eprintln!("skipped: no /dev/full");
        return;
    };
    let full = |full: &File| Stdio::from(full.try_clone().expect("a handle"));
    let desk = desk();
    let (code, told) = ran(&desk, &["send"], full(file));
    assert_eq!((code, desk.outbox().len()), (74, 30), "what was begun is done: {told}");
    for arguments in PRINTING {
        let (code, told) = ran(&desk, arguments, full(file));
        assert_eq!(code, 74, "{arguments:?}: {told}");
        let lines: Vec<&str> = told.lines().filter(|line| line.starts_with("convoke: ")).collect();
        assert_eq!(lines.len(), 1, "{arguments:?}: {told}");
        assert!(lines[0].contains("No space left on device"), "{arguments:?}: {told}");
    }
}
