/**
 * What an import has to say about each piece of the source that does not come over as it was. A finding's code says
 * how grave it is and what it does to its flag: the table below is the only place that judges.
 * @module
 */
import { noExport } from './failure.ts';
import type { Source } from './source.ts';

export type Severity = 'info' | 'warn' | 'error';
/** From best to worst: the worst finding of a flag is its status. */
export const STATUSES = ['exact', 'approximate', 'partial', 'skipped'] as const;
export type ImportStatus = (typeof STATUSES)[number];

const CODES = {
  'all-strategies-disabled': ['warn', 'exact'],
  archived: ['info', 'exact'],
  'array-attribute': ['info', 'exact'],
  'attribute-with-dot': ['info', 'exact'],
  'big-segment': ['warn', 'partial'],
  'bucketing-differs': ['warn', 'approximate'],
  'case-insensitive': ['warn', 'partial'],
  cidr: ['warn', 'partial'],
  'complex-value': ['warn', 'partial'],
  'constant-invalid': ['warn', 'exact'],
  'context-kind': ['info', 'exact'],
  'custom-strategy': ['warn', 'partial'],
  cycle: ['error', 'skipped'],
  'date-attribute': ['warn', 'approximate'],
  'dependency-inlined': ['warn', 'exact'],
  'dependency-missing': ['error', 'skipped'],
  deprecated: ['info', 'exact'],
  'disabled-rule-dropped': ['info', 'exact'],
  'disabled-strategy-dropped': ['info', 'exact'],
  'environment-missing': ['warn', 'exact'],
  'duplicate-key': ['error', 'skipped'],
  'evaluator-replaced': ['warn', 'exact'],
  experiment: ['warn', 'approximate'],
  'hostname-strategy': ['warn', 'partial'],
  'impression-data': ['info', 'exact'],
  'incomplete-pages': ['warn', 'exact'],
  'invalid-flag': ['error', 'skipped'],
  malformed: ['error', 'skipped'],
  'metadata-replaced': ['warn', 'exact'],
  'migration-flag': ['warn', 'exact'],
  'mixed-payload-types': ['warn', 'approximate'],
  'name-clash': ['error', 'skipped'],
  'non-scalar-attribute': ['info', 'exact'],
  'not-carried': ['info', 'exact'],
  'number-text': ['info', 'exact'],
  'payload-unparsable': ['warn', 'approximate'],
  'prerequisite-inlined': ['warn', 'exact'],
  'prerequisite-missing': ['error', 'skipped'],
  'random-becomes-off': ['warn', 'approximate'],
  'random-becomes-sticky': ['warn', 'approximate'],
  regex: ['warn', 'partial'],
  'release-plan': ['warn', 'partial'],
  'segment-constraints-not-in-export': ['warn', 'partial'],
  'segment-missing': ['warn', 'partial'],
  stale: ['info', 'exact'],
  'static-context-field': ['info', 'exact'],
  'stays-archived': ['warn', 'exact'],
  'summary-only-export': ['error', 'skipped'],
  temporary: ['info', 'exact'],
  'too-large': ['error', 'skipped'],
  unarchived: ['warn', 'exact'],
  'unknown-field': ['warn', 'approximate'],
  'unknown-operator': ['warn', 'partial'],
  'variation-type': ['error', 'skipped'],
} as const satisfies Readonly<Record<string, readonly [Severity, ImportStatus]>>;

/** What a finding is about. Codes are part of the answers of the registry: they never change meaning. */
export type FindingCode = keyof typeof CODES;

export const FINDING_CODES = Object.keys(CODES) as readonly FindingCode[];

/** What a finding of this code makes of its flag. */
export function effectOf(code: FindingCode): ImportStatus {
  return CODES[code][1];
}

export interface Finding {
  readonly severity: Severity;
  readonly code: FindingCode;
  /** The flag it belongs to, by its key in the source; null: the file. */
  readonly flag: string | null;
  /** JSON pointer into the source; one into the file of segments begins with `segments#`. */
  readonly path: string;
  /** One sentence. */
  readonly message: string;
  /** What is there, where it is short. */
  readonly value?: unknown;
}

/** Says one thing about a place of the source, for the flag that is being made. */
export type Report = (code: FindingCode, at: Source, message: string) => void;

const VALUE_MAX_CHARS = 400;
const FINDINGS_MAX = 50_000;

/** All that was found in one import. The same thing about the same place and flag is kept once. */
export class Findings {
  readonly list: Finding[] = [];
  readonly #seen = new Set<string>();
  /** Paths. */
  readonly #malformed: string[] = [];
  readonly #worst = new Map<string | null, ImportStatus>();

  /**
   * Throws ERR_IMPORT where there are too many to be read by anybody.
   * @example findings.add('stale', 'menu', feature.get('stale'), 'It is marked as stale')
   */
  add(code: FindingCode, flag: string | null, at: Source, message: string): void {
    const [severity] = CODES[code];
    const status = effectOf(code);
    if (STATUSES.indexOf(status) > STATUSES.indexOf(this.statusOf(flag))) this.#worst.set(flag, status);
    const identity = JSON.stringify([code, flag, at.path, message]);
    if (this.#seen.has(identity)) return;
    if (this.list.length >= FINDINGS_MAX) throw tooMany();
    this.#seen.add(identity);
    if (code === 'malformed') this.#malformed.push(at.path);
    this.list.push({ severity, code, flag, path: at.path, message, ...valueOf(at) });
  }

  for(flag: string | null): Report {
    return (code, at, message) => this.add(code, flag, at, message);
  }

  /** What the findings so far make of a flag. */
  statusOf(flag: string | null): ImportStatus {
    return this.#worst.get(flag) ?? 'exact';
  }

  /** Whether something at this place or below it is no shape to rely on. */
  isMalformed({ path }: Source): boolean {
    return this.#malformed.some((place) => place === path || place.startsWith(`${path}/`));
  }
}

function tooMany(): Error {
  return noExport('unknown', `More than ${FINDINGS_MAX} things of the export do not come over`, 'Import it in parts.');
}

function valueOf({ value }: Source): Pick<Finding, 'value'> {
  const text = JSON.stringify(value);
  return text === undefined || text.length > VALUE_MAX_CHARS ? {} : { value };
}
