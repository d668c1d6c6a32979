import { Checkbox, MultiSelect, SegmentedControl, TextInput } from '@mantine/core'
import type { ReactNode } from 'react'
import { useState } from 'react'
import type { Environment } from '../api/environments.ts'
import type { Machine } from '../api/machines.ts'
import { filterMachines } from '../machines/machine-filter.ts'
import { Icon } from '../parts/icons.tsx'
import { StateMark } from '../parts/state-mark.tsx'
import { count } from '../text/count.ts'
import { healthLook } from '../text/states.ts'
import type { ScriptForm } from './script-request.ts'
import styles from './target-picker.module.css'

/** Chooses where a script runs: on targets one by one, or on all of some environments and roles. */
export function TargetPicker({
  form,
  machines,
  environments,
  onChange,
}: {
  form: ScriptForm
  machines: readonly Machine[]
  environments: readonly Environment[]
  onChange: (part: Partial<ScriptForm>) => void
}): ReactNode {
  const roles = [...new Set(machines.flatMap(machine => machine.roles))].toSorted()
  return (
    <div className={styles.picker}>
      <SegmentedControl
        size="xs"
        aria-label="Choose targets by"
        value={form.by}
        data={[
          { value: 'machines', label: 'Chosen targets' },
          { value: 'environments', label: 'Environments and roles' },
        ]}
        onChange={by => onChange({ by })}
      />
      {form.by === 'machines' ? (
        <MachineChoice
          machines={machines}
          chosen={form.machineIds}
          onChange={machineIds => onChange({ machineIds })}
        />
      ) : (
        <>
          <MultiSelect
            label="Environments"
            description="Targets in any of these"
            data={environments.map(({ id, name }) => ({ value: id, label: name }))}
            value={[...form.environmentIds]}
            onChange={environmentIds => onChange({ environmentIds })}
          />
          <MultiSelect
            label="Roles"
            description="that have any of these; none means every role"
            data={roles}
            value={[...form.roles]}
            onChange={chosen => onChange({ roles: chosen })}
          />
          <p className={styles.note} role="status">
            {count(fitting(machines, form).length, 'target')} fit now:{' '}
            {fitting(machines, form)
              .map(({ name }) => name)
              .join(', ') || 'none'}
          </p>
        </>
      )}
    </div>
  )
}

function fitting(machines: readonly Machine[], { environmentIds, roles }: ScriptForm): readonly Machine[] {
  if (environmentIds.length === 0 && roles.length === 0) return []
  return machines.filter(
    machine =>
      !machine.isDisabled &&
      (environmentIds.length === 0 || machine.environmentIds.some(id => environmentIds.includes(id))) &&
      (roles.length === 0 || machine.roles.some(role => roles.includes(role))),
  )
}

function MachineChoice({
  machines,
  chosen,
  onChange,
}: {
  machines: readonly Machine[]
  chosen: readonly string[]
  onChange: (ids: readonly string[]) => void
}): ReactNode {
  const [filter, setFilter] = useState('')
  const shown = filterMachines(machines, { text: filter }).toSorted((a, b) => a.name.localeCompare(b.name))
  const usable = shown.filter(machine => !machine.isDisabled)
  const areAllChosen = usable.length > 0 && usable.every(({ id }) => chosen.includes(id))

  function set(ids: readonly string[], on: boolean): void {
    const others = chosen.filter(id => !ids.includes(id))
    onChange(on ? [...others, ...ids] : others)
  }

  return (
    <>
      <TextInput
        size="xs"
        type="search"
        aria-label="Filter the targets"
        placeholder="Name, role, address …"
        leftSection={<Icon name="search" size={14} />}
        value={filter}
        onChange={event => setFilter(event.currentTarget.value)}
      />
      <div className={styles.all}>
        <Checkbox
          size="sm"
          label={filter === '' ? 'All targets' : 'All that are shown'}
          checked={areAllChosen}
          indeterminate={!areAllChosen && usable.some(({ id }) => chosen.includes(id))}
          disabled={usable.length === 0}
          onChange={event =>
            set(
              usable.map(({ id }) => id),
              event.currentTarget.checked,
            )
          }
        />
        <span className={styles.note}>{count(chosen.length, 'target')} chosen</span>
      </div>
      <fieldset className={styles.list}>
        <legend className={styles.legend}>Targets</legend>
        {shown.map(machine => (
          <div className={styles.machine} key={machine.id}>
            <Checkbox
              size="sm"
              label={machine.name}
              description={machine.roles.join(', ')}
              checked={chosen.includes(machine.id)}
              disabled={machine.isDisabled}
              onChange={event => set([machine.id], event.currentTarget.checked)}
            />
            <StateMark look={healthLook(machine.health, machine.isDisabled)} />
          </div>
        ))}
        {shown.length === 0 ? <p className={styles.note}>No target fits.</p> : null}
      </fieldset>
    </>
  )
}
