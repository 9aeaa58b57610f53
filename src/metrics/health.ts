/**
 * Whether the registry can do its work, as a list of checks. A check that fails, throws or does not come back counts
 * the same: whoever asks wants to know in time. Why it failed is for the log alone, because anybody may ask.
 * @module
 */

export interface Health<K extends string = string> {
  readonly status: 'ok' | 'failing';
  readonly checks: Readonly<Record<K, 'ok' | 'failing'>>;
}

export type Checks<K extends string = string> = Readonly<Record<K, () => boolean | Promise<boolean>>>;

export interface HealthOptions<K extends string> {
  /** Hears of a check that goes wrong, once until it is well again. */
  readonly failed: (check: K, why: string) => void;
  readonly timeout_ms?: number;
}

const TIMEOUT_MS = 2000;

/** Runs all checks at once, each time it is called. */
export function healthOf<K extends string>(
  checks: Checks<K>,
  { failed, timeout_ms = TIMEOUT_MS }: HealthOptions<K>,
): () => Promise<Health<K>> {
  const failing = new Set<K>();
  const one = async (name: K): Promise<readonly [K, 'ok' | 'failing']> => {
    const why = await faultOf(checks[name], timeout_ms);
    if (why !== null && !failing.has(name)) failed(name, why);
    if (why === null) failing.delete(name);
    else failing.add(name);
    return [name, why === null ? 'ok' : 'failing'];
  };
  return async () => {
    const found = await Promise.all((Object.keys(checks) as K[]).map(one));
    const status = found.every(([, state]) => state === 'ok') ? 'ok' : 'failing';
    return { status, checks: Object.fromEntries(found) as Record<K, 'ok' | 'failing'> };
  };
}

async function faultOf(check: () => boolean | Promise<boolean>, timeout_ms: number): Promise<string | null> {
  const late = Promise.withResolvers<string>();
  const timer = setTimeout(() => late.resolve(`did not come back within ${timeout_ms} ms`), timeout_ms);
  try {
    return await Promise.race([Promise.resolve(check()).then((isWell) => (isWell ? null : 'is not so')), late.promise]);
  } catch (error) {
    return String(error);
  } finally {
    clearTimeout(timer);
  }
}
