/**
 * Passwords: what may be one, and argon2id with the parameters that OWASP recommends (19 MiB, 2 passes, 1 lane). Each
 * check takes that memory and tens of milliseconds of a core, so only so many run at once, off the event loop, and only
 * so many wait. Neither a password nor its hash is in any error.
 * @module
 */
import { ConfigError } from '../errors/errors.ts';
import { COMMON_PASSWORDS } from './common-passwords.ts';

const LENGTH_MIN = 12;
const LENGTH_MAX = 128;
/** A shorter name is in too much to be looked for. */
const NAME_LENGTH_MIN = 3;
const DIFFERENT_MIN = 5;
const ARGON2ID = { algorithm: 'argon2id', memoryCost: 19_456, timeCost: 2 } as const;
/** At most 38 MiB at once, and two cores. */
const RUNNING_MAX = 2;
const WAITING_MAX = 32;
/** Of a random password that nobody has: who has none is checked against this one, and takes as long. */
const NOBODYS = [
  `$argon2id$v=19$m=${ARGON2ID.memoryCost},t=${ARGON2ID.timeCost},p=1`,
  '2l8KcPOKdwGVsfO6b/RVwmkM+oG1gURUk1wJWvwkA5M',
  'YSSf3zna7srQaXe26PnZTSuBMgKkPU5Jy187CbLv+9U',
].join('$');

type Rule = 'text' | 'length' | 'name' | 'common';

/**
 * Throws ERR_PASSWORD with the rule: 12 to 128 characters, without the user's name, none of the commonest. There are no
 * rules about kinds of characters: they make passwords worse.
 */
export function checkPassword(password: unknown, name: string): string {
  if (typeof password !== 'string' || !password.isWellFormed()) throw refused('text', 'A password is a text');
  const text = normal(password);
  const { length } = Array.from(text);
  if (length < LENGTH_MIN || length > LENGTH_MAX) {
    throw refused('length', `A password has ${LENGTH_MIN} to ${LENGTH_MAX} characters; this one has ${length}`);
  }
  const lower = text.toLowerCase();
  if (name.length >= NAME_LENGTH_MIN && lower.includes(name))
    throw refused('name', "The password holds the user's name");
  if (COMMON_PASSWORDS.has(lower) || new Set(lower).size < DIFFERENT_MIN) {
    throw refused('common', 'The password is among the first that anybody would try');
  }
  return text;
}

export class Passwords {
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  /** Of a checked password. Errors: ERR_BUSY. */
  async hash(password: string): Promise<string> {
    return await this.#inTurn(() => Bun.password.hash(password, ARGON2ID));
  }

  /** Takes as long without a hash (then it is never true) as with one. Errors: ERR_BUSY. */
  async verify(password: string, hash: string | null): Promise<boolean> {
    const text = normal(password);
    // An empty text or an endless one was never a password; it costs the caller what any other does.
    const isPossible = text.length > 0 && text.length <= 2 * LENGTH_MAX;
    const isIt = await this.#inTurn(() => Bun.password.verify(isPossible ? text : 'x', hash ?? NOBODYS));
    return isIt && isPossible && hash !== null;
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running < RUNNING_MAX) this.#running++;
    else await this.#turn();
    try {
      return await work();
    } finally {
      // Whoever waits takes over the place, so that nobody who comes now is before him.
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }

  #turn(): Promise<void> {
    if (this.#waiting.length >= WAITING_MAX) throw busy();
    return new Promise((resolve) => void this.#waiting.push(resolve));
  }
}

/** One text however the keyboard has put it together. */
function normal(password: string): string {
  return password.normalize('NFC');
}

function refused(rule: Rule, message: string): ConfigError {
  const hint = `Use ${LENGTH_MIN} to ${LENGTH_MAX} characters that are not easy to guess, such as four random words.`;
  return new ConfigError('ERR_PASSWORD', { message, hint, details: { rule } });
}

function busy(): ConfigError {
  return new ConfigError('ERR_BUSY', {
    message: 'Too many sign-ins at once',
    hint: 'Try again in a few seconds.',
    details: { limit: RUNNING_MAX + WAITING_MAX },
  });
}
