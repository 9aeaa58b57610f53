/**
 * What clients send when they audit, made fit for an uplink: names that it need not know are taken out before anything
 * leaves, and its answers are put together again. Pure.
 * @module
 */
import { ConfigError } from '../../errors/errors.ts';
import { isObject, type Document } from './document.ts';

/** Packages within packages. */
const DEPTH_MAX = 100;
/** Packages in one question. */
const NAMES_MAX = 5000;

/** As npm's clients of today send it: versions by package. Throws ERR_BAD_REQUEST. */
export type Installed = Readonly<Record<string, readonly string[]>>;

export function parseInstalled(body: unknown): Installed {
  const isList = (value: unknown): boolean => Array.isArray(value) && value.every((one) => typeof one === 'string');
  if (!isObject(body) || !Object.values(body).every(isList)) {
    throw badBody('versions by package: { "ui": ["1.0.0"] }');
  }
  if (Object.keys(body).length > NAMES_MAX) throw badBody(`of at most ${NAMES_MAX} packages`);
  return body as Installed;
}

/** All names of a tree, as older clients send it. Throws ERR_BAD_REQUEST. */
export function namesOf(tree: unknown): ReadonlySet<string> {
  const names = new Set<string>();
  addNames(names, tree, 0);
  return names;
}

function addNames(names: Set<string>, tree: unknown, depth: number): void {
  if (!isObject(tree) || depth > DEPTH_MAX) throw badBody('a tree of dependencies');
  const { dependencies = {} } = tree;
  if (!isObject(dependencies)) throw badBody('a tree of dependencies');
  for (const [name, below] of Object.entries(dependencies)) {
    names.add(name);
    if (names.size > NAMES_MAX) throw badBody(`of at most ${NAMES_MAX} packages`);
    addNames(names, below, depth + 1);
  }
}

/** The tree without what `isKept` refuses, and without what it is of; what was below one that goes takes its place. */
export function cutTree(tree: Document, isKept: (name: string) => boolean): Document {
  const cut = cutBelow(tree, isKept);
  const requires = isObject(tree['requires']) ? keptOf(tree['requires'], isKept) : {};
  return { requires, dependencies: cut, install: [], remove: [], metadata: {} };
}

export function emptyReport(): Document {
  const vulnerabilities = { info: 0, low: 0, moderate: 0, high: 0, critical: 0 };
  const counts = { dependencies: 0, devDependencies: 0, optionalDependencies: 0, totalDependencies: 0 };
  return { actions: [], advisories: {}, muted: [], metadata: { vulnerabilities, ...counts } };
}

/** One report of two; of what is counted, the sum. */
export function joinedReports(a: Document, b: Document): Document {
  const [left, right] = [metadataOf(a), metadataOf(b)];
  const metadata = {
    ...added(left, right),
    vulnerabilities: added(fieldOf(left, 'vulnerabilities'), fieldOf(right, 'vulnerabilities')),
  };
  return {
    actions: [...listOf(a, 'actions'), ...listOf(b, 'actions')],
    advisories: { ...fieldOf(a, 'advisories'), ...fieldOf(b, 'advisories') },
    muted: [...listOf(a, 'muted'), ...listOf(b, 'muted')],
    metadata,
  };
}

function cutBelow({ dependencies = {} }: Document, isKept: (name: string) => boolean): Document {
  const cut: Record<string, Document> = {};
  for (const [name, tree] of Object.entries(dependencies as Record<string, Document>)) {
    const below = cutBelow(tree, isKept);
    if (!isKept(name)) {
      for (const [lower, of] of Object.entries(below)) cut[lower] ??= of as Document;
      continue;
    }
    const { version, dev, optional, bundled, integrity } = tree;
    const requires = isObject(tree['requires']) ? keptOf(tree['requires'], isKept) : tree['requires'];
    cut[name] = { version, dev, optional, bundled, integrity, requires, dependencies: below };
  }
  return cut;
}

function keptOf(fields: Document, isKept: (name: string) => boolean): Document {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => isKept(name)));
}

function metadataOf(report: Document): Document {
  return fieldOf(report, 'metadata');
}

function added(a: Document, b: Document): Document {
  const sum = (key: string): number => numberOf(a[key]) + numberOf(b[key]);
  return Object.fromEntries([...new Set([...Object.keys(a), ...Object.keys(b)])].map((key) => [key, sum(key)]));
}

function numberOf(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}

function fieldOf(of: Document, key: string): Document {
  const value = of[key];
  return isObject(value) ? value : {};
}

function listOf(of: Document, key: string): readonly unknown[] {
  const value = of[key];
  return Array.isArray(value) ? value : [];
}

function badBody(expected: string): ConfigError {
  return new ConfigError('ERR_BAD_REQUEST', {
    message: `Invalid body: must be ${expected}`,
    hint: 'Send what `npm audit` sends.',
    details: { parameter: 'body' },
  });
}
