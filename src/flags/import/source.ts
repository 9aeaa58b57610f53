/**
 * A place in a document from outside, which knows its own JSON pointer. Reading never throws: what is not there, or is
 * of another type, reads as nothing (that it is so is said by the check of the shape).
 * @module
 */

export type Fields = Readonly<Record<string, unknown>>;

export class Source {
  readonly value: unknown;
  /** JSON pointer; '' is the whole document. */
  readonly path: string;

  constructor(value: unknown, path = '') {
    this.value = value;
    this.path = path;
  }

  /** @example new Source({ a: { b: 1 } }).get('a', 'b').number() // 1 */
  get(...keys: readonly (string | number)[]): Source {
    return keys.reduce<Source>((at, key) => at.#child(String(key)), this);
  }

  has(key: string): boolean {
    return Object.hasOwn(this.fields(), key);
  }

  /** Neither absent nor null. */
  get isThere(): boolean {
    return this.value !== undefined && this.value !== null;
  }

  text(): string | null {
    return typeof this.value === 'string' ? this.value : null;
  }

  number(): number | null {
    return typeof this.value === 'number' ? this.value : null;
  }

  /** Only `true` is. */
  get isTrue(): boolean {
    return this.value === true;
  }

  items(): readonly Source[] {
    return Array.isArray(this.value) ? this.value.map((item, i) => new Source(item, `${this.path}/${i}`)) : [];
  }

  /** The texts of a list; others are left out. */
  texts(): readonly string[] {
    return this.items().flatMap((item) => item.text() ?? []);
  }

  entries(): readonly (readonly [string, Source])[] {
    return Object.keys(this.fields()).map((key) => [key, this.#child(key)] as const);
  }

  fields(): Fields {
    return isFields(this.value) ? this.value : {};
  }

  #child(key: string): Source {
    const holder = Array.isArray(this.value) ? (this.value as unknown as Fields) : this.fields();
    const value = Object.hasOwn(holder, key) ? holder[key] : undefined;
    return new Source(value, `${this.path}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`);
  }
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether it is a list or an object that is not empty. */
export function hasContent(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length > 0;
}
