import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import {
  type ArchiveEntry,
  nupkgArchive,
  overlappingZip,
  tarArchive,
  tarGzArchive,
  zipArchive,
} from '@tentacle/testkit'
import { defaultArchiveLimits } from '../src/extraction/archive-limits.ts'
import { extractPackage } from '../src/extraction/extract-package.ts'
import { parsePackageName } from '../src/packages/package-name.ts'

interface Place {
  readonly outer: string
  readonly folder: string
}

/** A fresh folder to unpack into, within a folder in which nothing else may appear. */
function place(t: TestContext): Place {
  const outer = mkdtempSync(join(tmpdir(), 'extraction-'))
  t.after(() => rmSync(outer, { recursive: true, force: true }))
  const folder = join(outer, 'inside')
  mkdirSync(folder)
  return { outer, folder }
}

async function unpack(
  { outer, folder }: Place,
  name: string,
  bytes: Uint8Array,
  limits = defaultArchiveLimits,
) {
  const path = join(outer, name)
  writeFileSync(path, bytes)
  return await extractPackage({ ...parsePackageName(name), path }, folder, { limits })
}

const kinds: readonly (readonly [string, (entries: readonly ArchiveEntry[]) => Buffer])[] = [
  ['App.1.0.0.zip', zipArchive],
  ['App.1.0.0.tar', tarArchive],
  ['App.1.0.0.tar.gz', tarGzArchive],
  ['App.1.0.0.tgz', tarGzArchive],
  ['App.1.0.0.jar', zipArchive],
]

for (const [file, make] of kinds) {
  test(`${file}: content, folders, executable bits, links and times survive`, async t => {
    const { outer, folder } = place(t)
    const mtime = new Date(2020, 0, 2, 3, 4, 6)
    const extracted = await unpack(
      { outer, folder },
      file,
      make([
        { name: 'bin/', mode: 0o755, mtime },
        { name: 'bin/run', content: '#!/bin/sh\n', mode: 0o755, mtime },
        { name: 'readme', content: 'é', mode: 0o644, mtime },
        { name: 'deep/er/x', content: '' },
        { name: 'latest', type: 'symlink', target: 'bin/run' },
        { name: 'bin/up', type: 'symlink', target: '../deep' },
        { name: 'suid', content: 'x', mode: 0o6755 },
        { name: `${'long'.repeat(40)}.txt`, content: 'long' },
      ]),
    )
    assert.deepEqual(extracted, { files: 7, bytes: 17 })
    assert.equal(statSync(join(folder, 'bin/run')).mode & 0o111, 0o111)
    assert.equal(statSync(join(folder, 'readme')).mode & 0o111, 0)
    assert.equal(statSync(join(folder, 'suid')).mode & 0o7000, 0)
    assert.equal(readlinkSync(join(folder, 'latest')), 'bin/run')
    assert.equal(readlinkSync(join(folder, 'bin/up')), '../deep')
    assert.equal(readFileSync(join(folder, 'readme'), 'utf8'), 'é')
    assert.equal(readFileSync(join(folder, `${'long'.repeat(40)}.txt`), 'utf8'), 'long')
    assert.equal(statSync(join(folder, 'bin/run')).mtime.getTime(), mtime.getTime())
    assert.equal(statSync(join(folder, 'bin')).mtime.getTime(), mtime.getTime())
    assert.deepEqual(readdirSync(outer).sort(), [file, 'inside'].sort())
  })

  test(`${file}: a later entry replaces an earlier one of the same name`, async t => {
    const where = place(t)
    const { files } = await unpack(
      where,
      file,
      make([
        { name: 'a', content: 'first, and longer' },
        { name: 'a', content: 'second' },
        { name: 'l', type: 'symlink', target: 'a' },
        { name: 'l', content: 'a file now' },
        { name: 'm', content: 'a link soon' },
        { name: 'm', type: 'symlink', target: 'a' },
      ]),
    )
    assert.equal(files, 3)
    assert.equal(readFileSync(join(where.folder, 'a'), 'utf8'), 'second')
    assert.ok(lstatSync(join(where.folder, 'l')).isFile())
    assert.ok(lstatSync(join(where.folder, 'm')).isSymbolicLink())
  })

  const attacks: readonly (readonly [string, readonly ArchiveEntry[]])[] = [
    ['a name with ..', [{ name: '../evil', content: 'x' }]],
    ['a deep name with ..', [{ name: 'a/b/../../../evil', content: 'x' }]],
    ['an absolute name', [{ name: '/tmp/evil', content: 'x' }]],
    ['a name with ..\\', [{ name: '..\\evil', content: 'x' }]],
    ['a drive', [{ name: 'C:\\evil', content: 'x' }]],
    ['a folder with ..', [{ name: '../evil/' }]],
    ['a link out', [{ name: 'l', type: 'symlink', target: '../../evil' }]],
    ['an absolute link', [{ name: 'l', type: 'symlink', target: '/etc/passwd' }]],
    [
      'writing through a link out',
      [
        { name: 'l', type: 'symlink', target: '..' },
        { name: 'l/evil', content: 'x' },
      ],
    ],
    [
      'writing through a link inside',
      [{ name: 'd/' }, { name: 'l', type: 'symlink', target: 'd' }, { name: 'l/evil', content: 'x' }],
    ],
    [
      'two links that lead out together',
      [
        { name: 'a/up', type: 'symlink', target: '..' },
        { name: 'b', type: 'symlink', target: 'a/up/..' },
      ],
    ],
    [
      'a link that turns into a folder',
      [{ name: 'l', type: 'symlink', target: '..' }, { name: 'l/' }, { name: 'l/evil', content: 'x' }],
    ],
    [
      'links in a circle',
      [
        { name: 'a', type: 'symlink', target: 'b/c' },
        { name: 'b', type: 'symlink', target: 'a/c' },
      ],
    ],
    ['an empty link', [{ name: 'l', type: 'symlink', target: '' }]],
    ['a pipe', [{ name: 'p', type: 'fifo' }]],
    ['a device', [{ name: 'p', type: 'character-device' }]],
    ['a disk', [{ name: 'p', type: 'block-device' }]],
    [
      'a file that is a folder, too',
      [
        { name: 'a/b', content: 'x' },
        { name: 'a', content: 'x' },
      ],
    ],
    [
      'a folder that is a file, too',
      [
        { name: 'a', content: 'x' },
        { name: 'a/b', content: 'x' },
      ],
    ],
  ]
  for (const [attack, entries] of attacks) {
    test(`${file}: ${attack} is refused and nothing appears outside`, async t => {
      const { outer, folder } = place(t)
      await assert.rejects(
        unpack({ outer, folder }, file, make([{ name: 'good', content: 'x' }, ...entries])),
        { code: 'ERR_UNSAFE_ARCHIVE' },
      )
      assert.deepEqual(readdirSync(outer).sort(), [file, 'inside'].sort())
      assert.ok(!existsSync('/tmp/evil'))
      assert.deepEqual(
        readdirSync(folder).filter(name => lstatSync(join(folder, name)).isSymbolicLink()),
        [],
      )
    })
  }

  test(`${file}: limits on bytes, entries and ratio hold`, async t => {
    const bytes = make([
      { name: 'a', content: Buffer.alloc(1_000_000) },
      { name: 'b', content: 'x' },
    ])
    const tight = [
      { ...defaultArchiveLimits, maxBytes: 999_999 },
      { ...defaultArchiveLimits, maxEntries: 1 },
      ...(file.endsWith('.tar') ? [] : [{ ...defaultArchiveLimits, maxRatio: 100, ratioFromBytes: 0 }]),
    ]
    for (const limits of tight)
      await assert.rejects(unpack(place(t), file, bytes, limits), { code: 'ERR_ARCHIVE_LIMIT' })
    assert.equal((await unpack(place(t), file, bytes)).bytes, 1_000_001)
  })

  for (const [what, bytes] of [
    ['text', Buffer.from('this is no archive, however long it may be: '.repeat(30))],
    ['nothing', Buffer.alloc(0)],
    ['random bytes', createHash('sha512').update('seed').digest()],
    ['half of an archive', make([{ name: 'a', content: randomBytes(100_000) }]).subarray(0, 60_000)],
  ] as const) {
    test(`${file}: ${what} is no archive`, async t => {
      await assert.rejects(unpack(place(t), file, bytes), { code: 'ERR_DAMAGED_ARCHIVE' })
    })
  }
}

test('a hard link is the same file, and replacing one name leaves the other', async t => {
  const where = place(t)
  await unpack(
    where,
    'App.1.0.0.tar',
    tarArchive([
      { name: 'a', content: 'one' },
      { name: 'd/b', type: 'hardlink', target: './a' },
      { name: 'c', type: 'hardlink', target: 'a' },
      { name: 'c', content: 'two' },
    ]),
  )
  assert.equal(statSync(join(where.folder, 'a')).ino, statSync(join(where.folder, 'd/b')).ino)
  assert.equal(readFileSync(join(where.folder, 'a'), 'utf8'), 'one')
  assert.equal(readFileSync(join(where.folder, 'c'), 'utf8'), 'two')
})

for (const [what, entries] of [
  ['out of the package', [{ name: 'h', type: 'hardlink', target: '/etc/passwd' }]],
  ['up', [{ name: 'h', type: 'hardlink', target: '../x' }]],
  [
    'to a link',
    [
      { name: 'l', type: 'symlink', target: 'a' },
      { name: 'h', type: 'hardlink', target: 'l' },
    ],
  ],
  [
    'to what comes later',
    [
      { name: 'h', type: 'hardlink', target: 'z' },
      { name: 'z', content: 'x' },
    ],
  ],
  ['to a folder', [{ name: 'd/' }, { name: 'h', type: 'hardlink', target: 'd' }]],
] as const satisfies readonly (readonly [string, readonly ArchiveEntry[]])[]) {
  test(`a hard link ${what} is refused`, async t => {
    await assert.rejects(
      unpack(place(t), 'App.1.0.0.tar', tarArchive([{ name: 'a', content: 'x' }, ...entries])),
      { code: 'ERR_UNSAFE_ARCHIVE' },
    )
  })
}

test('a NUL in a long tar name is refused', async t => {
  const name = `${'a'.repeat(120)}\0/../evil`
  await assert.rejects(unpack(place(t), 'App.1.0.0.tar', tarArchive([{ name, content: 'x' }])), {
    code: 'ERR_UNSAFE_ARCHIVE',
  })
})

test('a zip whose directory lies about sizes, checksums or encryption is refused', async t => {
  for (const lie of [
    { claimedSize: 3 },
    { claimedSize: 300 },
    { claimedCrc: 1 },
    { encrypted: true },
    { stored: true, claimedCrc: 1 },
  ]) {
    const bytes = zipArchive([{ name: 'a', content: 'hello', ...lie }])
    await assert.rejects(
      unpack(place(t), 'App.1.0.0.zip', bytes),
      { code: 'ERR_DAMAGED_ARCHIVE' },
      JSON.stringify(lie),
    )
  }
})

test('a zip of overlapping entries is stopped by the limits that hold for any zip', async t => {
  const bomb = overlappingZip(3000, 1_000_000)
  const limits = { ...defaultArchiveLimits, ratioFromBytes: 10_000_000 }
  await assert.rejects(unpack(place(t), 'App.1.0.0.zip', bomb, limits), { code: 'ERR_ARCHIVE_LIMIT' })
})

test('a gzip of endless zeros after the last entry is not read to its end', async t => {
  const bytes = gzipSync(
    Buffer.concat([tarArchive([{ name: 'a', content: 'x' }]), Buffer.alloc(200 * 1024 * 1024)]),
  )
  await assert.rejects(unpack(place(t), 'App.1.0.0.tgz', bytes), /padding/)
})

test('a zip made on Windows has backslashes and no modes', async t => {
  const where = place(t)
  await unpack(
    where,
    'App.1.0.0.zip',
    zipArchive([
      { name: 'dir\\sub\\', dos: true },
      { name: 'dir\\a.txt', content: 'x', dos: true },
    ]),
  )
  assert.equal(readFileSync(join(where.folder, 'dir/a.txt'), 'utf8'), 'x')
  assert.equal(statSync(join(where.folder, 'dir/a.txt')).mode & 0o777, 0o644 & ~process.umask())
  assert.ok(statSync(join(where.folder, 'dir/sub')).isDirectory())
})

test('a NuGet package gives its content without what describes it', async t => {
  const where = place(t)
  const bytes = nupkgArchive('App', '1.0.0', [
    { name: 'lib/a%20b.dll', content: 'x' },
    { name: 'lib/x.nuspec', content: 'y' },
  ])
  await unpack(where, 'App.1.0.0.nupkg', bytes)
  assert.deepEqual(readdirSync(where.folder, { recursive: true }).sort(), [
    'lib',
    'lib/a b.dll',
    'lib/x.nuspec',
  ])
})

test('an escaped .. in a NuGet package is refused as well', async t => {
  const bytes = nupkgArchive('App', '1.0.0', [{ name: '%2E%2E/evil', content: 'x' }])
  await assert.rejects(unpack(place(t), 'App.1.0.0.nupkg', bytes), { code: 'ERR_UNSAFE_ARCHIVE' })
})

test('a time in the future becomes now', async t => {
  const where = place(t)
  await unpack(
    where,
    'App.1.0.0.tar',
    tarArchive([{ name: 'a', content: 'x', mtime: new Date('2100-01-01') }]),
  )
  assert.ok(statSync(join(where.folder, 'a')).mtime.getTime() <= Date.now())
})

for (const name of ['App.1.0.0.tar.bz2', 'App.1.0.0.tbz', 'App.1.0.0.7z', 'App.1.0.0.exe']) {
  test(`${name} is refused by its extension`, async t => {
    await assert.rejects(unpack(place(t), name, Buffer.from('x')), { code: 'ERR_UNSUPPORTED_FORMAT' })
  })
}

test('cancelling ends the unpacking of a large file', async t => {
  const { outer, folder } = place(t)
  const path = join(outer, 'App.1.0.0.tar')
  writeFileSync(path, tarArchive([{ name: 'a', content: Buffer.alloc(20_000_000) }]))
  const signal = AbortSignal.abort()
  const file = { ...parsePackageName(path), path }
  await assert.rejects(extractPackage(file, folder, { limits: defaultArchiveLimits, signal }), {
    code: 'ERR_CANCELLED',
  })
})

test('a package that is not there is named', async t => {
  const path = join(place(t).outer, 'App.1.0.0.zip')
  const file = { ...parsePackageName(path), path }
  await assert.rejects(extractPackage(file, '/nowhere', { limits: defaultArchiveLimits }), {
    code: 'ERR_PACKAGE_NOT_FOUND',
  })
})
