/** Where two values differ: only the parts of a large one that change, each by its path. @module */

export interface PathChange {
  /** `definition.variants.long`, `definition.targeting.if[0]`. */
  readonly path: string;
  /** undefined: not there. */
  readonly before: unknown;
  readonly after: unknown;
}

/** @example differingPaths('a', { b: 1, c: 2 }, { b: 1, c: 3 }) // [{ path: 'a.c', before: 2, after: 3 }] */
export function differingPaths(path: string, before: unknown, after: unknown): PathChange[] {
  if (Bun.deepEquals(before, after, true)) return [];
  if (isObject(before) && isObject(after)) {
    const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
    return [...keys].flatMap((key) => differingPaths(`${path}.${key}`, own(before, key), own(after, key)));
  }
  // Lists of other lengths have moved: by their places they would say nothing.
  if (Array.isArray(before) && Array.isArray(after) && before.length === after.length) {
    return before.flatMap((one: unknown, i) => differingPaths(`${path}[${i}]`, one, after[i]));
  }
  return [{ path, before, after }];
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function own(object: Readonly<Record<string, unknown>>, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}
