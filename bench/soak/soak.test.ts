import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

/** Runs the soak as `npm run soak` does. */
async function run(...args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const main = fileURLToPath(new URL('main.ts', import.meta.url))
  const child = spawn(process.execPath, ['--expose-gc', main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = once(child, 'exit')
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)])
  const [code] = await ended
  return { code: Number(code), stdout, stderr }
}

test('a few seconds with 20 polling and 2 listening services: no call is lost, doubled or left hanging', async () => {
  const { code, stdout, stderr } = await run('--minutes', '0.05', '--peers', '20', '--seed', '7')
  assert.equal(code, 0, stdout + stderr)
  const line = stdout.split('\n').find(each => each.startsWith('{')) ?? ''
  const figures: Record<string, unknown> = JSON.parse(line)
  assert.equal(figures.violations, 0)
  // However slow the machine is, something must have happened.
  assert.ok(Number(figures.answered) > 20, line)
  assert.ok(Number(figures.struckConnections) > 0, line)
})
