import { runPeer } from './cli/run-peer.ts'

const ending = new AbortController()
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => ending.abort())

// A reader such as `head` may close the pipe before everything is written; that is no error.
process.stdout.on('error', () => ending.abort())

process.exitCode = await runPeer(process.argv.slice(2), {
  out: line => void process.stdout.write(`${line}\n`),
  note: line => void process.stderr.write(`${line}\n`),
  signal: ending.signal,
})
