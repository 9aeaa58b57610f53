/**
 * Restores a whole database beside the command's thread, which meanwhile shows that it works. One message each way.
 * @module
 */
import { isConfigError } from '../errors/errors.ts';
import { restoreDatabase } from '../live/backups.ts';

declare const self: Worker;

self.onmessage = ({ data }: MessageEvent<Parameters<typeof restoreDatabase>>) => {
  try {
    self.postMessage({ restored: restoreDatabase(...data) });
  } catch (error) {
    if (!isConfigError(error)) throw error;
    self.postMessage({ error: error.toJSON() });
  }
};
