#!/usr/bin/env python3
"""Writes the text/calendar part of each message to FOLDER as .ics, for tools that read calendars and not mail.

usage: extract.py FOLDER PATH...      PATH: a message, a Maildir, or a folder searched for *.eml

Standard library only. The part's octets are written as they are: mending them would hide what the tools look for.
"""
import os
import sys

# This folder holds a calendar.py, and `email` imports the standard one: look here last.
sys.path.append(sys.path.pop(0))

import email
import email.policy


def message_files(paths):
    """The messages meant by `paths`, sorted, so that two runs print the same."""
    for path in paths:
        if not os.path.isdir(path):
            yield path
            continue
        boxes = [os.path.join(path, box) for box in ("cur", "new")]
        if all(map(os.path.isdir, boxes)):
            for box in boxes:
                yield from sorted(entry.path for entry in os.scandir(box) if entry.is_file())
            continue
        for folder, below, names in os.walk(path):
            below.sort()
            yield from (os.path.join(folder, name) for name in sorted(names) if name.endswith(".eml"))


def main(arguments):
    if len(arguments) < 2:
        print("usage: extract.py FOLDER PATH...", file=sys.stderr)
        return 2
    folder, paths = arguments[0], arguments[1:]
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        print(f"{folder}: {error.strerror}", file=sys.stderr)
        return 2
    seen = failures = 0
    for path in message_files(paths):
        seen += 1
        try:
            with open(path, "rb") as file:
                message = email.message_from_binary_file(file, policy=email.policy.SMTP)
        except OSError as error:
            print(f"{path}: {error.strerror}")
            failures += 1
            continue
        parts = [part for part in message.walk() if part.get_content_type() == "text/calendar"]
        if len(parts) != 1:
            print(f"{path}: {len(parts)} text/calendar parts")
            failures += 1
            continue
        # The number keeps files of equal name in different folders apart.
        name = f"{seen:05}-{os.path.basename(path).removesuffix('.eml')}.ics"
        with open(os.path.join(folder, name), "wb") as file:
            file.write(parts[0].get_payload(decode=True))
    if not seen:
        print(f"{' '.join(paths)}: no messages")
        failures += 1
    print(f"{seen} messages, {failures} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
