/**
 * A registry as it is seen from outside: the same questions to each, and what of the answers is its own left out.
 * @module
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { RunningProgram } from './fixtures.ts';
import { Upstream } from '../packages/uplinks/upstream.ts';
import { Probe as Stream } from '../websocket/probe.ts';
import { PASSWORD, type Somebody } from './identity-fixtures.ts';

/** Of one answer, one moment or one registry alone. */
const OWN_HEADERS = ['date', 'x-request-id', 'ratelimit', 'content-length'];
const SHOP = '/api/v1/configs/shop';
const RULE = { severity: 'warning', message: 'm', hint: 'h', require: { on: ['metrics'] } };
const READS = 3;

type Probe = readonly [method: string, path: string, body?: unknown, headers?: Record<string, string>];

/** Asked by the administrator. */
const PROBES: Readonly<Record<string, Probe>> = {
  health: ['GET', '/health'],
  figures: ['GET', '/metrics'],
  'a config': ['GET', SHOP],
  'its head': ['HEAD', SHOP],
  'a config that is known': ['GET', SHOP, undefined, { 'if-none-match': '*' }],
  'a config that is not there': ['GET', '/api/v1/configs/nobody'],
  'what a path takes': ['OPTIONS', SHOP],
  configs: ['GET', '/api/v1/configs'],
  history: ['GET', `${SHOP}/history`],
  'the audit': ['GET', '/api/v1/audit'],
  'an export': ['GET', '/api/v1/exports'],
  'the description': ['GET', '/openapi.json'],
  'the page': ['GET', '/docs'],
  status: ['GET', '/_dashboard'],
  nothing: ['GET', '/nothing'],
  'a change': ['PATCH', SHOP, { rows: 31 }],
  'a short change': ['POST', 'config?name=shop', { rows: 32 }],
  'a change that is wrong': ['PATCH', SHOP, { rows: 0 }],
  'no change at all': ['PATCH', SHOP, '{'],
  'an unmet condition': ['PATCH', SHOP, { rows: 33 }, { 'if-match': '"999"' }],
  'a judgement': ['POST', `${SHOP}/validate`, {}],
  'a template': ['PUT', '/api/v1/templates/team', { set: ['metrics'] }],
  'a rule': ['PUT', '/api/v1/rules/TEAM_METRICS', RULE],
  rules: ['GET', '/api/v1/rules'],
  'a rule less': ['DELETE', '/api/v1/rules/TEAM_METRICS'],
  'a user': ['POST', '/api/v1/users', { name: 'bob' }],
  'a backup': ['POST', '/api/v1/backups', {}],
  'a bad header': ['GET', SHOP, undefined, { 'x-bun-terminal-rows': '0' }],
  'another token': ['GET', SHOP, undefined, { authorization: 'Bearer nonsense' }],
  'a publish': ['PUT', '/kit', { name: 'kit', version: '1.0.0' }],
  'a premium package': ['GET', '/ui/1.0.0'],
};
/** Asked by nobody in particular; everybody has been granted to read configs and packages. */
const OF_NOBODY: Readonly<Record<string, Probe>> = {
  'health for anybody': ['GET', '/health'],
  'a sign-in': ['POST', '/api/v1/login', { user: 'ann', password: PASSWORD }],
  'a config for anybody': ['GET', SHOP],
  'configs for anybody': ['GET', '/api/v1/configs'],
  'a change by anybody': ['PATCH', SHOP, { rows: 34 }],
  'the keys': ['GET', '/.well-known/jwks.json'],
  'a package for anybody': ['GET', '/tools/1.0.0'],
  'a premium package for anybody': ['GET', '/ui/1.0.0'],
  'its tarball for anybody': ['GET', '/ui/-/ui-1.0.0.tgz'],
  'a package of elsewhere for anybody': ['GET', '/elsewhere/1.0.0'],
  'a tarball of elsewhere for anybody': ['GET', '/elsewhere/-/elsewhere-1.0.0.tgz'],
};

export interface Seen {
  readonly probes: Readonly<Record<string, { status: number; code: string | null; headers: Record<string, string> }>>;
  /** Whether repeated reads were answered from memory; null: it does not tell. */
  readonly isHeld: boolean | null;
  /** Whether requests are in its figures. */
  readonly isCounted: boolean | null;
  readonly log: { readonly requests: number; readonly withHeaders: number; readonly isDebugging: boolean };
  readonly backups: readonly string[];
  /** What a frame that changes nothing is answered on a stream: the types of frames and messages. */
  readonly stream: readonly (number | string)[];
}

/** What both are before anything is asked. */
export async function furnish(ann: Somebody): Promise<void> {
  await ann.call('POST', '/api/v1/configs', { name: 'shop', rows: 30 });
  for (const pattern of ['config:*', 'package:*']) {
    await ann.call('POST', '/api/v1/grants', { user: 'anonymous', role: 'viewer', pattern });
  }
  for (const name of ['tools', 'ui']) await ann.call('PUT', `/${name}`, { name, version: '1.0.0' });
  const { status, body } = await ann.call('PATCH', '/api/v1/packages/ui', { isPremium: true });
  if (status !== 200) throw new Error(JSON.stringify(body));
}

/** The environment of a registry that has another one behind it, where there is one package. */
export function elsewhere(): Record<string, string> {
  return { C13_UPSTREAM: new Upstream().serves('elsewhere', { '1.0.0': {} }).url };
}

/** Asks everything, then ends the registry, whose log is whole only then. */
export async function observe(registry: RunningProgram, ann: Somebody): Promise<Seen> {
  const probes: Record<string, Seen['probes'][string]> = {};
  const probe = async (call: Somebody['call'], name: string, probed: Probe): Promise<void> => {
    const { status, headers, body } = await call(...probed);
    const kept = [...headers].filter(([key]) => !OWN_HEADERS.includes(key));
    probes[name] = { status, code: body?.code ?? null, headers: Object.fromEntries(kept) };
  };
  for (const [name, probed] of Object.entries(PROBES)) await probe(ann.call, name, probed);
  for (const [name, probed] of Object.entries(OF_NOBODY)) await probe(registry.call, name, probed);
  const before = await figures(ann);
  for (let i = 0; i < READS; i++) await ann.call('GET', '/api/v1/configs/default');
  const after = await figures(ann);
  const rise = (of: RegExp): number | null => (before === null ? null : sum(after!, of) - sum(before, of));
  const held = rise(/^c13_config_reads_total\{from="(?:hot|memory)"\} (\d+)/gm);
  const counted = rise(
    /^c13_http_requests_total\{method="GET",route="\/api\/v1\/configs\/:name",status="200"\} (\d+)/gm,
  );
  const stream = await streamed(registry, ann);
  registry.child.kill('SIGTERM');
  return {
    stream,
    probes,
    isHeld: held === null ? null : held > 0,
    isCounted: counted === null ? null : counted === READS,
    log: logOf(await new Response(registry.child.stderr).text()),
    backups: readdirSync(join(registry.data, 'backups')).map((name) => name.replace(/^.*?Z/, '')),
  };
}

async function streamed({ url }: RunningProgram, { token }: Somebody): Promise<(number | string)[]> {
  const stream = await Stream.open(url, 'name=shop', { authorization: `Bearer ${token}` });
  stream.forget();
  stream.frame({ type: 5, offset: 0, value: 0n });
  stream.say({ type: 'ping' });
  await stream.message('pong');
  const types = stream.heard.map(({ type }) => type);
  stream.socket.close();
  await stream.end();
  return types;
}

async function figures(ann: Somebody): Promise<string | null> {
  const { status, body } = await ann.call('GET', '/metrics');
  return status === 200 ? body : null;
}

function sum(text: string, of: RegExp): number {
  return [...text.matchAll(of)].reduce((all, [, count]) => all + Number(count), 0);
}

function logOf(text: string): Seen['log'] {
  const lines = text.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line)] : []));
  const requests = lines.filter(({ msg }) => msg === 'request');
  return {
    requests: requests.length,
    withHeaders: requests.filter(({ request, response }) => request !== undefined && response !== undefined).length,
    isDebugging: lines.some(({ level }) => level === 'debug'),
  };
}

/** Where two differ: `probes.a config.status`. */
export function differences(a: unknown, b: unknown, path = ''): string[] {
  if (a === b) return [];
  const isDeep = [a, b].every((value) => typeof value === 'object' && value !== null);
  if (!isDeep) return [path];
  const keys = new Set([...Object.keys(a as object), ...Object.keys(b as object)]);
  return [...keys].flatMap((key) =>
    differences((a as any)[key], (b as any)[key], path === '' ? key : `${path}.${key}`),
  );
}
