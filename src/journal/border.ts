/**
 * The border of the journal: what may become an entry, an anchor or a bound, checked before anything is read or
 * written. Must not look at the database.
 * @module
 */

import { ConfigError } from '../errors/errors.ts';
import { utf8 } from './chain.ts';
import {
  JOURNAL_STREAM,
  MAX_APPEND_ENTRIES,
  MAX_BODY_BYTES,
  MAX_NAME_BYTES,
  MAX_REASON_BYTES,
  MAX_REVISION,
  MAX_TIME_MS,
} from './journal.ts';
import type { Anchor, NewEntry } from './journal.ts';

// Invariant: a stored text decodes to the string that was given, and back to the same bytes.
const CONTROL = /[\u0000-\u001f\u007f]/;
/** Characters of a refused text that its error repeats. */
const SHOWN = 80;
const CONTROL_BUT_LINES = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/;

/** Throws `ERR_WRONG_TYPE`, `ERR_OUT_OF_RANGE` or `ERR_NAME`, naming the entry and the field. */
export function checkNewEntries(entries: readonly NewEntry[]): void {
  if (!Array.isArray(entries)) throw wrongType('entries', 'an array of entries', entries);
  checkRange('entries.length', entries.length, 1, MAX_APPEND_ENTRIES);
  entries.forEach((entry, index) => checkNewEntry(entry, `entries[${index}]`));
}

function checkNewEntry(entry: NewEntry, field: string): void {
  if (typeof entry !== 'object' || entry === null) throw wrongType(field, 'an entry', entry);
  checkName(`${field}.stream`, entry.stream);
  if (entry.stream === JOURNAL_STREAM) throw reserved(`${field}.stream`);
  checkName(`${field}.type`, entry.type);
  checkName(`${field}.actor`, entry.actor);
  checkReason(`${field}.reason`, entry.reason);
  if (!(entry.body instanceof Uint8Array)) throw wrongType(`${field}.body`, 'a Uint8Array', entry.body);
  checkRange(`${field}.body.length`, entry.body.length, 0, MAX_BODY_BYTES);
  if (entry.at !== undefined) checkRange(`${field}.at`, entry.at, 0, MAX_TIME_MS);
  if ((entry.expected === undefined) === (entry.revision === undefined)) {
    throw wrongType(field, 'exactly one of expected and revision', entry);
  }
  if (entry.expected !== undefined) checkRange(`${field}.expected`, entry.expected, 0, MAX_REVISION - 1);
  else checkRange(`${field}.revision`, entry.revision, 1, MAX_REVISION);
}

/** A stream, type or actor: 1 to `MAX_NAME_BYTES` bytes of well-formed text without control characters. */
export function checkName(field: string, value: unknown): void {
  if (typeof value !== 'string') throw wrongType(field, 'a string', value);
  if (CONTROL.test(value) || !value.isWellFormed()) throw unprintable(field, value);
  checkRange(`${field}.length`, utf8(value).length, 1, MAX_NAME_BYTES);
}

/** A reason: up to `MAX_REASON_BYTES` bytes; lines and tabs are welcome. */
export function checkReason(field: string, value: unknown): void {
  if (typeof value !== 'string') throw wrongType(field, 'a string', value);
  if (CONTROL_BUT_LINES.test(value) || !value.isWellFormed()) throw unprintable(field, value);
  checkRange(`${field}.length`, utf8(value).length, 0, MAX_REASON_BYTES);
}

/** A point of a chain. */
export function checkAnchor(anchor: Anchor): void {
  checkRange('anchor.seq', anchor.seq, 0, MAX_REVISION);
  if (!/^[0-9a-f]{64}$/.test(anchor.hash)) throw wrongType('anchor.hash', '64 lower-case hex digits', anchor.hash);
}

/** A whole number between two bounds, both included. */
export function checkRange(field: string, value: unknown, min: number, max: number): void {
  if (typeof value !== 'number') throw wrongType(field, 'a number', value);
  if (Number.isSafeInteger(value) && value >= min && value <= max) return;
  throw new ConfigError('ERR_OUT_OF_RANGE', {
    message: `${field} is ${value}; it must be a whole number from ${min} to ${max}.`,
    hint: 'Pass a value inside the range; nothing was written.',
    details: { field, value, min, max },
  });
}

export function wrongType(field: string, expected: string, value: unknown): ConfigError {
  const found = value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;
  return new ConfigError('ERR_WRONG_TYPE', {
    message: `${field} must be ${expected}; found ${found}.`,
    hint: 'Correct the value; nothing was written.',
    details: { field, expected, found },
  });
}

function unprintable(field: string, value: string): ConfigError {
  return new ConfigError('ERR_NAME', {
    message: `${field} holds a control character or half a surrogate pair: ${JSON.stringify(value.slice(0, SHOWN))}.`,
    hint: 'Use printable, well-formed text; nothing was written.',
    details: { name: value.slice(0, SHOWN) },
  });
}

function reserved(field: string): ConfigError {
  return new ConfigError('ERR_NAME', {
    message: `${field} is '${JOURNAL_STREAM}', which holds the journal's own entries.`,
    hint: 'Choose another stream; to erase a body, use redact.',
    details: { name: JOURNAL_STREAM },
  });
}
