import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, type TestContext } from 'node:test'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { closeAfter } from './closing.ts'
import { type FakeServer, password, startFakeServer, userName } from './fake-server.ts'
import { readFiles, type StaticFiles } from './static-files.ts'

/** The one without a window needs half the processor time of the whole browser. */
const installed = ['/usr/bin/chromium-headless-shell', '/usr/bin/chromium'].find(path => existsSync(path))
const executablePath = process.env.CHROMIUM_PATH ?? installed
/** The built portal. */
export const dist = join(import.meta.dirname, '../dist')

/** Why the browser tests cannot run here, or `false` when they can. Given to `skip` of each test. */
export const leftOut: string | false =
  executablePath !== undefined && existsSync(executablePath)
    ? false
    : 'needs a browser: install the Debian package "chromium-headless-shell" or "chromium", or set CHROMIUM_PATH'

/** A browser with the portal open in it. */
export interface OpenPortal extends OpenPage {
  readonly fake: FakeServer
  /** Goes to a path inside the portal, such as `/Spaces-1/tasks`. */
  go(path: string): Promise<void>
  /** Signs in by a request, without the sign-in page, and goes to a path; the front page leads to the dashboard. */
  signIn(path?: string): Promise<void>
}

/** How the browser and the server are set up. */
export interface PortalOptions {
  readonly folder?: string
  readonly width?: number
  readonly height?: number
  readonly scheme?: 'light' | 'dark'
  readonly fill?: (fake: FakeServer) => void
}

/** A page in a browser, and the console errors that the test expects on it. */
export interface OpenPage {
  readonly page: Page
  readonly context: BrowserContext
  readonly expectedErrors: RegExp[]
}

/**
 * Opens an empty page. After the test it is closed, and the test fails when the page wrote an error to its console or
 * asked anything of another host than the one of `url`.
 */
export async function openPage(t: TestContext, url: string, options: PortalOptions): Promise<OpenPage> {
  const context = await (await sharedBrowser()).newContext({
    viewport: { width: options.width ?? 1280, height: options.height ?? 800 },
    colorScheme: options.scheme ?? 'light',
    reducedMotion: 'reduce',
  })
  const page = await context.newPage()
  page.setDefaultTimeout(30_000)
  const problems: string[] = []
  const expectedErrors: RegExp[] = []
  page.on('console', message => {
    if (message.type() !== 'error' && message.type() !== 'warning') return
    problems.push(`${message.text()} (${message.location().url})`)
  })
  page.on('pageerror', error => problems.push(String(error)))
  page.on('request', request => {
    if (!request.url().startsWith(new URL(url).origin)) problems.push(`asked another host: ${request.url()}`)
  })
  closeAfter(t, async () => {
    await context.close()
    const unexpected = problems.filter(problem => !expectedErrors.some(expected => expected.test(problem)))
    if (unexpected.length > 0) throw new Error(`The page reported problems:\n${unexpected.join('\n')}`)
  })
  return { page, context, expectedErrors }
}

/** Opens the built portal in a browser against a fake server of its own. After the test everything is closed. */
export async function openPortal(t: TestContext, options: PortalOptions = {}): Promise<OpenPortal> {
  if (!existsSync(join(dist, 'index.html'))) {
    throw new Error('packages/portal/dist is missing. Build it first: npm run build -w @tentacle/portal')
  }
  files ??= readFiles(dist)
  const fake = await startFakeServer({ files, ...(options.folder ? { folder: options.folder } : {}) })
  closeAfter(t, () => fake.stop())
  options.fill?.(fake)
  const opened = await openPage(t, fake.url, options)
  const { page } = opened
  const go = async (path: string): Promise<void> => {
    await page.goto(`${fake.url}app${path}`)
  }
  return {
    ...opened,
    fake,
    go,
    async signIn(path = '/') {
      const data = { Username: userName, Password: password }
      const answer = await opened.context.request.post(`${fake.url}api/users/login`, { data })
      if (!answer.ok()) throw new Error(`The fake server answered the sign-in with ${answer.status()}.`)
      await go(path)
      await page.getByRole('main').waitFor()
    },
  }
}

let files: StaticFiles | undefined
let browser: Promise<Browser> | undefined
const home = mkdtempSync(join(tmpdir(), 'portal-browser-'))

after(async () => {
  await (await browser)?.close()
  rmSync(home, { recursive: true, force: true })
})

/** One browser serves all tests of a file; each test has cookies, storage and cache of its own. */
function sharedBrowser(): Promise<Browser> {
  browser ??= chromium.launch({
    ...(executablePath !== undefined && { executablePath }),
    env: { ...process.env, HOME: home },
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
  return browser
}
