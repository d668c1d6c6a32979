import { createRequire } from 'node:module'
import type Forge from 'node-forge'

/** The certificate library, as its type declarations describe it. */
export type ForgeLibrary = typeof Forge

let loaded: ForgeLibrary | undefined

/**
 * The library that builds certificates and reads PFX files. It takes 50 ms to load, so it is loaded by the first
 * one who needs it: a call, a connection and most commands of an agent never do.
 */
export function forge(): ForgeLibrary {
  loaded ??= createRequire(import.meta.url)('node-forge') as ForgeLibrary
  return loaded
}
