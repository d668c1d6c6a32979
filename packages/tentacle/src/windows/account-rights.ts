import { asHandle, asNumber, isTrue, koffi, once, openLibrary, windowsError } from './koffi.ts'

const api = once(() => {
  koffi().struct('LSA_UNICODE_STRING', { length: 'uint16_t', capacity: 'uint16_t', text: 'const char16_t *' })
  const declare = openLibrary('advapi32.dll')
  return {
    lookupAccount: declare(
      'int __stdcall LookupAccountNameW(const char16_t *system, const char16_t *account, _Out_ uint8_t *sid, _Inout_ uint32_t *sidSize, _Out_ uint8_t *domain, _Inout_ uint32_t *domainLength, _Out_ int *use)',
    ),
    openPolicy: declare(
      'uint32_t __stdcall LsaOpenPolicy(LSA_UNICODE_STRING *system, uint8_t *attributes, uint32_t rights, _Out_ void **policy)',
    ),
    addRights: declare(
      'uint32_t __stdcall LsaAddAccountRights(void *policy, uint8_t *sid, LSA_UNICODE_STRING *rights, uint32_t count)',
    ),
    close: declare('uint32_t __stdcall LsaClose(void *policy)'),
    toWindowsError: declare('uint32_t __stdcall LsaNtStatusToWinError(uint32_t status)'),
  }
})

const serviceLogon = 'SeServiceLogonRight'

/** To make an entry for the account, and to look up names. */
const policyRights = 0x10 | 0x800

/** `LSA_OBJECT_ATTRIBUTES`, which must be there and empty. */
const emptyAttributes = 48

const longestSid = 68
const longestDomain = 256

/**
 * Gives an account the right "Log on as a service", which it may have already. Needs the rights of an administrator.
 *
 * @param account - such as `DOMAIN\user`, `.\user` or `user`
 * @throws TentacleError `ERR_PLATFORM` when there is no such account, or Windows does not allow it.
 */
export function allowServiceLogon(account: string): void {
  const { openPolicy, addRights, close } = api()
  const sid = sidOf(account)
  const opened = [null]
  demandDone(openPolicy(null, Buffer.alloc(emptyAttributes), policyRights, opened), account)
  const policy = asHandle(opened[0])
  try {
    const right = {
      length: serviceLogon.length * 2,
      capacity: serviceLogon.length * 2 + 2,
      text: serviceLogon,
    }
    demandDone(addRights(policy, sid, [right], 1), account)
  } finally {
    close(policy)
  }
}

function sidOf(account: string): Buffer {
  const sid = Buffer.alloc(longestSid)
  // Services call the machine `.`, and names are looked up without that.
  const name = account.replace(/^\.\\/, '')
  const domain = Buffer.alloc(longestDomain * 2)
  if (isTrue(api().lookupAccount(null, name, sid, [longestSid], domain, [longestDomain], [0]))) return sid
  throw windowsError(`The account ${account} is not known`)
}

function demandDone(status: unknown, account: string): void {
  if (status === 0) return
  const code = asNumber(api().toWindowsError(status))
  throw windowsError(`The right "Log on as a service" could not be given to ${account}`, code)
}
