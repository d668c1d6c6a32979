import assert from 'node:assert/strict'
import { test } from 'node:test'
import { leftOut, openPortal } from './browser.ts'
import { ago, fillTypical, machine } from './fake-content.ts'
import { thumbprint } from './fake-server.ts'

test('the dashboard shows the newest release by project and environment', { skip: leftOut }, async t => {
  const { page, signIn } = await openPortal(t, { fill: fillTypical })
  await signIn()
  const grid = page.getByRole('table', { name: 'Newest releases by project and environment' })
  const row = grid.getByRole('row', { name: /Web shop/ })
  await row.getByRole('link', { name: '1.5.0-beta.2' }).waitFor()
  assert.equal(await row.getByRole('link', { name: '1.4.0' }).count(), 1)
  await row.getByText('Running, 2 min ago').waitFor()
  await row.getByText('Succeeded with warnings').waitFor()
  await grid.getByRole('link', { name: '0.9.12' }).click()
  await page.getByRole('heading', { level: 1, name: 'Deploy Price service release 0.9.12 to Test' }).waitFor()
})

test('an empty server says what to do next on every page', { skip: leftOut }, async t => {
  const { page, signIn, go } = await openPortal(t)
  await signIn()
  await page.getByText('No project yet').waitFor()
  await page.getByText('No machine is connected yet').waitFor()
  for (const [path, text] of [
    ['/Spaces-1/infrastructure/machines', 'No machine is connected yet'],
    ['/Spaces-1/tasks', 'Nothing has been done yet'],
    ['/Spaces-1/tasks/console', 'There is no machine to run a script on'],
    ['/Spaces-1/library/packages', 'The feed is empty'],
  ] as const) {
    await go(path)
    await page.getByText(text).waitFor()
  }
})

test('targets are told with their health, filtered by text, and change while they are looked at', {
  skip: leftOut,
}, async t => {
  const { page, signIn, fake } = await openPortal(t, { fill: fillTypical })
  await signIn('/Spaces-1/infrastructure/machines')
  const table = page.getByRole('table', { name: 'Deployment targets' })
  await table.getByRole('row', { name: /Unavailable shop-db Production/ }).waitFor()
  assert.equal(await table.getByRole('row').count(), 7)

  await page.getByLabel('Filter targets by text').fill('edge')
  await page.getByText('2 of 6 targets').waitFor()
  assert.equal(new URL(page.url()).search, '?filter=edge')
  await page.reload()
  await page.getByText('2 of 6 targets').waitFor()
  await page.getByLabel('Filter targets by text').fill('nothing like this')
  await page.getByRole('link', { name: 'Show all targets' }).click()

  await table.getByRole('row', { name: /Not checked yet edge-lisbon/ }).waitFor()
  const lisbon = fake.content.machines.find(({ Id }) => Id === 'Machines-5')
  Object.assign(lisbon ?? {}, { HealthStatus: 'Healthy' })
  fake.changed('machine', 'Machines-5')
  await table.getByRole('row', { name: /Healthy edge-lisbon/ }).waitFor()
})

test('a health check covers the targets that take work and leads to its task', { skip: leftOut }, async t => {
  const { page, signIn, fake } = await openPortal(t, { fill: fillTypical })
  await signIn('/Spaces-1/infrastructure/machines?environment=Environments-1')
  await page.getByRole('button', { name: 'Check health of those shown' }).click()
  await page.getByRole('link', { name: 'Check the health of web01' }).click()
  await page.getByRole('heading', { level: 1, name: 'Check the health of web01' }).waitFor()
  const { Name, SpaceId, Arguments } = fake.lastTask() ?? {}
  assert.deepEqual(
    [Name, SpaceId, Arguments],
    ['Health', 'Spaces-1', { Timeout: '00:05:00', MachineTimeout: '00:01:00', MachineIds: ['Machines-1'] }],
  )
})

test('a target has a page with its endpoint, its last check and its tasks', { skip: leftOut }, async t => {
  const { page, signIn } = await openPortal(t, { fill: fillTypical })
  await signIn('/Spaces-1/infrastructure/machines/Machines-1/settings')
  await page.getByRole('heading', { level: 1, name: 'web01' }).waitFor()
  await page.getByText('https://web01.example.test:10933/', { exact: true }).waitFor()
  await page.getByText('9C41B0D27E5A6F18C3D94E02B7A815F6E0D3C92A').waitFor()
  await page.getByText('Default machine policy').waitFor()
  await page.getByRole('region', { name: 'Log of the last check' }).getByText('8 % free space').waitFor()
  await page
    .getByRole('table', { name: 'Tasks of web01' })
    .getByRole('link', { name: 'Free disk space' })
    .waitFor()
})

test('tasks are filtered by state and turned page by page', { skip: leftOut }, async t => {
  const { page, signIn, go, fake } = await openPortal(t, {
    fill(server) {
      for (let number = 1; number <= 70; number += 1) {
        const task = server.tasks.add({ Name: 'AdHocScript', Description: `Script ${number}`, Arguments: {} })
        const state = number % 10 === 0 ? 'Failed' : 'Success'
        Object.assign(task.doc, {
          State: state,
          IsCompleted: true,
          QueueTime: ago(100 - number),
          StartTime: ago(100 - number),
        })
      }
    },
  })
  await signIn('/Spaces-1/tasks')
  await page.getByText('Page 1 of 3').waitFor()
  await page.getByRole('button', { name: 'Older' }).click()
  await page.getByRole('link', { name: 'Script 40', exact: true }).waitFor()
  await page.getByLabel('Show tasks in state').selectOption({ label: 'Failed (7)' })
  await page.getByText('7 tasks').waitFor()
  assert.equal(new URL(page.url()).search, '?state=Failed')
  await go('/Spaces-1/tasks')
  fake.tasks.add({ Name: 'Health', Description: 'Came while we looked', Arguments: {} })
  await page.getByRole('link', { name: 'Came while we looked' }).waitFor()
})

test('a script runs on the chosen targets and leads to its task; it can be edited and run again', {
  skip: leftOut,
}, async t => {
  const { page, signIn, fake } = await openPortal(t, { fill: fillTypical })
  await signIn('/Spaces-1/tasks/console')
  await page.getByRole('button', { name: 'Run the script' }).click()
  await page.getByText('Write a script first.').waitFor()
  await page.getByText('Choose at least one target.').waitFor()
  assert.equal(fake.lastTask(), undefined)

  await page.getByRole('checkbox', { name: 'web01' }).check()
  await page.getByRole('checkbox', { name: 'web02' }).check()
  assert.ok(await page.getByRole('checkbox', { name: 'old-web' }).isDisabled())
  await page.getByLabel('What it is for').fill('Say hi')
  await page.getByRole('textbox', { name: 'Script' }).fill('echo hi\nuptime')
  await page.getByRole('textbox', { name: 'Script' }).press('Control+Enter')
  await page.getByRole('heading', { level: 1, name: 'Say hi' }).waitFor()
  assert.deepEqual(fake.lastTask()?.Arguments, {
    TargetType: 'Machines',
    MachineIds: ['Machines-1', 'Machines-2'],
    EnvironmentIds: null,
    TargetRoles: null,
    Syntax: 'Bash',
    ScriptBody: 'echo hi\nuptime',
  })

  await page.getByRole('link', { name: 'Edit and run again' }).click()
  await page.getByRole('heading', { level: 1, name: 'Script console' }).waitFor()
  assert.equal(await page.getByRole('textbox', { name: 'Script' }).inputValue(), 'echo hi\nuptime')
  assert.ok(await page.getByRole('checkbox', { name: 'web02' }).isChecked())
})

test('a script for environments and roles says which targets fit now', { skip: leftOut }, async t => {
  const { page, signIn, fake } = await openPortal(t, { fill: fillTypical })
  await signIn('/Spaces-1/tasks/console')
  await page.getByText('Environments and roles').click()
  await page.getByRole('combobox', { name: 'Environments' }).press('ArrowDown')
  await page.getByRole('option', { name: 'Production' }).click()
  await page.getByRole('combobox', { name: 'Roles' }).press('ArrowDown')
  await page.getByRole('option', { name: 'edge' }).click()
  await page.getByText('2 targets fit now: edge-berlin, edge-lisbon').waitFor()
  await page.getByRole('textbox', { name: 'Script' }).fill('id')
  await page.getByRole('button', { name: 'Run the script' }).click()
  await page.getByRole('heading', { level: 1, name: 'Script from the console' }).waitFor()
  assert.partialDeepStrictEqual(fake.lastTask(), {
    Arguments: { EnvironmentIds: ['Environments-3'], TargetRoles: ['edge'], MachineIds: null },
  })
})

test('the connect page has the thumbprint and commands, and sees the machine arrive', {
  skip: leftOut,
}, async t => {
  const { page, signIn, fake } = await openPortal(t, { fill: fillTypical })
  await signIn('/Spaces-1/infrastructure/connect')
  await page.getByText(thumbprint, { exact: true }).waitFor()
  const commands = page.getByRole('list').locator('pre')
  await commands.filter({ hasText: `--trust ${thumbprint}` }).waitFor()
  await page.getByRole('button', { name: 'Make one' }).click()
  await commands.filter({ hasText: '--apiKey API-MADEUPFORTESTS0000000000001' }).waitFor()
  await page.getByText('Polling', { exact: true }).click()
  await commands.filter({ hasText: '--comms-style TentacleActive --server-comms-port 10943' }).waitFor()
  await page.getByRole('combobox', { name: 'Roles' }).fill('web')
  await page.keyboard.press('Enter')
  await commands
    .filter({ hasText: `--server ${fake.url.replace(/\/$/, '')}` })
    .filter({ hasText: '--role web' })
    .waitFor()

  await page.getByText('Waiting for a new machine to register').waitFor()
  fake.content.machines.push(machine('Machines-9', 'brand-new', { HealthStatus: 'Unknown' }))
  fake.changed('machine', 'Machines-9')
  await page.getByRole('link', { name: 'brand-new' }).waitFor()
})

test('an address that no page has says so', { skip: leftOut }, async t => {
  const { page, signIn } = await openPortal(t)
  await signIn('/Spaces-1/no/such/page')
  await page.getByRole('heading', { name: 'There is no such page' }).waitFor()
  await page.getByRole('link', { name: 'Go to the dashboard' }).click()
  await page.getByRole('heading', { level: 1, name: 'Dashboard' }).waitFor()
})

test("what the server refuses is shown in the server's words", { skip: leftOut }, async t => {
  const { page, signIn, go, fake, expectedErrors } = await openPortal(t, { fill: fillTypical })
  expectedErrors.push(/40[34] \(/)
  await signIn()
  fake.failNext('/api/Spaces-1/machines/all', 403, {
    ErrorMessage: 'You need the permission MachineView in this space.',
  })
  await go('/Spaces-1/infrastructure/machines')
  await page.getByRole('alert').getByText('You need the permission MachineView in this space.').waitFor()
  await go('/Spaces-1/infrastructure/machines/Machines-404')
  await page.getByRole('alert').getByText("The resource 'Machines-404' was not found.").waitFor()
  await go('/Spaces-1/tasks/ServerTasks-404')
  await page.getByRole('alert').getByText("The task 'ServerTasks-404' was not found.").waitFor()
})

test('a page that was opened while the server fails comes up with it', { skip: leftOut }, async t => {
  const { page, signIn, go, fake, expectedErrors } = await openPortal(t, { fill: fillTypical })
  expectedErrors.push(/503 \(/)
  await signIn()
  for (let times = 0; times < 2; times += 1) {
    fake.failNext('/api/users/me', 503, { ErrorMessage: 'The server is starting.' })
    await go('/Spaces-1/tasks')
    await page.getByRole('alert').getByText('The server is starting.').waitFor()
    await page.getByRole('heading', { level: 1, name: 'Tasks' }).waitFor()
  }
})

test('pages come back by themselves when the server does', { skip: leftOut }, async t => {
  const { page, signIn, fake, expectedErrors } = await openPortal(t, { fill: fillTypical })
  expectedErrors.push(/net::ERR_/)
  await signIn()
  await fake.stop()
  await page.getByRole('link', { name: 'Packages' }).click()
  await page.getByRole('alert').getByText('The server does not answer.').waitFor()
  await fake.start()
  await page.getByRole('table', { name: 'Packages' }).waitFor()
})
