/** Commands about what registries send each other, and the way there: validate headers, proxy test. @module */
import type { Command } from 'commander';
import { usageError } from '../failure.ts';
import { group } from '../group.ts';
import { READS_CONFIG, takes } from '../options.ts';
import type { Answer } from '../printer.ts';
import { run } from '../run.ts';
import type { Session } from '../session.ts';
import { facts } from '../text.ts';
import type { RegistryConfig } from '../../config/value.ts';
import { readSetting } from '../../env/env.ts';
import { readProxies } from '../../env/proxies.ts';
import { ConfigError } from '../../errors/errors.ts';
import { core } from '../../live/core.ts';
import { DnsCache } from '../../proxy/dns.ts';
import { configHeaders, HEADER_NAMES, HEADER_PREFIX } from '../../proxy/headers.ts';
import { probe } from '../../proxy/probe.ts';
import { Upstream } from '../../proxy/upstream.ts';
import { validateHeaders } from '../../proxy/validator.ts';

const TIMEOUT_MS = 10_000;

/** After the commands that look: `validate` is one of them. */
export function addProxy(program: Command): void {
  const validate = program.commands.find((command) => command.name() === 'validate') ?? program.command('validate');
  validate
    .command('headers')
    .description('judge X-Bun headers: form, bounds, checksum, and that they agree; exit code 1 when they are invalid')
    .argument('<header...>', 'name and value in turns: X-Bun-Config-Version 1')
    .action(run(validatePairs));
  const proxy = group(program, 'proxy', 'the way to other servers');
  takes(proxy.command('test'), ...READS_CONFIG)
    .description(
      'ask a URL as the registry would, and show each part of the way; exit code 1 when it cannot be reached',
    )
    .argument('<url>', 'http://127.0.0.1:4873/health, ...')
    .action(run(test));
}

async function validatePairs(_session: Session, words: string[]): Promise<Answer> {
  const { isValid, errors, fields } = validateHeaders(pairsOf(words), core().backend);
  const answer: Answer = {
    data: { isValid, errors, fields },
    text: (style) => (isValid ? `${style.green('valid')}\n${facts(style, shown(fields))}` : 'invalid'),
  };
  if (isValid) return answer;
  const { hint, details } = errors[0] as ConfigError<'ERR_HEADER'>;
  const message = errors.map((error) => error.message).join('; ');
  return { ...answer, fault: new ConfigError('ERR_HEADER', { message, hint, details }) };
}

/** Words of bits in hexadecimal, as the headers have them. */
function shown(fields: Partial<RegistryConfig>): Record<string, unknown> {
  const hex = (value: number): string => `0x${value.toString(16).padStart(8, '0')}`;
  const { registryHash, featureFlags, ...others } = fields;
  return {
    ...others,
    ...(registryHash === undefined ? {} : { registryHash: hex(registryHash) }),
    ...(featureFlags === undefined ? {} : { featureFlags: hex(featureFlags) }),
  };
}

function pairsOf(words: readonly string[]): [string, string][] {
  if (words.length % 2 === 1) {
    throw usageError('header', `'${words.at(-1)}' has no value`, 'Give name and value in turns.');
  }
  const pairs = words.flatMap((name, i): [string, string][] => (i % 2 === 0 ? [[name, words[i + 1]!]] : []));
  const foreign = pairs.find(([name]) => !name.toLowerCase().startsWith(HEADER_PREFIX));
  if (foreign === undefined) return pairs;
  throw usageError('header', `'${foreign[0]}' is no X-Bun header`, `Known headers: ${HEADER_NAMES.join(', ')}.`);
}

async function test(session: Session, address: string): Promise<Answer> {
  const url = parseUrl(address);
  const [proxies, peers] = [readProxies(), readSetting('peers')];
  const isOurs = peers.includes(url.origin);
  const sent = isOurs ? configHeaders(await (await session.target()).get(session.name), core().backend) : null;
  const dns = new DnsCache();
  const sender = { ours: new Set(isOurs ? [url.origin] : []), config: () => sent! };
  const upstream = new Upstream({ dns, proxies, sender, limits: { connect_ms: TIMEOUT_MS, idle_ms: TIMEOUT_MS } });
  using progress = session.progress('proxy test');
  const way = await progress.during(probe(url, { dns, proxies, timeout_ms: TIMEOUT_MS }));
  const started = performance.now();
  const request = { follow: false, signal: session.interrupt.signal };
  const answer = await progress.during(upstream.fetch(url, request));
  const firstByte_ms = performance.now() - started;
  await answer.body?.cancel();
  const data = { url: `${url.origin}${url.pathname}`, ...way, firstByte_ms, status: answer.status, configSent: isOurs };
  return { data, text: (style) => facts(style, rounded(data)) };
}

function parseUrl(text: string): URL {
  const url = URL.parse(text);
  if (url !== null && /^https?:$/.test(url.protocol)) return url;
  throw usageError('url', `'${text}' is not an http or https URL`, 'Write the scheme too: https://registry.example/.');
}

function rounded(data: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(data).map(([name, value]) => [name, name.endsWith('_ms') ? milliseconds(value) : value]),
  );
}

function milliseconds(value: unknown): string | null {
  return typeof value === 'number' ? value.toFixed(2) : null;
}
