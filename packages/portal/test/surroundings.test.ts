import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import type { Locator, Page } from 'playwright-core'
import { leftOut, openPortal } from './browser.ts'
import { fillTypical } from './fake-content.ts'

/** Every page with something in it, and the heading that shows that it is there. */
const pages = [
  ['/Spaces-1', 'Dashboard'],
  ['/Spaces-1/infrastructure/machines', 'Deployment targets'],
  ['/Spaces-1/infrastructure/machines/Machines-1', 'web01'],
  ['/Spaces-1/infrastructure/connect', 'Connect a Tentacle'],
  ['/Spaces-1/tasks', 'Tasks'],
  ['/Spaces-1/tasks/ServerTasks-4', 'Deploy Web shop release 1.5.0-beta.2 to Development'],
  ['/Spaces-1/tasks/console', 'Script console'],
  ['/Spaces-1/library/packages', 'Packages'],
] as const

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

interface Violation {
  readonly id: string
  readonly help: string
  readonly nodes: readonly { readonly html: string }[]
}

declare global {
  interface Window {
    /** What the script of axe-core puts there. */
    axe: { run(options: object): Promise<{ readonly violations: readonly Violation[] }> }
  }
}

/** What axe-core finds wrong on the page as it stands, one line each. */
async function findFaults(page: Page): Promise<string[]> {
  return page.evaluate(async () => {
    const runOnly = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice']
    const { violations } = await window.axe.run({ runOnly })
    return violations.flatMap(({ id, help, nodes }) =>
      nodes.map(({ html }) => `${id}: ${help}: ${html.slice(0, 200)}`),
    )
  })
}

/** Colours fade into those of another scheme, and what lies between counts for nothing. */
async function endOfTransitions(page: Page): Promise<void> {
  await page.evaluate(async () => {
    const transitions = document.getAnimations().filter(animation => animation instanceof CSSTransition)
    await Promise.allSettled(transitions.map(({ finished }) => finished))
  })
}

type Scheme = 'light' | 'dark'
const otherScheme = { light: 'dark', dark: 'light' } as const

test('no page has a fault that axe-core knows, in the light and the dark scheme', {
  skip: leftOut,
}, async t => {
  let scheme: Scheme = 'light'
  const { page, signIn, go, fake } = await openPortal(t, { scheme, fill: fillTypical })
  const task = fake.tasks.get('ServerTasks-4')
  task?.activity({ id: 'root', name: 'Deploy' })
  for (const category of ['Info', 'Verbose', 'Warning', 'Error', 'Highlight', 'Wait'])
    task?.log('root', 'text', category)
  for (let color = 30; color < 38; color += 1)
    task?.log('root', `\u001b[${color}mcolour\u001b[${color + 10}mground`)
  const faults: string[] = []

  /** Looks at the page in the scheme it is in and in the other one, in which the next page will be opened. */
  const examine = async (place: string) => {
    await page.evaluate(axeSource)
    for (const next of [scheme, otherScheme[scheme]]) {
      scheme = next
      await page.emulateMedia({ colorScheme: scheme })
      await page.locator(`html[data-mantine-color-scheme="${scheme}"]`).waitFor()
      await endOfTransitions(page)
      faults.push(...(await findFaults(page)).map(fault => `${place}, ${scheme}: ${fault}`))
    }
  }

  await go('/sign-in')
  await page.getByLabel('User name').waitFor()
  await examine('sign-in')
  await signIn()
  for (const [path, heading] of pages) {
    await go(path)
    await page.getByRole('heading', { level: 1, name: heading }).waitFor()
    await page.locator('.mantine-Skeleton-root').first().waitFor({ state: 'detached' })
    if (path.endsWith('ServerTasks-4')) await page.getByRole('switch', { name: 'Verbose' }).check()
    await examine(path)
  }
  await go('/Spaces-1/tasks/ServerTasks-4')
  await page.getByRole('button', { name: 'Ada Admin' }).click()
  await page.getByRole('menuitem', { name: 'Sign out' }).waitFor()
  await examine('menu')
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: 'Cancel' }).click()
  await page.getByRole('dialog').waitFor()
  await examine('dialog')
  assert.deepEqual(faults, [])
})

test('every page fits a window of 400 pixels', { skip: leftOut }, async t => {
  const { page, signIn, go } = await openPortal(t, { width: 400, height: 860, fill: fillTypical })
  await signIn()
  for (const [path, heading] of pages) {
    await go(path)
    await page.getByRole('heading', { level: 1, name: heading }).waitFor()
    const overflow = await page.getByRole('main').evaluate(main => main.scrollWidth - main.clientWidth)
    assert.ok(overflow <= 0, `${path} is ${overflow} pixels too wide`)
  }
  await page.getByRole('button', { name: 'Open the menu' }).click()
  await page.getByRole('link', { name: 'Tasks', exact: true }).click()
  await page.getByRole('heading', { level: 1, name: 'Tasks' }).waitFor()
  assert.equal(
    await page.getByRole('button', { name: 'Open the menu' }).getAttribute('aria-expanded'),
    'false',
  )
})

test('behind a folder of a reverse proxy every link, request and refresh stays in it', {
  skip: leftOut,
}, async t => {
  const { page, signIn, fake } = await openPortal(t, { folder: '/octopus', fill: fillTypical })
  await signIn()
  assert.equal(new URL(page.url()).pathname, '/octopus/app/Spaces-1')
  await page.getByRole('link', { name: 'Deployment targets' }).click()
  await page.getByRole('link', { name: 'web01' }).click()
  await page.getByRole('heading', { level: 1, name: 'web01' }).waitFor()
  await page.reload()
  await page.getByRole('heading', { level: 1, name: 'web01' }).waitFor()
  assert.equal(new URL(page.url()).pathname, '/octopus/app/Spaces-1/infrastructure/machines/Machines-1')
  assert.ok(fake.requests.includes('GET /api/Spaces-1/machines/Machines-1'))
})

test('addresses that clients print after the # lead to their pages', { skip: leftOut }, async t => {
  const { page, signIn, go, fake } = await openPortal(t, { fill: fillTypical })
  await signIn()
  await page.goto('about:blank')
  await page.goto(`${fake.url}app#/Spaces-1/tasks/ServerTasks-6`)
  await page.getByRole('heading', { level: 1, name: 'Free disk space' }).waitFor()
  assert.equal(new URL(page.url()).pathname, '/app/Spaces-1/tasks/ServerTasks-6')
  await page.goto('about:blank')
  await page.goto(
    `${fake.url}app#/Spaces-1/projects/web-shop/deployments/releases/1.4.0/deployments/Deployments-2`,
  )
  await page.getByRole('heading', { level: 1, name: 'Deploy Web shop release 1.4.0 to Production' }).waitFor()
  await page.goto('about:blank')
  await page.goto(`${fake.url}app#/tasks/ServerTasks-6`)
  await page.getByRole('heading', { level: 1, name: 'Free disk space' }).waitFor()
  await go('/')
  await page.getByRole('heading', { level: 1, name: 'Dashboard' }).waitFor()
})

test('the colours can be chosen and stay chosen', { skip: leftOut }, async t => {
  const { page, signIn } = await openPortal(t, { scheme: 'light' })
  await signIn()
  const scheme = () => page.locator('html').getAttribute('data-mantine-color-scheme')
  assert.equal(await scheme(), 'light')
  await page.getByRole('button', { name: 'Ada Admin' }).click()
  await page.getByText('Dark', { exact: true }).click()
  assert.equal(await scheme(), 'dark')
  await page.reload({ waitUntil: 'commit' })
  await page.waitForFunction(() => document.documentElement.hasAttribute('data-mantine-color-scheme'))
  assert.equal(await scheme(), 'dark')
})

/** Presses Tab until the control has the focus. */
async function tabTo(page: Page, control: Locator): Promise<void> {
  for (let presses = 0; presses < 60; presses += 1) {
    if (await control.evaluate(element => element === document.activeElement)) return
    await page.keyboard.press('Tab')
  }
  throw new Error('The control cannot be reached with the Tab key.')
}

test('a script is run with the keyboard alone', { skip: leftOut }, async t => {
  const { page, signIn, fake } = await openPortal(t, { fill: fillTypical })
  await signIn('/Spaces-1/tasks/console')
  await page.getByRole('checkbox', { name: 'web01' }).waitFor()
  await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  assert.equal(
    await page.evaluate(() => document.activeElement?.id),
    'content',
    'the first stop skips the menu',
  )
  await tabTo(page, page.getByLabel('What it is for'))
  await page.keyboard.type('By keyboard')
  await tabTo(page, page.getByRole('textbox', { name: 'Script' }))
  await page.keyboard.type('true')
  await tabTo(page, page.getByRole('checkbox', { name: 'web01' }))
  await page.keyboard.press('Space')
  await tabTo(page, page.getByRole('button', { name: 'Run the script' }))
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { level: 1, name: 'By keyboard' }).waitFor()
  assert.equal(fake.lastTask()?.Description, 'By keyboard')
})

test('a page that is not seen lets its connections go and goes on where it was', {
  skip: leftOut,
}, async t => {
  const { page, signIn, fake, expectedErrors } = await openPortal(t, { fill: fillTypical })
  expectedErrors.push(/net::ERR_ABORTED/)
  const task = fake.tasks.get('ServerTasks-4')
  const show = (state: 'visible' | 'hidden') =>
    page.evaluate(value => {
      Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => value })
      document.dispatchEvent(new Event('visibilitychange'))
    }, state)
  await signIn('/Spaces-1/tasks/ServerTasks-4')
  task?.activity({ id: 'root', name: 'Deploy' })
  task?.log('root', 'seen')
  await page.getByText('seen', { exact: true }).waitFor()
  assert.equal(fake.openStreams(), 2)

  await show('hidden')
  await fake.until(() => fake.openStreams() === 0)
  task?.log('root', 'while away')
  await show('visible')
  await page.getByText('while away').waitFor()
  assert.deepEqual(task?.resumes.at(-1), '1')
})
