import assert from 'node:assert/strict'
import { test } from 'node:test'
import { leftOut, openPortal } from './browser.ts'
import { fillTypical } from './fake-content.ts'
import { password, userName } from './fake-server.ts'

test('a deep link asks for the sign-in and then shows what was asked for', { skip: leftOut }, async t => {
  const { page, go } = await openPortal(t, { fill: fillTypical })
  await go('/Spaces-1/tasks?state=Failed')
  await page.getByRole('heading', { name: 'Sign in to Tentacle' }).waitFor()
  await page.getByLabel('User name').fill(userName)
  await page.getByLabel('Password', { exact: true }).fill(password)
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { level: 1, name: 'Tasks' }).waitFor()
  assert.equal(new URL(page.url()).search, '?state=Failed')
  await page.getByText('1 task', { exact: true }).waitFor()
})

test("a wrong password shows the server's words and keeps what was typed", { skip: leftOut }, async t => {
  const { page, go, expectedErrors } = await openPortal(t)
  expectedErrors.push(/400 \(Bad Request\).*users\/login/)
  await go('/sign-in')
  await page.getByLabel('User name').fill(userName)
  await page.getByLabel('Password', { exact: true }).fill('wrong')
  await page.getByRole('button', { name: 'Sign in' }).click()
  const alert = page.getByRole('alert')
  await alert.getByText('Invalid username or password.').waitFor()
  await alert.getByText('Check that Caps Lock is off.').waitFor()
  assert.equal(await page.getByLabel('User name').inputValue(), userName)

  await page.getByLabel('Password', { exact: true }).fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('heading', { level: 1, name: 'Dashboard' }).waitFor()
})

test('a link from elsewhere cannot make the sign-in lead away', { skip: leftOut }, async t => {
  const { page, go, fake } = await openPortal(t)
  await go('/sign-in?returnTo=//evil.test/')
  await page.getByLabel('User name').fill(userName)
  await page.getByLabel('Password', { exact: true }).fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('heading', { level: 1, name: 'Dashboard' }).waitFor()
  assert.ok(page.url().startsWith(`${fake.url}app/`))
})

test('after a session has ended the page asks for a new one and comes back', { skip: leftOut }, async t => {
  const { page, signIn, fake, expectedErrors } = await openPortal(t, { fill: fillTypical })
  await signIn('/Spaces-1/infrastructure/machines')
  await page.getByRole('link', { name: 'web01' }).waitFor()
  expectedErrors.push(/401 \(Unauthorized\)/, /net::ERR_/)
  fake.endSessions()
  await page.getByText('Your session has ended.').waitFor()
  await page.getByLabel('User name').fill(userName)
  await page.getByLabel('Password', { exact: true }).fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('heading', { level: 1, name: 'Deployment targets' }).waitFor()
})

test('signing out ends the session in every page of the browser', { skip: leftOut }, async t => {
  const { page, go, signIn, fake } = await openPortal(t)
  await signIn()
  await page.getByRole('button', { name: 'Ada Admin' }).click()
  await page.getByRole('menuitem', { name: 'Sign out' }).click()
  await page.getByRole('heading', { name: 'Sign in to Tentacle' }).waitFor()
  assert.ok(fake.requests.includes('POST /api/users/logout'))
  await go('/Spaces-1')
  await page.getByRole('heading', { name: 'Sign in to Tentacle' }).waitFor()
})

test('while the server is away the sign-in says so and goes on when it is back', {
  skip: leftOut,
}, async t => {
  const { page, signIn, fake, go, expectedErrors } = await openPortal(t)
  expectedErrors.push(/net::ERR_/)
  await go('/sign-in')
  await page.getByLabel('User name').fill(userName)
  await page.getByLabel('Password', { exact: true }).fill(password)
  await fake.stop()
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByText('The server does not answer.').waitFor()
  await fake.start()
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('heading', { level: 1, name: 'Dashboard' }).waitFor()
  await signIn()
})
