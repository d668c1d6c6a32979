import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTextMask } from './text-mask.ts'

test('tentacle 12.67: blots out secrets of any length, the longer first, with every character meant as it is', () => {
  const mask = createTextMask(['ab', 'abcdef', 'a.c', '$&', 'x'])
  assert.equal(mask('abcdef ab a.c aXc $& x y'), '******** ******** ******** aXc ******** ******** y')
})

test('tentacle 12.67: finds a secret of several lines line by line, and secrets inside URLs', () => {
  const mask = createTextMask(['first line\r\nsecond', 'p@ss word/ü', ''])
  assert.equal(mask('first line'), '********')
  assert.equal(mask('the second'), 'the ********')
  assert.equal(mask('http://u:p%40ss%20word%2F%C3%BC@h'), 'http://u:********@h')
  assert.equal(mask('p%40ss+word%2F%C3%BC p%40ss%20word%2f%c3%bc'), '******** ********')
})

test('leaves texts alone when there are no secrets', () => {
  assert.equal(createTextMask([''])('text'), 'text')
})
