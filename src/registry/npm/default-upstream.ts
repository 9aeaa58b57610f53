/**
 * Where packages are asked for while nobody has declared an uplink: what the setting says, or where npm of this machine
 * asks. Never this registry itself, which npm is often told to use.
 * @module
 */
import { parseUplinkUrl, uplinkError } from '../../packages/uplinks/uplink.ts';

const NPM_TIMEOUT_MS = 10_000;

export interface UpstreamChoice {
  /** Of `C13_UPSTREAM`: a URL, `none`, or `npm` for what npm says. */
  readonly setting: string;
  /** Whether a URL leads to this registry. */
  readonly isItself: (url: string) => boolean;
  /** Told why there is none. */
  readonly log: (line: string) => void;
  /** What npm is told to use; null: there is no npm. Errors: ERR_UPLINK. Default: asks it. */
  readonly ask?: () => Promise<string | null>;
}

/** null: nobody is asked. Errors: ERR_UPLINK where npm does not say, which says nothing of the next time. */
export async function defaultUpstream({ setting, isItself, log, ask }: UpstreamChoice): Promise<string | null> {
  if (setting === 'none') return none(log, 'C13_UPSTREAM is none');
  const text = setting === 'npm' ? await (ask ?? (() => askNpm(Bun.which('npm'))))() : setting;
  if (text === null) return none(log, 'there is no npm on this machine that could say where to ask');
  const url = URL.canParse(text) ? new URL(text) : null;
  const source = setting === 'npm' ? 'npm of this machine' : 'C13_UPSTREAM';
  if (url === null || !/^https?:$/.test(url.protocol)) return none(log, `${source} names no registry`);
  if (isItself(url.href)) return none(log, `${source} names this registry itself`);
  if (setting !== 'npm') return parseUplinkUrl(setting);
  url.username = '';
  url.password = '';
  return parseUplinkUrl(url.origin + url.pathname);
}

function none(log: (line: string) => void, why: string): null {
  log(`${why}, and no uplink is declared`);
  return null;
}

/** What a program that is npm says; null: there is none. Throws ERR_UPLINK where it does not say. */
export async function askNpm(npm: string | null): Promise<string | null> {
  if (npm === null) return null;
  const child = Bun.spawn([npm, 'config', 'get', 'registry'], {
    stdin: 'ignore',
    stderr: 'ignore',
    timeout: NPM_TIMEOUT_MS,
  });
  const text = await new Response(child.stdout).text();
  if ((await child.exited) === 0) return text.trim();
  const fault = `npm of this machine does not say which registry it asks (${child.signalCode ?? child.exitCode})`;
  throw uplinkError('default', '', fault);
}
