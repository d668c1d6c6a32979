import { Button, PasswordInput, TextInput } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useRouter, useSearch } from '@tanstack/react-router'
import type { FormEvent, ReactNode } from 'react'
import { useEffect, useRef } from 'react'
import { queries } from '../api/queries.ts'
import { getCurrentUser, signIn } from '../api/users.ts'
import { useApi } from '../app/api-context.ts'
import { ErrorPanel } from '../parts/error-panel.tsx'
import { Logo } from '../parts/logo.tsx'
import { Notice } from '../parts/notice.tsx'
import { safeReturnPath } from './return-path.ts'
import styles from './sign-in-page.module.css'

/** Asks for name and password and goes on to the page that was asked for. */
export function SignInPage(): ReactNode {
  const api = useApi()
  const cache = useQueryClient()
  const router = useRouter()
  const { returnTo, ended } = useSearch({ from: '/sign-in' })
  const password = useRef<HTMLInputElement>(null)
  const server = useQuery(queries.serverRoot(api))

  const entry = useMutation({
    async mutationFn({ name, secret }: { name: string; secret: string }) {
      await signIn(api, name, secret)
      return getCurrentUser(api)
    },
    onSuccess(user) {
      cache.setQueryData(queries.me(api).queryKey, user)
      router.history.replace(`${router.basepath.replace(/\/$/, '')}${safeReturnPath(returnTo)}`)
    },
    onError: () => password.current?.select(),
  })

  useEffect(() => {
    document.title = 'Sign in · Tentacle'
  }, [])

  function submit(event: FormEvent<HTMLFormElement>): void {
    event.preventDefault()
    const fields = new FormData(event.currentTarget)
    entry.mutate({ name: String(fields.get('username')), secret: String(fields.get('password')) })
  }

  return (
    <main className={styles.page}>
      <form className={styles.card} onSubmit={submit}>
        <div className={styles.brand}>
          <Logo size={40} />
          <div>
            <h1 className={styles.title}>Sign in to Tentacle</h1>
            <div className={styles.host}>{location.host}</div>
          </div>
        </div>
        {ended && !entry.isError ? (
          <Notice tone="warn">Your session has ended. Sign in again to go on where you were.</Notice>
        ) : null}
        {entry.isError ? <ErrorPanel title="That did not work" error={entry.error} /> : null}
        {server.isError && !entry.isError ? (
          <ErrorPanel
            title="The server cannot be reached"
            error={server.error}
            onRetry={() => void server.refetch()}
          />
        ) : null}
        <TextInput
          label="User name"
          name="username"
          autoComplete="username"
          size="md"
          required
          autoFocus
          withAsterisk={false}
        />
        <PasswordInput
          label="Password"
          name="password"
          autoComplete="current-password"
          size="md"
          required
          withAsterisk={false}
          ref={password}
          visibilityToggleButtonProps={{ 'aria-label': 'Show the password' }}
        />
        <Button type="submit" size="md" fullWidth loading={entry.isPending}>
          Sign in
        </Button>
      </form>
      <p className={styles.note}>An independent, open implementation. Not made by Octopus Deploy.</p>
    </main>
  )
}
