/** `npm run soak`: see `options.ts`. Prints progress, then one JSON line with the figures. */
import { help, parseSoakOptions } from './options.ts'
import { type SoakResult, soak } from './soak.ts'

function figures({ violations, memory, rssBytes, ...rest }: SoakResult): string {
  const mib = (bytes: number) => Math.round((bytes / 1024 / 1024) * 10) / 10
  return JSON.stringify({
    what: 'soak',
    ...rest,
    seconds: Math.round(rest.seconds),
    calls_per_s: Math.round(rest.calls / rest.seconds),
    heap_mib: memory.map(({ floorBytes }) => mib(floorBytes)),
    heap_growth_mib: memory.map(({ growthBytes, isJudged }) => (isJudged ? mib(growthBytes) : null)),
    rss_mib: rssBytes.map(mib),
    violations: violations.length,
  })
}

const print = (line: string) => void process.stdout.write(`${line}\n`)

try {
  const options = parseSoakOptions(process.argv.slice(2))
  if (!options) print(help)
  else {
    const result = await soak(options, print)
    print(figures(result))
    for (const violation of result.violations) print(`Wrong: ${violation}.`)
    print(
      result.violations.length === 0
        ? 'Nothing was lost, doubled, left hanging or left open.'
        : 'The soak failed.',
    )
    if (result.violations.length > 0) process.exitCode = 1
  }
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
