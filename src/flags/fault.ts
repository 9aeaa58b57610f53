/** How everything that is wrong with a flag is said. @module */
import { ConfigError } from '../errors/errors.ts';

/** `path` is a JSON pointer into the flag's definition, '' for the flag itself. */
export function flagFault(flag: string, path: string, fault: string, hint: string): ConfigError<'ERR_FLAG_INVALID'> {
  const where = path === '' ? '' : ` at ${path.slice(0, 200)}`;
  return new ConfigError('ERR_FLAG_INVALID', {
    message: `Invalid flag '${flag.slice(0, 100)}'${where}: ${fault}`,
    hint,
    details: { flag: flag.slice(0, 100), path: path.slice(0, 200), fault },
  });
}

/** A property's name as a part of a JSON pointer. */
export function pointerPart(key: string): string {
  return key.slice(0, 80).replaceAll('~', '~0').replaceAll('/', '~1');
}
