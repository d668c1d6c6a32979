import { HalibutError } from '../errors.ts'
import type { Halibut, HalibutOptions } from './halibut.ts'

/** Makes a runtime. Nothing is opened before it is asked to listen, poll or call. */
export function createHalibut(_options: HalibutOptions): Halibut {
  throw new HalibutError('ERR_CLOSED', 'Under construction.')
}
