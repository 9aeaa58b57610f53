/**
 * What the processes of one slot say about where they run: 32-bit hashes of environment, region and cluster in the
 * slot. The first who says a word writes its hash; whoever says another one later is told by validation. Decides
 * nothing.
 * @module
 */
import type { Backend } from '../../bindings/backend.ts';

/** The words of the slot (bytes 48-59). */
const ID_WORDS = { environment: 12, region: 13, clusterId: 14 } as const;
const SEED = 0x9747b28c;

export type PlaceWord = keyof typeof ID_WORDS;

/** Writes the ids nobody has written yet. Words that are empty say nothing. */
export function claimPlaceIds(
  backend: Backend,
  words: Uint32Array,
  place: Readonly<Partial<Record<PlaceWord, string>>>,
): void {
  for (const [word, at] of Object.entries(ID_WORDS)) {
    const id = idOf(backend, place[word as PlaceWord]);
    if (id !== 0) Atomics.compareExchange(words, at, 0, id);
  }
}

/** Whether somebody has said another word before. */
export function isOtherPlace(backend: Backend, words: Uint32Array, word: PlaceWord, text: string): boolean {
  const id = idOf(backend, text);
  const known = words[ID_WORDS[word]]!;
  return id !== 0 && known !== 0 && known !== id;
}

/** What one slot knew goes over to the slot that follows it. */
export function copyPlaceIds(from: Uint32Array, to: Uint32Array): void {
  for (const at of Object.values(ID_WORDS)) Atomics.compareExchange(to, at, 0, from[at]!);
}

/** Never 0 for a word that says something. */
function idOf(backend: Backend, text = ''): number {
  return text === '' ? 0 : backend.murmur3(new TextEncoder().encode(text), SEED) || 1;
}
