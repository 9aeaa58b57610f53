/**
 * Names that no object from outside may have: whoever copies it key by key would change what all objects are. @module
 */
import { ConfigError } from '../../errors/errors.ts';

/** `constructor` and the like are packages, and harm nobody who looks for own keys. */
const REFUSED = '__proto__';

/** Objects and arrays within each other: whoever walks a document may recurse. */
const DEPTH_MAX = 100;

/** Also that the value is not nested too deep. Throws ERR_PACKAGE_INVALID. */
export function requirePlainKeys(value: unknown, depth = 0): void {
  if (typeof value !== 'object' || value === null) return;
  if (depth >= DEPTH_MAX) throw refused(`it is nested deeper than ${DEPTH_MAX}`);
  if (!Array.isArray(value) && Object.hasOwn(value, REFUSED)) throw refused(`it has an object with the key ${REFUSED}`);
  for (const inner of Object.values(value)) requirePlainKeys(inner, depth + 1);
}

function refused(fault: string): ConfigError<'ERR_PACKAGE_INVALID'> {
  return new ConfigError('ERR_PACKAGE_INVALID', {
    message: `The package is refused: ${fault}`,
    hint: 'Write what it says otherwise.',
    details: { package: '', path: '', fault },
  });
}
