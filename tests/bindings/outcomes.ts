/** Outcomes and bytes as the suites write them; opens no core, so that Node can load it. @module */
import { isConfigError } from '../../src/errors/errors.ts';

/** What a call gave: its result, or the code and details of its error. Anything but a ConfigError passes through. */
export type Outcome = { result: unknown } | { code: string; details: unknown };

export function outcomeOf(work: () => unknown): Outcome {
  try {
    return { result: work() };
  } catch (error) {
    if (!isConfigError(error)) throw error;
    return { code: error.code, details: error.details };
  }
}

export function codeOf(work: () => unknown): string | null {
  const outcome = outcomeOf(work);
  return 'code' in outcome ? outcome.code : null;
}

export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

export function unhex(digits: string): Uint8Array {
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
