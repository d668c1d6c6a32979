import { ActionIcon, NativeSelect } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link, Outlet, useLocation, useNavigate, useParams } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { useEffect, useRef, useState } from 'react'
import { queries } from '../api/queries.ts'
import { useLiveLists } from '../live/use-live-lists.ts'
import { type Glyph, Icon } from '../parts/icons.tsx'
import { Logo } from '../parts/logo.tsx'
import { useApi } from './api-context.ts'
import { ConnectionNote } from './connection-note.tsx'
import styles from './shell.module.css'
import { UserMenu } from './user-menu.tsx'

/** What stands around every page once somebody is signed in. */
export function Shell(): ReactNode {
  const live = useLiveLists()
  const { pathname } = useLocation()
  const [isOpen, setOpen] = useState(false)
  const content = useRef<HTMLElement>(null)
  const shownPath = useRef(pathname)

  useEffect(() => {
    if (shownPath.current === pathname) return
    shownPath.current = pathname
    setOpen(false)
    // A new page is read from its beginning, also by a screen reader.
    content.current?.focus({ preventScroll: true })
  }, [pathname])

  return (
    <div className={styles.shell}>
      <button type="button" className={styles.skip} onClick={() => content.current?.focus()}>
        Skip to the content
      </button>
      <section className={styles.side} data-open={isOpen} aria-label="Tentacle">
        <div className={styles.top}>
          <Link to="/" className={styles.brand} aria-label="Tentacle, to the dashboard">
            <Logo />
            <span>Tentacle</span>
          </Link>
          <ActionIcon
            className={styles.burger}
            variant="transparent"
            size="lg"
            aria-expanded={isOpen}
            aria-controls="navigation"
            aria-label={isOpen ? 'Close the menu' : 'Open the menu'}
            onClick={() => setOpen(!isOpen)}
          >
            <Icon name={isOpen ? 'close' : 'menu'} size={20} />
          </ActionIcon>
        </div>
        <div className={styles.drawer} id="navigation">
          <SpaceChoice />
          <Navigation />
          <UserMenu />
        </div>
      </section>
      <main
        className={styles.content}
        id="content"
        ref={content}
        tabIndex={-1}
        data-scroll-restoration-id="content"
      >
        <ConnectionNote state={live} />
        <Outlet />
      </main>
    </div>
  )
}

function Navigation(): ReactNode {
  const { space } = useParams({ from: '/inside/$space' })
  const here = { params: { space }, className: styles.item, activeProps: { 'data-here': true } }
  return (
    <nav aria-label="Main">
      <ul className={styles.items}>
        <li>
          <Link to="/$space" {...here} activeOptions={{ exact: true, includeSearch: false }}>
            <Item icon="dashboard" label="Dashboard" />
          </Link>
        </li>
        <li>
          <Link to="/$space/infrastructure/machines" {...here} activeOptions={{ includeSearch: false }}>
            <Item icon="target" label="Deployment targets" />
          </Link>
        </li>
        <li>
          <Link to="/$space/infrastructure/connect" {...here}>
            <Item icon="plug" label="Connect a Tentacle" />
          </Link>
        </li>
        <li>
          <Link to="/$space/tasks" {...here} activeOptions={{ exact: true, includeSearch: false }}>
            <Item icon="task" label="Tasks" />
          </Link>
        </li>
        <li>
          <Link to="/$space/tasks/console" {...here} activeOptions={{ includeSearch: false }}>
            <Item icon="script" label="Script console" />
          </Link>
        </li>
        <li>
          <Link to="/$space/library/packages" {...here} activeOptions={{ includeSearch: false }}>
            <Item icon="package" label="Packages" />
          </Link>
        </li>
      </ul>
    </nav>
  )
}

function Item({ icon, label }: { icon: Glyph; label: string }): ReactNode {
  return (
    <>
      <Icon name={icon} />
      <span>{label}</span>
    </>
  )
}

/** Only where there is something to choose from. */
function SpaceChoice(): ReactNode {
  const api = useApi()
  const navigate = useNavigate()
  const { space } = useParams({ from: '/inside/$space' })
  const { data: user } = useQuery(queries.me(api))
  const { data: spaces = [] } = useQuery({
    ...queries.spaces(api, user?.id ?? ''),
    enabled: user !== undefined,
  })
  if (spaces.length < 2) return null
  return (
    <NativeSelect
      className={styles.spaces ?? ''}
      aria-label="Space"
      value={space}
      data={spaces.map(({ id, name }) => ({ value: id, label: name }))}
      onChange={event => void navigate({ to: '/$space', params: { space: event.currentTarget.value } })}
    />
  )
}
