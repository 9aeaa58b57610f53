/** A house of the test's own, that goes away with it, and how its errors are told. @module */
import { onTestFinished } from 'vitest';
import { isConfigError } from '../../src/errors/errors.ts';
import { tempDirectory } from '../journal/fixtures.ts';
import { openHouse, type House } from './house.ts';

export async function house(directory = tempDirectory(), clock?: () => number): Promise<House> {
  const opened = await openHouse(directory, clock);
  onTestFinished(() => opened.end());
  return opened;
}

/** `ERR_UNAUTHENTICATED expired`: the code, and what the details say of the reason; 'none' when it ends well. */
export async function faultOf(action: Promise<unknown>): Promise<string> {
  try {
    await action;
    return 'none';
  } catch (error) {
    if (!isConfigError(error)) throw error;
    const details = error.details as Partial<Record<string, unknown>>;
    return [error.code, details['why'] ?? details['rule'] ?? details['parameter'] ?? details['field']].join(' ').trim();
  }
}
