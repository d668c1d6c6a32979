import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { Halibut } from '@tentacle/halibut'
import { openServer, type RunningAgent, serverCertificate, startAgent } from './agent-rig.ts'
import { freePort } from './check-rig.ts'
import { type ReadMetrics, readMetrics } from './metrics-text.ts'

/** An agent that shows its metrics, and a server that it trusts. */
export interface WatchedAgent extends RunningAgent {
  /** The address that shows the metrics. */
  readonly at: string
  readonly halibut: Halibut
  /** What its scripts inherit. */
  readonly env: Readonly<Record<string, string>>
  metrics(): Promise<ReadMetrics>
}

const env = { PATH: process.env.PATH ?? '' }

/** @param configure - more arguments of `configure` */
export async function startWatched(t: TestContext, ...configure: readonly string[]): Promise<WatchedAgent> {
  const certificate = await serverCertificate()
  const at = `http://127.0.0.1:${await freePort()}`
  const trust = `--trust=${certificate.thumbprint}`
  const port = `--metricsPort=${new URL(at).port}`
  const agent = await startAgent(t, { configure: [trust, port, ...configure], env })
  return { ...agent, at, env, halibut: openServer(t, certificate), metrics: () => metricsAt(at) }
}

/** Asks for metrics over the network. */
export async function metricsAt(at: string): Promise<ReadMetrics> {
  const response = await fetch(`${at}/metrics`)
  assert.equal(response.status, 200)
  assert.equal(response.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8')
  return readMetrics(await response.text())
}
