import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Page } from 'playwright-core'
import { leftOut, openPortal, type PortalOptions } from './browser.ts'
import type { FakeTask } from './fake-tasks.ts'

declare global {
  interface Window {
    /** The longest time for which the page did not react, in ms. */
    longestTaskMs: number
  }
}

/** A signed-in portal that shows a task which is about to run. */
async function openTask(t: Parameters<typeof openPortal>[0], options: PortalOptions = {}) {
  const portal = await openPortal(t, options)
  const task = portal.fake.tasks.add({ Name: 'AdHocScript', Description: 'Count to ten', Arguments: {} })
  await portal.signIn(`/Spaces-1/tasks/${task.id}`)
  await portal.page.getByRole('heading', { level: 1, name: 'Count to ten' }).waitFor()
  return { ...portal, task }
}

function startScript(task: FakeTask): void {
  task.start()
  task.activity({ id: 'root', name: 'Count to ten' })
  task.activity({ id: 'web01', parentId: 'root', name: 'Run script on: web01' })
}

const log = (page: Page) => page.getByRole('region', { name: 'Log lines' })

/** How far the log is scrolled from its end, in pixels. */
function distanceFromEnd(page: Page): Promise<number> {
  return log(page).evaluate(element => element.scrollHeight - element.scrollTop - element.clientHeight)
}

test('a task is followed from its turn in the queue to its end', { skip: leftOut }, async t => {
  const { page, task } = await openTask(t)
  await page.getByText('Waiting for its turn').waitFor()
  startScript(task)
  await page.getByRole('status').getByText('Running').waitFor()
  await page.getByText('Live', { exact: true }).waitFor()
  task.log('web01', 'one')
  await page.getByText('one', { exact: true }).waitFor()
  task.log('web01', '\u001b[32mtwo\u001b[0m')
  const two = page.getByText('two', { exact: true })
  await two.waitFor()
  assert.equal(await two.getAttribute('data-color'), 'green')
  task.log('web01', 'it broke', 'Error')
  await page.getByRole('img', { name: 'Error' }).waitFor()
  await page.getByText('1 error').waitFor()
  task.activity({ id: 'web01', status: 'Failed' })
  task.activity({ id: 'root', status: 'Failed' })
  task.finish('Failed', 'The script ended with exit code 3 on web01.')
  await page.getByRole('status').getByText('Failed').waitFor()
  await page.getByRole('alert').getByText('exit code 3').waitFor()
  await page.getByText(/^Took/).waitFor()
  assert.equal(await page.getByRole('button', { name: 'Cancel' }).count(), 0)
})

test('after a break of the stream the log goes on without a gap or a repetition', {
  skip: leftOut,
}, async t => {
  const { page, task, expectedErrors } = await openTask(t)
  expectedErrors.push(/net::ERR_/)
  startScript(task)
  task.log('web01', 'line 1')
  await page.getByText('line 1', { exact: true }).waitFor()
  task.cutStreams()
  task.log('web01', 'line 2')
  await page.getByText('line 2', { exact: true }).waitFor()
  assert.equal(task.resumes.at(-1), '1')
  task.log('web01', 'line 3')
  await page.getByText('line 3', { exact: true }).waitFor()
  assert.equal(await page.getByText(/^line \d$/).count(), 3)
  await page.getByText('3 lines').waitFor()
})

test('a server that restarts is told of, and the log goes on when it is back', { skip: leftOut }, async t => {
  const { page, task, fake, expectedErrors } = await openTask(t)
  expectedErrors.push(/net::ERR_/)
  startScript(task)
  task.log('web01', 'before')
  await page.getByText('before', { exact: true }).waitFor()
  await fake.stop()
  await page.getByText(/Connection lost, trying again/).waitFor()
  await page.getByText('The server does not answer. What you see may be out of date').waitFor()
  task.log('web01', 'after')
  await fake.start()
  await page.getByText('after', { exact: true }).waitFor()
  await page.getByText('before', { exact: true }).waitFor()
})

test('a task is cancelled after a question', { skip: leftOut }, async t => {
  const { page, task, fake } = await openTask(t)
  startScript(task)
  await page.getByRole('button', { name: 'Cancel' }).click()
  const dialog = page.getByRole('dialog', { name: 'Cancel this task?' })
  await dialog.getByRole('button', { name: 'Let it run' }).click()
  await dialog.waitFor({ state: 'hidden' })
  assert.ok(!fake.requests.includes(`POST /api/tasks/${task.id}/cancel`))

  await page.getByRole('button', { name: 'Cancel' }).click()
  await dialog.getByRole('button', { name: 'Cancel the task' }).click()
  await page.getByRole('button', { name: 'Cancelling …' }).waitFor()
  assert.ok(fake.requests.includes(`POST /api/tasks/${task.id}/cancel`))
  task.finish('Canceled')
  await page.getByRole('status').getByText('Cancelled').waitFor()
})

test('a refused cancel shows why and leaves the task alone', { skip: leftOut }, async t => {
  const { page, task, fake, expectedErrors } = await openTask(t)
  expectedErrors.push(/403 \(Forbidden\)/)
  startScript(task)
  fake.failNext(`/api/tasks/${task.id}/cancel`, 403, { ErrorMessage: 'You need the permission TaskCancel.' })
  await page.getByRole('button', { name: 'Cancel' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('button', { name: 'Cancel the task' }).click()
  await dialog.getByText('You need the permission TaskCancel.').waitFor()
})

test('activities fold with the keyboard, and verbose lines show on request', { skip: leftOut }, async t => {
  const { page, task } = await openTask(t)
  startScript(task)
  task.log('web01', 'quiet detail', 'Verbose')
  task.log('web01', 'plain line')
  await page.getByText('plain line').waitFor()
  assert.equal(await page.getByText('quiet detail').count(), 0)
  await page.getByRole('switch', { name: 'Verbose' }).check()
  await page.getByText('quiet detail').waitFor()

  const head = page.getByRole('button', { name: /Run script on: web01/ })
  await head.focus()
  await page.keyboard.press('Enter')
  await page.getByText('plain line').waitFor({ state: 'detached' })
  assert.equal(await head.getAttribute('aria-expanded'), 'false')
  await page.getByRole('button', { name: 'Expand all' }).click()
  await page.getByText('plain line').waitFor()
  await page.getByRole('button', { name: 'Collapse all' }).click()
  await page.getByText('plain line').waitFor({ state: 'detached' })
  await head.waitFor()
})

test('the raw log downloads whole', { skip: leftOut }, async t => {
  const { page, task } = await openTask(t)
  startScript(task)
  task.log('web01', 'kept for later')
  const download = page.waitForEvent('download')
  await page.getByRole('link', { name: 'Raw log' }).click()
  const file = await download
  assert.equal(file.suggestedFilename(), `${task.id}.log.txt`)
  assert.equal(await file.failure(), null)
})

test('the view follows new lines until the reader scrolls up, and again at the end', {
  skip: leftOut,
}, async t => {
  const { page, task } = await openTask(t)
  startScript(task)
  const write = (from: number, to: number) => {
    for (let number = from; number <= to; number += 1) task.log('web01', `line ${number}`)
  }
  write(1, 200)
  await page.getByText('line 200', { exact: true }).waitFor()
  assert.ok((await distanceFromEnd(page)) < 2)

  await log(page).hover()
  await page.mouse.wheel(0, -600)
  const follow = page.getByRole('switch', { name: 'Follow' })
  await page.waitForFunction(() => !document.querySelector<HTMLInputElement>('input[role=switch]')?.checked)
  const place = await log(page).evaluate(element => element.scrollTop)
  write(201, 260)
  await page.getByText('260 lines').waitFor()
  assert.equal(await log(page).evaluate(element => element.scrollTop), place)

  await log(page).evaluate(element => element.scrollTo(0, element.scrollHeight))
  await page.waitForFunction(() => document.querySelector<HTMLInputElement>('input[role=switch]')?.checked)
  write(261, 300)
  await page.getByText('line 300', { exact: true }).waitFor()
  assert.ok(await follow.isChecked())
})

test('a hundred thousand lines do not freeze the page', { skip: leftOut }, async t => {
  const { page, task } = await openTask(t)
  startScript(task)
  await page.evaluate(() => {
    window.longestTaskMs = 0
    new PerformanceObserver(list => {
      for (const { duration } of list.getEntries())
        window.longestTaskMs = Math.max(window.longestTaskMs, duration)
    }).observe({ type: 'longtask' })
  })
  for (let number = 1; number <= 100_000; number += 1)
    task.log('web01', `line ${number} of a script that prints a lot`)
  task.activity({ id: 'web01', status: 'Success' })
  task.finish('Success')
  await page.getByText(/^100\s000 lines$/).waitFor({ timeout: 60_000 })
  await page.getByText('line 100000 of a script that prints a lot').waitFor()
  const rows = await log(page).evaluate(element => element.querySelectorAll('div').length)
  assert.ok(rows < 300, `${rows} elements are drawn`)
  const ms = await page.evaluate(() => window.longestTaskMs)
  assert.ok(ms < 1_500, `the page did not react for ${ms} ms`)

  await log(page).evaluate(element => element.scrollTo(0, element.scrollHeight / 2))
  await page
    .getByText(/^line 4[0-9]{4} |^line 5[0-9]{4} /)
    .first()
    .waitFor()
})

test('long lines are whole with wrapping, in the room that they need', { skip: leftOut }, async t => {
  const { page, task } = await openTask(t, { width: 400, height: 860 })
  startScript(task)
  task.log('web01', `${'x'.repeat(500)}END`)
  task.log('web01', 'the next line')
  const long = page.getByText(/x{500}END/)
  await long.waitFor()
  const lineBox = await long.boundingBox()
  const nextBox = await page.getByText('the next line').boundingBox()
  assert.ok(lineBox && nextBox)
  assert.ok(lineBox.width < 400, 'the line fits the window')
  assert.ok(lineBox.y + lineBox.height <= nextBox.y + 1, 'the next line begins below it')
  assert.ok(nextBox.y - (lineBox.y + lineBox.height) < 21, 'there is no hole between them')
})
