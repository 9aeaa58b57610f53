/** What is answered about the bytes behind packages: whether they are whole, what nothing needs, what came. @module */
import { z } from 'zod';

const HASH = z.string().meta({ description: 'SHA-512 of the bytes, in hexadecimal.' });
const NEXT = z.string().nullable().meta({ description: 'For the next part; null: that was all.' });

export const SCRUBBED = z
  .object({
    checked: z.int(),
    checked_bytes: z.int(),
    damaged: z.array(
      z.object({
        hash: HASH,
        fault: z.string(),
        name: z.string().meta({ description: 'A package that needs it, and the version.' }),
        version: z.string(),
      }),
    ),
    progress: z.number().min(0).max(1),
    cursor: NEXT,
  })
  .meta({ id: 'Scrubbed' });
export const COLLECTED = z
  .object({
    dryRun: z.boolean().meta({ description: 'Whether nothing was deleted.' }),
    seen: z.int().meta({ description: 'How many were looked at in this part.' }),
    unnamed: z.int().meta({ description: 'How many of them nothing needs.' }),
    unnamed_bytes: z.int(),
    progress: z.number().min(0).max(1),
    cursor: NEXT,
  })
  .meta({ id: 'Collected' });
export const IMPORTED_VERSION = z
  .object({ name: z.string(), version: z.string(), revision: z.int(), integrity: z.string() })
  .meta({ id: 'ImportedVersion' });

export type ScrubbedView = z.infer<typeof SCRUBBED>;
export type CollectedView = z.infer<typeof COLLECTED>;
export type ImportedView = z.infer<typeof IMPORTED_VERSION>;
