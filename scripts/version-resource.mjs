/**
 * What Windows shows of a program, and by which installers decide whether a file is newer: the resource `VS_VERSIONINFO`
 * (https://learn.microsoft.com/windows/win32/menurc/vs-versioninfo).
 */

/** American English, in UTF-16: what programs look for when there is nothing else. */
const language = { id: 0x0409, codePage: 1200 }

const padded = bytes => Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)])
const utf16 = text => Buffer.from(`${text}\0`, 'utf16le')

/** All of it is made of such blocks: a name, a value, and more blocks. A length of text is told in characters. */
function block(name, { text, bytes, children = [] }) {
  const value = text === undefined ? (bytes ?? Buffer.alloc(0)) : utf16(text)
  const head = Buffer.alloc(6)
  const parts = [padded(Buffer.concat([head, utf16(name)])), value, ...children]
  const whole = Buffer.concat(parts.map((part, index) => (index < parts.length - 1 ? padded(part) : part)))
  whole.writeUInt16LE(whole.length, 0)
  whole.writeUInt16LE(text === undefined ? value.length : value.length / 2, 2)
  whole.writeUInt16LE(bytes === undefined ? 1 : 0, 4)
  return whole
}

/** The four numbers of a version, as two of 32 bits. */
function packed([major = 0, minor = 0, patch = 0, own = 0]) {
  return [major * 0x10000 + minor, patch * 0x10000 + own]
}

function fixedPart(version) {
  const numbers = [0xfeef04bd, 0x10000, ...packed(version), ...packed(version), 0x3f, 0, 0x40004, 1, 0, 0, 0]
  const bytes = Buffer.alloc(numbers.length * 4)
  for (const [index, number] of numbers.entries()) bytes.writeUInt32LE(number, index * 4)
  return bytes
}

/**
 * @param {readonly number[]} version four numbers
 * @param {Readonly<Record<string, string>>} texts such as `FileDescription`
 * @returns {{ type: number, name: number, language: number, data: Buffer }} the resource
 */
export function versionResource(version, texts) {
  const strings = Object.entries({ FileVersion: version.join('.'), ...texts })
  const translation = Buffer.alloc(4)
  translation.writeUInt16LE(language.id, 0)
  translation.writeUInt16LE(language.codePage, 2)
  const table = [language.id, language.codePage].map(number => number.toString(16).padStart(4, '0')).join('')
  const data = block('VS_VERSION_INFO', {
    bytes: fixedPart(version),
    children: [
      block('StringFileInfo', {
        children: [block(table, { children: strings.map(([name, text]) => block(name, { text })) })],
      }),
      block('VarFileInfo', { children: [block('Translation', { bytes: translation })] }),
    ],
  })
  return { type: 16, name: 1, language: language.id, data }
}
