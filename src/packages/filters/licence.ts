/**
 * Licences as packages write them: an SPDX expression where it is one, and the text itself where it is not. Pure.
 * @module
 */
import parse from 'spdx-expression-parse';

const TEXT_MAX = 1000;
const SINGLE_MAX = 100;
/** What npm knows beside SPDX. */
const NPM_LICENCE = /^(UNLICENSED|SEE LICEN[CS]E IN \S.*)$/;

export type LicenceTree =
  | { readonly kind: 'one'; readonly text: string }
  | { readonly kind: 'and' | 'or'; readonly left: LicenceTree; readonly right: LicenceTree };

/** Also of what is no expression: then it stands for itself. */
export function licenceTreeOf(text: string): LicenceTree {
  return (text.length > TEXT_MAX ? null : expressionOf(text)) ?? { kind: 'one', text };
}

/**
 * Whether a text names one licence, spelled as SPDX does or as npm does beside it. A choice is none: whoever writes
 * `MIT OR ISC` means two.
 * @example isSingleLicence('mit') // false: it is `MIT`
 */
export function isSingleLicence(text: string): boolean {
  if (text.length > SINGLE_MAX || text.trim() !== text) return false;
  return NPM_LICENCE.test(text) || expressionOf(text)?.kind === 'one';
}

/**
 * What a manifest says of its licence: `license`, or the two old ways; '' for nothing.
 * @example licenceOf({ licenses: [{ type: 'MIT' }, { type: 'ISC' }] }) // '(MIT OR ISC)'
 */
export function licenceOf({ license, licenses }: Readonly<Record<string, unknown>>): string {
  if (license !== undefined && license !== null) return nameOf(license);
  if (!Array.isArray(licenses)) return '';
  const names = licenses.map(nameOf).filter((name) => name !== '');
  return names.length < 2 ? (names[0] ?? '') : `(${names.join(' OR ')})`;
}

/**
 * Whether somebody who takes these licences alone may take it: of a choice one is enough, of several all are needed.
 */
export function canDoWith(tree: LicenceTree, licences: readonly string[]): boolean {
  if (tree.kind === 'one') return licences.some((licence) => isSame(licence, tree.text));
  const [left, right] = [canDoWith(tree.left, licences), canDoWith(tree.right, licences)];
  return tree.kind === 'or' ? left || right : left && right;
}

/** Whether it cannot be had without one of these: the other side of the same choice. */
export function needsOneOf(tree: LicenceTree, licences: readonly string[]): boolean {
  if (tree.kind === 'one') return licences.some((licence) => isSame(licence, tree.text));
  const [left, right] = [needsOneOf(tree.left, licences), needsOneOf(tree.right, licences)];
  return tree.kind === 'or' ? left && right : left || right;
}

/** null: it is no expression. */
function expressionOf(text: string): LicenceTree | null {
  try {
    return treeOf(parse(text));
  } catch (error) {
    if (error instanceof Error) return null;
    throw error;
  }
}

function treeOf(info: parse.Info): LicenceTree {
  if ('conjunction' in info) return { kind: info.conjunction, left: treeOf(info.left), right: treeOf(info.right) };
  const { license, plus = false, exception } = info;
  return {
    kind: 'one',
    text: license + (plus === true ? '+' : '') + (exception === undefined ? '' : ` WITH ${exception}`),
  };
}

function nameOf(licence: unknown): string {
  if (typeof licence === 'string') return licence.trim();
  if (typeof licence === 'object' && licence !== null && 'type' in licence) return nameOf(licence.type);
  return '';
}

function isSame(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
