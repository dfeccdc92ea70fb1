#!/usr/bin/env node
// What npm ical.js (Thunderbird's parser) and postal-mime read in the messages, compared with what was meant to be sent.
//
// usage: calendar.mjs FACTS.json PATH...      PATH: a message, a Maildir, or a folder searched for *.eml
//
// The same facts, arguments and answers as calendar.py, on purpose by other people's code. ical.js obeys the VTIMEZONE
// that was sent, which icalendar does not. Octets are left to calendar.py: postal-mime hands calendars over decoded,
// with their line ends made one kind.

import { readFileSync, readdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

// Packages are kept out of the tracked tree, where an import would not look for them.
const ready = resolve(process.env.CONVOKE_ORACLES ?? fileURLToPath(new URL('../../target/oracles', import.meta.url)));
const require = createRequire(join(ready, 'calendar.mjs'));
const { default: ICAL } = await import(pathToFileURL(require.resolve('ical.js')));
const { default: PostalMime } = require('postal-mime');

const KEYS = new Set([
  'method', 'start', 'end', 'organizer', 'organizer_cn', 'sequence', 'status', 'partstat',
  'uid', 'summary', 'location', 'cn', 'description_contains', 'subject',
]);
const ASKING = { role: 'REQ-PARTICIPANT', partstat: 'NEEDS-ACTION', rsvp: 'TRUE' };
const STATUS = { REQUEST: ['CONFIRMED', 'TENTATIVE'], CANCEL: ['CANCELLED'] };

const differs = (name, found, meant) => `${name} is ${JSON.stringify(found)}, not ${JSON.stringify(meant)}`;

function* messageFiles(paths) {
  const names = (folder) => readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const path of paths) {
    if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) {
      yield path;
      continue;
    }
    const folders = names(path).filter((entry) => entry.isDirectory()).map((entry) => entry.name);
    if (folders.includes('cur') && folders.includes('new')) {
      for (const box of ['cur', 'new']) {
        for (const entry of names(join(path, box))) if (entry.isFile()) yield join(path, box, entry.name);
      }
      continue;
    }
    for (const entry of names(path)) if (entry.isFile() && entry.name.endsWith('.eml')) yield join(path, entry.name);
    yield* messageFiles(folders.map((name) => join(path, name)));
  }
}

async function checkMessage(octets, facts, fail) {
  const mail = await PostalMime.parse(octets, { attachmentEncoding: 'arraybuffer' });
  const sender = mail.from?.address?.toLowerCase();
  if (mail.to?.length !== 1 || mail.to[0].group) fail(`${mail.to?.length ?? 0} addresses in To`);
  const recipient = mail.to?.[0]?.address?.toLowerCase();
  const { messages, ...meant } = facts;
  if (messages && recipient) {
    if (!messages[recipient]) fail(`To ${recipient} is nobody in the facts`);
    Object.assign(meant, messages[recipient]);
  }
  if ('subject' in meant && mail.subject !== meant.subject) fail(differs('Subject', mail.subject, meant.subject));
  if (!mail.text?.trim()) fail('no plain text');
  if (!mail.html?.trim()) fail('no HTML');

  const [part, file, ...more] = mail.attachments;
  if (part?.mimeType !== 'text/calendar' || file?.mimeType !== 'application/ics' || more.length) {
    fail(`parts besides text are ${mail.attachments.map((a) => a.mimeType).join(', ') || 'none'}`);
    return { recipient };
  }
  if (!part.method) fail('text/calendar: no method');
  if (part.disposition) fail('text/calendar: has a disposition');
  if (file.disposition !== 'attachment') fail('application/ics: not an attachment');
  if (file.filename !== 'invite.ics') fail(differs('application/ics: name', file.filename, 'invite.ics'));
  if (!Buffer.from(part.content).equals(Buffer.from(file.content))) fail('attachment and calendar part differ');
  return { recipient, uid: checkObject(part, meant, sender, recipient, fail) };
}

function checkObject(part, meant, sender, recipient, fail) {
  let calendar;
  try {
    const parsed = ICAL.parse(Buffer.from(part.content).toString());
    if (parsed[0] !== 'vcalendar') return fail('ical.js: not exactly one VCALENDAR');
    calendar = new ICAL.Component(parsed);
  } catch (error) {
    return fail(`ical.js: ${error.message}`);
  }
  const method = calendar.getFirstPropertyValue('method');
  if (part.method && part.method !== method) {
    fail(`method is ${part.method} in the header and ${method ?? 'missing'} in the calendar`);
  }
  if (!(method in STATUS)) fail(`METHOD is ${method}, which an organizer does not send`);
  if ('method' in meant && method !== meant.method) fail(differs('METHOD', method, meant.method));
  const events = calendar.getAllSubcomponents('vevent');
  if (events.length !== 1) return fail(`${events.length} events`);
  const [event] = events;

  const text = (name) => {
    const all = event.getAllProperties(name);
    if (all.length > 1) fail(`${all.length} ${name.toUpperCase()} lines`);
    return all[0]?.getFirstValue() ?? null;
  };
  const start = instant(event, 'dtstart', meant.start, fail);
  const end = instant(event, 'dtend', meant.end, fail);
  if (start !== undefined && end !== undefined && !(end > start)) fail('DTEND is not after DTSTART');
  person(event, 'organizer', meant.organizer ?? sender, { cn: meant.organizer_cn }, fail);
  if ('organizer' in meant && sender !== meant.organizer.toLowerCase()) fail(differs('From', sender, meant.organizer));
  const asked = method === 'REQUEST' ? { ...ASKING } : {};
  if ('partstat' in meant) asked.partstat = meant.partstat;
  person(event, 'attendee', recipient, { cn: meant.cn, ...asked }, fail);

  const uid = text('uid');
  if (!uid) fail('no UID');
  if (!text('dtstamp')) fail('no DTSTAMP');
  for (const name of ['uid', 'summary', 'location', 'sequence', 'status']) {
    if (name in meant && text(name) !== meant[name]) fail(differs(name.toUpperCase(), text(name), meant[name]));
  }
  const status = text('status');
  if (method in STATUS && !STATUS[method].includes(status)) fail(`STATUS is ${status} in a ${method}`);
  for (const words of meant.description_contains ?? []) {
    if (!text('description')?.includes(words)) fail(`DESCRIPTION lacks ${JSON.stringify(words)}`);
  }
  return uid ?? undefined;
}

function instant(event, name, meant, fail) {
  const label = name.toUpperCase();
  const all = event.getAllProperties(name);
  if (all.length !== 1) return void fail(`${all.length} ${label} lines`);
  const time = all[0].getFirstValue();
  if (!time || time.isDate) return void fail(`${label} is not a time`);
  // An unknown TZID is floating here, which toJSDate would read in the zone of this machine.
  if (time.zone === ICAL.Timezone.localTimezone || time.zone?.tzid === 'floating') return void fail(`${label} is floating`);
  const found = time.toUnixTime();
  if (Number.isNaN(found)) return void fail(`${label} is not a time`);
  // ical.js rolls 31 September over to 1 October; what was written must come back.
  const written = all[0].jCal[3];
  if (time.toString() !== written.replace(/Z$/, '') && time.toString() !== written) {
    fail(`${label} is impossible: ${written}`);
  }
  if (meant !== undefined && found * 1000 !== Date.parse(meant)) {
    fail(differs(label, new Date(found * 1000).toISOString(), meant));
  }
  return found;
}

function person(event, name, address, parameters, fail) {
  const label = name.toUpperCase();
  const all = event.getAllProperties(name);
  if (all.length !== 1) return fail(`${all.length} ${label}s`);
  const value = all[0].getFirstValue();
  if (address !== undefined && value.toLowerCase() !== `mailto:${address}`.toLowerCase()) {
    fail(differs(label, value, `mailto:${address}`));
  }
  if (!all[0].getFirstParameter('cn')) fail(`${label} has no CN`);
  for (const [key, meant] of Object.entries(parameters)) {
    const found = all[0].getFirstParameter(key);
    if (meant !== undefined && found !== meant) fail(differs(`${label} ${key.toUpperCase()}`, found, meant));
  }
}

function readFacts(path) {
  const facts = JSON.parse(readFileSync(path, 'utf8'));
  if (Object.getPrototypeOf(facts) !== Object.prototype) throw new Error('not an object');
  const messages = facts.messages ?? {};
  for (const entry of [facts, ...Object.values(messages)]) {
    // A misspelt key would be a check that never runs.
    const unknown = Object.keys(entry).filter((key) => !KEYS.has(key) && !(entry === facts && key === 'messages'));
    if (unknown.length) throw new Error(`unknown keys ${unknown.join(', ')}`);
  }
  if (facts.messages) {
    facts.messages = Object.fromEntries(Object.entries(messages).map(([to, entry]) => [to.toLowerCase(), entry]));
  }
  return facts;
}

async function main([factsPath, ...paths]) {
  if (!paths.length) {
    console.error('usage: calendar.mjs FACTS.json PATH...');
    return 2;
  }
  let facts;
  try {
    facts = readFacts(factsPath);
  } catch (error) {
    console.error(`${factsPath}: ${error.message}`);
    return 2;
  }
  let count = 0;
  const failures = [];
  const seen = { UID: new Map(), To: new Map() };
  const once = (what, value, path) => {
    if (value === undefined) return;
    if (seen[what].has(value)) failures.push(`${path}: ${what} also in ${seen[what].get(value)}`);
    else seen[what].set(value, path);
  };
  for (const path of messageFiles(paths)) {
    count += 1;
    const fail = (what) => void failures.push(`${path}: ${what.replace(/\s+/g, ' ')}`);
    try {
      const { recipient, uid } = await checkMessage(readFileSync(path), facts, fail);
      once('UID', uid, path);
      if (facts.messages) once('To', recipient, path);
    } catch (error) {
      fail(error.message);
    }
  }
  for (const to of Object.keys(facts.messages ?? {})) {
    if (!seen.To.has(to)) failures.push(`${factsPath}: no message to ${to}`);
  }
  if (!count) failures.push(`${paths.join(' ')}: no messages`);
  for (const line of failures) console.log(line);
  console.log(`${count} messages, ${failures.length} failures`);
  return failures.length ? 1 : 0;
}

process.exitCode = await main(process.argv.slice(2));
