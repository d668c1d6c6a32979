import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { openDatabase } from '../db/database.ts'
import { migrations } from '../db/migrations/index.ts'
import { createStore } from '../db/store.ts'
import { isServerError } from '../errors.ts'
import { createLoginThrottle } from './login-throttle.ts'
import { hashPassword, isPassword } from './password-hash.ts'
import { createSignIn, sessionMs } from './sign-in.ts'

const refused = (error: unknown): boolean => isServerError(error, 'ERR_UNAUTHENTICATED')

async function openSignIn(t: TestContext) {
  const clock = { time: Date.parse('2026-11-23T10:00:00Z') }
  const db = await openDatabase(':memory:', migrations)
  t.after(() => db.destroy())
  const store = createStore(db, () => new Date(clock.time))
  const user = await store.users.insert({
    username: 'Ada',
    displayName: 'Ada',
    emailAddress: '',
    isActive: true,
    isService: false,
    passwordHash: await hashPassword('right horse'),
    roles: ['Administrator'],
    created: store.now().toISOString(),
  })
  const signIn = createSignIn(store, createLoginThrottle({ perUser: 3, now: () => clock.time }))
  const attempt = (password: string, username = 'ada', address = '127.0.0.1') =>
    signIn.withPassword({ username, password, rememberMe: false, address })
  return { clock, store, user, signIn, attempt }
}

test('a password is stored as a hash that only the same password fits', async () => {
  const hash = await hashPassword('söme password')
  assert.match(hash, /^scrypt\$/)
  assert.notEqual(hash, await hashPassword('söme password'))
  assert.equal(await isPassword('söme password', hash), true)
  assert.equal(await isPassword('some password', hash), false)
  assert.equal(await isPassword('', hash), false)
})

test('a session works until it expires or the user signs out', async t => {
  const { attempt, signIn, clock } = await openSignIn(t)
  const { secret, session } = await attempt('right horse')
  assert.equal((await signIn.userOfSession(secret)).user.username, 'Ada')
  await assert.rejects(signIn.userOfAccessToken(secret), refused)
  await signIn.signOut(session.id)
  await assert.rejects(signIn.userOfSession(secret), refused)
  const second = await attempt('right horse')
  clock.time += sessionMs.browser
  await assert.rejects(signIn.userOfSession(second.secret), /session has ended/)
})

test('the database holds no secret that could be sent', async t => {
  const { attempt, signIn, store, user } = await openSignIn(t)
  const session = await attempt('right horse')
  const key = await signIn.createApiKey({ userId: user.id, purpose: 'ci', expires: null, by: null })
  const kept = JSON.stringify([
    await store.sessions.list(),
    await store.apiKeys.list(),
    await store.users.list(),
  ])
  for (const secret of [session.secret, key.secret, 'right horse']) assert.equal(kept.includes(secret), false)
})

test('after some wrong passwords the right one has to wait too, but only from that address', async t => {
  const { attempt, clock } = await openSignIn(t)
  for (let n = 0; n < 3; n++) {
    await assert.rejects(attempt('wrong'), error => isServerError(error, 'ERR_INVALID_INPUT'))
  }
  await assert.rejects(attempt('right horse'), error => isServerError(error, 'ERR_THROTTLED'))
  await attempt('right horse', 'ADA', '10.0.0.9')
  clock.time += 300_000
  await attempt('right horse')
})

test('an unknown user, a disabled user and a user without password are refused alike', async t => {
  const { attempt, store, user } = await openSignIn(t)
  const messageOf = (password: string, name: string): Promise<string> =>
    attempt(password, name, name).then(
      () => assert.fail('signed in'),
      error => String(error.message),
    )
  const message = await messageOf('x', 'nobody')
  await store.users.change(user.id, ada => ({ ...ada, isActive: false }))
  assert.equal(await messageOf('right horse', 'ada'), message)
  await store.users.change(user.id, ada => ({ ...ada, isActive: true, passwordHash: null }))
  assert.equal(await messageOf('', 'Ada'), message)
})

test('an API key has the form that clients accept and ends with its date, its deletion or its user', async t => {
  const { signIn, store, user, clock } = await openSignIn(t)
  const expires = new Date(clock.time + 1000).toISOString()
  const { secret, apiKey } = await signIn.createApiKey({ userId: user.id, purpose: 'ci', expires, by: 'Ada' })
  assert.match(secret, /^API-[A-Z\d]{32}$/)
  assert.equal((await signIn.userOfApiKey(secret)).id, user.id)
  await assert.rejects(signIn.userOfApiKey(`${secret}A`), refused)
  await store.users.change(user.id, ada => ({ ...ada, isActive: false }))
  await assert.rejects(signIn.userOfApiKey(secret), /disabled/)
  await store.users.change(user.id, ada => ({ ...ada, isActive: true }))
  clock.time += 1000
  await assert.rejects(signIn.userOfApiKey(secret), /expired/)
  await store.apiKeys.delete(apiKey.id)
  await assert.rejects(signIn.userOfApiKey(secret), /not valid/)
})
