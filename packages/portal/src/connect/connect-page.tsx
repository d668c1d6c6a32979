import {
  Autocomplete,
  Button,
  NumberInput,
  SegmentedControl,
  Skeleton,
  TagsInput,
  TextInput,
} from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { useState } from 'react'
import { queries } from '../api/queries.ts'
import { createApiKey } from '../api/users.ts'
import { useApi } from '../app/api-context.ts'
import { CopyButton } from '../parts/copy-text.tsx'
import { ErrorPanel } from '../parts/error-panel.tsx'
import { Icon } from '../parts/icons.tsx'
import { KeyValue, KeyValues } from '../parts/key-values.tsx'
import { Page } from '../parts/page.tsx'
import { Panel } from '../parts/panel.tsx'
import { Arrivals } from './arrivals.tsx'
import styles from './connect-page.module.css'
import { type Registration, registrationSteps } from './register-commands.ts'

/** Shows what a machine needs to know of this server, and the commands that connect it. */
export function ConnectPage(): ReactNode {
  const api = useApi()
  const { space } = useParams({ from: '/inside/$space/infrastructure/connect' })
  const { data: user } = useQuery(queries.me(api))
  const { data: spaces } = useQuery({ ...queries.spaces(api, user?.id ?? ''), enabled: user !== undefined })
  const certificate = useQuery(queries.certificate(api))
  const [form, setForm] = useState<Form>({
    style: 'listening',
    apiKey: '',
    name: '',
    environment: undefined,
    roles: [],
    commsPort: 10943,
    listenPort: 10933,
  })
  const environments = useQuery(queries.environments(api, space))
  const here = spaces?.find(({ id }) => id === space)
  const serverUrl = api.url('').replace(/\/$/, '')
  const thumbprint = certificate.data?.thumbprint ?? ''
  const registration: Registration = {
    ...form,
    environment: form.environment ?? environments.data?.[0]?.name ?? '',
    serverUrl,
    thumbprint,
    space: here && !here.isDefault ? here.name : undefined,
  }

  return (
    <Page
      title="Connect a Tentacle"
      lead="A Tentacle on a machine makes it a deployment target of this server"
    >
      <Panel title="This server">
        {certificate.isError ? (
          <ErrorPanel
            title="The server's certificate could not be loaded"
            error={certificate.error}
            onRetry={() => void certificate.refetch()}
          />
        ) : null}
        {certificate.isPending ? <Skeleton height={70} /> : null}
        {certificate.data ? (
          <KeyValues>
            <KeyValue name="Thumbprint">
              <span className={styles.copied}>
                <code className={styles.thumbprint}>{thumbprint}</code>
                <CopyButton text={thumbprint} what="the thumbprint" />
              </span>
              <span className={styles.hint}>
                A Tentacle obeys only servers whose certificate has a thumbprint that it trusts.
              </span>
            </KeyValue>
            <KeyValue name="Address">
              <code>{serverUrl}</code>
            </KeyValue>
          </KeyValues>
        ) : null}
      </Panel>
      <div className={styles.columns}>
        <Panel title="The new machine">
          <Choices
            form={form}
            environment={registration.environment}
            environments={environments.data?.map(({ name }) => name) ?? []}
            onChange={part => setForm({ ...form, ...part })}
          />
        </Panel>
        <Panel title="Commands">
          <p className={styles.lead}>Run these on the machine, where the Tentacle is installed.</p>
          <ol className={styles.steps}>
            {registrationSteps(registration).map(({ title, command }) => (
              <li key={title}>
                <div className={styles.stepHead}>
                  <span>{title}</span>
                  <CopyButton text={command} what="the command" />
                </div>
                {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a part that scrolls must be reachable for those without a mouse */}
                <pre className={styles.command} tabIndex={0}>
                  {command}
                </pre>
              </li>
            ))}
          </ol>
          <Arrivals space={space} />
        </Panel>
      </div>
    </Page>
  )
}

interface Form
  extends Pick<Registration, 'style' | 'apiKey' | 'name' | 'roles' | 'commsPort' | 'listenPort'> {
  /** `undefined` until somebody typed one: then the first of the space is proposed. */
  readonly environment: string | undefined
}

function Choices({
  form,
  environment,
  environments,
  onChange,
}: {
  form: Form
  environment: string
  environments: readonly string[]
  onChange: (part: Partial<Form>) => void
}): ReactNode {
  const isListening = form.style === 'listening'
  return (
    <div className={styles.choices}>
      <div>
        <SegmentedControl
          fullWidth
          aria-label="How server and Tentacle reach each other"
          value={form.style}
          data={[
            { value: 'listening', label: 'Listening' },
            { value: 'polling', label: 'Polling' },
          ]}
          onChange={style => onChange({ style })}
        />
        <p className={styles.hint}>
          {isListening
            ? 'The server connects to the Tentacle: the machine needs an open port and a name that the server can resolve.'
            : 'The Tentacle connects to the server: nothing on the machine needs to be open. For machines behind NAT or a firewall.'}
        </p>
      </div>
      <ApiKeyField value={form.apiKey} onChange={apiKey => onChange({ apiKey })} />
      <TextInput
        label="Name"
        placeholder="The machine's own name"
        value={form.name}
        onChange={event => onChange({ name: event.currentTarget.value })}
      />
      <Autocomplete
        label="Environment"
        data={[...environments]}
        value={environment}
        onChange={value => onChange({ environment: value })}
      />
      <TagsInput
        label="Roles"
        description="What the machine does, such as web; Enter adds one"
        value={[...form.roles]}
        onChange={roles => onChange({ roles })}
      />
      {isListening ? (
        <NumberInput
          label="Port of the Tentacle"
          value={form.listenPort}
          min={1}
          max={65535}
          hideControls
          onChange={value => onChange({ listenPort: Number(value) || 10933 })}
        />
      ) : (
        <NumberInput
          label="Port of this server for Tentacles"
          value={form.commsPort}
          min={1}
          max={65535}
          hideControls
          onChange={value => onChange({ commsPort: Number(value) || 10943 })}
        />
      )}
    </div>
  )
}

/** The machine signs in once with an API key. The key made here is shown only now. */
function ApiKeyField({ value, onChange }: { value: string; onChange: (key: string) => void }): ReactNode {
  const api = useApi()
  const { data: user } = useQuery(queries.me(api))
  const make = useMutation({
    mutationFn: () => createApiKey(api, user?.id ?? '', 'Connect Tentacles'),
    onSuccess: onChange,
  })
  return (
    <div>
      <div className={styles.key}>
        <TextInput
          label="API key"
          placeholder="API-…"
          value={value}
          onChange={event => onChange(event.currentTarget.value.trim())}
        />
        <Button
          variant="default"
          leftSection={<Icon name="key" />}
          loading={make.isPending}
          disabled={user === undefined}
          onClick={() => make.mutate()}
        >
          Make one
        </Button>
      </div>
      {make.data === undefined ? (
        <p className={styles.hint}>The machine proves with it that it may register.</p>
      ) : (
        <p className={styles.hint} role="status">
          Made. It is not shown again: keep it if you connect more machines later.
        </p>
      )}
      {make.isError ? <ErrorPanel title="No key was made" error={make.error} /> : null}
    </div>
  )
}
