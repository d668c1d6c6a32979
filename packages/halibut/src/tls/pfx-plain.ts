import {
  createDecipheriv,
  createHmac,
  createPrivateKey,
  hash,
  type KeyObject,
  timingSafeEqual,
  X509Certificate,
} from 'node:crypto'
import { createSecureContext } from 'node:tls'
import type { Certificate } from './certificate.ts'
import { thumbprintOf } from './thumbprint.ts'

/** Files of the form read here have 2000 rounds; more than this many is left to the reader that counts all of them. */
const maximumRounds = 10_000

/**
 * No password, as the key derivation takes it: an empty text in UTF-16 with its terminating zero, or nothing at all.
 * `writePfx` writes the first, the .NET Tentacle the second.
 */
const spellings: readonly Buffer[] = [Buffer.alloc(2), Buffer.alloc(0)]

/** The purposes of a derived key, RFC 7292 appendix B.3. */
const purposes = { key: 1, iv: 2, mac: 3 } as const

const tags = {
  integer: 0x02,
  octets: 0x04,
  oid: 0x06,
  sequence: 0x30,
  implicitOctets: 0x80,
  context0: 0xa0,
} as const

const oids = {
  data: '2a864886f70d010701',
  encryptedData: '2a864886f70d010706',
  sha1And3Des: '2a864886f70d010c0103',
  certBag: '2a864886f70d010c0a0103',
  shroudedKeyBag: '2a864886f70d010c0a0102',
  x509Certificate: '2a864886f70d01091601',
  sha1: '2b0e03021a',
} as const

/**
 * Reads the one form of PFX that agents store: an empty password, one certificate, in plain or encrypted, its key
 * encrypted, all by PBE-SHA1-3DES, and a MAC with SHA-1. The .NET Tentacle and `writePfx` write it. Everything is done by
 * Node's own cryptography, where the general reader takes 100 ms and 10 MiB in a fresh process, most of it to load its
 * library.
 *
 * @returns `undefined` for every other form and for whatever is wrong with the file: the general reader knows what to say.
 */
export function readPlainPfx(bytes: Uint8Array): Certificate | undefined {
  try {
    const [version, authSafe, macData] = partsOf(only(Buffer.from(bytes), tags.sequence))
    if (version?.value.toString('hex') !== '03' || authSafe === undefined || macData === undefined)
      return undefined
    const covered = dataIn(authSafe)
    const contents = partsOf(only(covered, tags.sequence))
    // Where only the key is encrypted, OpenSSL does all of the derivation: in a twentieth of the time, so at the end.
    const isForOpenSsl = contents.every(content => oidOf(content) === oids.data)
    const password = isForOpenSsl
      ? spellings[0]
      : spellings.find(spelling => isIntact(covered, macData, spelling))
    if (password === undefined) return undefined

    const bags = contents.flatMap(content =>
      partsOf(
        only(
          oidOf(content) === oids.encryptedData ? decryptedIn(content, password) : dataIn(content),
          tags.sequence,
        ),
      ),
    )
    const certificateBag = bags.find(bag => oidOf(bag) === oids.certBag)
    const keyBag = bags.find(bag => oidOf(bag) === oids.shroudedKeyBag)
    if (bags.length !== 2 || certificateBag === undefined || keyBag === undefined) return undefined
    const pair = pairOf(certificateOf(certificateBag), keyOf(keyBag, password))
    return isForOpenSsl && !isIntactForOpenSsl(bytes, macData) ? undefined : pair
  } catch {
    return undefined
  }
}

/** Checks the MAC. The rounds of the key are few: that was seen when it was opened. */
function isIntactForOpenSsl(pfx: Uint8Array, macData: Element): boolean {
  const [, , rounds] = partsOf(macData)
  roundsOf(rounds)
  createSecureContext({ pfx: Buffer.from(pfx), passphrase: '' }) // throws what is wrong
  return true
}

function pairOf(certificate: X509Certificate, key: KeyObject): Certificate | undefined {
  if (key.asymmetricKeyType !== 'rsa' || !certificate.checkPrivateKey(key)) return undefined
  return {
    certificatePem: certificate.toString(),
    privateKeyPem: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
    thumbprint: thumbprintOf(certificate.raw),
  }
}

/** One element of DER. */
interface Element {
  readonly tag: number
  readonly value: Buffer
  /** Tag, length and value. */
  readonly whole: Buffer
}

/** The elements that a value consists of. Only definite lengths of up to three bytes: a PFX has a few KiB. */
function elementsIn(bytes: Buffer): Element[] {
  const elements: Element[] = []
  for (let at = 0; at < bytes.length; ) {
    const first = bytes.readUInt8(at + 1)
    const lengthBytes = first < 0x80 ? 0 : first - 0x80
    if (lengthBytes > 3 || first === 0x80) throw new RangeError('not a length of DER')
    const start = at + 2 + lengthBytes
    const end = start + (lengthBytes === 0 ? first : bytes.readUIntBE(at + 2, lengthBytes))
    if (end > bytes.length) throw new RangeError('longer than what holds it')
    elements.push({
      tag: bytes.readUInt8(at),
      value: bytes.subarray(start, end),
      whole: bytes.subarray(at, end),
    })
    at = end
  }
  return elements
}

function only(bytes: Buffer, tag: number): Element {
  const [element, ...others] = elementsIn(bytes)
  if (element?.tag !== tag || others.length > 0) throw new TypeError('another structure')
  return element
}

function partsOf(element: Element | undefined): Element[] {
  if (element === undefined || ![tags.sequence, tags.context0].some(tag => tag === element.tag))
    throw new TypeError('another structure')
  return elementsIn(element.value)
}

function oidOf(sequence: Element | undefined): string {
  const [oid] = partsOf(sequence)
  if (oid?.tag !== tags.oid) throw new TypeError('another structure')
  return oid.value.toString('hex')
}

function octetsOf(element: Element | undefined): Buffer {
  if (element?.tag !== tags.octets) throw new TypeError('another structure')
  return element.value
}

/** The octets of a ContentInfo of the type `data` (RFC 2315 section 14). */
function dataIn(contentInfo: Element): Buffer {
  if (oidOf(contentInfo) !== oids.data) throw new TypeError('another structure')
  const [, content] = partsOf(contentInfo)
  return octetsOf(partsOf(content)[0])
}

/** The octets inside a ContentInfo of the type `encrypted data` (RFC 2315 section 13). */
function decryptedIn(contentInfo: Element, password: Buffer): Buffer {
  const [, content] = partsOf(contentInfo)
  const [, encrypted] = partsOf(partsOf(content)[0])
  const [type, algorithm, octets] = partsOf(encrypted)
  if (type?.value.toString('hex') !== oids.data || octets?.tag !== tags.implicitOctets)
    throw new TypeError('another structure')
  return decrypt(algorithm, octets.value, password)
}

/** SafeBag of RFC 7292 section 4.2.3 with a CertBag. */
function certificateOf(bag: Element): X509Certificate {
  const [certBag] = partsOf(partsOf(bag)[1])
  if (oidOf(certBag) !== oids.x509Certificate) throw new TypeError('another structure')
  return new X509Certificate(octetsOf(partsOf(partsOf(certBag)[1])[0]))
}

/** SafeBag of RFC 7292 section 4.2.2: an EncryptedPrivateKeyInfo. */
function keyOf(bag: Element, password: Buffer): KeyObject {
  const [encrypted] = partsOf(partsOf(bag)[1])
  const [algorithm, octets] = partsOf(encrypted)
  const form = { format: 'der', type: 'pkcs8' } as const
  if (encrypted !== undefined && password.length > 0) {
    // OpenSSL derives the key much faster, but knows only this spelling. It is not asked for absurd rounds.
    secretOf(algorithm, password)
    return createPrivateKey({ ...form, key: encrypted.whole, passphrase: '' })
  }
  return createPrivateKey({
    key: decrypt(algorithm, octetsOf(octets), password),
    format: 'der',
    type: 'pkcs8',
  })
}

/** PBE-SHA1-3DES of RFC 7292 appendix C. */
function decrypt(algorithm: Element | undefined, octets: Buffer, password: Buffer): Buffer {
  const secret = secretOf(algorithm, password)
  const key = derivedBytes(secret, purposes.key, 24)
  const decipher = createDecipheriv('des-ede3-cbc', key, derivedBytes(secret, purposes.iv, 8))
  return Buffer.concat([decipher.update(octets), decipher.final()])
}

function secretOf(algorithm: Element | undefined, password: Buffer): Secret {
  if (oidOf(algorithm) !== oids.sha1And3Des) throw new TypeError('another algorithm')
  const [salt, rounds] = partsOf(partsOf(algorithm)[1])
  return { password, salt: octetsOf(salt), rounds: roundsOf(rounds) }
}

function roundsOf(element: Element | undefined): number {
  const rounds =
    element?.tag === tags.integer ? Number.parseInt(element.value.toString('hex'), 16) : Number.NaN
  if (!(rounds >= 1 && rounds <= maximumRounds)) throw new RangeError('another number of rounds')
  return rounds
}

/** MacData (RFC 7292 section 4) with SHA-1. */
function isIntact(covered: Buffer, macData: Element, password: Buffer): boolean {
  const [digestInfo, salt, rounds] = partsOf(macData)
  const [algorithm, digest] = partsOf(digestInfo)
  if (oidOf(algorithm) !== oids.sha1) return false
  const key = derivedBytes({ password, salt: octetsOf(salt), rounds: roundsOf(rounds) }, purposes.mac, 20)
  const mac = createHmac('sha1', key).update(covered).digest()
  const expected = octetsOf(digest)
  return mac.length === expected.length && timingSafeEqual(mac, expected)
}

const blockBytes = 64

/** What keys are derived from. */
interface Secret {
  readonly password: Buffer
  readonly salt: Buffer
  readonly rounds: number
}

/** Key derivation of RFC 7292 appendix B.2 with SHA-1. */
function derivedBytes({ password, salt, rounds }: Secret, purpose: number, bytes: number): Buffer {
  const repeated = (part: Buffer) => Buffer.alloc(Math.ceil(part.length / blockBytes) * blockBytes, part)
  const diversifier = Buffer.alloc(blockBytes, purpose)
  const input = Buffer.concat([repeated(salt), repeated(password)])
  const derived: Buffer[] = []
  for (let missing = bytes; missing > 0; ) {
    let digest = hash('sha1', Buffer.concat([diversifier, input]), 'buffer')
    for (let round = 1; round < rounds; round++) digest = hash('sha1', digest, 'buffer')
    derived.push(digest.subarray(0, missing))
    missing -= digest.length
    addToBlocks(input, Buffer.alloc(blockBytes, digest))
  }
  return Buffer.concat(derived)
}

/** Adds a number and one to each block, as numbers of 64 bytes that overflow. */
function addToBlocks(blocks: Buffer, addend: Buffer): void {
  for (let start = 0; start < blocks.length; start += blockBytes) {
    let carry = 1
    for (let at = blockBytes - 1; at >= 0; at--) {
      carry += blocks.readUInt8(start + at) + addend.readUInt8(at)
      blocks.writeUInt8(carry & 0xff, start + at)
      carry >>= 8
    }
  }
}
