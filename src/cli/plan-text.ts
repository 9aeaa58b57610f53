/** What an import of flags would do, and what does not come over as it was, as people read it. @module */
import type { Imported } from './http-flags.ts';
import { clean, type Style, table, wrapped } from './text.ts';
import type { Finding } from '../flags/import/findings.ts';

const STEPS = { make: 'new', replace: 'replaces', none: 'as it is', skip: 'skipped' } as const;
/** Wider than every severity. */
const INDENT = 7;

/** A line for each flag, then a block for each finding that is no mere note, the gravest first. */
export function planText({ flags, findings }: Pick<Imported, 'flags' | 'findings'>, style: Style): string {
  const rows = flags.map(({ key, status, step }) => [key, status, STEPS[step]]);
  const plan = table(style, ['flag', 'comes over', 'here'], rows, 'flag');
  const grave = ['error', 'warn'].flatMap((severity) => findings.filter((finding) => finding.severity === severity));
  return [plan, ...grave.map((finding) => findingText(style, finding))].join('\n\n');
}

/** null where there are none. */
export function notesText({ findings }: Pick<Imported, 'findings'>): string | null {
  const notes = findings.filter(({ severity }) => severity === 'info').length;
  if (notes === 0) return null;
  return `${notes} ${notes === 1 ? 'note' : 'notes'} more: --json has all`;
}

function findingText(style: Style, { severity, flag, code, message, path }: Finding): string {
  const mark = severity === 'error' ? style.red(severity) : style.yellow(severity);
  const subject = clean(flag === null ? code : `${flag}: ${code}`);
  const title = wrapped(style, subject, INDENT).slice(INDENT);
  const parts = [message, path].filter((part) => part !== '').map((part) => wrapped(style, clean(part), INDENT));
  return [`${mark}${' '.repeat(INDENT - severity.length)}${title}`, ...parts].join('\n');
}
