import { inflateRawSync } from 'node:zlib'

/** What a deflate stream holds, and how many bytes it has. */
export interface InflatedStart {
  readonly plain: Buffer
  readonly consumed: number
}

/** Inflates the stream at the start of `bytes`; undefined while its end is missing. */
export function inflateStart(bytes: Buffer): InflatedStart | undefined {
  try {
    // `info` adds the engine, which knows how much of the input it used; the declarations do not have it.
    const result: unknown = inflateRawSync(bytes, { info: true } as object)
    const { buffer, engine } = result as { buffer: Buffer; engine: { bytesWritten: number } }
    return { plain: buffer, consumed: engine.bytesWritten }
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'Z_BUF_ERROR') return undefined
    throw error
  }
}
