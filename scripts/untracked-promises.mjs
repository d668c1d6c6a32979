/**
 * Loaded before every test file of a whole run. Node's test runner follows each promise of a process through an
 * asynchronous hook, to name the test that an error nobody caught came from; that takes up to a fifth of the time here,
 * where much is awaited. Without it such an error fails its file, not its test, so its stack is printed here. The file
 * run alone names the test.
 */
import asyncHooks from 'node:async_hooks'
import { isMainThread } from 'node:worker_threads'

const { createHook } = asyncHooks

asyncHooks.createHook = callbacks =>
  createHook(callbacks.promiseResolve === undefined ? { ...callbacks, trackPromises: false } : callbacks)

if (isMainThread) {
  // Processes that a test forks are none of this.
  process.execArgv = process.execArgv.filter(
    (arg, at, args) => arg !== '--import' && args[at - 1] !== '--import',
  )
  process.on('uncaughtExceptionMonitor', error => console.error('Nobody caught', error))
  process.on('unhandledRejection', error => console.error('Nobody caught', error))
}
