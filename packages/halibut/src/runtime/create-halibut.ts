import type { Halibut, HalibutOptions } from './halibut.ts'
import { HalibutRuntime } from './runtime.ts'

/** Makes a runtime. Nothing is opened before it is asked to listen, poll or call. */
export function createHalibut(options: HalibutOptions): Halibut {
  return new HalibutRuntime(options)
}
