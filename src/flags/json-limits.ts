/**
 * JSON from outside that a flag is made of: small, flat, exact, and without names that mean something to the language.
 * What it says is not known here.
 * @module
 */
import { flagFault, pointerPart } from './fault.ts';
import { isReservedKey } from './reserved.ts';

export interface JsonLimits {
  /** Objects and arrays within each other. */
  readonly depth: number;
  /** Values in all. */
  readonly values: number;
  /** As JSON in UTF-8. */
  readonly size_bytes: number;
}

/** A copy of a JSON object. Throws ERR_FLAG_INVALID, `flag` being whose it is. */
export function checkJson(flag: string, input: unknown, limits: JsonLimits): Record<string, unknown> {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    throw flagFault(flag, '', 'it is not a JSON object', 'Give an object: {"state":"ENABLED","variants":{...}}.');
  }
  walk(flag, input, '', 1, { limits, left: limits.values });
  const text = JSON.stringify(input);
  if (new TextEncoder().encode(text).length > limits.size_bytes) {
    throw flagFault(flag, '', `it is larger than ${limits.size_bytes / 1024} KB`, 'Keep large things elsewhere.');
  }
  return JSON.parse(text) as Record<string, unknown>;
}

function walk(
  flag: string,
  value: unknown,
  path: string,
  depth: number,
  budget: { limits: JsonLimits; left: number },
): void {
  const { limits } = budget;
  if (--budget.left < 0) throw flagFault(flag, path, `it holds more than ${limits.values} values`, 'Make it smaller.');
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return;
  if (typeof value === 'number') return checkNumber(flag, value, path);
  if (typeof value !== 'object') throw flagFault(flag, path, `${typeof value} is not JSON`, 'Give JSON values only.');
  if (depth > limits.depth) throw flagFault(flag, path, `it is nested deeper than ${limits.depth}`, 'Make it flatter.');
  for (const [key, inner] of Object.entries(value)) {
    const at = `${path}/${pointerPart(key)}`;
    if (isReservedKey(key)) throw flagFault(flag, at, `'${key}' is reserved`, 'Use another name.');
    walk(flag, inner, at, depth + 1, budget);
  }
}

/** Clients would read another number than was meant. */
function checkNumber(flag: string, value: number, path: string): void {
  const isExact = Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value));
  if (!isExact) throw flagFault(flag, path, `${value} is not a number that JSON keeps exactly`, 'Give it as text.');
}
