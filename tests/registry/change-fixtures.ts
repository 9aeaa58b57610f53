/** What the tests of change requests share: a world that goes away, and what they ask it for. @module */
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { openChangeWorld, SHOP, type World } from './change-world.ts';
import { tempDirectory } from './fixtures.ts';

export async function openWorld(data = join(tempDirectory(), 'data')): Promise<World> {
  const world = await openChangeWorld(data);
  onTestFinished(world.close);
  return world;
}

/** Sets features of `SHOP`. */
export function switching(features: Record<string, boolean>) {
  return [{ name: SHOP, set: { features } }];
}

export async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    return `made: ${String(await work)}`;
  } catch (error) {
    if (error instanceof Error && 'code' in error) return String(error.code);
    throw error;
  }
}
