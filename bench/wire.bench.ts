/** Frames and headers: what arrives from outside and is looked at byte by byte before anything believes it. @module */
import type { Backend, Frame } from '../bindings/backend.ts';
import { DEFAULT_CONFIG, encodeConfig } from '../src/config/value.ts';
import { atMost, nsAtMost, onEachCore, type Loop, type Opened, type Setting, type Suite } from './suite.ts';

export const wire: Suite = { name: 'wire', open };

/** A field, a feature, a resize, a heartbeat: what a receiver gets, with values of one byte and of more. */
const FRAMES: readonly Frame[] = [
  { type: 1, offset: 13, value: 2n },
  { type: 2, offset: 9, value: 0x1_0000_0004n },
  { type: 4, offset: 14, value: 0x7832n },
  { type: 5, offset: 0, value: 123_456n },
];
const FRAMES_TOGETHER = 64;

function open(setting: Setting): Opened {
  const { native } = setting.cores;
  const frames = FRAMES.map((frame) => native.frameEncode(frame));
  const flags = ['0x00000bff', '0x00000270', '0x00000a74', '0x000000a0'];
  const dump = native.headerFormat('x-bun-config-dump', encodeConfig(DEFAULT_CONFIG));
  const config = encodeConfig(DEFAULT_CONFIG);
  return {
    cases: [
      ...onEachCore(setting, 'frame decode', (core) => decoding(core, frames)),
      ...onEachCore(setting, 'frame decode, its value read', (core) => readingValues(core, frames)),
      ...onEachCore(
        setting,
        `frame decode, ${FRAMES_TOGETHER} in a call`,
        (core) => decodingMany(core, frames),
        FRAMES_TOGETHER,
      ),
      ...onEachCore(setting, 'frame encode', (core) => encoding(core)),
      { operation: 'XOR of a frame', column: 'javascript', loop: folding(frames) },
      ...onEachCore(setting, 'header parse (flags)', (core) => parsing(core, flags)),
      ...onEachCore(setting, 'header parse (dump)', (core) => parsingDump(core, dump)),
      { operation: 'Number(header)', column: 'javascript', loop: converting(flags) },
      ...onEachCore(setting, 'record seal', (core) => sealing(core, config)),
    ],
    claims: [
      {
        name: 'frame decode',
        subject: { name: 'frameDecode', loop: decoding(native, frames) },
        floor: { name: 'XOR of its 13 bytes', loop: folding(frames) },
        bound: nsAtMost(8),
      },
      {
        name: 'frames decoded in one call',
        subject: { name: 'framesDecode', loop: decodingMany(native, frames), batch: FRAMES_TOGETHER },
        floor: { name: 'XOR of its 13 bytes', loop: folding(frames) },
        bound: atMost(null),
      },
      {
        name: 'validation of one header',
        subject: { name: 'headerParse', loop: parsing(native, flags) },
        floor: { name: 'Number(value)', loop: converting(flags) },
        bound: atMost(null),
      },
    ],
  };
}

function decoding(core: Backend, frames: readonly Uint8Array[]): Loop {
  return (times) => {
    let hash = 0;
    for (let pass = 0; pass < times; pass++) hash = (hash + core.frameDecode(frames[pass & 3]!).offset) | 0;
    return hash;
  };
}

function readingValues(core: Backend, frames: readonly Uint8Array[]): Loop {
  return (times) => {
    let large = 0;
    for (let pass = 0; pass < times; pass++) if (core.frameDecode(frames[pass & 3]!).value > 0xffn) large++;
    return large;
  };
}

function decodingMany(core: Backend, frames: readonly Uint8Array[]): Loop {
  const bytes = new Uint8Array(FRAMES_TOGETHER * 14);
  for (let i = 0; i < FRAMES_TOGETHER; i++) bytes.set(frames[i & 3]!, i * 14);
  return (times) => {
    let hash = 0;
    for (let pass = 0; pass < times; pass++) {
      for (const outcome of core.framesDecode(bytes)) if ('offset' in outcome) hash = (hash + outcome.offset) | 0;
    }
    return hash;
  };
}

function encoding(core: Backend): Loop {
  return (times) => {
    let hash = 0;
    for (let pass = 0; pass < times; pass++)
      hash = (hash + core.frameEncode({ type: 1, offset: 13, value: 2n })[13]!) | 0;
    return hash;
  };
}

function folding(frames: readonly Uint8Array[]): Loop {
  return (times) => {
    let bad = 0;
    for (let pass = 0; pass < times; pass++) {
      const frame = frames[pass & 3]!;
      let xor = 0;
      for (let i = 0; i < 13; i++) xor ^= frame[i]!;
      if (xor !== frame[13]) bad++;
    }
    return bad;
  };
}

function parsing(core: Backend, values: readonly string[]): Loop {
  return (times) => {
    let hash = 0;
    for (let pass = 0; pass < times; pass++) {
      hash = (hash + (core.headerParse('x-bun-feature-flags', values[pass & 3]!) as number)) | 0;
    }
    return hash;
  };
}

function parsingDump(core: Backend, value: string): Loop {
  return (times) => {
    let hash = 0;
    for (let pass = 0; pass < times; pass++) {
      hash = (hash + (core.headerParse('x-bun-config-dump', value) as Uint8Array).length) | 0;
    }
    return hash;
  };
}

function converting(values: readonly string[]): Loop {
  return (times) => {
    let hash = 0;
    for (let pass = 0; pass < times; pass++) hash = (hash + Number(values[pass & 3]!)) | 0;
    return hash;
  };
}

function sealing(core: Backend, config: Uint8Array): Loop {
  return (times) => {
    let hash = 0;
    for (let pass = 0; pass < times; pass++) {
      config[10] = 1 + (pass & 127);
      hash = (hash + core.recordSeal(config)[24]!) | 0;
    }
    return hash;
  };
}
