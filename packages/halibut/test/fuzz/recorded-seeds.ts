import { inflateRawSync } from 'node:zlib'
import { type Entry, type RecordingName, readRecording } from '@tentacle/testkit'

/** Longer entries have nothing that short ones lack. */
const longBytes = 4096

const recordings: readonly RecordingName[] = ['listening', 'polling', 'tentacle']

/** What .NET peers said, entry by entry: a few of each recording, the long ones left out. */
export function recordedEntries(): readonly Entry[] {
  return recordings.flatMap(name =>
    readRecording(name)
      .slice(0, 2)
      .flatMap(entries => entries.filter(entry => bytesOf(entry).length <= longBytes).slice(0, 40)),
  )
}

export function bytesOf(entry: Entry): Buffer {
  if (entry.kind === 'control') return Buffer.from(entry.text, 'latin1')
  return entry.kind === 'message' ? entry.frame : entry.bytes
}

/** Every `step`th frame that was recorded. */
export function recordedFrames(step: number): Buffer[] {
  return recordedEntries()
    .filter(entry => entry.kind === 'message')
    .filter((_, index) => index % step === 0)
    .map(bytesOf)
}

/** Every `step`th document that was recorded. */
export function recordedDocuments(step: number): Buffer[] {
  return recordedFrames(step).map(frame => inflateRawSync(frame))
}
