/** The one error of an import: what was given is no export that can be read. @module */
import { ConfigError } from '../../errors/errors.ts';

export function noExport(format: string, fault: string, hint: string, cause?: unknown): ConfigError<'ERR_IMPORT'> {
  return new ConfigError('ERR_IMPORT', { message: fault, hint, details: { format, fault }, cause });
}
