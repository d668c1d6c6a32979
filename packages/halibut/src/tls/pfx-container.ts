import { createHmac, timingSafeEqual } from 'node:crypto'
import type { asn1 as Asn1, pkcs12 as Pkcs12 } from 'node-forge'
import { HalibutError } from '../errors.ts'
import { forge } from './forge.ts'

/** Why a PFX file was refused, as `details.reason` of `ERR_INVALID_PFX` says it. */
export type PfxFailure =
  | 'not-a-pfx'
  | 'wrong-password'
  | 'unsupported'
  | 'no-certificate'
  | 'no-private-key'
  | 'not-an-rsa-key'

/**
 * The most rounds of key derivation that are accepted. Files have 1 to 600,000; a hostile number would keep the
 * process busy for hours. A million takes about 5 s.
 */
const maximumRounds = 1_000_000

/** And in all bags and the MAC together. */
const maximumRoundsTogether = 3 * maximumRounds

/** Certificates and keys are a few KiB; nobody has a PFX of this size. */
const maximumBytes = 4 * 1024 * 1024

const digests: ReadonlyMap<string, { name: 'sha1' | 'sha256' | 'sha384' | 'sha512'; bytes: number }> =
  new Map([
    ['1.3.14.3.2.26', { name: 'sha1', bytes: 20 }],
    ['2.16.840.1.101.3.4.2.1', { name: 'sha256', bytes: 32 }],
    ['2.16.840.1.101.3.4.2.2', { name: 'sha384', bytes: 48 }],
    ['2.16.840.1.101.3.4.2.3', { name: 'sha512', bytes: 64 }],
  ])

/**
 * Opens the container: checks its MAC with the password, then decrypts what is in it. The library can do both in
 * one go; the MAC is checked here because only then a wrong password can be told from a damaged or unknown file,
 * "no password" from an empty one, and a password beyond ASCII works with AES too.
 *
 * @throws HalibutError `ERR_INVALID_PFX` with a `PfxFailure` as `details.reason`.
 */
export function openPfx(bytes: Uint8Array, password: string | undefined): Pkcs12.Pkcs12Pfx {
  const pfx = parseContainer(bytes)
  const allRounds = roundsBelow(pfx, 0)
  if (allRounds > maximumRoundsTogether)
    throw refusal(
      'unsupported',
      `The PFX file asks for ${allRounds} rounds of key derivation in all; ${maximumRoundsTogether} are supported.`,
    )
  const hasMac = children(pfx).length > 2
  if (hasMac) checkMac(pfx, password)
  // The library would check the MAC again, with one spelling of the password only.
  const withoutMac: Asn1.Asn1 = { ...pfx, value: children(pfx).slice(0, 2) }

  let failure: unknown
  for (const spelling of spellingsForDecryption(password)) {
    try {
      return forge().pkcs12.pkcs12FromAsn1(withoutMac, true, spelling)
    } catch (error) {
      failure = error
    }
  }
  const text = failure instanceof Error ? failure.message : String(failure)
  throw hasMac
    ? refusal('unsupported', `The password is right, but the PFX file cannot be decoded: ${text}`, failure)
    : refusal('wrong-password', `${wrongPassword(password)} (${text})`, failure)
}

function parseContainer(bytes: Uint8Array): Asn1.Asn1 {
  const notAPfx = (what: string, cause?: unknown) =>
    refusal(
      'not-a-pfx',
      `This is not a PFX (PKCS#12) file: ${what}. Expected a binary .pfx or .p12 file.`,
      cause,
    )
  if (bytes.length === 0) throw notAPfx('it is empty')
  if (bytes.length > maximumBytes)
    throw notAPfx(`it has ${bytes.length} bytes, and ${maximumBytes} is the limit`)
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
  if (text.includes('-----BEGIN')) throw notAPfx('it is PEM text')
  if (/^(\xef\xbb\xbf)?MI[A-Za-z0-9+/=\s]+$/.test(text))
    throw notAPfx('it is base64 text and must be decoded first')
  try {
    const pfx = forge().asn1.fromDer(text, true)
    const [version, content] = children(pfx)
    if (isA('SEQUENCE', pfx) && version?.value === '\x03' && contentOf(content) !== undefined) {
      return pfx
    }
  } catch (error) {
    throw notAPfx('its structure is damaged', error)
  }
  throw notAPfx('it has another structure')
}

function children(node: Asn1.Asn1 | undefined): Asn1.Asn1[] {
  return Array.isArray(node?.value) ? node.value : []
}

function isA(type: 'INTEGER' | 'OCTETSTRING' | 'SEQUENCE', node: Asn1.Asn1 | undefined): node is Asn1.Asn1 {
  const { Class, Type } = forge().asn1
  return node?.tagClass === Class.UNIVERSAL && node.type === Type[type]
}

/** The bytes of an OCTET STRING, which old writers split into pieces. */
function octets(node: Asn1.Asn1 | undefined): string | undefined {
  if (!isA('OCTETSTRING', node)) return undefined
  return typeof node.value === 'string' ? node.value : node.value.map(piece => octets(piece) ?? '').join('')
}

/** What the MAC covers: the octets inside the outer content. */
function contentOf(contentInfo: Asn1.Asn1 | undefined): string | undefined {
  return octets(children(children(contentInfo)[1])[0])
}

/**
 * Counts the rounds before anything is derived, and refuses absurd ones. Everywhere in the format they are an INTEGER
 * that follows an OCTET STRING, the salt; some of them lie inside the octets of a content.
 */
function roundsBelow(node: Asn1.Asn1, depth: number): number {
  if (depth > 30) throw refusal('not-a-pfx', 'This is not a PFX (PKCS#12) file: it is nested too deeply.')
  const parts = children(node)
  let sum = 0
  for (const [index, part] of parts.entries()) {
    if (isA('INTEGER', part) && isA('OCTETSTRING', parts[index - 1])) sum += roundsOf(part)
    const inside = part.constructed ? part : parsed(octets(part))
    if (inside) sum += roundsBelow(inside, depth + 1)
  }
  return sum
}

function parsed(bytes: string | undefined): Asn1.Asn1 | undefined {
  if (bytes === undefined || !bytes.startsWith('\x30')) return undefined
  try {
    return forge().asn1.fromDer(bytes, true)
  } catch {
    return undefined // random bytes that happen to start like a SEQUENCE
  }
}

function roundsOf(node: Asn1.Asn1): number {
  const hex = typeof node.value === 'string' ? Buffer.from(node.value, 'latin1').toString('hex') : ''
  const rounds = Number.parseInt(hex, 16)
  if (rounds >= 1 && rounds <= maximumRounds) return rounds
  throw refusal(
    'unsupported',
    `The PFX file asks for ${rounds} rounds of key derivation; 1 to ${maximumRounds} are supported.`,
  )
}

/** MacData (RFC 7292 section 4): digest algorithm and digest, salt, rounds. */
function checkMac(pfx: Asn1.Asn1, password: string | undefined): void {
  const [, content, macData] = children(pfx)
  const [digestInfo, saltNode, roundsNode] = children(macData)
  const [algorithm, digestNode] = children(digestInfo)
  const oidNode = children(algorithm)[0]
  const salt = octets(saltNode)
  const expected = octets(digestNode)
  const covered = contentOf(content)
  if (
    typeof oidNode?.value !== 'string' ||
    salt === undefined ||
    expected === undefined ||
    covered === undefined
  ) {
    throw refusal('not-a-pfx', 'This is not a PFX (PKCS#12) file: its checksum has another structure.')
  }
  const oid = forge().asn1.derToOid(oidNode.value)
  const digest = digests.get(oid)
  if (digest === undefined) {
    throw refusal('unsupported', `The PFX file is protected by the algorithm ${oid}, which is not supported.`)
  }
  const rounds = roundsNode === undefined ? 1 : roundsOf(roundsNode)
  const { pkcs12, util, md } = forge()
  const right = spellingsForMac(password).some(spelling => {
    const key = pkcs12.generateKey(
      spelling,
      new util.ByteStringBuffer(salt),
      3, // RFC 7292 appendix B.3: the key is for a MAC
      rounds,
      digest.bytes,
      md[digest.name].create(),
    )
    const mac = createHmac(digest.name, Buffer.from(key.getBytes(), 'latin1'))
      .update(Buffer.from(covered, 'latin1'))
      .digest()
    const wanted = Buffer.from(expected, 'latin1')
    return mac.length === wanted.length && timingSafeEqual(mac, wanted)
  })
  if (!right) throw refusal('wrong-password', wrongPassword(password))
}

/** No password is written in two ways: as none at all, and as an empty text, which ends with a zero. */
function spellingsForMac(password: string | undefined): (string | null)[] {
  return password === undefined || password === '' ? ['', null] : [password]
}

/** The old algorithms take a password as UTF-16, which the library makes itself, PBKDF2 takes it as UTF-8. */
function spellingsForDecryption(password: string | undefined): (string | undefined)[] {
  if (password === undefined || password === '') return ['', undefined]
  const utf8 = Buffer.from(password, 'utf8').toString('latin1')
  return utf8 === password ? [password] : [password, utf8]
}

function wrongPassword(password: string | undefined): string {
  return password === undefined || password === ''
    ? 'The PFX file needs a password, or it is damaged.'
    : 'The password does not open the PFX file, or the file is damaged.'
}

function refusal(reason: PfxFailure, message: string, cause?: unknown): HalibutError {
  return new HalibutError('ERR_INVALID_PFX', message, { details: { reason }, cause })
}
