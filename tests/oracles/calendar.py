#!/usr/bin/env python3
"""What PyPI icalendar and Python's email read in the messages, compared with what was meant to be sent.

usage: calendar.py FACTS.json PATH...      PATH: a message, a Maildir, or a folder searched for *.eml

One line per failure, `file: what`; exit 1 with failures, 2 for usage. FACTS.json is described in README.md.

Besides the facts it reads the octets themselves: line ends, folding, escaping and the like, because every parser mends
them in silence and only some of the recipients' programs do.
"""
import os
import sys

# `email` imports the standard calendar module, not this file: look in this folder last.
sys.path.append(sys.path.pop(0))
sys.dont_write_bytecode = True  # nor leave a __pycache__ in the tracked tree

import email
import email.policy
import json
import re
from collections import Counter, defaultdict
from datetime import datetime, timezone

from icalendar import Calendar

from extract import message_files

KEYS = {
    "method", "start", "end", "organizer", "organizer_cn", "sequence", "status", "partstat",
    "uid", "summary", "location", "cn", "description_contains", "subject",
}
TREE = """\
multipart/mixed
  multipart/alternative
    text/plain
    text/html
    text/calendar
  application/ics"""
# What a REQUEST asks for unless the facts say otherwise; a CANCEL asks for nothing.
ASKING = {"ROLE": "REQ-PARTICIPANT", "PARTSTAT": "NEEDS-ACTION", "RSVP": "TRUE"}
STATUS = {"REQUEST": {"CONFIRMED", "TENTATIVE"}, "CANCEL": {"CANCELLED"}}
ONCE_IN_MAIL = ("From", "To", "Subject", "Date", "Message-ID", "MIME-Version")
ONCE_IN_EVENT = ("UID", "SEQUENCE", "DTSTAMP", "DTSTART", "DTEND", "SUMMARY", "ORGANIZER", "ATTENDEE", "STATUS")


def differs(name, found, meant):
    return f"{name} is {found!r}, not {meant!r}"


def show(octets):
    return octets.decode("utf-8", "backslashreplace")[:60]


# The message


def message_faults(octets, facts):
    """Yields faults and returns the message's recipient and UID, where found."""
    ends = Counter(re.findall(rb"\r\n|\n|\r", octets))
    # A Maildir holds lines as its system does: all LF is no fault of the sender, a mixture is.
    if len(ends) != 1 or b"\r" in ends:
        yield f"line ends are mixed: {dict(ends)}"
    if any(len(line) > 998 for line in re.split(rb"\r\n|\n|\r", octets)):
        yield "line over 998 octets"
    message = email.message_from_bytes(octets, policy=email.policy.SMTP)
    for name in ONCE_IN_MAIL:
        if len(message.get_all(name, [])) != 1:
            yield f"{len(message.get_all(name, []))} {name} fields"
    for name in ("Bcc", "Sender"):
        if name in message:
            yield f"{name} field present"
    for name, value in message.items():
        if getattr(value, "defects", None):
            yield f"{name} field: {value.defects[0]}"
    sender = yield from single(message, "From")
    recipient = yield from single(message, "To")
    if "Reply-To" in message and (yield from single(message, "Reply-To")) != sender:
        yield "Reply-To is not From"

    meant = dict(facts)
    by_recipient = meant.pop("messages", None)
    if by_recipient is not None and recipient is not None:
        if recipient not in by_recipient:
            yield f"To {recipient} is nobody in the facts"
        meant.update(by_recipient.get(recipient, {}))
    if "subject" in meant and message["Subject"] != meant["subject"]:
        yield differs("Subject", message["Subject"], meant["subject"])

    tree = "\n".join(outline(message))
    if tree != TREE:
        yield "tree is " + " / ".join(tree.split())
        return recipient, None
    alternative, attachment = message.get_payload()
    plain, html, calendar = alternative.get_payload()
    yield from parts_faults(plain, html, calendar, attachment)
    ics = calendar.get_payload(decode=True)
    if attachment.get_payload(decode=True) != ics:
        yield "attachment and calendar part differ"
    for part in message.walk():
        for defect in part.defects:  # complete only after decoding
            yield f"{part.get_content_type()}: {type(defect).__name__}"
    yield from lint(ics)
    uid = yield from object_faults(ics, meant, sender, recipient, calendar.get_param("method"))
    return recipient, uid


def single(message, name):
    if name not in message:
        return None
    addresses = getattr(message[name], "addresses", ())
    if len(addresses) != 1:
        yield f"{len(addresses)} addresses in {name}"
        return None
    return addresses[0].addr_spec.lower()


def outline(part, depth=0):
    yield "  " * depth + part.get_content_type()
    if part.is_multipart():
        for child in part.get_payload():
            yield from outline(child, depth + 1)


def parts_faults(plain, html, calendar, attachment):
    for part in (plain, html, calendar):
        kind = part.get_content_type()
        if str(part.get_param("charset")).lower() != "utf-8":
            yield f"{kind}: charset is {part.get_param('charset')}"
        if "Content-Disposition" in part:
            yield f"{kind}: has a disposition"
        try:
            text = part.get_payload(decode=True).decode("utf-8")
        except UnicodeDecodeError:
            yield f"{kind}: not UTF-8"
            continue
        if not text.strip():
            yield f"{kind}: empty"
        if part is not calendar and "{{" in text:  # a `}}` ends a nested CSS rule
            yield f"{kind}: template marks left"
    for part in (calendar, attachment):
        kind = part.get_content_type()
        if str(part["Content-Transfer-Encoding"]).lower() != "base64":
            yield f"{kind}: encoding is {part['Content-Transfer-Encoding']}"
        elif any(len(line) > 76 for line in part.get_payload().splitlines()):
            yield f"{kind}: base64 line over 76 characters"
    if calendar.get_param("method") is None:
        yield "text/calendar: no method"
    if attachment.get_param("method") is not None:
        yield "application/ics: has a method"
    if attachment.get_content_disposition() != "attachment":
        yield "application/ics: not an attachment"
    if attachment.get_filename() != "invite.ics":
        yield differs("application/ics: name", attachment.get_filename(), "invite.ics")


# The calendar as octets


def lint(ics):
    if ics.startswith(b"\xef\xbb\xbf"):
        yield "calendar: BOM"
    if re.search(rb"(?<!\r)\n|\r(?!\n)", ics):
        yield "calendar: line end other than CRLF"
    if not ics.endswith(b"END:VCALENDAR\r\n"):
        yield "calendar: does not end with END:VCALENDAR and one CRLF"
    # One wrong line end was named above; the rest is still worth reading.
    ics = re.sub(rb"\r\n|\r|\n", b"\n", ics).removesuffix(b"\n")
    lines = ics.split(b"\n")
    for line in lines:
        if len(line) > 75:
            yield f"calendar: {len(line)} octets in line `{show(line)}`"
        if not line.strip():
            yield "calendar: blank line"
        if re.search(rb"[\x00-\x08\x0b-\x1f\x7f]", line):
            yield f"calendar: control character in line `{show(line)}`"
        try:
            line.decode("utf-8")
        except UnicodeDecodeError:
            yield f"calendar: line is not whole UTF-8: `{show(line)}`"
    if lines[0] != b"BEGIN:VCALENDAR":
        yield f"calendar: begins with `{show(lines[0])}`"

    # Unfolded, for what a value parser forgives.
    before_components = True
    counts = Counter()
    path = []
    for line in re.sub(rb"\n[ \t]", b"", ics).split(b"\n"):
        name = re.match(rb"[A-Za-z0-9-]*", line)[0].decode().upper()
        if name == "BEGIN":
            path.append(line[6:].decode("utf-8", "replace"))
            before_components = before_components and len(path) < 2
        elif name == "END":
            if not path or path.pop() != line[4:].decode("utf-8", "replace"):
                yield f"calendar: nesting broken at `{show(line)}`"
        elif not name or line[len(name):len(name) + 1] not in (b":", b";"):
            yield f"calendar: no property in line `{show(line)}`"
        if name in ("METHOD", "VERSION", "PRODID", "CALSCALE"):
            counts[name] += 1
            if not before_components:
                yield f"calendar: {name} after a component"
        if path == ["VCALENDAR", "VEVENT"]:
            counts[name] += 1
            yield from event_line_faults(name, line)
    if path:
        yield f"calendar: {path[-1]} not closed"
    for name in ("VERSION", "PRODID", "METHOD", *ONCE_IN_EVENT):
        if counts[name] != 1:
            yield f"calendar: {counts[name]} {name} lines"
    if counts["DURATION"]:
        yield "calendar: DURATION, which some clients refuse; DTEND is wanted"


def event_line_faults(name, line):
    if name == "DTSTAMP" and not re.fullmatch(rb"DTSTAMP:\d{8}T\d{6}Z", line):
        yield f"calendar: not UTC: `{show(line)}`"
    if name == "UID" and not re.fullmatch(rb"UID:[!-~]{1,190}", line):
        yield f"calendar: UID is not ASCII of 1 to 190 characters: `{show(line)}`"
    if name in ("SUMMARY", "LOCATION", "DESCRIPTION", "COMMENT"):
        head = re.match(rb'[A-Z]+(?:;[A-Z-]+=(?:"[^"]*"|[^";:]*))*:', line)
        value = line[head.end():] if head else line
        if re.search(rb"[,;]|\\(?![\\,;nN])", re.sub(rb"\\[\\,;nN]", b"", value)):
            yield f"calendar: `,`, `;` or `\\` not escaped in {name}"
        if b"{{" in value:
            yield f"calendar: template marks left in {name}"
    if name in ("ORGANIZER", "ATTENDEE"):
        if not re.fullmatch(rb'[A-Z]+(?:;[A-Z-]+=(?:"[^"]*"|[^",;:]+))*:mailto:[^\s:;,%<>"]+@[^\s:;,%<>"]+', line):
            yield f"calendar: {name} is not parameters and a bare mailto: `{show(line)}`"
        if not re.search(rb';CN="[^"]+"', line):
            yield f"calendar: {name} has no quoted CN"
        if re.search(rb";(SENT-BY|SCHEDULE-[A-Z]+)=", line):
            yield f"calendar: {name} has SENT-BY or SCHEDULE-*"


# The calendar as icalendar reads it


def object_faults(ics, meant, sender, recipient, header_method):
    try:
        calendar = Calendar.from_ical(ics)
    except Exception as error:  # its parsers raise many kinds
        yield f"icalendar: {type(error).__name__}: {error}"
        return None
    for component in calendar.walk():
        for name, what in component.errors:
            yield f"icalendar: {component.name} {name}: {what}"
    if missing := calendar.get_missing_tzids():
        yield f"icalendar: no VTIMEZONE for {', '.join(sorted(missing))}"
    method = str(calendar.get("METHOD", ""))
    if header_method is not None and header_method.upper() != method:
        yield f"method is {header_method} in the header and {method or 'missing'} in the calendar"
    if method not in STATUS:
        yield f"METHOD is {method!r}, which an organizer does not send"
    if "method" in meant and method != meant["method"]:
        yield differs("METHOD", method, meant["method"])
    events = calendar.walk("VEVENT")
    if len(events) != 1:
        yield f"{len(events)} events"
        return None
    event = events[0]
    if method == "CANCEL" and event.walk("VALARM"):
        yield "VALARM in a CANCEL"

    zones = {zone.tz_name: zone for zone in calendar.timezones}
    start = yield from instant(event, "DTSTART", zones, meant.get("start"))
    end = yield from instant(event, "DTEND", zones, meant.get("end"))
    if start and end and end <= start:
        yield "DTEND is not after DTSTART"
    yield from person_faults(event, "ORGANIZER", meant.get("organizer", sender), {"CN": meant.get("organizer_cn")})
    if "organizer" in meant and sender is not None and sender != meant["organizer"].lower():
        yield differs("From", sender, meant["organizer"])
    asked = dict(ASKING) if method == "REQUEST" else {}
    if "partstat" in meant:
        asked["PARTSTAT"] = meant["partstat"]
    yield from person_faults(event, "ATTENDEE", recipient, {"CN": meant.get("cn"), **asked})

    for name in ("uid", "summary", "location"):
        if name in meant and text(event, name) != meant[name]:
            yield differs(name.upper(), text(event, name), meant[name])
    if "sequence" in meant and event.get("SEQUENCE") != meant["sequence"]:
        yield differs("SEQUENCE", event.get("SEQUENCE"), meant["sequence"])
    status = text(event, "status")
    if status not in STATUS.get(method, {status}):
        yield f"STATUS is {status!r} in a {method}"
    if "status" in meant and status != meant["status"]:
        yield differs("STATUS", status, meant["status"])
    for words in meant.get("description_contains", ()):
        if words not in (text(event, "description") or ""):
            yield f"DESCRIPTION lacks {words!r}"
    return text(event, "uid")


def text(event, name):
    value = event.get(name)
    return value if value is None else str(value)


def instant(event, name, zones, meant):
    try:
        value = getattr(event.get(name), "dt", None)
    except Exception as error:
        yield f"{name}: {error}"
        return None
    if not isinstance(value, datetime):
        yield f"{name} is not a time: {value!r}"
        return None
    if value.tzinfo is None:
        yield f"{name} is floating"
        return None
    found = value.astimezone(timezone.utc)
    tzid = event[name].params.get("TZID")
    if tzid in zones:
        # icalendar prefers its own idea of an IANA zone; Outlook and Thunderbird obey the one that was sent.
        try:
            sent = value.replace(tzinfo=zones[tzid].to_tz(lookup_tzid=False)).astimezone(timezone.utc)
        except Exception as error:
            yield f"VTIMEZONE {tzid}: {type(error).__name__}: {error}"
        else:
            if sent != found:
                yield f"{name} is {found:%H:%M}Z by the name {tzid} and {sent:%H:%M}Z by the VTIMEZONE"
    if meant is not None and found != datetime.fromisoformat(meant.replace("Z", "+00:00")):
        yield differs(name, f"{found:%Y-%m-%dT%H:%M:%SZ}", meant)
    return found


def person_faults(event, name, address, parameters):
    found = event.get(name)
    if isinstance(found, list):
        yield f"{len(found)} {name}s"
        return
    if found is None:
        yield f"no {name}"
        return
    if address is not None and str(found).lower() != f"mailto:{address}".lower():
        yield differs(name, str(found), f"mailto:{address}")
    for key, meant in parameters.items():
        value = found.params.get(key)
        if meant is not None and value != meant:
            yield differs(f"{name} {key}", value, meant)


def collect(faults, into):
    """Runs a generator of faults to its end and returns what it returns."""
    while True:
        try:
            into.append(next(faults))
        except StopIteration as done:
            return done.value


def read_facts(path):
    with open(path, encoding="utf-8") as file:
        facts = json.load(file)
    messages = facts.get("messages", {})
    # A misspelt key would be a check that never runs.
    for entry in (facts, *messages.values()):
        if unknown := set(entry) - KEYS - ({"messages"} if entry is facts else set()):
            raise ValueError(f"unknown keys {', '.join(sorted(unknown))}")
    if messages:
        facts["messages"] = {address.lower(): entry for address, entry in messages.items()}
    return facts


def main(arguments):
    if len(arguments) < 2:
        print("usage: calendar.py FACTS.json PATH...", file=sys.stderr)
        return 2
    try:
        facts = read_facts(arguments[0])
    except (OSError, ValueError, AttributeError, TypeError) as error:
        print(f"{arguments[0]}: {error}", file=sys.stderr)
        return 2
    count = failures = 0
    by_uid, by_recipient = defaultdict(list), defaultdict(list)
    for path in message_files(arguments[1:]):
        count += 1
        found = []
        try:
            with open(path, "rb") as file:
                recipient, uid = collect(message_faults(file.read(), facts), found)
        except Exception as error:  # of reading the file, or a parser's own fault on a strange one
            found, recipient, uid = [f"{type(error).__name__}: {error}"], None, None
        if uid is not None:
            by_uid[uid].append(path)
        if recipient is not None:
            by_recipient[recipient].append(path)
        for what in found:
            print(f"{path}: {' '.join(what.split())}")
        failures += len(found)
    across = [f"{path}: UID also in {files[0]}" for files in by_uid.values() for path in files[1:]]
    if "messages" in facts:
        across += [f"{path}: To also in {files[0]}" for files in by_recipient.values() for path in files[1:]]
        across += [f"{arguments[0]}: no message to {to}" for to in facts["messages"] if to not in by_recipient]
    if not count:
        across.append(f"{' '.join(arguments[1:])}: no messages")
    for line in across:
        print(line)
    failures += len(across)
    print(f"{count} messages, {failures} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
