/**
 * What one run of a command has at hand: its shared options, the target (opened when first asked for, closed at the
 * end), the way to ask, and the way to be interrupted.
 * @module
 */
import { hostname } from 'node:os';
import { EXIT_FAILED, EXIT_INTERRUPTED, Stopped, usageError } from './failure.ts';
import type { Interrupt } from './interrupt.ts';
import type { SharedOptions } from './options.ts';
import type { Printer } from './printer.ts';
import { Progress } from './progress.ts';
import type { IdentityTarget } from './identity-target.ts';
import { directoryOf, openIdentityTarget, openTarget } from './open-target.ts';
import type { Target } from './target.ts';
import { DEFAULT_NAME, parseConfigName } from '../config/name.ts';
import type { Write } from '../live/operations.ts';
import { userName } from '../live/user.ts';

export class Session {
  readonly options: SharedOptions;
  readonly printer: Printer;
  readonly interrupt: Interrupt;
  #target: Promise<Target> | null = null;
  #identity: Promise<IdentityTarget> | null = null;

  constructor(options: SharedOptions, printer: Printer, interrupt: Interrupt) {
    this.options = options;
    this.printer = printer;
    this.interrupt = interrupt;
  }

  /** The config that the command is about. Throws ERR_NAME. */
  get name(): string {
    return parseConfigName(this.options.name ?? DEFAULT_NAME).name;
  }

  /** Users, grants, tokens and keys of the same place. */
  identity(): Promise<IdentityTarget> {
    this.#identity ??= openIdentityTarget(this.options, this.interrupt.signal);
    return this.#identity;
  }

  target(): Promise<Target> {
    this.#target ??= openTarget(this.options, this.interrupt.signal);
    return this.#target;
  }

  /** Who writes, why, and under which conditions. Throws ERR_USAGE for an actor that a registry would not believe. */
  write(): Write {
    const { actor, reason, ifRevision, force } = this.options;
    if (actor !== undefined && directoryOf(this.options) === null) {
      throw usageError(
        '--actor',
        'A registry signs changes with who asks for them, not with --actor',
        'Leave --actor out, or work on a database file with --database.',
      );
    }
    return {
      actor: actor ?? thisUser(),
      expected: ifRevision,
      ...(reason === undefined ? {} : { reason }),
      ...(force === undefined ? {} : { force }),
    };
  }

  progress(label: string): Progress {
    return new Progress(label, { style: this.printer.err, quiet: this.printer.options.quiet });
  }

  /**
   * Asks before something that is hard to take back. Throws ERR_USAGE where nobody can be asked, and `Stopped` when the
   * answer is no.
   */
  async confirm(question: string): Promise<void> {
    if (this.options.yes === true) return;
    if (!process.stdin.isTTY || !process.stderr.isTTY) {
      throw usageError('--yes', `${question} Nobody is there to be asked`, 'Say so beforehand with --yes.');
    }
    const { confirm, isCancel } = await import('@clack/prompts');
    const answer = await confirm({ message: question, initialValue: false, output: process.stderr });
    if (answer !== true) throw new Stopped('nothing was changed', isCancel(answer) ? EXIT_INTERRUPTED : EXIT_FAILED);
  }

  async close(): Promise<void> {
    await (await this.#identity?.catch(() => null))?.close();
    await (await this.#target?.catch(() => null))?.close();
  }
}

/** @example thisUser() // 'ann@web-1' */
function thisUser(): string {
  return `${userName()}@${hostname()}`;
}
