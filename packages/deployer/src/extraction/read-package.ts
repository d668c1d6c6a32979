import { resolve } from 'node:path'
import { DOMParser } from '@xmldom/xmldom'
import { parsePackageName } from '../packages/package-name.ts'
import { type PackageFile, statPackage } from './extract-package.ts'
import { readZipEntry } from './zip-archive.ts'

/** Far above what describes a package, in bytes. */
const maxNuspecSize = 1024 * 1024

/**
 * Finds out what a package file is: by its name, and for NuGet packages by what they say about themselves. Throws
 * ERR_PACKAGE_NOT_FOUND and ERR_PACKAGE_NAME.
 */
export async function readPackage(file: string, cwd: string): Promise<PackageFile> {
  const path = resolve(cwd, file)
  await statPackage(path)
  const named = parsePackageName(path)
  const described = named.extension.toLowerCase() === '.nupkg' ? await readNuspec(path) : undefined
  return { ...named, ...described, path }
}

/** The id and version in a NuGet package; `undefined` when it has none, which its extraction will judge. */
async function readNuspec(path: string): Promise<{ id: string; version: string } | undefined> {
  try {
    const bytes = await readZipEntry(path, name => /^[^/]*\.nuspec$/i.test(name), maxNuspecSize)
    if (bytes === undefined) return undefined
    const stop = (_level: string, message: string) => {
      throw new Error(message)
    }
    const document = new DOMParser({ onError: stop }).parseFromString(
      bytes.toString('utf8').replace(/^\ufeff/, ''),
      'text/xml',
    )
    const text = (name: string) => document.getElementsByTagName(name)[0]?.textContent?.trim() ?? ''
    const [id, version] = [text('id'), text('version')]
    return id === '' || version === '' ? undefined : { id, version }
  } catch {
    return undefined
  }
}
