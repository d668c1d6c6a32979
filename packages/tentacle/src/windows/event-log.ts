import { asHandle, isTrue, once, openLibrary, windowsError } from './koffi.ts'
import { RegistryKey } from './registry.ts'

/** What Windows calls us in its event log. */
const source = 'Octopus Tentacle'

const errorType = 1

/** Event viewers show texts of programs; for the numbers 1 to 1000 those of this one are whatever was written. */
const messageFile = '%SystemRoot%\\System32\\EventCreate.exe'
const eventId = 100

/** The longest text that one event may have, in characters. */
const longestText = 31_839

const api = once(() => {
  const declare = openLibrary('advapi32.dll')
  return {
    register: declare(
      'void * __stdcall RegisterEventSourceW(const char16_t *server, const char16_t *source)',
    ),
    report: declare(
      'int __stdcall ReportEventW(void *log, uint16_t type, uint16_t category, uint32_t event, void *user, uint16_t count, uint32_t size, const char16_t **texts, void *data)',
    ),
    deregister: declare('int __stdcall DeregisterEventSource(void *log)'),
  }
})

/** Writes an error to the event log `Application`. @throws TentacleError `ERR_PLATFORM` */
export function writeErrorEvent(text: string): void {
  const { register, report, deregister } = api()
  const log = asHandle(register(null, source))
  if (log === undefined) throw windowsError('The event log cannot be opened')
  try {
    const texts = [text.slice(0, longestText)]
    if (!isTrue(report(log, errorType, 0, eventId, null, texts.length, 0, texts, null)))
      throw windowsError('The event log cannot be written')
  } finally {
    deregister(log)
  }
}

/** Lets event viewers show our events without a remark of theirs. Needs the rights of an administrator. */
export function registerEventSource(): void {
  new RegistryKey(`SYSTEM\\CurrentControlSet\\Services\\EventLog\\Application\\${source}`).write({
    EventMessageFile: messageFile,
    TypesSupported: 7,
  })
}
