/**
 * How large a value can become that rules make of a context, whatever the context is: upper bounds, and what steps do
 * with them. What a step costs is known in `cost.ts`.
 * @module
 */
import { CONTEXT_CHARACTERS_MAX, CONTEXT_LIST_MAX, CONTEXT_TEXT_MAX } from './context.ts';

/** Of one value and all that is in it. */
export interface Bound {
  /** Items of the longest list. */
  readonly items: number;
  /** Characters of the longest text. */
  readonly text: number;
  /** Characters when all of it is made into one text. */
  readonly flat: number;
  /** It may be a text, and not a list of some. */
  readonly isText: boolean;
  /** It may be an object: those come from outside only. */
  readonly isOpen: boolean;
}

/** Numbers, booleans and null as text. */
const SCALAR_CHARACTERS = 25;

/** A number, true, false or null. */
export const SCALAR: Bound = { items: 0, text: 0, flat: SCALAR_CHARACTERS, isText: false, isOpen: false };

const LIST = { isText: false, isOpen: false } as const;

/** Whatever a context holds. */
export const FROM_CONTEXT: Bound = {
  items: CONTEXT_LIST_MAX,
  text: CONTEXT_TEXT_MAX,
  flat: CONTEXT_CHARACTERS_MAX,
  isText: true,
  isOpen: true,
};

export function textOf(characters: number): Bound {
  return { items: 0, text: characters, flat: characters, isText: true, isOpen: false };
}

/** Any one of them. */
export function anyOf(bounds: readonly Bound[]): Bound {
  return bounds.reduce(larger, SCALAR);
}

function larger(a: Bound, b: Bound): Bound {
  return {
    items: Math.max(a.items, b.items),
    text: Math.max(a.text, b.text),
    flat: Math.max(a.flat, b.flat),
    isText: a.isText || b.isText,
    isOpen: a.isOpen || b.isOpen,
  };
}

/** A list of all of them. */
export function listOf(bounds: readonly Bound[]): Bound {
  const { items, text } = anyOf(bounds);
  const flat = bounds.reduce((sum, bound) => sum + bound.flat + 1, 0);
  return { items: Math.max(items, bounds.length), text, flat, ...LIST };
}

/** A list of `count` like this one. */
export function listOfMany(count: number, { items, text, flat }: Bound): Bound {
  return { items: Math.max(count, items), text, flat: count * (flat + 1), ...LIST };
}

/** One list of all that is in them. */
export function merged(bounds: readonly Bound[]): Bound {
  const items = bounds.reduce((sum, bound) => sum + Math.max(1, bound.items), 0);
  return { ...listOf(bounds), items };
}

/** Whether everything within `a` is within `b`. */
export function fits(a: Bound, b: Bound): boolean {
  return a.items <= b.items && a.text <= b.text && a.flat <= b.flat;
}
