import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Page } from 'playwright-core'
import { dist, leftOut, openPage } from './browser.ts'
import { runShownCommands, startRealServer } from './real-server.ts'

/** Makes an environment over the API, with the session of the page. */
async function addEnvironment(page: Page, url: string, name: string): Promise<void> {
  const cookies = await page.context().cookies()
  const token = cookies.find(cookie => cookie.name.startsWith('Octopus-Csrf-Token_'))?.value ?? ''
  const answer = await page.request.post(`${url}api/Spaces-1/environments`, {
    data: { Name: name },
    headers: { 'X-Octopus-Csrf-Token': decodeURIComponent(token) },
  })
  assert.equal(answer.status(), 201, await answer.text())
}

test('with the real server: a machine is connected by the shown commands and runs a script', {
  skip: leftOut,
}, async t => {
  const server = await startRealServer(t, dist)
  const { page } = await openPage(t, server.url, {})
  page.setDefaultTimeout(60_000)

  await page.goto(`${server.url}app/`)
  await page.getByLabel('User name').fill('admin')
  await page.getByLabel('Password', { exact: true }).fill(server.adminPassword)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('heading', { level: 1, name: 'Dashboard' }).waitFor()
  await addEnvironment(page, server.url, 'Test floor')
  await page.reload()

  await page.getByRole('link', { name: 'Connect a Tentacle' }).first().click()
  await page.getByText('Polling', { exact: true }).click()
  await page.getByLabel('Port of this server for Tentacles').fill(String(server.commsPort))
  await page.getByLabel('Name').fill('bench 1')
  await page.getByRole('combobox', { name: 'Roles' }).fill('web')
  await page.keyboard.press('Enter')
  await page.getByRole('button', { name: 'Make one' }).click()
  const commands = page.getByRole('list').locator('pre')
  await commands.filter({ hasText: /--apiKey API-[A-Z0-9]{10}/ }).waitFor()
  await commands.filter({ hasText: "--environment 'Test floor'" }).waitFor()
  await runShownCommands(t, await commands.allTextContents())
  await page.getByRole('link', { name: 'bench 1' }).click()
  await page.getByRole('heading', { level: 1, name: 'bench 1' }).waitFor()
  await page.getByRole('button', { name: 'Check health' }).click()
  await page.getByText(/^Healthy$/).waitFor()

  await page.getByRole('link', { name: 'Run a script' }).click()
  await page.getByLabel('What it is for').fill('Count to three')
  await page
    .getByRole('textbox', { name: 'Script' })
    .fill('for i in 1 2 3; do echo "line $i"; sleep 1; done\necho oops >&2')
  await page.getByRole('button', { name: 'Run the script' }).click()
  await page.getByText('line 1', { exact: true }).waitFor()
  assert.equal(
    await page.getByText('line 3', { exact: true }).count(),
    0,
    'the first line came before the last was printed',
  )
  await page.getByText('line 3', { exact: true }).waitFor()
  await page
    .getByRole('status')
    .getByText(/^Succeeded/)
    .waitFor()
  await page.getByText('oops').waitFor()

  await page.getByRole('link', { name: 'Tasks', exact: true }).click()
  await page.getByRole('link', { name: 'Count to three' }).waitFor()
})
