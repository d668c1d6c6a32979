import test from 'node:test'
import { caller, openServices, run, startCommand } from './script-agent.ts'

test('smoke', async t => {
  const agent = await openServices(t)
  const one = await run(agent, 'echo hi; echo err >&2; echo e2 > /dev/stderr; exit 7')
  console.log(one.exitCode, one.logs)
  const times: number[] = []
  for (let i = 0; i < 60; i++) {
    await new Promise(r => setTimeout(r, 100))
    const t0 = performance.now()
    const a = await agent.scriptsV2.startScript(
      startCommand('echo hello', { durationToWaitForScriptToFinish: 5000 }),
      caller,
    )
    times.push(performance.now() - t0)
    if (a.state !== 'Complete') console.log(a)
    await agent.scriptsV2.completeScript({ ticket: a.ticket }, caller)
  }
  times.sort((a, b) => a - b)
  console.log('p50', times[30], 'p90', times[54], 'min', times[0])
})
