import { createRequire } from 'node:module'
import type Koffi from 'koffi'
import { TentacleError } from '../errors.ts'

/** The library that calls functions of the system, as its type declarations describe it. */
export type KoffiLibrary = typeof Koffi

/**
 * A function of Windows. Pointers and handles are numbers of type `bigint`, or null; what comes back is not known before
 * it has been looked at, with one of the functions below.
 */
export type NativeFunction = (...args: unknown[]) => unknown

/** Functions of a library of the system, by their declaration in C. */
export type DeclareFunction = (declaration: string) => NativeFunction & {
  /** The same on a thread of its own; rejects only when it could not be called at all. */
  readonly later: (...args: unknown[]) => Promise<LateResult>
}

/** What a function on another thread gave back, and why it failed if it did. */
export interface LateResult {
  readonly result: unknown
  readonly error: number
}

let loaded: KoffiLibrary | undefined

/**
 * Loads the library, which lies beside the code when the agent is built (docs/wire/tentacle-service.md 3). Only this
 * folder calls it, and only on Windows: no other system pays for it.
 */
export function koffi(): KoffiLibrary {
  loaded ??= createRequire(import.meta.url)('koffi') as KoffiLibrary
  return loaded
}

/** What is made at its first use and kept. Types of koffi have names for the whole process, so they are declared once. */
export function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}

/** @param name - such as `kernel32.dll` */
export function openLibrary(name: string): DeclareFunction {
  const library = koffi().load(name)
  return declaration => {
    const native = library.func(declaration)
    const call: NativeFunction = (...args) => native(...args)
    const later = (...args: unknown[]) =>
      new Promise<LateResult>((resolve, reject) => {
        native.async(...args, (failure: unknown, result: unknown) => {
          if (failure) reject(failure)
          // Koffi knows the thread's error in here only.
          else resolve({ result, error: lastError() })
        })
      })
    return Object.assign(call, { later })
  }
}

/** What most functions say when they have done it. */
export function isTrue(result: unknown): boolean {
  return result === true || (typeof result === 'number' && result !== 0)
}

/** @throws TypeError for anything but a number: the declaration of the function is wrong then. */
export function asNumber(result: unknown): number {
  if (typeof result === 'number') return result
  if (typeof result === 'bigint') return Number(result)
  throw new TypeError(`Windows gave ${typeof result} where a number was expected.`)
}

/** A handle or an address; undefined for none and for `INVALID_HANDLE_VALUE`. */
export function asHandle(result: unknown): bigint | undefined {
  if (typeof result !== 'bigint') return undefined
  return result === 0n || BigInt.asIntN(64, result) === -1n ? undefined : result
}

const system = once(() => {
  const declare = openLibrary('kernel32.dll')
  return {
    getLastError: declare('uint32_t __stdcall GetLastError()'),
    closeHandle: declare('int __stdcall CloseHandle(void *handle)'),
    formatMessage: declare(
      'uint32_t __stdcall FormatMessageW(uint32_t flags, void *source, uint32_t message, uint32_t language, _Out_ uint8_t *buffer, uint32_t size, void *arguments)',
    ),
  }
})

/** Why the last function of this thread has failed; koffi keeps it over whatever Node does in between. */
export function lastError(): number {
  return asNumber(system().getLastError())
}

/** Gives a handle back. */
export function closeHandle(handle: bigint): void {
  system().closeHandle(handle)
}

const fromSystem = 0x1000
const ignoreInserts = 0x0200
const messageCharacters = 1024

/** What Windows says about an error of its own, in the language of the machine; empty when it says nothing. */
export function errorText(code: number): string {
  const buffer = Buffer.alloc(messageCharacters * 2)
  const length = system().formatMessage(
    fromSystem | ignoreInserts,
    null,
    code,
    0,
    buffer,
    messageCharacters,
    null,
  )
  return buffer.toString('utf16le', 0, asNumber(length) * 2).trim()
}

/**
 * An error for a function that has failed. Made at once, while Windows still knows why.
 *
 * @param what - what could not be done, as a clause: `The secret could not be encrypted`
 */
export function windowsError(what: string, code: number = lastError()): TentacleError {
  const text = errorText(code)
  return new TentacleError(
    'ERR_PLATFORM',
    `${what}: ${text === '' ? '' : `${text} `}(Windows error ${code})`,
    {
      details: { windowsError: code },
    },
  )
}
