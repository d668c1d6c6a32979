import { Table } from '@mantine/core'
import type { ReactNode } from 'react'
import type { Environment } from '../api/environments.ts'
import type { Machine } from '../api/machines.ts'
import { Age } from '../parts/age.tsx'
import { Tags } from '../parts/key-values.tsx'
import { TextLink } from '../parts/link.tsx'
import { StateMark } from '../parts/state-mark.tsx'
import { healthLook, styleName } from '../text/states.ts'
import styles from './machine-table.module.css'

/** Targets, one in a row, each with a link to its page. */
export function MachineTable({
  machines,
  environments,
  space,
}: {
  machines: readonly Machine[]
  environments: readonly Environment[]
  space: string
}): ReactNode {
  const names = new Map(environments.map(({ id, name }) => [id, name]))
  return (
    <Table className={styles.table ?? ''} aria-label="Deployment targets" highlightOnHover>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Health</Table.Th>
          <Table.Th>Name</Table.Th>
          <Table.Th>Environments</Table.Th>
          <Table.Th>Roles</Table.Th>
          <Table.Th>Style</Table.Th>
          <Table.Th>Version</Table.Th>
          <Table.Th>Last check</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {machines.map(machine => (
          <Table.Tr key={machine.id}>
            <Table.Td data-part="health">
              <StateMark look={healthLook(machine.health, machine.isDisabled)} />
            </Table.Td>
            <Table.Td data-part="name">
              <TextLink
                to="/$space/infrastructure/machines/$machine"
                params={{ space, machine: machine.id }}
                className={styles.name}
              >
                {machine.name}
              </TextLink>
            </Table.Td>
            <Table.Td data-part="environments">
              {machine.environmentIds.map(id => names.get(id) ?? id).join(', ') || '–'}
            </Table.Td>
            <Table.Td data-part="roles">
              <Tags names={machine.roles} />
            </Table.Td>
            <Table.Td data-part="style">{styleName(machine.style)}</Table.Td>
            <Table.Td data-part="version">{machine.version ?? '–'}</Table.Td>
            <Table.Td data-part="checked">
              <Age moment={machine.lastChecked} never="–" />
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  )
}
