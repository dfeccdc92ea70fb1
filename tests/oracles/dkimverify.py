#!/usr/bin/env python3
"""Whether dkimpy finds every DKIM signature right in every message, and wrong once anything of it is changed.

usage: dkimverify.py RECORDS.json COUNT PATH...      PATH: a message, a Maildir, or a folder searched for *.eml

RECORDS.json maps names of the DNS to values of TXT records; nothing else is asked. Each message must have COUNT signatures
(0: none at all), each of which must verify. Then each message is changed in one place at a time: one octet of the body, one
octet of each signed field, a second field of each name that is signed once more than it is there; after each change no
signature may verify. Changes that relaxed forms forgive must leave all of them right.

One line per failure, `file: what`; exit 1 with failures, 2 for usage.
"""
import os
import sys

# `email` imports the standard calendar module, not the file here: look in this folder last.
sys.path.append(sys.path.pop(0))
sys.dont_write_bytecode = True

import json
import re

import dkim

from extract import message_files


def verdicts(octets, count, records):
    """What dkimpy says of each signature from the top."""
    def dns(name, timeout=5):
        return records.get(name.rstrip(b"."), None)

    found = []
    for index in range(count):
        try:
            found.append(dkim.DKIM(octets, minkey=2048).verify(index, dnsfunc=dns))
        except dkim.DKIMException as error:
            found.append(str(error) or type(error).__name__)
    return found


def flipped(octets, at):
    return octets[:at] + bytes([octets[at] ^ 1]) + octets[at + 1:]


def middle(octets, begin, end):
    """A letter or digit near the middle: relaxed forms forgive changes of blanks only."""
    span = [at for at in range(begin, end) if octets[at:at + 1].isalnum()]
    return span[len(span) // 2] if span else None


def signed_names(head):
    tags = re.findall(rb";\s*h=([^;]*);", b"".join(re.findall(rb"(?ims)^DKIM-Signature:.*?(?=^\S)", head)))
    return [[re.sub(rb"\s", b"", n).lower() for n in tag.split(b":")] for tag in tags]


def changes(octets):
    """Each change with its name, and whether it must break the signatures."""
    head, _, body = octets.partition(b"\r\n\r\n")
    head += b"\r\n"
    begin = len(head) + 2
    at = middle(octets, begin, len(octets))
    if at is not None:
        yield "an octet of the body", flipped(octets, at), True
    yield "a line behind the body", octets + b"x\r\n", True
    fields = [m for m in re.finditer(rb"(?ms)^([!-9;-~]+):(.*?)(?=^\S|\Z)", head)]
    present = [m.group(1).lower() for m in fields]
    names = signed_names(head)
    everywhere = set.intersection(*map(set, names)) if names else set()
    for field in fields:
        name = field.group(1).lower()
        if name in everywhere and (at := middle(octets, field.start(2), field.end(2))) is not None:
            yield f"an octet of {name.decode()}", flipped(octets, at), True
    closed = sorted(n for n in everywhere if all(t.count(n) > present.count(n) for t in names))
    for name in closed:
        yield f"another {name.decode()}", name + b": x@host.example\r\n" + octets, True
    if not {b"from", b"to", b"subject", b"date", b"message-id", b"mime-version", b"content-type"} <= set(closed):
        yield "nothing, and a field that matters may be added", octets, True
    yield "blank lines behind the body", octets + b"\r\n \r\n", False
    yield "a trace field above", b"Received: from a.example by b.example; Fri, 22 Sep 2017 15:00:00 -0400\r\n" + octets, False
    yield "another case and fold of Subject", re.sub(rb"(?m)^Subject: ", b"SUBJECT:\r\n\t ", octets, count=1), False


def judge(octets, count, records):
    there = len(re.findall(rb"(?im)^DKIM-Signature:", octets.partition(b"\r\n\r\n")[0]))
    if there != count:
        yield f"{there} signatures, not {count}"
        return
    if count == 0:
        return
    for index, verdict in enumerate(verdicts(octets, count, records)):
        if verdict is not True:
            yield f"signature {index} does not verify: {verdict}"
    for name, changed, breaks in changes(octets):
        for index, verdict in enumerate(verdicts(changed, count, records)):
            if (verdict is True) == breaks:
                yield f"signature {index} is {verdict} with {name}"


def main():
    if len(sys.argv) < 4 or not sys.argv[2].isdigit():
        print(__doc__, file=sys.stderr)
        return 2
    with open(sys.argv[1], encoding="utf-8") as file:
        records = {name.encode(): value.encode() for name, value in json.load(file).items()}
    messages, failures = 0, 0
    for path in message_files(sys.argv[3:]):
        messages += 1
        with open(path, "rb") as file:
            octets = file.read()
        for failure in judge(octets, int(sys.argv[2]), records):
            failures += 1
            print(f"{path}: {failure}")
    if not messages:
        failures += 1
        print("no message at all")
    print(f"{messages} messages, {failures} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
