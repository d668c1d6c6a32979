import { type MantineColorScheme, Menu, UnstyledButton, useMantineColorScheme } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { queries } from '../api/queries.ts'
import { signOut } from '../api/users.ts'
import { Icon } from '../parts/icons.tsx'
import { useApi } from './api-context.ts'
import styles from './shell.module.css'

const schemes = [
  { value: 'auto', label: 'As the system' },
  { value: 'light', label: 'Light' },
  { value: 'dark', label: 'Dark' },
] as const

/** Who is signed in, how the page looks, and the way out. */
export function UserMenu(): ReactNode {
  const api = useApi()
  const cache = useQueryClient()
  const navigate = useNavigate()
  const { data: user } = useQuery(queries.me(api))
  const { data: server } = useQuery(queries.serverRoot(api))
  // Holding transitions back would take an inline style, which the content security policy forbids.
  const { colorScheme, setColorScheme } = useMantineColorScheme({ keepTransitions: true })
  const leave = useMutation({
    mutationFn: () => signOut(api),
    async onSettled() {
      await navigate({ to: '/sign-in' })
      cache.clear()
    },
  })

  return (
    <Menu position="top-start" width={230} withinPortal={false} withInitialFocusPlaceholder={false}>
      <Menu.Target>
        <UnstyledButton className={styles.user ?? ''}>
          <Icon name="user" />
          <span className={styles.userName}>{user?.displayName ?? '…'}</span>
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>Signed in as {user?.userName}</Menu.Label>
        <Menu.Label>Colours</Menu.Label>
        <Menu.RadioGroup value={colorScheme} onChange={value => setColorScheme(toScheme(value))}>
          {schemes.map(({ value, label }) => (
            <Menu.RadioItem key={value} value={value}>
              {label}
            </Menu.RadioItem>
          ))}
        </Menu.RadioGroup>
        <Menu.Divider />
        <Menu.Item onClick={() => leave.mutate()}>Sign out</Menu.Item>
        <Menu.Divider />
        <Menu.Label>Server version {server?.version}</Menu.Label>
      </Menu.Dropdown>
    </Menu>
  )
}

function toScheme(value: string): MantineColorScheme {
  return value === 'light' || value === 'dark' ? value : 'auto'
}
