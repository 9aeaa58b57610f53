/**
 * A file of flags as a request holds it, made into flags while others have their turn. What is no JSON is refused with
 * the place: the file is a text within a text, and nobody finds it there otherwise.
 * @module
 */
import { ConfigError } from '../errors/errors.ts';
import type { Conversion, ConversionOptions, There } from '../flags/import/conversion.ts';
import { converting } from '../flags/import/convert.ts';
import { Turns } from '../flags/turns.ts';
import { findJsonFault } from '../config/json-fault.ts';

/** `there`: what the flags come to. Errors: ERR_IMPORT, also for a key that an object has twice. */
export async function convertFile(
  text: string,
  options: ConversionOptions,
  there: There,
  turns: Turns = new Turns(),
): Promise<Conversion> {
  const format = options.format ?? 'unknown';
  expectJson('export', text, format);
  if (options.segments !== undefined) expectJson('file of segments', options.segments, format);
  await turns.next();
  const steps = converting(text, options, there);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    if (turns.isOver) await turns.next();
  }
}

function expectJson(what: string, text: string, format: string): void {
  const fault = findJsonFault(text);
  if (fault === null) return;
  const lines = text.slice(0, fault.position).split('\n');
  const place = `line ${lines.length}, character ${lines.at(-1)!.length + 1}`;
  const message =
    fault.kind !== 'duplicate'
      ? `The ${what} is not JSON: ${fault.kind === 'deep' ? 'it is too deep' : 'the fault is'} at ${place}`
      : `The ${what} has the key ${JSON.stringify(fault.key.slice(0, 80))} twice in one object, again at ${place}`;
  const hint =
    fault.kind !== 'duplicate' ? 'Save it again, as it came.' : 'Leave one of them: which was meant cannot be known.';
  throw new ConfigError('ERR_IMPORT', { message, hint, details: { format, fault: message } });
}
