/**
 * Templates and rules that a team has declared, the built-in ones shown with them: what a registry answers about them,
 * made here for a database.
 * @module
 */
import { wrongType } from '../config/input.ts';
import { RULES } from '../config/rules.ts';
import { BUILTIN_TEMPLATES, describeTemplate } from '../config/templates.ts';
import { ConfigError } from '../errors/errors.ts';
import type { Resource, ResourceWrite } from '../journal/resources.ts';
import type { Declarations } from '../live/declarations.ts';
import { checkWhole } from '../live/history.ts';

export type DeclaredKind = 'template' | 'rule';

/** Its key is `name` of a template, `code` of a rule; beside it stand its fields. */
export interface Declared {
  readonly [field: string]: unknown;
  /** 0 of what is built in. */
  readonly revision: number;
  /** Milliseconds since 1970. */
  readonly modifiedAt: number | null;
  readonly modifiedBy: string | null;
  readonly isBuiltin: boolean;
}

/** What the key of each kind is called. */
export const KEY_NAMES: Readonly<Record<DeclaredKind, string>> = { template: 'name', rule: 'code' };

/** What is known of one, besides what was declared. */
const KEPT_FIELDS = ['revision', 'modifiedAt', 'modifiedBy', 'isBuiltin'] as const;

const BUILTIN = { revision: 0, modifiedAt: null, modifiedBy: null, isBuiltin: true };

/** By key. */
export async function listDeclared(declarations: Declarations, kind: DeclaredKind): Promise<Declared[]> {
  const own = await resourcesOf(declarations, kind).all();
  const found = [...builtin(kind), ...own.map((one) => viewOf(kind, one))];
  const keyName = KEY_NAMES[kind];
  return found.toSorted((a, b) => (String(a[keyName]) < String(b[keyName]) ? -1 : 1));
}

/** Throws ERR_NOT_FOUND. */
export async function findDeclared(declarations: Declarations, kind: DeclaredKind, key: string): Promise<Declared> {
  const known = builtin(kind).find((one) => one[KEY_NAMES[kind]] === key);
  return known ?? viewOf(kind, await resourcesOf(declarations, kind).get(key));
}

/** Errors: those of `putTemplate` and `putRule`. */
export async function saveDeclared(
  declarations: Declarations,
  kind: DeclaredKind,
  key: string,
  input: unknown,
  write: ResourceWrite,
): Promise<Declared> {
  if (kind === 'template') return viewOf(kind, await declarations.putTemplate(key, input, write));
  return viewOf(kind, await declarations.putRule(key, input, write));
}

/** Errors: ERR_FORBIDDEN for a built-in one, ERR_NOT_FOUND, ERR_REVISION_CONFLICT. */
export async function deleteDeclared(
  declarations: Declarations,
  kind: DeclaredKind,
  key: string,
  write: ResourceWrite,
): Promise<void> {
  if (builtin(kind).some((one) => one[KEY_NAMES[kind]] === key)) throw builtIn(kind, key);
  await resourcesOf(declarations, kind).delete(key, write);
}

/**
 * What is to be saved under a key, of a document that was written by hand or is one that was shown before; `revision`
 * is that of the latter. Throws ERR_WRONG_TYPE for the document of another key.
 */
export function declaredInput(
  kind: DeclaredKind,
  key: string,
  document: Readonly<Record<string, unknown>>,
): { readonly input: Readonly<Record<string, unknown>>; readonly revision: number | undefined } {
  const keyName = KEY_NAMES[kind];
  const { [keyName]: said = key, ...rest } = document;
  if (said !== key) throw wrongType(keyName, `'${key.slice(0, 80)}', as it is to be called`, said);
  if (!KEPT_FIELDS.every((field) => Object.hasOwn(rest, field))) return { input: rest, revision: undefined };
  const { revision, modifiedAt: _at, modifiedBy: _by, isBuiltin: _is, ...input } = rest;
  checkWhole('revision', revision, 0);
  return { input, revision: revision as number };
}

function resourcesOf(declarations: Declarations, kind: DeclaredKind) {
  return kind === 'template' ? declarations.templates : declarations.rules;
}

function builtin(kind: DeclaredKind): Declared[] {
  if (kind === 'template') return BUILTIN_TEMPLATES.map((one) => ({ ...describeTemplate(one), ...BUILTIN }));
  return RULES.map(({ code, severity, path, hint }) => ({ code, severity, path, hint, ...BUILTIN }));
}

function viewOf(kind: DeclaredKind, { key, value, ...kept }: Resource<object>): Declared {
  const { revision, modifiedAt, modifiedBy } = kept;
  return { [KEY_NAMES[kind]]: key, ...value, revision, modifiedAt, modifiedBy, isBuiltin: false };
}

function builtIn(kind: DeclaredKind, key: string): ConfigError {
  return new ConfigError('ERR_FORBIDDEN', {
    message: `The ${kind} '${key}' is built in`,
    hint: 'Built-in ones stay as they are; make one of your own.',
    details: { rule: 'builtin' },
  });
}
