/** Who runs this process, as the system says it: variables such as USER say whatever somebody has set. @module */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

const USERS = '/etc/passwd';
const ID = '/usr/bin/id';

let found: string | null = null;

/**
 * The user's name; `uid 1000` where the system knows none, `unknown` where it has no user ids.
 * @example userName() // 'ann'
 */
export function userName(): string {
  found ??= look(process.getuid?.());
  return found;
}

function look(uid: number | undefined): string {
  if (uid === undefined) return 'unknown';
  return listed(uid) ?? asked() ?? `uid ${uid}`;
}

function listed(uid: number): string | null {
  if (!existsSync(USERS)) return null;
  const lines = readFileSync(USERS, 'utf8').split('\n');
  const name = lines.map((line) => line.split(':')).find((fields) => fields[2] === String(uid))?.[0];
  return isName(name) ? name : null;
}

/** Users that a directory service knows are in no file. */
function asked(): string | null {
  if (!existsSync(ID)) return null;
  try {
    const name = execFileSync(ID, ['-un'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], timeout: 2000 });
    return isName(name.trim()) ? name.trim() : null;
  } catch {
    // It fails for a user without a name.
    return null;
  }
}

function isName(name: string | undefined): name is string {
  return name !== undefined && /^[^\p{C}\s:]{1,64}$/u.test(name);
}
