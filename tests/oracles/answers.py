"""Answers to invitations, as the calendars of several programs write them, made with PyPI icalendar and Python's email.

Usage: answers.py MAILDIR FOLDER. Reads every invitation in MAILDIR/new, writes an answer to each into FOLDER, and prints what
was answered as a JSON array of {address, style, answer}.
"""

import email
import email.policy
import json
import sys
from datetime import datetime, timezone
from email.message import EmailMessage
from pathlib import Path

from icalendar import Calendar, Event, vCalAddress, vText

ANSWERS = ["ACCEPTED", "DECLINED", "TENTATIVE"]


def calendar(invitation, answer, *, organizer=True, prodid="-//Answers//EN", attendee=None, sequence=True, comment=None):
    theirs = next(c for c in invitation.walk("VEVENT"))
    event = Event()
    for name in ("UID", "DTSTART", "DTEND", "SUMMARY"):
        if name in theirs:
            event.add(name, theirs[name])
    if sequence:
        event.add("SEQUENCE", theirs["SEQUENCE"])
    event.add("DTSTAMP", datetime(2017, 9, 6, 9, 0, tzinfo=timezone.utc))
    if organizer:
        event.add("ORGANIZER", theirs["ORGANIZER"], encode=0)
    who = vCalAddress(attendee or str(theirs["ATTENDEE"]))
    who.params["PARTSTAT"] = vText(answer)
    event.add("ATTENDEE", who, encode=0)
    if comment:
        event.add("COMMENT", comment)
    whole = Calendar()
    whole.add("PRODID", prodid)
    whole.add("VERSION", "2.0")
    whole.add("METHOD", "REPLY")
    whole.add_component(event)
    return whole.to_ical()


def letter(invited, organizer, subject):
    mail = EmailMessage(policy=email.policy.SMTP)
    mail["From"] = invited
    mail["To"] = organizer
    mail["Subject"] = subject
    mail["Date"] = "Wed, 06 Sep 2017 09:00:00 +0000"
    mail["Message-ID"] = f"<{abs(hash((invited, subject)))}@clients.example>"
    return mail


def google(invitation, invited, organizer, answer):
    octets = calendar(invitation, answer, prodid="-//Google Inc//Google Calendar 70.9054//EN")
    mail = letter(invited, organizer.lower(), f"{answer.title()}: Invitation")
    mail["Auto-Submitted"] = "auto-generated"
    mail["Sender"] = "Google Calendar <calendar-notification@google.com>"
    mail.set_content(f"{invited} has answered.", cte="base64")
    mail.add_alternative("<p>has answered</p>", subtype="html", cte="quoted-printable")
    mail.add_alternative(octets, maintype="text", subtype="calendar", params={"method": "REPLY", "charset": "UTF-8"}, cte="quoted-printable")
    mail.add_attachment(octets, maintype="application", subtype="ics", filename="invite.ics")
    return mail


def exchange(invitation, invited, organizer, answer):
    octets = calendar(invitation, answer, organizer=False, prodid="Microsoft Exchange Server 2010", comment="\n")
    mail = letter(invited, organizer, f"{answer.title()}: Invitation")
    mail["Thread-Topic"] = "Invitation"
    mail.set_content("")
    mail.add_alternative("<html></html>", subtype="html")
    mail.add_alternative(octets, maintype="text", subtype="calendar", params={"method": "REPLY", "charset": "utf-8"}, cte="base64")
    return mail


def macos(invitation, invited, organizer, answer):
    octets = calendar(invitation, answer, prodid="-//Apple Inc.//Mac OS X 10.12//EN")
    mail = letter(invited, organizer, "Event accepted: Invitation")
    mail.set_content("answered")
    mail.add_attachment(octets, maintype="text", subtype="calendar", filename="invitation.ics", cte="quoted-printable")
    return mail


def android(invitation, invited, organizer, answer):
    octets = calendar(invitation, answer, attendee=f"MAILTO:{invited.upper()}")
    mail = letter(invited, organizer, "Meeting accepted: Invitation")
    mail.set_content("answered", cte="base64")
    mail.add_alternative(octets, maintype="text", subtype="calendar", params={"method": "REPLY"}, cte="base64")
    return mail


def thunderbird(invitation, invited, organizer, answer):
    octets = calendar(invitation, answer, prodid="-//Mozilla.org/NONSGML Mozilla Calendar V1.1//EN")
    mail = letter(invited, organizer, f"Event Invitation Reply ({answer.title()}): Invitation")
    mail.set_content("answered")
    mail.add_alternative(octets, maintype="text", subtype="calendar", params={"method": "REPLY", "charset": "UTF-8"}, cte="8bit")
    mail.add_attachment(octets, maintype="application", subtype="ics", filename="invite.ics", cte="8bit")
    return mail


def nextcloud(invitation, invited, organizer, answer):
    octets = calendar(invitation, answer, prodid="-//Sabre//Sabre VObject 4.5.4//EN")
    mail = letter("invitations-noreply@cloud.example", organizer, "Re: Invitation")
    mail["Reply-To"] = invited
    mail.set_content("<p>answered</p>", subtype="html")
    mail.add_attachment(octets, maintype="text", subtype="calendar", filename="event.ics", params={"method": "REPLY"})
    return mail


def bluemind(invitation, invited, organizer, answer):
    octets = calendar(invitation, answer, organizer=False, sequence=False)
    mail = letter(invited, organizer, "answer")
    mail.set_content("<p>answered</p>", subtype="html")
    mail.add_related(octets, maintype="text", subtype="calendar", filename="reply.ics", params={"method": "REPLY"})
    return mail


STYLES = [google, exchange, macos, android, thunderbird, nextcloud, bluemind]


def main():
    maildir, folder = Path(sys.argv[1]), Path(sys.argv[2])
    written = []
    for n, path in enumerate(sorted((maildir / "new").iterdir())):
        mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        part = next(p for p in mail.walk() if p.get_content_type() == "text/calendar")
        invitation = Calendar.from_ical(part.get_payload(decode=True))
        invited = mail["To"].addresses[0].addr_spec
        organizer = mail["From"].addresses[0].addr_spec
        style, answer = STYLES[n % len(STYLES)], ANSWERS[n % len(ANSWERS)]
        octets = style(invitation, invited, organizer, answer).as_bytes()
        (folder / f"{n:03}-{style.__name__}.eml").write_bytes(octets)
        written.append({"address": invited, "style": style.__name__, "answer": answer})
    json.dump(written, sys.stdout)


if __name__ == "__main__":
    main()
