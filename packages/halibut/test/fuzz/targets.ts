import type { FuzzTarget } from './target.ts'
import { bson } from './targets/bson.ts'
import { answers } from './targets/caller.ts'
import { controlLines } from './targets/control-lines.ts'
import { frames } from './targets/frames.ts'
import { greetings, words } from './targets/listener.ts'
import { messages } from './targets/messages.ts'
import { pfx } from './targets/pfx.ts'
import { requests } from './targets/poller.ts'
import { proxyAnswers } from './targets/proxy-answers.ts'
import { streamBlocks } from './targets/stream-blocks.ts'
import { addresses, thumbprints, timeSpans, typeNames } from './targets/texts.ts'
import { upgrades, webSocketFrames } from './targets/web-sockets.ts'

/** Every reader of the library. */
export const fuzzTargets: readonly FuzzTarget[] = [
  controlLines,
  frames,
  bson,
  typeNames,
  timeSpans,
  thumbprints,
  addresses,
  messages,
  streamBlocks,
  pfx,
  proxyAnswers,
  upgrades,
  webSocketFrames,
  greetings,
  words,
  answers,
  requests,
]

export function findTarget(name: string): FuzzTarget {
  const target = fuzzTargets.find(candidate => candidate.name === name)
  if (target) return target
  throw new Error(
    `There is no fuzz target '${name}'. There are: ${fuzzTargets.map(({ name }) => name).join(', ')}.`,
  )
}
