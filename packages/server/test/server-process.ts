import { readFileSync } from 'node:fs'
import { readPfx } from '@tentacle/halibut'
import { startTestServer } from './task-server.ts'

/**
 * A server as a process of its own, so that a test can kill it. Its one argument is its folder, in which `home.json`
 * says who it is. It prints `READY` when it works on tasks, and lets go of them on SIGTERM.
 */
const [folder = ''] = process.argv.slice(2)
const { masterKey, certificate, commsPort } = JSON.parse(readFileSync(`${folder}/home.json`, 'utf8'))
const server = await startTestServer({
  folder,
  masterKey: Buffer.from(masterKey, 'base64'),
  certificate: readPfx(Buffer.from(certificate, 'base64')),
  commsPort,
})
process.once('SIGTERM', () => void server.stop())
process.stdout.write('READY\n')
