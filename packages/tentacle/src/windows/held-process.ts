import { asHandle, asNumber, closeHandle, isTrue, once, openLibrary, windowsError } from './koffi.ts'
import { factsOfHandle, type ProcessFacts } from './process-handle.ts'

/** A process that was made and waits for the word to begin. */
export interface HeldProcess {
  readonly id: number
  /** For functions of Windows; valid until {@link close}. */
  readonly handle: bigint
  facts(): ProcessFacts | undefined
  /** Lets it begin. */
  resume(): void
  terminate(exitCode: number): void
  close(): void
}

export interface HeldProcessOptions {
  /** The full path of the program. */
  readonly program: string
  /** What follows the program on its command line, as it is. */
  readonly commandLine: string
  readonly folder: string
  /** Names of pipes that the process writes to. */
  readonly stdout: string
  readonly stderr: string
}

const api = once(() => {
  const declare = openLibrary('kernel32.dll')
  return {
    openFile: declare(
      'void * __stdcall CreateFileW(const char16_t *name, uint32_t rights, uint32_t share, uint8_t *security, uint32_t how, uint32_t flags, void *template)',
    ),
    create: declare(
      'int __stdcall CreateProcessW(const char16_t *program, _Inout_ uint8_t *commandLine, void *security, void *threadSecurity, int inherit, uint32_t flags, void *environment, const char16_t *folder, uint8_t *start, _Out_ uint8_t *made)',
    ),
    resume: declare('uint32_t __stdcall ResumeThread(void *thread)'),
    terminate: declare('int __stdcall TerminateProcess(void *process, uint32_t exitCode)'),
  }
})

const access = { read: 0x80000000, write: 0x40000000 }
const shared = 0x1 | 0x2
const openExisting = 3

/** Not begun; a console of its own without a window, which its children share; the environment is in Unicode. */
const flags = 0x4 | 0x08000000 | 0x400

/** `STARTUPINFOW`: its size, and where its parts are. */
const startup = { size: 104, flags: 60, stdin: 80, stdout: 88, stderr: 96 }
const useHandles = 0x100

/** `PROCESS_INFORMATION`. */
const information = { size: 24, process: 0, thread: 8, id: 16 }

/** `SECURITY_ATTRIBUTES` of a handle that the process gets. */
const inherited = { size: 24, inherit: 16 }

const nothing = 'NUL'

/**
 * Makes a process that has this one's environment, no input, and pipes for its output, and that does nothing yet.
 *
 * Node's own way has no means to hold a process until its job object and its claim are there, and would end it together with
 * this process.
 *
 * @throws TentacleError `ERR_PLATFORM`
 */
export function createHeldProcess({
  program,
  commandLine,
  folder,
  stdout,
  stderr,
}: HeldProcessOptions): HeldProcess {
  const handles: bigint[] = []
  try {
    const open = (name: string, rights: number) => {
      const handle = openInherited(name, rights)
      handles.push(handle)
      return handle
    }
    const start = Buffer.alloc(startup.size)
    start.writeUInt32LE(startup.size)
    start.writeUInt32LE(useHandles, startup.flags)
    start.writeBigUInt64LE(open(nothing, access.read), startup.stdin)
    start.writeBigUInt64LE(open(stdout, access.write), startup.stdout)
    start.writeBigUInt64LE(open(stderr, access.write), startup.stderr)
    const line = Buffer.from(`"${program}" ${commandLine}\0`, 'utf16le')
    const made = Buffer.alloc(information.size)
    if (!isTrue(api().create(program, line, null, null, 1, flags, null, folder, start, made)))
      throw windowsError(`${program} cannot be started`)
    return heldProcess(
      made.readUInt32LE(information.id),
      made.readBigUInt64LE(information.process),
      made.readBigUInt64LE(information.thread),
    )
  } finally {
    // The process has its own by now.
    for (const handle of handles) closeHandle(handle)
  }
}

function openInherited(name: string, rights: number): bigint {
  const security = Buffer.alloc(inherited.size)
  security.writeUInt32LE(inherited.size)
  security.writeUInt32LE(1, inherited.inherit)
  const handle = asHandle(api().openFile(name, rights, shared, security, openExisting, 0, null))
  if (handle === undefined) throw windowsError(`${name} cannot be opened for a script`)
  return handle
}

function heldProcess(id: number, handle: bigint, thread: bigint): HeldProcess {
  return {
    id,
    handle,
    facts: () => factsOfHandle(handle),
    resume() {
      if (asNumber(api().resume(thread)) === 0xffffffff) throw windowsError(`The process ${id} cannot begin`)
    },
    terminate: exitCode => void api().terminate(handle, exitCode),
    close() {
      closeHandle(thread)
      closeHandle(handle)
    },
  }
}
