/**
 * Headers that came together, as they cross the border: all their text in one place, all their answers in another, one
 * call between. Nothing is judged here.
 * @module
 */
import { type ConfigError, isConfigError } from '../src/errors/errors.ts';
import {
  CONFIG_OFFSET,
  HEADER_ABSENT,
  HEADER_SET_OFFSET,
  HEADER_VALUE_SIZE_MAX,
  HEADERS_PARSED_OFFSET,
  RESULT,
} from './abi.gen.ts';
import type { Backend, HeaderName, HeaderValues, ParsedHeaders } from './backend.ts';
import { contradictionError, DUMP_HEADER, HEADER_NAMES, headerError } from './faults.ts';
import { viewOf } from './layout.ts';

const encoder = new TextEncoder();

/** HEADER_SET_SIZE bytes that a core reads, and the part of them that takes the dump. */
export interface HeaderSet {
  readonly bytes: Uint8Array;
  readonly dump: Uint8Array;
}

export function headerSetOver(bytes: Uint8Array): HeaderSet {
  const at = HEADER_SET_OFFSET.text + DUMP_HEADER * HEADER_VALUE_SIZE_MAX;
  return { bytes, dump: bytes.subarray(at, at + HEADER_VALUE_SIZE_MAX) };
}

export function writeHeaderSet({ bytes, dump }: HeaderSet, values: HeaderValues): void {
  for (let header = 0; header < DUMP_HEADER; header++) {
    bytes[HEADER_SET_OFFSET.lengths + header] = writeShort(bytes, header, values[header]);
  }
  bytes[HEADER_SET_OFFSET.lengths + DUMP_HEADER] = writeDump(dump, values[DUMP_HEADER]);
}

/** Without the encoder, which takes longer to start than these take. Returns the length as the core is told it. */
function writeShort(bytes: Uint8Array, header: number, value: string | undefined): number {
  if (value === undefined) return HEADER_ABSENT;
  if (value.length > HEADER_VALUE_SIZE_MAX) return TOO_LONG;
  const at = HEADER_SET_OFFSET.text + header * HEADER_VALUE_SIZE_MAX;
  for (let i = 0; i < value.length; i++) {
    const unit = value.charCodeAt(i);
    // Cut to a byte, a unit above ASCII could become a digit.
    bytes[at + i] = unit < 0x80 ? unit : 0xff;
  }
  return value.length;
}

function writeDump(dump: Uint8Array, value: string | undefined): number {
  if (value === undefined) return HEADER_ABSENT;
  return value.length > HEADER_VALUE_SIZE_MAX ? TOO_LONG : encoder.encodeInto(value, dump).written;
}

const TOO_LONG = HEADER_VALUE_SIZE_MAX + 1;

const NO_ERRORS: ParsedHeaders['errors'] = Object.freeze([]);

/** From a view of HEADERS_PARSED_SIZE bytes, and what the call itself answered. */
export function readHeaders(view: DataView, result: number, values: HeaderValues): ParsedHeaders {
  const { fields, said } = HEADERS_PARSED_OFFSET;
  return {
    said: view.getUint8(said),
    fields: [
      view.getUint32(fields, true),
      view.getUint32(fields + 4, true),
      view.getUint32(fields + 8, true),
      view.getUint32(fields + 12, true),
      view.getUint32(fields + 16, true),
      view.getUint32(fields + 20, true),
    ],
    errors: result === RESULT.ok ? NO_ERRORS : readErrors(view, values),
  };
}

function readErrors(view: DataView, values: HeaderValues): ParsedHeaders['errors'] {
  return HEADER_NAMES.flatMap((name, header) => {
    const result = view.getInt32(HEADERS_PARSED_OFFSET.results + 4 * header, true);
    if (result === RESULT.ok) return [];
    if (result !== RESULT.contradiction) return [headerError(result, name, values[header]!)];
    const meant = view.getUint32(HEADERS_PARSED_OFFSET.fields + 4 * header, true);
    return [contradictionError(name, values[header]!, meant)];
  });
}

/** One by one: what the cores that judge all in one call are held to. */
export function parseEach(headerParse: Backend['headerParse'], values: HeaderValues): ParsedHeaders {
  const outcomes = HEADER_NAMES.map((name, header) => outcomeOf(headerParse, name, values[header]));
  const dump = outcomes[DUMP_HEADER];
  const meant = dump instanceof Uint8Array ? fieldsOf(dump) : null;
  const singles = outcomes.slice(0, DUMP_HEADER).map((outcome) => (typeof outcome === 'number' ? outcome : null));
  const errors = outcomes.flatMap((outcome, header) => {
    if (isConfigError(outcome)) return [outcome as ConfigError<'ERR_HEADER'>];
    if (meant === null || typeof outcome !== 'number' || outcome === meant[header]) return [];
    return [contradictionError(HEADER_NAMES[header]!, values[header]!, meant[header]!)];
  });
  const said = (meant ?? singles).reduce<number>((mask, field, i) => (field === null ? mask : mask | (1 << i)), 0);
  return { said, fields: meant ?? singles.map((field) => field ?? 0), errors };
}

/** undefined: the header did not come. */
function outcomeOf(headerParse: Backend['headerParse'], name: HeaderName, value: string | undefined) {
  if (value === undefined) return undefined;
  try {
    return headerParse(name, value);
  } catch (error) {
    if (!isConfigError(error)) throw error;
    return error;
  }
}

function fieldsOf(config: Uint8Array): number[] {
  const view = viewOf(config);
  return [
    view.getUint8(CONFIG_OFFSET.version),
    view.getUint32(CONFIG_OFFSET.registry_hash, true),
    view.getUint32(CONFIG_OFFSET.feature_flags, true),
    view.getUint8(CONFIG_OFFSET.terminal_mode),
    view.getUint8(CONFIG_OFFSET.rows),
    view.getUint8(CONFIG_OFFSET.cols),
  ];
}
