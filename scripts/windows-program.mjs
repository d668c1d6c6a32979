/**
 * Puts data into a Windows program as resources, which is how a single executable of Node carries its main script
 * (https://nodejs.org/docs/latest-v24.x/api/single-executable-applications.html). Works on any system: only bytes are
 * moved. Layout: https://learn.microsoft.com/windows/win32/debug/pe-format
 */

/** RCDATA: bytes without a meaning for Windows. */
const rawData = 10
const isFolder = 0x80000000
const folderSize = 16
const entrySize = 8
const leafSize = 16
const pageSize = 4096

const alignUp = (value, step) => Math.ceil(value / step) * step

/** Where the parts of the program are. Offsets are those in the file. */
function readHeaders(program) {
  const signature = program.readUInt32LE(0x3c)
  if (program.toString('latin1', signature, signature + 4) !== 'PE\0\0')
    throw new Error('This is not a Windows program.')
  const coff = signature + 4
  const optional = coff + 20
  if (program.readUInt16LE(optional) !== 0x20b) throw new Error('This is not a program for 64-bit Windows.')
  const table = optional + program.readUInt16LE(coff + 16)
  const sections = Array.from({ length: program.readUInt16LE(coff + 2) }, (_, index) => {
    const at = table + index * 40
    return {
      header: at,
      memorySize: program.readUInt32LE(at + 8),
      memory: program.readUInt32LE(at + 12),
      fileSize: program.readUInt32LE(at + 16),
      file: program.readUInt32LE(at + 20),
    }
  })
  return {
    coff,
    optional,
    table,
    sections,
    resources: optional + 112 + 2 * 8,
    signed: optional + 112 + 4 * 8,
  }
}

/** The resources as a tree: folders have entries by name and by number, leaves say where their bytes are in memory. */
function readResources(program, start, folder = 0) {
  const at = start + folder
  const names = program.readUInt16LE(at + 12)
  const count = names + program.readUInt16LE(at + 14)
  const entries = Array.from({ length: count }, (_, index) => {
    const entry = at + folderSize + index * entrySize
    const id = program.readUInt32LE(entry)
    const target = program.readUInt32LE(entry + 4)
    return {
      id: id >= isFolder ? readName(program, start + (id - isFolder)) : id,
      ...(target >= isFolder
        ? readResources(program, start, target - isFolder)
        : {
            memory: program.readUInt32LE(start + target),
            size: program.readUInt32LE(start + target + 4),
            codePage: program.readUInt32LE(start + target + 8),
          }),
    }
  })
  return { entries }
}

function readName(program, at) {
  return program.toString('utf16le', at + 2, at + 2 + program.readUInt16LE(at) * 2)
}

/** Entries with names come first and by name, then those with numbers; Windows looks them up by halving. */
function inOrder(entries) {
  return entries.toSorted((a, b) => {
    if (typeof a.id !== typeof b.id) return typeof a.id === 'string' ? -1 : 1
    return a.id < b.id ? -1 : 1
  })
}

/**
 * Writes the tree: all folders, then the names, then the leaves, then the bytes of the leaves that are new. Bytes that
 * are in the program already stay where they are.
 *
 * @param memory - where it will be in memory
 */
function writeResources(root, memory) {
  const folders = []
  const collect = folder => {
    folders.push(folder)
    for (const entry of folder.entries) if (entry.entries) collect(entry)
  }
  collect(root)
  const entries = folders.flatMap(folder => folder.entries)
  let end = 0
  const place = (owner, key, size, step) => {
    end = alignUp(end, step)
    owner[key] = end
    end += size
  }
  for (const folder of folders) place(folder, 'at', folderSize + folder.entries.length * entrySize, 4)
  const leaves = entries.filter(entry => !entry.entries)
  for (const entry of entries)
    if (typeof entry.id === 'string') place(entry, 'nameAt', 2 + entry.id.length * 2, 2)
  for (const leaf of leaves) place(leaf, 'at', leafSize, 4)
  for (const leaf of leaves) if (leaf.data) place(leaf, 'dataAt', leaf.data.length, 8)

  const bytes = Buffer.alloc(end)
  for (const folder of folders) {
    const sorted = inOrder(folder.entries)
    const names = sorted.filter(({ id }) => typeof id === 'string').length
    bytes.writeUInt16LE(names, folder.at + 12)
    bytes.writeUInt16LE(sorted.length - names, folder.at + 14)
    for (const [index, entry] of sorted.entries()) {
      const at = folder.at + folderSize + index * entrySize
      bytes.writeUInt32LE(typeof entry.id === 'string' ? isFolder + entry.nameAt : entry.id, at)
      bytes.writeUInt32LE(entry.entries ? isFolder + entry.at : entry.at, at + 4)
    }
  }
  for (const { id, nameAt } of entries.filter(entry => typeof entry.id === 'string')) {
    bytes.writeUInt16LE(id.length, nameAt)
    bytes.write(id, nameAt + 2, 'utf16le')
  }
  for (const leaf of leaves) {
    bytes.writeUInt32LE(leaf.data ? memory + leaf.dataAt : leaf.memory, leaf.at)
    bytes.writeUInt32LE(leaf.data ? leaf.data.length : leaf.size, leaf.at + 4)
    bytes.writeUInt32LE(leaf.codePage ?? 0, leaf.at + 8)
    leaf.data?.copy(bytes, leaf.dataAt)
  }
  return bytes
}

/** The folder of that name or number in a folder, made if it is missing. */
function folderAt({ entries }, id) {
  const known = entries.find(entry => entry.id === id)
  if (known) return known
  const made = { id, entries: [] }
  entries.push(made)
  return made
}

/**
 * The program with more resources, or others. A signature that it had is taken off: it would not be valid.
 *
 * @param {Buffer} program
 * @param {readonly { type: number, name: string | number, language: number, data: Buffer }[]} added names are in capital
 *   letters; what the program has of that type and name is replaced
 * @returns {Buffer}
 */
function withResources(program, added) {
  const { coff, optional, table, sections, resources, signed } = readHeaders(program)
  const memoryStep = program.readUInt32LE(optional + 32)
  const firstByte = Math.min(...sections.filter(({ file }) => file > 0).map(({ file }) => file))
  const header = table + sections.length * 40
  if (header + 40 > firstByte) throw new Error('The program has no room for one more section.')

  const oldMemory = program.readUInt32LE(resources)
  const old = sections.find(
    ({ memory, memorySize }) => oldMemory >= memory && oldMemory < memory + memorySize,
  )
  if (old === undefined) throw new Error('The program has no resources to add to.')
  const root = readResources(program, old.file + oldMemory - old.memory)
  for (const { type, name, language, data } of added)
    folderAt(folderAt(root, type), name).entries = [{ id: language, data }]

  const memory = alignUp(Math.max(...sections.map(each => each.memory + each.memorySize)), memoryStep)
  const bytes = writeResources(root, memory)
  const { head, parts } = layOut(program, { optional, table, sections }, bytes)

  head.write('.rsrc\0\0\0', header, 'latin1') // Windows goes by addresses, other programs by this name
  head.write('.oldrsrc', old.header, 'latin1')
  head.writeUInt32LE(bytes.length, header + 8)
  head.writeUInt32LE(memory, header + 12)
  head.writeUInt32LE(0x40000040, header + 36) // data that is there from the start and can be read
  head.writeUInt16LE(sections.length + 1, coff + 2)
  head.writeUInt32LE(alignUp(memory + bytes.length, memoryStep), optional + 56)
  head.writeUInt32LE(0, optional + 64) // the checksum, which only drivers need
  head.writeUInt32LE(memory, resources)
  head.writeUInt32LE(bytes.length, resources + 4)
  head.fill(0, signed, signed + 8)
  return Buffer.concat([head, ...parts])
}

/**
 * The head of the file and the sections after it, the new one last. Each begins at a page, so that the file can be mapped
 * as it is: Wine copies all of it at each start otherwise. Nothing follows them in the old file but the signature.
 */
function layOut(program, { optional, table, sections }, added) {
  const head = Buffer.alloc(alignUp(table + (sections.length + 1) * 40, pageSize))
  program.copy(head, 0, 0, table + sections.length * 40)
  let file = head.length
  const parts = [...sections, undefined].map((section, index) => {
    const old = section ? program.subarray(section.file, section.file + section.fileSize) : added
    const part = Buffer.alloc(alignUp(old.length, pageSize))
    old.copy(part)
    head.writeUInt32LE(part.length, table + index * 40 + 16)
    head.writeUInt32LE(part.length === 0 ? 0 : file, table + index * 40 + 20)
    file += part.length
    return part
  })
  head.writeUInt32LE(pageSize, optional + 36)
  head.writeUInt32LE(head.length, optional + 60)
  return { head, parts }
}

const fuse = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2:'

/**
 * Node for Windows with a main script in it: a program of its own.
 *
 * @param {Buffer} node
 * @param {Buffer} blob made by the same version of Node with `--experimental-sea-config`
 * @param {ReturnType<import('./version-resource.mjs').versionResource>} version
 */
export function singleExecutable(node, blob, version) {
  const main = { type: rawData, name: 'NODE_SEA_BLOB', language: 0, data: blob }
  const result = withResources(node, [main, version])
  const at = result.indexOf(`${fuse}0`, 0, 'latin1')
  if (at < 0) throw new Error('This Node cannot become a single executable.')
  result.write('1', at + fuse.length, 'latin1')
  return result
}
