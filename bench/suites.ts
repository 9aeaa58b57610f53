/** Every suite, in the order of the report. @module */
import { columns } from './columns.bench.ts';
import { configRead } from './config-read.bench.ts';
import { configWrite } from './config-write.bench.ts';
import { crc64 } from './crc64.bench.ts';
import { flags } from './flags.bench.ts';
import { journal } from './journal.bench.ts';
import { limits } from './limits.bench.ts';
import { validation } from './validation.bench.ts';
import { validationHeaders } from './validation-headers.bench.ts';
import { packages } from './packages.bench.ts';
import { rollout } from './rollout.bench.ts';
import { server } from './server.bench.ts';
import type { Suite } from './suite.ts';
import { tokens } from './tokens.bench.ts';
import { wire } from './wire.bench.ts';

export const SUITES: readonly Suite[] = [
  configRead,
  configWrite,
  rollout,
  crc64,
  columns,
  validation,
  validationHeaders,
  limits,
  tokens,
  wire,
  journal,
  server,
  flags,
  packages,
];
