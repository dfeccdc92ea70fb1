//! Answers in whole messages that are made here and not kept as files: `winmail.dat`.

use super::tnef::tests::winmail;
use crate::calendar::PartStat;
use crate::replies::{Kind, read};

fn mail(class: &str) -> Vec<u8> {
    let octets = data_encoding::BASE64.encode(&winmail(class, "k7q2@desk.example", None));
    format!(
        "From: Ana <ana@mission.example>\nTo: desk@desk.example\nSubject: Accepted: Briefing\nMIME-Version: 1.0\n\
         Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\n\n--b\n\
         Content-Type: application/ms-tnef; name=\"winmail.dat\"\nContent-Transfer-Encoding: base64\n\n{octets}\n--b--\n"
    )
    .into_bytes()
}

#[test]
fn outlooks_own_format_is_an_answer() {
    let reading = read(&mail("IPM.Microsoft Schedule.MtgRespP"));
    assert_eq!(reading.kind, Kind::Answer);
    let [answer] = reading.answers.as_slice() else { panic!("one answer") };
    assert_eq!(answer.partstat, Some(PartStat::Accepted));
    assert_eq!(answer.attendee.as_ref().map(|a| a.as_str()), Some("ana@mission.example"));
    assert_eq!(reading.traces.uids, ["k7q2@desk.example"]);
}

#[test]
fn outlooks_requests_and_notes_are_none() {
    assert_eq!(read(&mail("IPM.Schedule.Meeting.Request")).kind, Kind::Echo);
    let note = read(&mail("IPM.Note"));
    assert_eq!((note.kind, note.suggestion), (Kind::Letter, Some(PartStat::Accepted)));
}
