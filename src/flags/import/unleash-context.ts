/**
 * How the fields of Unleash's context are called in OpenFeature's, and what callers have to know about it.
 * @module
 */
import type { ConversionOptions } from './conversion.ts';
import type { Report } from './findings.ts';
import { attributePath, type Logic, textVariable, variable } from './logic.ts';
import type { Source } from './source.ts';

/** Unleash's client libraries fill these in, or take them from a place of their own. */
const STATIC = ['environment', 'appName', 'sessionId', 'remoteAddress'];

export class ContextPaths {
  readonly #userKey: string;
  readonly #map: Readonly<Record<string, string>>;

  constructor({ userKey = 'userId', contextMap = {} }: ConversionOptions) {
    this.#userKey = userKey;
    this.#map = contextMap;
  }

  /** Where the field is found; null with a finding for a name that no attribute can have. */
  pathOf(field: Source, report: Report): string | null {
    const name = field.text() ?? '';
    if (name === '' || name.startsWith('../') || name.startsWith('$flagd')) {
      report('malformed', field, 'This cannot be the name of a field of the context');
      return null;
    }
    if (STATIC.includes(name)) {
      report('static-context-field', field, `Callers have to send ${name} in the context`);
    }
    if (name.includes('.') && this.path(name) !== name) {
      report('attribute-with-dot', field, 'Callers have to send it as one name: its dot does not separate');
    }
    return this.path(name);
  }

  path(name: string): string {
    if (Object.hasOwn(this.#map, name)) return this.#map[name]!;
    return name === this.#userKey ? 'targetingKey' : attributePath([name]);
  }

  /** What a user is told apart by, '' where it is missing. */
  keyOf(fields: readonly string[]): Logic {
    const [first = 'userId', ...more] = fields;
    if (more.length === 0) return textVariable(this.path(first));
    // Not `or`: compiled by flagd's engine, a `cat` around it loses what stands before.
    const attributes = fields.map((field) => variable(this.path(field)));
    return { if: [...attributes.flatMap((attribute) => [attribute, attribute]), ''] };
  }
}
