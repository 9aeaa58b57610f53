/**
 * The faults of one config, judged on this side of the border in every core: five bytes are looked at sooner than asked
 * about. Many at once are the core's work, and the suites hold both to the same answers.
 * @module
 */
import { CONFIG_FAULT, CONFIG_OFFSET } from './abi.gen.ts';
import { expectConfigLength } from './faults.ts';

/** CONFIG_FAULT bits; 0 means valid. Throws ERR_CONFIG_LENGTH. */
export function configCheck(config: Uint8Array): number {
  expectConfigLength(config);
  let faults = 0;
  if (config[CONFIG_OFFSET.version]! > 1) faults |= 1 << CONFIG_FAULT.version;
  if (config[CONFIG_OFFSET.terminal_mode]! > 3) faults |= 1 << CONFIG_FAULT.terminal_mode;
  if (config[CONFIG_OFFSET.rows] === 0) faults |= 1 << CONFIG_FAULT.rows;
  if (config[CONFIG_OFFSET.cols] === 0) faults |= 1 << CONFIG_FAULT.cols;
  if (config[CONFIG_OFFSET.reserved] !== 0) faults |= 1 << CONFIG_FAULT.reserved;
  return faults;
}
