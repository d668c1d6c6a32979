import { asHandle, closeHandle, isTrue, once, openLibrary, windowsError } from './koffi.ts'

const api = once(() => {
  const kernel = openLibrary('kernel32.dll')
  const security = openLibrary('advapi32.dll')
  return {
    currentProcess: kernel('void * __stdcall GetCurrentProcess()'),
    openToken: security('int __stdcall OpenProcessToken(void *process, uint32_t rights, _Out_ void **token)'),
    tokenInformation: security(
      'int __stdcall GetTokenInformation(void *token, int kind, _Out_ uint32_t *information, uint32_t size, _Out_ uint32_t *needed)',
    ),
  }
})

const mayQuery = 0x8
const elevation = 20

/** Whether this process may do what administrators may: it was started with "Run as administrator", or by the system. */
export const isElevated = once(() => {
  const { currentProcess, openToken, tokenInformation } = api()
  const opened = [null]
  if (!isTrue(openToken(currentProcess(), mayQuery, opened)))
    throw windowsError('The rights of this process are unknown')
  const token = asHandle(opened[0])
  try {
    const answer = [0]
    if (!isTrue(tokenInformation(token, elevation, answer, 4, [0])))
      throw windowsError('The rights of this process are unknown')
    return answer[0] !== 0
  } finally {
    if (token !== undefined) closeHandle(token)
  }
})
