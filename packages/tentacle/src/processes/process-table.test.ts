import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { processesOf } from './end-script.ts'
import { parseStat } from './process-table.posix.ts'
import { openProcessTable, type ProcessInfo } from './process-table.ts'
import { formatClaim, isAlive, parseClaim } from './script-claim.ts'

test('reads a process whose name has blanks and brackets', () => {
  const text = '42 (a) b (c) R 1 42 40 0 -1 4194304 99 0 0 0 0 0 0 0 20 0 1 0 131337 4464 0 0'
  assert.deepEqual(parseStat(text), {
    pid: 42,
    parent: 1,
    session: 40,
    startTime: '131337',
    isDefunct: false,
    name: 'a) b (c',
  })
  for (const broken of ['', '42', '42 (x', '42 (x) R 1']) assert.equal(parseStat(broken), undefined)
})

test('knows this process, and that another with its number would be another one', async () => {
  const table = openProcessTable()
  const own = await table.find(process.pid)
  assert.equal(own?.parent, process.ppid)
  assert.ok((await table.all()).some(({ pid }) => pid === process.pid))
  const { pid, startTime } = own ?? { pid: 0, startTime: '' }
  assert.equal(await isAlive(table, table.bootId, { pid, startTime }), true)
  assert.equal(await isAlive(table, table.bootId, { pid, startTime: `${startTime}0` }), false)
  assert.equal(await isAlive(table, 'another-boot', { pid, startTime }), false)
})

test('ends a process, and says when there is none', async () => {
  const table = openProcessTable()
  const child = spawn('/bin/sleep', ['600'])
  const ended = once(child, 'exit')
  assert.equal(table.kill(child.pid ?? 0, 'SIGKILL'), 'sent')
  assert.deepEqual(await ended, [null, 'SIGKILL'])
  assert.equal(table.kill(child.pid ?? 0, 'SIGKILL'), 'gone')
})

test('a system where scripts cannot be run says so', () => {
  assert.throws(() => openProcessTable('darwin'), { code: 'ERR_PLATFORM' })
})

test('finds the family of a script, and nobody when its number was given away', () => {
  const info = (pid: number, parent: number, session: number): ProcessInfo => {
    return { pid, parent, session, startTime: `${pid}00`, isDefunct: false, name: 'x' }
  }
  const claim = { bootId: 'b', keeper: { pid: 5, startTime: '500' }, script: { pid: 10, startTime: '1000' } }
  const all = [
    info(5, 1, 5),
    info(10, 5, 10),
    info(11, 10, 10),
    info(12, 1, 10),
    info(13, 11, 13),
    info(14, 13, 13),
    info(20, 5, 20),
  ]
  assert.deepEqual(
    processesOf(claim, all).map(({ pid }) => pid),
    [10, 11, 12, 13, 14],
  )
  assert.deepEqual(processesOf({ ...claim, script: { pid: 10, startTime: '7' } }, all), [])
})

test('knows a member of a family whose parent and session leader have ended, but not who was given its number', () => {
  const info = (pid: number, parent: number, session: number): ProcessInfo => {
    return { pid, parent, session, startTime: `${pid}00`, isDefunct: false, name: 'x' }
  }
  const claim = { bootId: 'b', keeper: { pid: 5, startTime: '500' }, script: { pid: 10, startTime: '1000' } }
  const known = new Map([
    [13, '1300'],
    [14, '1400'],
    [30, '7'],
  ])
  // 13 began a session and has ended; 14 is of that session; 30 is another process now.
  const all = [info(5, 1, 5), info(14, 1, 13), info(15, 14, 15), info(30, 1, 30), info(31, 30, 30)]
  assert.deepEqual(
    processesOf(claim, all, known).map(({ pid }) => pid),
    [14, 15],
  )
  assert.deepEqual(processesOf(claim, all), [])
})

test('an agent that a script has started is none of its processes, nor is what that agent runs', () => {
  const info = (pid: number, parent: number, session: number): ProcessInfo => {
    return { pid, parent, session, startTime: `${pid}00`, isDefunct: false, name: 'x' }
  }
  const claim = { bootId: 'b', keeper: { pid: 5, startTime: '500' }, script: { pid: 10, startTime: '1000' } }
  const own = process.pid
  const all = [info(10, 5, 10), info(own, 10, 10), info(own + 1, own, own + 1)]
  assert.deepEqual(
    processesOf(claim, all).map(({ pid }) => pid),
    [10],
  )
})

test('reads the claim that a keeper writes, and no incomplete one', () => {
  const claim = {
    bootId: 'b-1',
    keeper: { pid: 5, startTime: '500' },
    script: { pid: 10, startTime: '1000' },
  }
  const text = formatClaim(claim)
  assert.deepEqual(parseClaim(text), claim)
  for (let length = 0; length < text.length; length++)
    assert.equal(parseClaim(text.slice(0, length)), undefined)
})
