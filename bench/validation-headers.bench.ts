/** All seven headers of a request: form, bounds, the dump's checksum, and that they agree. @module */
import type { Backend } from '../bindings/backend.ts';
import { DEFAULT_CONFIG } from '../src/config/value.ts';
import { configHeaders } from '../src/proxy/headers.ts';
import { validateHeaders } from '../src/proxy/validator.ts';
import { nsAtMost, onEachCore, type Loop, type Opened, type Setting, type Suite } from './suite.ts';

export const validationHeaders: Suite = { name: 'validation-headers', open };

function open(setting: Setting): Opened {
  const { native } = setting.cores;
  const sets = [24, 50, 120, 255].map((rows) => Object.entries(configHeaders({ ...DEFAULT_CONFIG, rows }, native)));
  const browser = Object.entries({ host: 'a.example', accept: '*/*', 'user-agent': 'x', 'accept-encoding': 'gzip' });
  const objects = sets.map((pairs) => new Headers([...browser, ...pairs]));
  const validated = { name: 'validateHeaders', loop: validating(native, sets) };
  const read = { name: 'comparing seven names, Number(value)', loop: reading(sets) };
  return {
    cases: [
      ...onEachCore(setting, 'validate 7 headers', (core) => validating(core, sets)),
      { operation: 'validate 7 of 11, Headers', column: 'library', loop: validating(native, objects) },
      { operation: 'walk of 11, Headers', column: 'javascript', loop: walking(objects) },
      { operation: 'format 7 headers', column: 'library', loop: formatting(native) },
    ],
    claims: [{ name: 'validation of all seven headers', subject: validated, floor: read, bound: nsAtMost(267) }],
  };
}

type Pairs = Iterable<readonly [string, string]>;

function validating(core: Backend, sets: readonly Pairs[]): Loop {
  return (times) => {
    let rows = 0;
    for (let pass = 0; pass < times; pass++) rows += validateHeaders(sets[pass & 3]!, core).fields.rows!;
    return rows;
  };
}

/** Looks at every name and value, and judges nothing. */
function reading(sets: readonly Pairs[]): Loop {
  return (times) => {
    let sum = 0;
    for (let pass = 0; pass < times; pass++) {
      for (const [name, value] of sets[pass & 3]!) if (name.startsWith('x-bun-')) sum = (sum + Number(value)) | 0;
    }
    return sum;
  };
}

function walking(sets: readonly Pairs[]): Loop {
  return (times) => {
    let length = 0;
    for (let pass = 0; pass < times; pass++) for (const [, value] of sets[pass & 3]!) length += value.length;
    return length;
  };
}

function formatting(core: Backend): Loop {
  return (times) => {
    let length = 0;
    for (let pass = 0; pass < times; pass++) {
      length += configHeaders({ ...DEFAULT_CONFIG, rows: 1 + (pass & 127) }, core)['x-bun-terminal-rows'].length;
    }
    return length;
  };
}
