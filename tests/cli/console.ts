/** Runs every `$` line that a document's console blocks show, in order, and keeps what it printed. @module */
import { MAIN, startRegistry, Workplace } from './cli.ts';
import { userName } from '../../src/live/user.ts';
import { processVariables } from '../../src/env/env.ts';

const BLOCK = /^```console\n([\s\S]*?)^```$/gm;

export interface Shown {
  readonly command: string;
  /** stdout and stderr as a terminal shows them. */
  readonly output: string;
}

/** What the document shows. */
export function shownIn(document: string): Shown[] {
  return [...document.matchAll(BLOCK)].flatMap(([, block = '']) =>
    block
      .split(/^\$ /m)
      .slice(1)
      .map((part) => {
        const [command = '', ...lines] = part.split('\n');
        return { command, output: lines.join('\n') };
      }),
  );
}

/** The same commands, run by bash in one directory on one registry; who runs them is shown as `ann`. */
export async function runShown(commands: readonly string[]): Promise<Shown[]> {
  using place = new Workplace();
  const env = { ...processVariables(), HOSTNAME: 'web-1', C13_DATA: '.c13', XDG_CONFIG_HOME: place.directory };
  const registry = await startRegistry(`${place.directory}/.c13`, env);
  try {
    const shown: Shown[] = [];
    for (const command of commands) {
      const script = `c13() { '${process.execPath}' '${MAIN}' "$@"; }\n${command}`;
      const child = Bun.spawn(['bash', '--norc', '-c', `{ ${script}\n} 2>&1`], {
        cwd: place.directory,
        env: { ...env, C13_URL: registry.url },
        stdout: 'pipe',
      });
      const output = await new Response(child.stdout).text();
      shown.push({ command, output: output.replaceAll(`${userName()}@`, 'ann@') });
    }
    return shown;
  } finally {
    await registry.stop();
  }
}

/** Without what differs in every run: times, hashes, ids, sizes, paths, and the width of columns that hold them. */
export function lasting(output: string): string {
  return output
    .replaceAll(/\d{4}-\d{2}-\d{2}T[\d:.-]+Z/g, '<time>')
    .replaceAll(/\b[0-9a-f]{64}\b/g, '<hash>')
    .replaceAll(/\b[0-9a-f-]{36}\b/g, '<id>')
    .replaceAll(/\bc13_[0-9a-f]{16}_\S+/g, '<token>')
    .replaceAll(/^[0-9a-f]{16}\b|(?<=\b(?:token|grant|request|id) +)[0-9a-f]{16}\b/gm, '<id>')
    .replaceAll(/^[\w-]{43}(?= {2})/gm, '<key>')
    .replaceAll(/(\/[\w.@-]+)+\/(?=(\.c13|copy|fresh|zig-out)\b)/g, '')
    .replaceAll(/http:\/\/127\.0\.0\.1:\d+/g, '<registry>')
    .replaceAll(/\b\d+(\.\d)? [KM]iB/g, '<size>')
    .replaceAll(/^((?:core|journal\.size|journal\.head\.at|pid|started|uptime)\S*) .*$/gm, '$1')
    .replaceAll(/^process_\S+ .*$/gm, 'process')
    .replaceAll(/ {2,}/g, '  ');
}
