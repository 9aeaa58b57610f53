/** Prometheus text as data, for `--json`. Lines that are no samples are comments. @module */

/** One measured value. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** As text where JSON has no number for it: `NaN`, `+Inf`. */
  readonly value: number | string;
}

const SAMPLE = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})? (\S+)(?: \d+)?$/;
const LABEL = /([A-Za-z_]\w*)="((?:[^"\\]|\\.)*)"/g;
const ESCAPED: Readonly<Record<string, string>> = { n: '\n', '"': '"', '\\': '\\' };

/** @example parseSamples('c13_entries{kind="a"} 4') // [{ name: 'c13_entries', labels: { kind: 'a' }, value: 4 }] */
export function parseSamples(text: string): Sample[] {
  return text.split('\n').flatMap((line) => {
    const [, name, labels = '', value] = SAMPLE.exec(line) ?? [];
    if (name === undefined || value === undefined) return [];
    const number = Number(value);
    return [{ name, labels: labelsOf(labels), value: Number.isFinite(number) ? number : value }];
  });
}

function labelsOf(text: string): Record<string, string> {
  return Object.fromEntries(
    [...text.matchAll(LABEL)].map(([, name = '', value = '']) => [
      name,
      value.replace(/\\(.)/g, (_, character: string) => ESCAPED[character] ?? character),
    ]),
  );
}
