import { DataStream, defineService, type HostedService, host, method, types } from '@tentacle/halibut'

/** What is measured: the smallest useful call, and streams in both directions, stored and live. */
export const BenchService = defineService('IBenchService', {
  echo: method([types.text], types.text),
  count: method([types.dataStream], types.count),
  countLive: method([types.dataStream], types.count),
  download: method([types.count], types.dataStream),
})

export const mib = 1024 * 1024

/** What streams are made of, here and over bare TLS. */
export const piece: Buffer = Buffer.alloc(256 * 1024, 'halibut ')

export function streamOf(length: number): DataStream {
  return DataStream.from(length, async function* () {
    for (let sent = 0; sent < length; sent += piece.length)
      yield piece.subarray(0, Math.min(piece.length, length - sent))
  })
}

/** How many bytes really come. */
export async function count(stream: DataStream): Promise<number> {
  let sum = 0
  for await (const part of stream.read()) sum += part.length
  return sum
}

export function benchService(): HostedService {
  return host(
    BenchService,
    { echo: text => text, count, countLive: count, download: streamOf },
    { liveStreams: ['countLive'] },
  )
}
