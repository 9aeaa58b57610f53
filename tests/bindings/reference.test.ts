/** The plain TypeScript core keeps the contract. @module */
import { openReference } from '../../bindings/reference.ts';
import { backendContract } from '../contract/backend.contract.ts';

backendContract('reference', openReference);
