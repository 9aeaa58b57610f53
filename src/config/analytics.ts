/**
 * Counts over the changes of one config: which features and fields change, how often, when last. Everything lies
 * in 2 KB of fixed memory, so counting never allocates and reading one counter is one load; the same bytes can be
 * stored and counted on from there.
 * @module
 */
import { FEATURE_COUNT, type FeatureSet } from './features.ts';
import { CHANGED_FIELDS, changedFields, type ChangedField, maskOfFields, type RegistryConfig } from './value.ts';

/** One change, in the order of revisions. */
export interface CountedChange {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly before: RegistryConfig;
  readonly after: RegistryConfig;
  /** Bit i: the rollout of feature i changed. */
  readonly changedRollouts?: number;
}

export interface FieldAnalytics {
  readonly changes: number;
  /** Milliseconds since 1970, null for never. */
  readonly lastChange: number | null;
}

export interface FeatureAnalytics {
  /** How often the bit was turned on, turned off, and the rollout changed. */
  readonly enabled: number;
  readonly disabled: number;
  readonly rollouts: number;
  /** How often it was asked for; counted while debugMode is on. */
  readonly evaluations: number;
  readonly lastChange: number | null;
}

export interface Analytics {
  readonly changes: number;
  readonly firstChange: number | null;
  readonly lastChange: number | null;
  /** Milliseconds between changes, null before the second one. */
  readonly changeInterval: { readonly average: number | null; readonly last: number | null };
  readonly fields: Readonly<Record<ChangedField, FieldAnalytics>>;
  /** Known features, and undeclared bits that were touched. */
  readonly features: Readonly<Record<string, FeatureAnalytics>>;
}

export const ANALYTICS_SIZE = 2048;

// Places in the array of 64-bit floats; times are stored plus one, so that 0 means never.
const CHANGES = 0;
const FIRST = 1;
const LAST = 2;
const INTERVAL_SUM = 3;
const INTERVAL_LAST = 4;
const FIELD = 8;
const FIELD_WORDS = 2;
const FEATURE = 32;
const FEATURE_WORDS = 5;
/** The bit of the rollouts in a mask of changed fields. */
const ROLLOUTS_FIELD = maskOfFields(['rollouts']);
const [ENABLED, DISABLED, ROLLOUTS, EVALUATIONS, CHANGED_AT] = [0, 1, 2, 3, 4] as const;

export class AnalyticsCounter {
  readonly #cells: Float64Array;

  /** Counts on from bytes that `bytes` gave earlier; left out, from nothing. Throws RangeError for another size. */
  constructor(bytes?: Uint8Array) {
    if (bytes !== undefined && bytes.length !== ANALYTICS_SIZE) {
      throw new RangeError(`counters are ${ANALYTICS_SIZE} bytes, not ${bytes.length}`);
    }
    const memory = new Uint8Array(ANALYTICS_SIZE);
    if (bytes !== undefined) memory.set(bytes);
    this.#cells = new Float64Array(memory.buffer);
  }

  /** A copy of all counters, 2 KB. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#cells.slice().buffer);
  }

  get changes(): number {
    return this.#cells[CHANGES]!;
  }

  /** How often a field changed. */
  fieldChanges(field: ChangedField): number {
    return this.#cells[fieldAt(field)]!;
  }

  /** How often the feature on a bit was asked for. */
  evaluations(bit: number): number {
    return this.#cells[FEATURE + bit * FEATURE_WORDS + EVALUATIONS]!;
  }

  /** Counts one question about the feature on a bit (0-31). */
  recordEvaluation(bit: number): void {
    this.#add(FEATURE + bit * FEATURE_WORDS + EVALUATIONS, 1);
  }

  /** Counts one change. A clock that ran backwards counts as an interval of 0. */
  recordChange({ at, before, after, changedRollouts = 0 }: CountedChange): void {
    const mask = maskOfFields(changedFields(before, after)) | (changedRollouts === 0 ? 0 : ROLLOUTS_FIELD);
    this.recordMasks(at, mask, before.featureFlags, after.featureFlags, changedRollouts);
  }

  /**
   * The same for a writer that holds the change as numbers, without allocating: milliseconds since 1970, bit i for
   * CHANGED_FIELDS[i], the flags before and after, bit i for a changed rollout of feature i.
   */
  recordMasks(at: number, changed: number, flagsBefore: number, flagsAfter: number, changedRollouts: number): void {
    const cells = this.#cells;
    const stored = at + 1;
    this.#recordTime(stored);
    for (let left = changed; left !== 0; left &= left - 1) {
      const cell = FIELD + lowestBit(left) * FIELD_WORDS;
      cells[cell] = cells[cell]! + 1;
      cells[cell + 1] = stored;
    }
    for (let left = flagsBefore ^ flagsAfter; left !== 0; left &= left - 1) {
      const bit = lowestBit(left);
      const cell = FEATURE + bit * FEATURE_WORDS;
      const counter = cell + (((flagsAfter >>> bit) & 1) === 1 ? ENABLED : DISABLED);
      cells[counter] = cells[counter]! + 1;
      cells[cell + CHANGED_AT] = stored;
    }
    for (let left = changedRollouts; left !== 0; left &= left - 1) {
      const cell = FEATURE + lowestBit(left) * FEATURE_WORDS;
      cells[cell + ROLLOUTS] = cells[cell + ROLLOUTS]! + 1;
      cells[cell + CHANGED_AT] = stored;
    }
  }

  fieldAnalytics(field: ChangedField): FieldAnalytics {
    return { changes: this.fieldChanges(field), lastChange: this.#time(fieldAt(field) + 1) };
  }

  featureAnalytics(bit: number): FeatureAnalytics {
    const cell = (offset: number): number => this.#cells[FEATURE + bit * FEATURE_WORDS + offset]!;
    return {
      enabled: cell(ENABLED),
      disabled: cell(DISABLED),
      rollouts: cell(ROLLOUTS),
      evaluations: cell(EVALUATIONS),
      lastChange: this.#time(FEATURE + bit * FEATURE_WORDS + CHANGED_AT),
    };
  }

  /** Everything at once, by name. */
  snapshot(features: FeatureSet): Analytics {
    const changes = this.changes;
    return {
      changes,
      firstChange: this.#time(FIRST),
      lastChange: this.#time(LAST),
      changeInterval: {
        average: changes < 2 ? null : this.#cells[INTERVAL_SUM]! / (changes - 1),
        last: changes < 2 ? null : this.#cells[INTERVAL_LAST]!,
      },
      fields: Object.fromEntries(
        CHANGED_FIELDS.map((field) => [field, this.fieldAnalytics(field)]),
      ) as Analytics['fields'],
      features: this.#byName(features),
    };
  }

  #byName(features: FeatureSet): Record<string, FeatureAnalytics> {
    const named: [string, FeatureAnalytics][] = [];
    for (let bit = 0; bit < FEATURE_COUNT; bit++) {
      const counted = this.featureAnalytics(bit);
      const touched = counted.lastChange !== null || counted.evaluations > 0;
      if (touched || features.has(features.nameOf(bit))) named.push([features.nameOf(bit), counted]);
    }
    return Object.fromEntries(named);
  }

  /** `stored` is the time plus one, as the cells hold times. */
  #recordTime(stored: number): void {
    const cells = this.#cells;
    const last = cells[LAST]!;
    if (last === 0) {
      cells[FIRST] = stored;
    } else {
      const interval = stored > last ? stored - last : 0;
      cells[INTERVAL_LAST] = interval;
      cells[INTERVAL_SUM] = cells[INTERVAL_SUM]! + interval;
    }
    cells[LAST] = stored;
    cells[CHANGES] = cells[CHANGES]! + 1;
  }

  #add(cell: number, amount: number): void {
    this.#cells[cell] = this.#cells[cell]! + amount;
  }

  #time(cell: number): number | null {
    const stored = this.#cells[cell]!;
    return stored === 0 ? null : stored - 1;
  }
}

/** The counters of a whole history, oldest first. */
export function countChanges(changes: Iterable<CountedChange>): AnalyticsCounter {
  const counter = new AnalyticsCounter();
  for (const change of changes) counter.recordChange(change);
  return counter;
}

function fieldAt(field: ChangedField): number {
  return FIELD + CHANGED_FIELDS.indexOf(field) * FIELD_WORDS;
}

function lowestBit(mask: number): number {
  return 31 - Math.clz32(mask & -mask);
}
