import { asHandle, asNumber, once, openLibrary, windowsError } from './koffi.ts'

const api = once(() => {
  const declare = openLibrary('advapi32.dll')
  return {
    open: declare(
      'int32_t __stdcall RegOpenKeyExW(void *key, const char16_t *path, uint32_t options, uint32_t rights, _Out_ void **opened)',
    ),
    create: declare(
      'int32_t __stdcall RegCreateKeyExW(void *key, const char16_t *path, uint32_t reserved, void *kind, uint32_t options, uint32_t rights, void *security, _Out_ void **opened, void *disposition)',
    ),
    close: declare('int32_t __stdcall RegCloseKey(void *key)'),
    enumerate: declare(
      'int32_t __stdcall RegEnumKeyExW(void *key, uint32_t index, _Out_ uint8_t *name, _Inout_ uint32_t *length, void *reserved, void *kind, void *kindLength, void *written)',
    ),
    query: declare(
      'int32_t __stdcall RegQueryValueExW(void *key, const char16_t *name, void *reserved, _Out_ uint32_t *type, _Out_ uint8_t *data, _Inout_ uint32_t *size)',
    ),
    set: declare(
      'int32_t __stdcall RegSetValueExW(void *key, const char16_t *name, uint32_t reserved, uint32_t type, uint8_t *data, uint32_t size)',
    ),
    remove: declare(
      'int32_t __stdcall RegDeleteKeyExW(void *key, const char16_t *path, uint32_t rights, uint32_t reserved)',
    ),
  }
})

/** `HKEY_LOCAL_MACHINE`: a number of 32 bits with its sign. */
const localMachine = BigInt.asUintN(64, -0x7ffffffen)

/** What 64-bit programs see, whatever this program is. */
const view64 = 0x100
const mayRead = 0x20019 | view64
const mayWrite = 0x20006 | view64

const success = 0
const missing = 2
const moreData = 234
const noMoreItems = 259

/** Text, and text with `%VARIABLES%`. */
const textType = 1
const expandableTextType = 2
const dwordType = 4
const textsType = 7

export type RegistryValue = string | number | readonly string[]

/** The longest name that a key can have, in characters. */
const longestName = 256

/** A folder of `HKEY_LOCAL_MACHINE`, such as `Software\Octopus\Tentacle`, in the 64-bit view. */
export class RegistryKey {
  readonly #path: string

  constructor(path: string) {
    this.#path = path
  }

  at(name: string): RegistryKey {
    return new RegistryKey(`${this.#path}\\${name}`)
  }

  /** The names of the keys in it; none when it does not exist. */
  keys(): string[] {
    return this.#read([], key => {
      const names: string[] = []
      for (;;) {
        const buffer = Buffer.alloc(longestName * 2)
        const length = [longestName]
        const code = api().enumerate(key, names.length, buffer, length, null, null, null, null)
        if (code === noMoreItems) return names
        this.#check(code, 'listed')
        names.push(buffer.toString('utf16le', 0, asNumber(length[0]) * 2))
      }
    })
  }

  /** The text of a value; undefined when it or the key does not exist, or is no text. */
  text(name: string): string | undefined {
    return this.#read(undefined, key => {
      for (let size = 1024; ; ) {
        const [type, length, buffer] = [[0], [size], Buffer.alloc(size)]
        const code = api().query(key, name, null, type, buffer, length)
        size = asNumber(length[0])
        if (code === moreData) continue
        if (code === missing || ![textType, expandableTextType].includes(asNumber(type[0]))) return undefined
        this.#check(code, 'read')
        return buffer.toString('utf16le', 0, size).replace(/\0+$/, '')
      }
    })
  }

  /** Sets values: a number, texts, or one in which Windows replaces `%VARIABLES%`. The key is made if it is missing. */
  write(values: Readonly<Record<string, RegistryValue>>): void {
    const opened = [null]
    const { create, set, close } = api()
    this.#check(create(localMachine, this.#path, 0, null, 0, mayWrite, null, opened, null), 'made')
    const key = asHandle(opened[0])
    try {
      for (const [name, value] of Object.entries(values)) {
        const [type, bytes] = encodeValue(value)
        this.#check(set(key, name, 0, type, bytes, bytes.length), 'written')
      }
    } finally {
      close(key)
    }
  }

  /** Removes the key, which has no keys in it. One that does not exist is as good. */
  remove(): void {
    const code = api().remove(localMachine, this.#path, view64, 0)
    if (code !== missing) this.#check(code, 'removed')
  }

  #read<T>(otherwise: T, use: (key: bigint) => T): T {
    const opened = [null]
    const code = api().open(localMachine, this.#path, 0, mayRead, opened)
    if (code === missing) return otherwise
    this.#check(code, 'read')
    const key = asHandle(opened[0])
    if (key === undefined) return otherwise
    try {
      return use(key)
    } finally {
      api().close(key)
    }
  }

  #check(code: unknown, done: string): void {
    if (code === success) return
    throw windowsError(`HKEY_LOCAL_MACHINE\\${this.#path} cannot be ${done}`, asNumber(code))
  }
}

function encodeValue(value: RegistryValue): [type: number, bytes: Buffer] {
  if (typeof value === 'object')
    return [textsType, Buffer.from(`${value.map(text => `${text}\0`).join('')}\0`, 'utf16le')]
  if (typeof value === 'string') return [expandableTextType, Buffer.from(`${value}\0`, 'utf16le')]
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return [dwordType, bytes]
}
