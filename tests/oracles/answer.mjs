#!/usr/bin/env node
// Answers a calendar's invitation as npm ical.js (Thunderbird's library) writes it, on standard output.
//
// usage: answer.mjs INVITATION.ics PARTSTAT [COMMENT]

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

// Packages are kept out of the tracked tree, where an import would not look for them.
const ready = resolve(process.env.CONVOKE_ORACLES ?? fileURLToPath(new URL('../../target/oracles', import.meta.url)));
const require = createRequire(join(ready, 'answer.mjs'));
const { default: ICAL } = await import(pathToFileURL(require.resolve('ical.js')));

const [file, partstat, comment] = process.argv.slice(2);
const invitation = new ICAL.Component(ICAL.parse(readFileSync(file, 'utf8')));
const theirs = invitation.getFirstSubcomponent('vevent');
const event = new ICAL.Component('vevent');
for (const name of ['uid', 'sequence', 'dtstart', 'dtend', 'summary', 'organizer', 'attendee']) {
  const property = theirs.getFirstProperty(name);
  if (property) event.addProperty(new ICAL.Property(structuredClone(property.toJSON())));
}
const attendee = event.getFirstProperty('attendee');
attendee.setParameter('partstat', partstat);
attendee.removeParameter('rsvp');
event.addPropertyWithValue('dtstamp', ICAL.Time.fromJSDate(new Date(Date.UTC(2017, 8, 6, 9)), true));
if (comment) event.addPropertyWithValue('comment', comment);
const calendar = new ICAL.Component('vcalendar');
calendar.addPropertyWithValue('prodid', '-//ical.js//answer//EN');
calendar.addPropertyWithValue('version', '2.0');
calendar.addPropertyWithValue('method', 'REPLY');
calendar.addSubcomponent(event);
process.stdout.write(`${calendar.toString()}\r\n`);
