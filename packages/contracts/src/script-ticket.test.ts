import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isSafeTicket, newScriptTicket, sameTicket } from './script-ticket.ts'

test('tentacle 12.69: new tickets are unique without regard to case, and are safe names of folders', () => {
  const tickets = Array.from({ length: 5000 }, () => newScriptTicket().taskId)
  assert.equal(new Set(tickets.map(ticket => ticket.toLowerCase())).size, tickets.length)
  for (const ticket of tickets) {
    assert.match(ticket, /^[A-Za-z0-9]{16,22}$/)
    assert.ok(isSafeTicket(ticket))
  }
})

test('tentacle 12.69: tickets are compared without regard to case', () => {
  assert.ok(sameTicket({ taskId: '3OmZ6JPkyP6DH1gd7nqw' }, { taskId: '3OMZ6jpkyp6dh1GD7NQW' }))
  assert.ok(!sameTicket({ taskId: 'a' }, { taskId: 'b' }))
})

test('tickets of the original, V1 and V2, are safe', () => {
  for (const ticket of [
    '20261124002332-1-11',
    '3OmZ6JPkyP6DH1gd7nqw',
    '542eb39a83294da5aff4d917a3aed5b4',
    'a.b_c-d',
  ]) {
    assert.ok(isSafeTicket(ticket), ticket)
  }
})

test('a ticket that would leave the folder, or be no folder, is not safe', () => {
  const unsafe = [
    '',
    '.',
    '..',
    '../../evil',
    'a/b',
    'a\\b',
    '/etc',
    'C:\\x',
    'a:b',
    '.hidden',
    'a.',
    'a b',
    'a\n',
    'a\0b',
  ]
  for (const ticket of [...unsafe, 'CON', 'nul.txt', 'com1', 'ä', 'x'.repeat(151)]) {
    assert.ok(!isSafeTicket(ticket), JSON.stringify(ticket))
  }
})

test('no safe ticket has a character that means something in a path', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 200 }), text => {
      if (isSafeTicket(text)) assert.match(text, /^[A-Za-z0-9_.-]+$/)
    }),
  )
})
