import { Skeleton, Table, TextInput } from '@mantine/core'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useNavigate, useParams, useSearch } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { type Package, packageUrl } from '../api/packages.ts'
import { queries } from '../api/queries.ts'
import { useApi } from '../app/api-context.ts'
import { Age } from '../parts/age.tsx'
import { EmptyState } from '../parts/empty-state.tsx'
import { ErrorPanel } from '../parts/error-panel.tsx'
import { Icon } from '../parts/icons.tsx'
import linkStyles from '../parts/link.module.css'
import { Page } from '../parts/page.tsx'
import { Panel } from '../parts/panel.tsx'
import { count } from '../text/count.ts'
import { formatSize } from '../text/size.ts'
import { groupPackages, type PackageGroup } from './package-groups.ts'
import styles from './packages-page.module.css'
import { UploadPanel } from './upload-panel.tsx'

/** What the server's own feed holds, with a place to put more. */
export function PackagesPage(): ReactNode {
  const api = useApi()
  const { space } = useParams({ from: '/inside/$space/library/packages' })
  const { filter = '' } = useSearch({ from: '/inside/$space/library/packages' })
  const navigate = useNavigate({ from: '/$space/library/packages' })
  const packages = useQuery({ ...queries.packages(api, space, filter), placeholderData: keepPreviousData })
  const groups = groupPackages(packages.data?.items ?? [])
  const missing = (packages.data?.total ?? 0) - (packages.data?.items.length ?? 0)

  return (
    <Page title="Packages" lead="What this server can deploy: its own package feed">
      <UploadPanel />
      <Panel
        title={packages.data ? count(groups.length, 'package') : 'Packages'}
        flush
        actions={
          <TextInput
            size="xs"
            type="search"
            aria-label="Filter packages by name"
            placeholder="Part of the name"
            leftSection={<Icon name="search" size={14} />}
            value={filter}
            onChange={event => {
              const text = event.currentTarget.value
              void navigate({ search: text === '' ? {} : { filter: text }, replace: true })
            }}
          />
        }
      >
        {packages.isError ? (
          <div className={styles.inset}>
            <ErrorPanel
              title="The packages could not be loaded"
              error={packages.error}
              onRetry={() => void packages.refetch()}
            />
          </div>
        ) : null}
        {packages.isPending ? (
          <div className={styles.inset}>
            <Skeleton height={120} />
          </div>
        ) : null}
        {packages.data && groups.length === 0 ? (
          filter === '' ? (
            <EmptyState icon="package" title="The feed is empty">
              Upload a package above, or push one with a client: its command is the same as for other servers
              of this kind.
            </EmptyState>
          ) : (
            <EmptyState icon="search" title={`No package has “${filter}” in its name`} />
          )
        ) : null}
        {groups.length > 0 ? <PackageTable groups={groups} /> : null}
        {missing > 0 ? (
          <p className={styles.missing}>
            {count(missing, 'more version')} not shown. Narrow the list by a part of the name.
          </p>
        ) : null}
      </Panel>
    </Page>
  )
}

function PackageTable({ groups }: { groups: readonly PackageGroup[] }): ReactNode {
  return (
    <Table className={styles.table ?? ''} aria-label="Packages" highlightOnHover>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Package</Table.Th>
          <Table.Th>Newest version</Table.Th>
          <Table.Th data-part="size">Size</Table.Th>
          <Table.Th data-part="published">Stored</Table.Th>
          <Table.Th data-part="versions">Older versions</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {groups.map(({ packageId, newest, versions }) => (
          <Table.Tr key={packageId}>
            <Table.Td data-part="name">{packageId}</Table.Td>
            <Table.Td data-part="version">
              <Download item={newest} />
            </Table.Td>
            <Table.Td data-part="size">{formatSize(newest.size)}</Table.Td>
            <Table.Td data-part="published">
              <Age moment={newest.published} />
            </Table.Td>
            <Table.Td data-part="versions">
              {versions.length > 1 ? <OlderVersions versions={versions.slice(1)} /> : '–'}
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  )
}

function OlderVersions({ versions }: { versions: readonly Package[] }): ReactNode {
  return (
    <details className={styles.older}>
      <summary>{count(versions.length, 'version')}</summary>
      <ul>
        {versions.map(item => (
          <li key={item.id}>
            <Download item={item} /> <span className={styles.soft}>{formatSize(item.size)}</span>
          </li>
        ))}
      </ul>
    </details>
  )
}

function Download({ item }: { item: Package }): ReactNode {
  const api = useApi()
  const { space } = useParams({ from: '/inside/$space/library/packages' })
  return (
    <a
      className={linkStyles.link}
      href={packageUrl(api, space, item.id)}
      download={`${item.packageId}.${item.version}${item.extension}`}
      aria-label={`Download ${item.packageId} ${item.version}`}
    >
      {item.version}
    </a>
  )
}
