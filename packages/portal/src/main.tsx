import '@mantine/core/styles.layer.css'
import 'virtual:theme-variables.css'
import './app/fonts.css'
import './app/theme.css'
import { RouterProvider } from '@tanstack/react-router'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { ApiError } from './api/api-error.ts'
import { createApiClient } from './api/client.ts'
import { createCache } from './app/cache.ts'
import { Providers } from './app/providers.tsx'
import { createPortalRouter } from './app/router.tsx'
import { pathFromFragment } from './sign-in/return-path.ts'

// The one place that knows where the portal lives: the <base> of index.html, which the server adapts.
const base = new URL(document.baseURI)
const basePath = base.pathname.replace(/\/$/, '')

const fragmentPath = pathFromFragment(location.hash)
if (fragmentPath) history.replaceState(null, '', `${basePath}${fragmentPath}`)

const api = createApiClient({
  root: new URL('../', base).href,
  fetch: (url, init) => fetch(url, init),
  cookies: () => document.cookie,
})

const cache = createCache(() => {
  cache.clear()
  const { pathname, href } = router.state.location
  if (pathname === '/sign-in') return
  void router.navigate({ to: '/sign-in', search: { returnTo: href, ended: true }, replace: true })
})

const router = createPortalRouter(basePath, { api, cache })

const root = document.getElementById('root')
if (root) {
  const options = {
    // What the server refused is told on the page; only our own mistakes belong into the console.
    onCaughtError(error: unknown) {
      if (!(error instanceof ApiError)) console.error(error)
    },
  }
  createRoot(root, options).render(
    <StrictMode>
      <Providers api={api} cache={cache}>
        <RouterProvider router={router} />
      </Providers>
    </StrictMode>,
  )
}
