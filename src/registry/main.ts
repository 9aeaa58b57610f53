/**
 * The program behind `bun run registry`: settings in, a running registry, signals out. Exit codes: 0 stopped, 1 failed,
 * 2 wrong usage.
 * @module
 */
import { parseArgs } from 'node:util';
import { parseSetting, readSetting, SETTINGS, unknownSettings, type Settings } from '../env/env.ts';
import { readS3Credentials } from '../env/s3-credentials.ts';
import type { S3Place } from '../packages/blobs/s3-blobs.ts';
import { readTracingSettings } from '../env/tracing-settings.ts';
import { ConfigError, isConfigError } from '../errors/errors.ts';
import { nearest } from '../errors/nearest.ts';
import { createLogger, type Logger } from '../logging/logger.ts';
import { isLoopback } from './loopback.ts';
import { startRegistry, type RegistrySettings, type RunningRegistry } from './registry.ts';
import { firstSteps } from './routes/page-routes.ts';

const SAME_KEY_PRESS_MS = 300;

const FLAGS = { host: 'host', port: 'port', data: 'dataDirectory' } as const;

type Flag = keyof typeof FLAGS;
/** What was said on a command line, by the flag's name. */
type Flags = Partial<Record<Flag, string>>;

const USAGE = `Usage: bun run registry [--host <address>] [--port <port>] [--data <directory>]

${Object.entries(FLAGS)
  .map(([flag, setting]) => {
    const { variable, description, default: fallback } = SETTINGS[setting];
    return `  --${flag.padEnd(5)} ${description} Also ${variable}; default ${fallback}.`;
  })
  .join('\n')}`;

async function main(args: readonly string[]): Promise<void> {
  const flags = parseFlags(args);
  if (flags === 'help') return console.log(USAGE);
  console.log(greetingOf(await startFromFlags(flags)));
}

/** A registry that runs until a signal ends the process. Errors: ERR_SETTING, and those of `startRegistry`. */
export async function startFromFlags(flags: Flags): Promise<RunningRegistry> {
  const logger = createLogger('registry');
  for (const { variable, nearest: meant } of unknownSettings()) {
    logger.warn(`${variable} is not a setting${meant === null ? '' : `; did you mean ${meant}?`}`);
  }
  const registry = await startRegistry(settingsFrom(flags), logger);
  stopOnSignals(registry, logger);
  return registry;
}

/** Where it is, and what to do first. */
export function greetingOf({ url, origin, dataDirectory, setup }: RunningRegistry): string {
  // Before there is a user, who runs it may do everything, but on loopback alone, and past no proxy.
  const steps = setup === null ? firstSteps(origin, true) : firstSteps(url, false);
  const isOpenToSomebody = setup === null || isLoopback(new URL(url).hostname);
  return [
    `The registry listens on ${url} over ${dataDirectory}`,
    ...(isOpenToSomebody ? [`To try first:\n${steps}`] : []),
    ...(setup === null ? [] : [`To let others in, make the first administrator: ${setup}`]),
    `Page: ${origin}/_dashboard`,
  ].join('\n');
}

function parseFlags(args: readonly string[]): Flags | 'help' {
  const text = { type: 'string' } as const;
  try {
    const options = { host: text, port: text, data: text, help: { type: 'boolean', short: 'h' } } as const;
    const { help, ...flags } = parseArgs({ args: [...args], options, strict: true }).values;
    return help === true ? 'help' : flags;
  } catch (cause) {
    const wrong = args.find((arg) => arg.startsWith('-') && !Object.hasOwn(FLAGS, arg.replace(/^--|=.*/g, ''))) ?? '';
    const meant = nearest(
      wrong,
      Object.keys(FLAGS).map((flag) => `--${flag}`),
    );
    throw new ConfigError('ERR_USAGE', {
      message: (cause as Error).message.split('. ')[0]!,
      hint: meant === null || wrong === '' ? 'See --help.' : `Did you mean ${meant}?`,
      details: { argument: wrong },
      cause,
    });
  }
}

/** Flags, then variables, then defaults. Throws ERR_SETTING. */
function settingsFrom(flags: Flags): RegistrySettings {
  const setting = <K extends RegistrySettingName>(flag: Flag, name: K): Settings[K] =>
    flags[flag] === undefined ? readSetting(name) : parseSetting(name, flags[flag], `--${flag}`);
  return {
    host: setting('host', 'host'),
    port: setting('port', 'port'),
    dataDirectory: setting('data', 'dataDirectory'),
    trustedProxies: readSetting('trustedProxies'),
    peers: readSetting('peers'),
    corsOrigins: readSetting('corsOrigins'),
    rateLimit: readSetting('rateLimit'),
    anonymousRateLimit: readSetting('anonymousRateLimit'),
    packageLimit: readSetting('packageLimit'),
    upstream: readSetting('upstream'),
    isOffline: readSetting('isOffline'),
    cacheLimit: readSetting('cacheLimit'),
    isRegistrationOpen: readSetting('isRegistrationOpen'),
    publicUrl: readSetting('publicUrl'),
    oidcIssuer: readSetting('oidcIssuer'),
    oidcClientId: readSetting('oidcClientId'),
    oidcClientSecretFile: readSetting('oidcClientSecretFile'),
    s3: s3Place(),
    tracing: readTracingSettings(),
  };
}

/** null: blobs are in the data directory. */
function s3Place(): S3Place | null {
  const address = readSetting('s3');
  return address === '' ? null : { ...address, ...readS3Credentials() };
}

type RegistrySettingName = 'host' | 'port' | 'dataDirectory';

/**
 * The first signal finishes what is under way; a later one ends at once. A terminal signals this process and the runner
 * that started it, and the runner hands its signal on: what comes with the first is the same key press.
 */
function stopOnSignals(registry: RunningRegistry, logger: Logger): void {
  let stoppingSince_ms: number | null = null;
  const onSignal = (): void => {
    if (stoppingSince_ms !== null) {
      if (performance.now() - stoppingSince_ms > SAME_KEY_PRESS_MS) process.exit(1);
      return;
    }
    stoppingSince_ms = performance.now();
    logger.info('stopping; once more to stop at once');
    // The operator waits, and is to see that he was heard.
    void logger.flush();
    registry.stop().then(
      async () => {
        await logger.flush();
        process.exit(0);
      },
      (error: unknown) => fail(error),
    );
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
}

function fail(error: unknown): never {
  if (isConfigError(error)) console.error(`error: ${error.message.replace(/\.$/, '')}. ${error.hint}`);
  else console.error(error);
  process.exit(isConfigError(error) && error.code === 'ERR_USAGE' ? 2 : 1);
}

if (import.meta.main) {
  try {
    await main(Bun.argv.slice(2));
  } catch (error) {
    fail(error);
  }
}
