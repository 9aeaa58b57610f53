/**
 * Pseudo-terminals through the native library: a program that believes it has a terminal. Nothing here blocks but
 * `close`, which waits (at most some 1.3 s, usually none) for a program that does not end when its terminal goes.
 * @module
 */
import { ptr } from 'bun:ffi';
import { ConfigError } from '../src/errors/errors.ts';
import { PTY_MODE, PTY_REPORT_OFFSET, PTY_REPORT_SIZE, PTY_SIGNAL, PTY_STATE, RESULT } from './abi.gen.ts';
import { resultName } from './faults.ts';
import { viewOf } from './layout.ts';
import type { Symbols } from './native.ts';

export interface TerminalSize {
  /** Character cells, 1-65535. */
  readonly rows: number;
  readonly cols: number;
}

export interface Command {
  /** The program, looked up in the environment's PATH, and its arguments. */
  readonly argv: readonly [string, ...string[]];
  /** The whole environment of the program. */
  readonly env: Readonly<Record<string, string>>;
  /** Default: this process's directory. */
  readonly directory?: string;
}

export type ProgramStatus =
  | { readonly state: 'none' | 'running' | 'unknown' }
  | { readonly state: 'exited'; readonly code: number }
  | { readonly state: 'killed'; readonly signal: number };

export interface NativeTerminal {
  /**
   * Starts the program and returns its process number. Throws ERR_PTY when there is none of that name, or one runs
   * already.
   */
  spawn(command: Command): number;
  /** What the program wrote: some bytes, `null` when there are none now, `'end'` when there will be none. */
  read(maxBytes?: number): Uint8Array | null | 'end';
  /** Types bytes; returns how many were taken (0: try again when the program has read). */
  write(bytes: Uint8Array): number;
  resize(size: TerminalSize): void;
  readonly size: TerminalSize;
  setMode(mode: keyof typeof PTY_MODE): void;
  /** Sends a signal to the program itself; to interrupt what runs in the foreground, write `\x03`. */
  signal(signal: keyof typeof PTY_SIGNAL): void;
  readonly status: ProgramStatus;
  /** Hangs up; answers how the program ended. A second call answers the same. */
  close(): ProgramStatus;
}

const READ_BYTES = 65_536;

/** Errors: ERR_PTY (none left, no such device), ERR_UNSUPPORTED. */
export function openNativeTerminal(symbols: Symbols, size: TerminalSize): NativeTerminal {
  const report = new Uint8Array(PTY_REPORT_SIZE);
  const view = viewOf(report);
  const field = (name: 'handle' | 'count' | 'pid'): number => view.getUint32(PTY_REPORT_OFFSET[name], true);
  const check = (what: string, result: number): void => {
    if (result !== RESULT.ok) throw terminalError(what, result, view.getInt32(PTY_REPORT_OFFSET.os_error, true));
  };
  check('open a terminal', symbols.c13_pty_open(ptr(sizeBytes(size)), ptr(report)));
  const handle = field('handle');
  const status = (): ProgramStatus => statusOf(report);
  let ended: ProgramStatus | null = null;
  return {
    spawn(command) {
      const bytes = commandBytes(command);
      check(
        `run ${command.argv[0]}`,
        symbols.c13_pty_spawn(handle, command.argv.length, ptr(bytes), bytes.length, ptr(report)),
      );
      return field('pid');
    },
    read(maxBytes = READ_BYTES) {
      const buffer = new Uint8Array(maxBytes);
      const result = symbols.c13_pty_read(handle, ptr(buffer), buffer.length, ptr(report));
      if (result === RESULT.would_block) return null;
      if (result === RESULT.end) return 'end';
      check('read', result);
      return buffer.subarray(0, field('count'));
    },
    write(bytes) {
      if (bytes.length === 0) return 0;
      const result = symbols.c13_pty_write(handle, ptr(bytes), bytes.length, ptr(report));
      if (result === RESULT.would_block) return 0;
      check('write', result);
      return field('count');
    },
    resize: (next) => check('resize', symbols.c13_pty_resize(handle, ptr(sizeBytes(next)), ptr(report))),
    get size() {
      check('ask for the size', symbols.c13_pty_status(handle, ptr(report)));
      return {
        rows: view.getUint16(PTY_REPORT_OFFSET.rows, true),
        cols: view.getUint16(PTY_REPORT_OFFSET.cols, true),
      };
    },
    setMode: (mode) => check('set the mode', symbols.c13_pty_set_mode(handle, PTY_MODE[mode], ptr(report))),
    signal: (signal) => check('signal', symbols.c13_pty_signal(handle, PTY_SIGNAL[signal], ptr(report))),
    get status() {
      if (ended !== null) return ended;
      check('ask for the status', symbols.c13_pty_status(handle, ptr(report)));
      return status();
    },
    close() {
      if (ended !== null) return ended;
      check('close', symbols.c13_pty_close(handle, ptr(report)));
      ended = status();
      return ended;
    },
  };
}

function statusOf(report: Uint8Array): ProgramStatus {
  const number = report[PTY_REPORT_OFFSET.number]!;
  switch (report[PTY_REPORT_OFFSET.state]) {
    case PTY_STATE.running:
      return { state: 'running' };
    case PTY_STATE.exited:
      return { state: 'exited', code: number };
    case PTY_STATE.killed:
      return { state: 'killed', signal: number };
    case PTY_STATE.none:
      return { state: 'none' };
    default:
      return { state: 'unknown' };
  }
}

function sizeBytes({ rows, cols }: TerminalSize): Uint16Array {
  for (const [field, value] of Object.entries({ rows, cols })) {
    if (Number.isInteger(value) && value >= 1 && value <= 0xffff) continue;
    throw new ConfigError('ERR_OUT_OF_RANGE', {
      message: `Invalid ${field}: ${value} (must be 1-65535)`,
      hint: 'Give the terminal a size in character cells.',
      details: { field, value, min: 1, max: 0xffff },
    });
  }
  return Uint16Array.of(rows, cols);
}

/** `directory NUL argument NUL ... NAME=value NUL ...` */
function commandBytes({ argv, env, directory = '' }: Command): Uint8Array {
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const strings = [directory, ...argv, ...variables];
  const broken = strings.find((text) => text.includes('\0'));
  if (broken !== undefined) throw terminalError('run a command that contains a NUL character', RESULT.bad_command, 0);
  return new TextEncoder().encode(strings.map((text) => `${text}\0`).join(''));
}

const FAULTS: Readonly<Record<string, readonly [fault: string, hint: string]>> = {
  bad_handle: ['the terminal is closed', 'Open another one.'],
  bad_argument: ['a value is out of range', 'Check rows, columns, mode and signal.'],
  bad_command: ['the command cannot be read', 'Give a program and arguments without NUL characters.'],
  too_large: ['the command is too long', 'Pass fewer or shorter arguments and variables.'],
  full: ['all terminals of this process are open', 'Close one first.'],
  busy: ['the terminal is in use: a program runs on it, or does not end', 'Wait for it, or open another terminal.'],
  no_program: ['no program runs on it', 'Spawn one first.'],
  not_found: ['there is no such program', 'Check its name, and the PATH in the environment given to it.'],
  permission: ['that is not allowed', 'Check that the program may be executed by this user.'],
  no_directory: ['its directory is not there', 'Check the directory the program is to start in.'],
  no_pty: ['the system gave no terminal', 'Check that /dev/ptmx and /dev/pts are there, and the limit of open files.'],
};

function terminalError(what: string, result: number, errno: number): ConfigError {
  const fault = resultName(result);
  if (fault === 'unsupported') {
    return new ConfigError('ERR_UNSUPPORTED', {
      message: 'Terminals are not supported on this platform',
      hint: 'They need Linux 5.9 or newer, or macOS.',
      details: { what: 'terminal', platform: `${process.platform}-${process.arch}` },
    });
  }
  const [why, hint] = FAULTS[fault] ?? ['the system refused', 'See the error number.'];
  const number = errno === 0 ? '' : ` (error ${errno})`;
  return new ConfigError('ERR_PTY', { message: `Cannot ${what}: ${why}${number}`, hint, details: { fault, errno } });
}
