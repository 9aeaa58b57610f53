/** What to say to who takes a feature for a field: the fields alone would not help. @module */
import { featuresOf, type Target } from './target.ts';
import { ConfigError, isConfigError } from '../errors/errors.ts';

/**
 * The work's result. Of its error about an unknown field that is a feature (`debug`, `features.debug`), the hint is
 * that of `hintFor`.
 */
export async function hinting<T>(
  target: Target,
  name: string,
  work: Promise<T>,
  hintFor: (feature: string) => string,
): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!isConfigError(error) || error.code !== 'ERR_UNKNOWN_FIELD') throw error;
    const { code, message, details } = error;
    const feature = details.field.replace(/^(features|rollouts)\./, '');
    if (!(await featuresOf(target, name)).has(feature)) throw error;
    throw new ConfigError(code, { message, hint: hintFor(feature), details, cause: error });
  }
}
