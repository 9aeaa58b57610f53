/**
 * TypeScript sources as syntax trees, for the rules that text alone would get wrong: a word in a string or in
 * a comment is no breach.
 * @module
 */
import { parseAst } from 'vitest/node';
import type { Finding, SourceFile } from './rule.ts';

/** Any node; its other keys are its children. */
export interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [key: string]: unknown;
}

export interface Import {
  /** As written. */
  readonly from: string;
  readonly names: readonly string[];
  readonly typeOnly: boolean;
  readonly node: Node;
}

const parsed = new WeakMap<SourceFile, readonly Node[]>();

/** All nodes of a file in source order, parents before their children. */
export function nodesOf(file: SourceFile): readonly Node[] {
  const known = parsed.get(file);
  if (known !== undefined) return known;
  const nodes: Node[] = [];
  collect(parseAst(file.text, { lang: file.path.endsWith('x') ? 'tsx' : 'ts' }, file.path), nodes);
  parsed.set(file, nodes);
  return nodes;
}

function collect(value: unknown, nodes: Node[]): void {
  if (Array.isArray(value)) for (const item of value) collect(item, nodes);
  if (!isNode(value)) return;
  nodes.push(value);
  for (const child of Object.values(value)) collect(child, nodes);
}

export function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}

/** Static, dynamic and type imports, and re-exports. */
export function importsOf(file: SourceFile): Import[] {
  return nodesOf(file).flatMap((node) => {
    if (!/^(Import|ExportAll|ExportNamed)Declaration$|^(ImportExpression|TSImportType)$/.test(node.type)) return [];
    const source = node['source'];
    if (!isNode(source) || typeof source['value'] !== 'string') return [];
    const typeOnly = [node['importKind'], node['exportKind']].includes('type') || node.type === 'TSImportType';
    return [{ from: source['value'], names: namesOf(node), typeOnly, node }];
  });
}

function namesOf(node: Node): string[] {
  const specifiers = Array.isArray(node['specifiers']) ? node['specifiers'].filter(isNode) : [];
  return specifiers.flatMap((specifier) => {
    const imported = specifier['imported'];
    return isNode(imported) && typeof imported['name'] === 'string' ? [imported['name']] : [];
  });
}

/** `Bun.serve` for that member expression, otherwise the empty text. */
export function memberText(node: unknown): string {
  if (!isNode(node) || node.type !== 'MemberExpression' || node['computed'] === true) return '';
  const { object, property } = node;
  const left = nameOf(object) || memberText(object);
  return left === '' ? '' : `${left}.${nameOf(property)}`;
}

export function nameOf(node: unknown): string {
  if (isNode(node) && node.type === 'MetaProperty') return 'import.meta';
  return isNode(node) && node.type === 'Identifier' && typeof node['name'] === 'string' ? node['name'] : '';
}

export function lineAt(file: SourceFile, offset: number): number {
  return file.text.slice(0, offset).split('\n').length;
}

export function findingAt(file: SourceFile, node: Node, what: string): Finding {
  return { path: file.path, line: lineAt(file, node.start), what };
}
