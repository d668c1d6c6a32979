import { lookup } from 'node:dns'

// Prints what the system answers to the name that is the first argument.
const startedAt = performance.now()
lookup(process.argv[2] ?? '', { all: true, verbatim: true }, (error, found) => {
  const ms = Math.round(performance.now() - startedAt)
  const answer = error ? { code: error.code } : { ms, addresses: found.map(({ address }) => address) }
  process.stdout.write(JSON.stringify(answer))
})
