import { asHandle, closeHandle, isTrue, once, openLibrary, windowsError } from './koffi.ts'

/** A process of this machine. */
export interface WindowsProcess {
  readonly id: number
  /** The process that has started it, which may be gone; its number may be that of another process by now. */
  readonly parentId: number
  /** The name of its file, such as `cmd.exe`. */
  readonly program: string
}

const api = once(() => {
  const declare = openLibrary('kernel32.dll')
  return {
    snapshot: declare('void * __stdcall CreateToolhelp32Snapshot(uint32_t kinds, uint32_t process)'),
    first: declare('int __stdcall Process32FirstW(void *snapshot, _Inout_ uint8_t *entry)'),
    next: declare('int __stdcall Process32NextW(void *snapshot, _Inout_ uint8_t *entry)'),
  }
})

const processes = 0x2

/** `PROCESSENTRY32W`: its size, and where its parts begin. */
const entrySize = 568
const at = { id: 8, parentId: 32, program: 44 }

/** All processes of this machine, whoever they belong to. */
export function listProcesses(): WindowsProcess[] {
  const { snapshot, first, next } = api()
  const handle = asHandle(snapshot(processes, 0))
  if (handle === undefined) throw windowsError('The processes of this machine cannot be listed')
  try {
    const found: WindowsProcess[] = []
    const entry = Buffer.alloc(entrySize)
    entry.writeUInt32LE(entrySize)
    for (let isOne = first(handle, entry); isTrue(isOne); isOne = next(handle, entry))
      found.push({
        id: entry.readUInt32LE(at.id),
        parentId: entry.readUInt32LE(at.parentId),
        program: entry.toString('utf16le', at.program).split('\0')[0] ?? '',
      })
    return found
  } finally {
    closeHandle(handle)
  }
}
