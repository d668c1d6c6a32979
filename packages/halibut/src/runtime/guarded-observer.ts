import { toError } from '../errors.ts'
import type { HalibutLogEntry, HalibutObserver } from './halibut.ts'

/** An observer whose own failures end no call and no connection: they are logged. */
export function guardedObserver(
  observer: HalibutObserver,
  log: (entry: HalibutLogEntry) => void,
): Required<HalibutObserver> {
  function guard<A extends unknown[]>(
    name: keyof HalibutObserver,
    listener: ((...facts: A) => void) | undefined,
  ): (...facts: A) => void {
    if (listener === undefined) return () => {}
    return (...facts) => {
      try {
        listener.apply(observer, facts)
      } catch (error) {
        const message = `The observer of this runtime failed in ${name}: ${toError(error).message}`
        log({ level: 'error', endpoint: 'observer', message, error })
      }
    }
  }
  return {
    connectionRefused: guard('connectionRefused', observer.connectionRefused),
    connectionOpened: guard('connectionOpened', observer.connectionOpened),
    connectionAuthorised: guard('connectionAuthorised', observer.connectionAuthorised),
    connectionClosed: guard('connectionClosed', observer.connectionClosed),
    subscriberConnected: guard('subscriberConnected', observer.subscriberConnected),
    subscriberDisconnected: guard('subscriberDisconnected', observer.subscriberDisconnected),
    callStarted: guard('callStarted', observer.callStarted),
    callFinished: guard('callFinished', observer.callFinished),
  }
}
