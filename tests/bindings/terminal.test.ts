/** Terminals with real programs on them, through the native library. @module */
import { describe, expect, test } from 'vitest';
import { openNative } from '../../bindings/native.ts';
import type { Command, NativeTerminal } from '../../bindings/native-terminal.ts';
import { descriptorsTo } from './descriptors.ts';

const native = openNative();
const env = { PATH: '/usr/bin:/bin', TERM: 'xterm' };

function command(...argv: Command['argv']): Command {
  return { argv, env };
}

function opened(rows = 24, cols = 80): NativeTerminal {
  return native.openTerminal({ rows, cols });
}

/** Reads until the program's side is gone. Each empty read gives the program the processor. */
function readAll(terminal: NativeTerminal, until: (text: string) => boolean = () => false): string {
  const decoder = new TextDecoder();
  let text = '';
  for (let turn = 0; turn < 20_000; turn++) {
    const chunk = terminal.read();
    if (chunk === 'end') return text;
    if (chunk === null) Bun.spawnSync(['true']);
    else text += decoder.decode(chunk, { stream: true });
    if (until(text)) return text;
  }
  throw new Error(`the program never ended; it wrote ${JSON.stringify(text)}`);
}

describe('a terminal', () => {
  test('runs a program, shows its output and how it ended', () => {
    const terminal = opened();
    expect(terminal.status).toEqual({ state: 'none' });
    expect(terminal.spawn(command('sh', '-c', 'tty; echo "$TERM"; exit 7'))).toBeGreaterThan(0);
    expect(readAll(terminal)).toMatch(/^\/dev\/pts\/\d+\r\nxterm\r\n$/);
    expect(terminal.close()).toEqual({ state: 'exited', code: 7 });
    expect(terminal.close()).toEqual({ state: 'exited', code: 7 });
  });

  test('has a size that the program sees, also after a resize', () => {
    const terminal = opened(31, 97);
    terminal.spawn(command('sh', '-c', 'stty size; read line; stty size'));
    expect(readAll(terminal, (text) => text.includes('\n'))).toBe('31 97\r\n');
    terminal.resize({ rows: 50, cols: 120 });
    expect(terminal.size).toEqual({ rows: 50, cols: 120 });
    terminal.write(new TextEncoder().encode('go\n'));
    expect(readAll(terminal)).toContain('50 120');
    terminal.close();
  });

  test('is cooked or raw', () => {
    for (const [mode, icanon] of [
      ['cooked', ' icanon'],
      ['raw', '-icanon'],
    ] as const) {
      const terminal = opened();
      terminal.setMode(mode);
      terminal.spawn(command('stty', '-a'));
      expect(readAll(terminal)).toContain(icanon);
      terminal.close();
    }
  });

  test('takes an interrupt from the keyboard and a signal from us', () => {
    const interrupted = opened();
    interrupted.spawn(command('cat'));
    interrupted.write(new TextEncoder().encode('hello\n'));
    readAll(interrupted, (text) => text.includes('hello\r\nhello'));
    interrupted.write(new TextEncoder().encode('\x03'));
    readAll(interrupted);
    expect(interrupted.close()).toEqual({ state: 'killed', signal: 2 });
    const killed = opened();
    killed.spawn(command('cat'));
    killed.signal('kill');
    readAll(killed);
    expect(killed.close()).toEqual({ state: 'killed', signal: 9 });
  });

  test('ends its program when it closes, and leaves no descriptor', () => {
    const held = (): number => descriptorsTo('/dev/ptmx') + descriptorsTo('/dev/pts/');
    const before = held();
    for (let round = 0; round < 20; round++) {
      const terminal = opened();
      terminal.spawn(command('sleep', '1000'));
      expect(terminal.close()).toEqual({ state: 'killed', signal: 1 });
    }
    expect(held()).toBe(before);
  });

  test('says what is wrong', () => {
    const terminal = opened();
    const code = (work: () => unknown): string => {
      try {
        work();
      } catch (error) {
        return (error as { code: string; message: string }).code + ': ' + (error as Error).message;
      }
      return 'nothing';
    };
    expect(code(() => terminal.spawn(command('no-such-program')))).toMatch(/^ERR_PTY: .*no such program/);
    expect(code(() => terminal.spawn({ ...command('true'), directory: '/no/such' }))).toMatch(/directory is not there/);
    expect(code(() => terminal.spawn(command('ec\0ho')))).toMatch(/NUL/);
    expect(code(() => terminal.signal('kill'))).toMatch(/no program runs/);
    expect(code(() => opened(0, 80))).toMatch(/^ERR_OUT_OF_RANGE: Invalid rows: 0/);
    terminal.spawn(command('cat'));
    expect(code(() => terminal.spawn(command('cat')))).toMatch(/in use/);
    terminal.close();
    expect(code(() => terminal.read())).toMatch(/closed/);
    expect(code(() => terminal.write(new Uint8Array(3)))).toMatch(/closed/);
  });
});
