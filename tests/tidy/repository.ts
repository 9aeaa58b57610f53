/**
 * Reads the checkout for the tidy rules: every text that people write, nothing that is installed or built.
 * @module
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SourceFile } from './rule.ts';

const NOT_OURS = new Set(['node_modules', 'dist', 'zig-out', '.zig-cache', '.c13', '.git', '.vitest']);
const TEXT = /\.(ts|tsx|zig|md|json|jsonc|sh|sql|css|html|ya?ml|toml|lock|service)$|^(Dockerfile|run|LICENSE)$/;

/** `root` ends with a slash. */
export function readRepository(root: string, folder = ''): SourceFile[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder + entry.name;
    if (NOT_OURS.has(entry.name)) return [];
    if (entry.isDirectory()) return readRepository(root, `${path}/`);
    if (!entry.isFile() || !TEXT.test(entry.name)) return [];
    return [{ path, text: readFileSync(join(root, path), 'utf8') }];
  });
}
