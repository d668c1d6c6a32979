import { ActionIcon, Tooltip } from '@mantine/core'
import type { ReactNode } from 'react'
import { useState } from 'react'
import styles from './copy-text.module.css'
import { Icon, SignIcon } from './icons.tsx'

/** A button that puts a text on the clipboard and says so. */
export function CopyButton({ text, what }: { text: string; what: string }): ReactNode {
  const [state, setState] = useState<'ready' | 'copied' | 'refused'>('ready')
  const label =
    state === 'copied'
      ? 'Copied'
      : state === 'refused'
        ? 'Could not copy: select the text instead'
        : `Copy ${what}`

  async function copy(): Promise<void> {
    setState((await copyText(text)) ? 'copied' : 'refused')
    setTimeout(() => setState('ready'), 2500)
  }

  return (
    <Tooltip label={label}>
      <ActionIcon
        className={styles.copy ?? ''}
        variant="subtle"
        color="gray"
        aria-label={label}
        onClick={() => void copy()}
      >
        {state === 'copied' ? <SignIcon sign="tick" /> : <Icon name="copy" />}
      </ActionIcon>
    </Tooltip>
  )
}

/** Copies a text. Pages that came over plain HTTP have no clipboard of their own, so the older way serves there. */
async function copyText(text: string): Promise<boolean> {
  try {
    if (navigator.clipboard) {
      await navigator.clipboard.writeText(text)
      return true
    }
  } catch {
    // Refused by the browser; the older way may still be allowed.
  }
  const field = document.createElement('textarea')
  field.value = text
  field.setAttribute('readonly', '')
  document.body.append(field)
  field.select()
  try {
    return document.execCommand('copy')
  } finally {
    field.remove()
  }
}
