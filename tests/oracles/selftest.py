#!/usr/bin/env python3
"""Shows that the oracles see: good messages pass all of them, and each broken one is caught by somebody.

usage: selftest.py [FOLDER]     run `setup` first; FOLDER keeps the messages; prints the table of README.md

The messages are put together here octet by octet, not by convoke and not by a mail library, so that a fault can be
exactly one fault. Exit 1 when a good message is refused or a broken one passes all oracles.
"""
import os
import sys

sys.path.append(sys.path.pop(0))  # see extract.py

import base64
import json
import re
import subprocess
import tempfile
from collections import defaultdict

HERE = os.path.dirname(os.path.abspath(__file__))
READY = os.environ.get("CONVOKE_ORACLES", os.path.join(HERE, "..", "..", "target", "oracles"))

ICS = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//convoke//selftest//EN
CALSCALE:GREGORIAN
METHOD:REQUEST
BEGIN:VEVENT
UID:water-2017.{token}@events.example.org
SEQUENCE:0
DTSTAMP:20170801T100000Z
CREATED:20170801T100000Z
LAST-MODIFIED:20170801T100000Z
DTSTART:20170922T190000Z
DTEND:20170922T203000Z
SUMMARY:Side event: water\\, peace and security
LOCATION:Conference Room 4\\, UN Headquarters\\; visitors' entrance
DESCRIPTION:Friday 22 September 2017\\, 15:00-16:30 (New York).\\nContact: Events Team – Büro القاهرة
ORGANIZER;CN="Events Team":mailto:events@events.example.org
ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=TRUE;CN="{cn}":mailto:{to}
STATUS:CONFIRMED
TRANSP:OPAQUE
CLASS:PUBLIC
X-MICROSOFT-DISALLOW-COUNTER:TRUE
END:VEVENT
END:VCALENDAR
"""

VTIMEZONE = """BEGIN:VTIMEZONE
TZID:America/New_York
BEGIN:STANDARD
DTSTART:20071104T020000
RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=1SU
TZOFFSETFROM:-0400
TZOFFSETTO:-0500
TZNAME:EST
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:20070311T020000
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=2SU
TZOFFSETFROM:-0500
TZOFFSETTO:-0400
TZNAME:EDT
END:DAYLIGHT
END:VTIMEZONE
"""

LETTER = """Excellency,

the Events Team has the honour to invite {cn} to the side event on water, peace
and security, on Friday 22 September 2017 from 15:00 to 16:30 (New York time),
Conference Room 4, UN Headquarters.

Please answer with the buttons of your calendar, or write to
events@events.example.org.
"""

SALE = "<html><body>" + "<p>Dear friend, click here now to claim your prize money today!</p>" * 9 + "</body></html>"

MESSAGE = """From: "Events Team" <events@events.example.org>
To: {name} <{to}>
Subject: {subject}
Date: Tue, 01 Aug 2017 10:00:00 +0000
Message-ID: <invitation.{token}@events.example.org>
MIME-Version: 1.0
Auto-Submitted: auto-generated
Content-Type: multipart/mixed; boundary="outer-{token}"

--outer-{token}
Content-Type: multipart/alternative; boundary="inner-{token}"

--inner-{token}
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: base64

{plain}
--inner-{token}
Content-Type: text/html; charset=utf-8
Content-Transfer-Encoding: base64

{html}
--inner-{token}
Content-Type: text/calendar; charset=utf-8; method=REQUEST
Content-Transfer-Encoding: base64

{calendar}
--inner-{token}--

--outer-{token}
Content-Type: application/ics; name="invite.ics"
Content-Disposition: attachment; filename="invite.ics"
Content-Transfer-Encoding: base64

{attachment}
--outer-{token}--
"""

SUBJECT = "Invitation – water, peace and security, 22 September 2017"

FACTS = {
    "method": "REQUEST",
    "start": "2017-09-22T19:00:00Z",
    "end": "2017-09-22T20:30:00Z",
    "organizer": "events@events.example.org",
    "organizer_cn": "Events Team",
    "sequence": 0,
    "status": "CONFIRMED",
}


def crlf(text):
    return text.encode().replace(b"\n", b"\r\n")


def fold(octets):
    """RFC 5545 section 3.1, never inside a character."""
    lines = []
    for line in octets.decode().split("\r\n"):
        room, now = 75, ""
        for character in line:
            if len((now + character).encode()) > room:
                lines.append(now)
                now = " "
            now += character
        lines.append(now)
    return "\r\n".join(lines).encode()


def encoded(octets):
    return base64.encodebytes(octets).decode().rstrip("\n")


def word(text):
    """RFC 2047, when needed."""
    if text.isascii():
        return text
    return "\n ".join(f"=?utf-8?B?{base64.b64encode(part.encode()).decode()}?=" for part in re.findall(".{1,12}", text))


def compose(person, calendar=fold, attachment=None, message=lambda octets: octets, html=None, **template):
    """`calendar` makes the stored octets of the unfolded ones, `attachment` the second copy of the first."""
    words = {key: person[key] for key in ("token", "cn", "to")}
    ics = calendar(crlf(template.get("ics", ICS).format(**words)))
    letter = LETTER.format(**words)
    page = "".join(f"<p>{line}</p>\n" for line in letter.strip().split("\n\n"))
    page = f'<!DOCTYPE html>\n<html lang="en"><head><title>Invitation</title></head><body>\n{page}</body></html>\n'
    text = MESSAGE.format(
        **words,
        name=word(person["cn"]),
        subject=word(SUBJECT),
        plain=encoded(crlf(letter)),
        html=encoded(crlf(page if html is None else html)),
        calendar=encoded(ics),
        attachment=encoded(attachment(ics) if attachment else ics),
    )
    return message(crlf(text))


def person(number, name=None):
    return {
        "token": f"k{number:07}",
        "cn": name or f"Mission of Land {number}",
        "to": f"mission{number}@land{number}.example",
    }


def facts_for(people, **changes):
    facts = dict(FACTS, **changes)
    facts["messages"] = {
        p["to"]: {
            "uid": f"water-2017.{p['token']}@events.example.org",
            "summary": "Side event: water, peace and security",
            "location": "Conference Room 4, UN Headquarters; visitors' entrance",
            "cn": p["cn"],
            "description_contains": ["15:00-16:30 (New York)", "Büro القاهرة"],
            "subject": SUBJECT,
        }
        for p in people
    }
    return facts


def ics(old, new):
    """A calendar with one thing replaced, in both copies."""
    assert old in ICS or old == "", old
    return {"ics": ICS.replace(old, new)}


def raw(change):
    return {"calendar": lambda octets: change(fold(octets))}


def header(old, new):
    return {"message": lambda octets: octets.replace(old.encode(), new.encode())}


ZONED = ICS.replace("BEGIN:VEVENT", VTIMEZONE + "BEGIN:VEVENT").replace(
    "DTSTART:20170922T190000Z", "DTSTART;TZID=America/New_York:20170922T150000").replace(
    "DTEND:20170922T203000Z", "DTEND;TZID=America/New_York:20170922T163000")
CANCEL = ICS.replace("METHOD:REQUEST", "METHOD:CANCEL").replace("SEQUENCE:0", "SEQUENCE:1").replace(
    "STATUS:CONFIRMED", "STATUS:CANCELLED")
CANCEL_HEADER = header("method=REQUEST", "method=CANCEL")
CANCELLED = {"method": "CANCEL", "status": "CANCELLED", "sequence": 1}

CANCELLATION = CANCEL_HEADER | {"ics": CANCEL}
FOREIGN = ("Côte d’Ivoire: “Mission permanente”, ONU", "بعثة مصر الدائمة لدى الأمم المتحدة")

# Each: name, how both messages differ, how the facts differ, the names of the people.
GOOD = [
    ("as it should be", {}, {}, (None, None)),
    ("zone in a VTIMEZONE", {"ics": ZONED}, {}, (None, None)),
    ("stored by a Maildir with LF", {"message": lambda octets: octets.replace(b"\r\n", b"\n")}, {}, (None, None)),
    ("French and Arabic names", {}, {}, FOREIGN),
    ("cancellation", CANCELLATION, CANCELLED, (None, None)),
]
# Each: name, how the first message differs, how the facts differ. The second message stays good.
BROKEN = [
    ("method in the header is CANCEL", header("method=REQUEST", "method=CANCEL"), {}),
    ("no method in the header", header("; method=REQUEST", ""), {}),
    ("no charset in the header", header("text/calendar; charset=utf-8", "text/calendar"), {}),
    ("METHOD missing", ics("METHOD:REQUEST\n", ""), {}),
    ("METHOD misspelt", ics("METHOD:REQUEST", "METHOD:REQEST"), {}),
    ("copies differ", {"attachment": lambda octets: octets.replace(b"SEQUENCE:0", b"SEQUENCE:1")}, {}),
    ("calendar part as attachment",
     header("method=REQUEST\r\n", "method=REQUEST\r\nContent-Disposition: attachment\r\n"), {}),
    ("attachment is a second text/calendar",
     header('application/ics; name="invite.ics"', 'text/calendar; method=REQUEST; name="invite.ics"'), {}),
    ("attachment named Meeting.ics", header("invite.ics", "Meeting.ics"), {}),
    ("calendar before HTML", {"message": lambda octets: octets.replace(b"text/html", b"text/x").replace(
        b"text/calendar; charset=utf-8; method=REQUEST", b"text/html").replace(
        b"text/x; charset=utf-8", b"text/calendar; charset=utf-8; method=REQUEST")}, {}),
    ("HTML empty", {"html": ""}, {}),
    ("HTML says something else than the plain text", {"html": SALE}, {}),
    ("last boundary missing", {"message": lambda octets: octets[:octets.rindex(b"--outer")]}, {}),
    ("Subject twice", header("Subject:", "Subject: Hello\r\nSubject:"), {}),
    ("no Date", header("Date: Tue, 01 Aug 2017 10:00:00 +0000\r\n", ""), {}),
    ("no Message-ID", {"message": lambda octets: octets.replace(b"Message-ID:", b"X-Message-ID:")}, {}),
    ("bare LF in the message", header("Auto-Submitted: auto-generated\r\n", "Auto-Submitted: auto-generated\n"), {}),
    ("To is somebody else", header("<mission1@", "<mission9@"), {}),
    ("From is not ORGANIZER", header("<events@", "<no-reply@"), {}),
    ("wrong subject", header("Subject: ", "Subject: {{name}} "), {}),
    ("DTSTART an hour early", ics("DTSTART:20170922T190000Z", "DTSTART:20170922T180000Z"), {}),
    ("local time labelled Z", ics("DTSTART:20170922T190000Z", "DTSTART:20170922T150000Z"), {}),
    ("floating times", {"ics": ICS.replace("T190000Z", "T190000").replace("T203000Z", "T203000")}, {}),
    ("DTEND before DTSTART", ics("DTEND:20170922T203000Z", "DTEND:20170922T183000Z"), {}),
    ("DTEND and DURATION", ics("SUMMARY", "DURATION:PT1H30M\nSUMMARY"), {}),
    ("impossible date", ics("DTSTART:20170922T190000Z", "DTSTART:20170931T190000Z"), {}),
    ("TZID without VTIMEZONE", {"ics": ZONED.replace(VTIMEZONE, "")}, {}),
    ("VTIMEZONE with a wrong offset", {"ics": ZONED.replace("TZOFFSETTO:-0400", "TZOFFSETTO:-0300")}, {}),
    ("VTIMEZONE without TZOFFSETTO", {"ics": ZONED.replace("TZOFFSETTO:-0400\n", "")}, {}),
    ("DTSTAMP without Z", ics("DTSTAMP:20170801T100000Z", "DTSTAMP:20170801T100000"), {}),
    ("no DTSTAMP", ics("DTSTAMP:20170801T100000Z\n", ""), {}),
    ("two attendees", ics("STATUS:CONFIRMED",
                          "ATTENDEE;RSVP=TRUE;CN=\"Other\":mailto:other@land9.example\nSTATUS:CONFIRMED"), {}),
    ("no ATTENDEE", {"ics": "".join(l for l in ICS.splitlines(True) if not l.startswith("ATTENDEE"))}, {}),
    ("no ORGANIZER", {"ics": "".join(l for l in ICS.splitlines(True) if not l.startswith("ORGANIZER"))}, {}),
    ("ORGANIZER without mailto", ics(":mailto:events@", ":events@"), {}),
    ("two ORGANIZERs", ics("STATUS:", "ORGANIZER;CN=\"B\":mailto:b@events.example.org\nSTATUS:"), {}),
    ("ORGANIZER without CN", ics(';CN="Events Team"', ""), {}),
    ("ATTENDEE without CN", ics(';CN="{cn}"', ""), {}),
    ("CN of somebody else", ics('CN="{cn}"', 'CN="Mission of Land 2"'), {}),
    ("DQUOTE inside CN", ics('CN="{cn}"', 'CN="{cn} "Land""'), {}),
    ("unquoted SENT-BY", ics('CN="Events Team"', 'SENT-BY=mailto:x@events.example.org;CN="Events Team"'), {}),
    ("RSVP=YES", ics("RSVP=TRUE", "RSVP=YES"), {}),
    ("RSVP missing", ics("RSVP=TRUE;", ""), {}),
    ("PARTSTAT=ACCEPTED", ics("PARTSTAT=NEEDS-ACTION", "PARTSTAT=ACCEPTED"), {}),
    ("ROLE misspelt", ics("ROLE=REQ-PARTICIPANT", "ROLE=REQUIRED"), {}),
    ("no UID", ics("UID:water-2017.{token}@events.example.org\n", ""), {}),
    ("UID of another message", ics("{token}", "k0000002"), {}),
    ("UID twice in one event", ics("SEQUENCE:0", "UID:other@events.example.org\nSEQUENCE:0"), {}),
    ("two events", ics("END:VCALENDAR", "BEGIN:VEVENT\nUID:b@events.example.org\nEND:VEVENT\nEND:VCALENDAR"), {}),
    ("SEQUENCE:1", ics("SEQUENCE:0", "SEQUENCE:1"), {}),
    ("SEQUENCE not a number", ics("SEQUENCE:0", "SEQUENCE:one"), {}),
    ("STATUS:ACCEPTED", ics("STATUS:CONFIRMED", "STATUS:ACCEPTED"), {}),
    ("STATUS:CANCELLED in a REQUEST", ics("STATUS:CONFIRMED", "STATUS:CANCELLED"), {}),
    ("no VERSION, no PRODID", {"ics": ICS.replace("VERSION:2.0\nPRODID:-//convoke//selftest//EN\n", "")}, {}),
    ("separators unescaped in LOCATION", ics("Room 4\\, UN Headquarters\\;", "Room 4, UN Headquarters;"), {}),
    ("raw line break in DESCRIPTION", ics("\\nContact", "\nContact"), {}),
    ("template mark left in SUMMARY", ics("Side event", "{{{{title}}}}"), {}),
    ("vertical tab in DESCRIPTION", ics("\\nContact", "\v Contact"), {}),
    ("calendar with LF line ends", raw(lambda octets: octets.replace(b"\r\n", b"\n")), {}),
    ("calendar not folded", {"calendar": lambda octets: octets}, {}),
    ("fold inside a character", {"calendar": lambda octets: octets.replace("ü".encode(), b"\xc3\r\n \xbc")}, {}),
    ("latin-1", raw(lambda octets: octets.replace("ü".encode(), b"\xfc")), {}),
    ("BOM", raw(lambda octets: b"\xef\xbb\xbf" + octets), {}),
    ("blank line inside", ics("STATUS:", "\nSTATUS:"), {}),
    ("empty line at the end", ics("END:VCALENDAR\n", "END:VCALENDAR\n\n"), {}),
    ("truncated", raw(lambda octets: octets[:octets.index(b"STATUS:")]), {}),
    ("CANCEL with STATUS:CONFIRMED", CANCEL_HEADER | {"ics": CANCEL.replace("CANCELLED", "CONFIRMED")}, CANCELLED),
    ("CANCEL with a VALARM", CANCEL_HEADER | {"ics": CANCEL.replace(
        "END:VEVENT", "BEGIN:VALARM\nACTION:DISPLAY\nDESCRIPTION:x\nTRIGGER:-PT15M\nEND:VALARM\nEND:VEVENT")},
     CANCELLED),
]


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    # An oracle that breaks down also exits 1; only one that came to its last line has judged.
    if done.returncode not in (0, 1) or done.stderr or not done.stdout.endswith(" failures\n"):
        sys.exit(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.returncode, done.stdout


def case_folder(folder, name):
    return os.path.join(folder, re.sub(r"[^A-Za-z0-9]+", "-", name))


def ask(folder, name, messages, facts):
    """What each oracle that refuses said; SpamAssassin is asked once for all, by `spam`."""
    case = case_folder(folder, name)
    os.makedirs(case)
    for number, octets in enumerate(messages, 1):
        with open(os.path.join(case, f"{number}.eml"), "wb") as file:
            file.write(octets)
    with open(os.path.join(case, "facts.json"), "w") as file:
        json.dump(facts, file, indent=1)
    python = os.path.join(READY, "venv", "bin", "python")
    answers = {
        "calendar.py": run(python, f"{HERE}/calendar.py", f"{case}/facts.json", case),
        "calendar.mjs": run("node", f"{HERE}/calendar.mjs", f"{case}/facts.json", case),
    }
    run(sys.executable, f"{HERE}/extract.py", f"{case}/ics", case)
    calendars = sorted(entry.path for entry in os.scandir(f"{case}/ics"))
    if calendars:
        answers["restriction"] = run(f"{READY}/restriction", *calendars)
        answers["scheduling"] = run(f"{READY}/scheduling", f"{case}/facts.json", *calendars)
    refused = {oracle: said for oracle, (code, said) in answers.items() if code}
    with open(os.path.join(case, "said"), "w") as file:
        file.write("".join(f"== {oracle}\n{said}" for oracle, said in refused.items()))
    return refused


def spam(folder):
    """The folders of the cases in which a rule counts."""
    files = sorted(
        os.path.join(case.path, name)
        for case in os.scandir(folder) for name in os.listdir(case) if name.endswith(".eml"))
    _, said = run(f"{HERE}/spam.sh", *files)
    return {os.path.dirname(line[:line.index(".eml: ")]) for line in said.splitlines()
            if re.search(r"\.eml: [A-Z0-9_]+ [0-9.]+: ", line)}


def main(folder):
    wrong = 0
    for name, change, facts, names in GOOD:
        people = [person(number, cn) for number, cn in enumerate(names, 1)]
        said = ask(folder, f"good: {name}", [compose(p, **change) for p in people], facts_for(people, **facts))
        if said:
            wrong += 1
            print(f"refused though good: {name}", *said.values(), sep="\n")
    two = [person(1), person(2)]
    mute = ask(folder, "broken: a message missing", [compose(two[0])], facts_for(two))
    twice = ask(folder, "broken: a message twice", [compose(two[0])] * 2 + [compose(two[1])], facts_for(two))
    table = [("a message missing", mute), ("a message twice", twice)]
    for name, change, facts in BROKEN:
        messages = [compose(two[0], **change), compose(two[1], **(CANCELLATION if facts else {}))]
        table.append((name, ask(folder, f"broken: {name}", messages, facts_for(two, **facts))))
    counted = spam(folder)
    for name, *_ in GOOD:
        if case_folder(folder, f"good: {name}") in counted:
            wrong += 1
            print(f"spam.sh refused though good: {name}")
    caught = defaultdict(list)
    for name, said in table:
        by = list(said) + ["spam.sh"] * (case_folder(folder, f"broken: {name}") in counted)
        caught[", ".join(by)].append(name)
    missed = caught.pop("", [])
    wrong += len(missed)
    for name in missed:
        print(f"passed though broken: {name}")
    print("| caught by | broken messages |\n|---|---|")
    for by, names in sorted(caught.items(), key=lambda entry: -len(entry[1])):
        print(f"| {by} | {'; '.join(names)} |")
    print(f"\n{len(GOOD)} good and {len(table)} broken, {wrong} failures")
    return 1 if wrong else 0


if __name__ == "__main__":
    if len(sys.argv) > 2:
        sys.exit(__doc__.split("\n\n")[1])
    if len(sys.argv) == 2:
        sys.exit(main(sys.argv[1]))
    with tempfile.TemporaryDirectory() as scratch:
        sys.exit(main(scratch))
