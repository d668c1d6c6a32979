import { Button, Switch } from '@mantine/core'
import type { ReactNode } from 'react'
import { useState } from 'react'
import type { Task } from '../api/tasks.ts'
import { EmptyState } from '../parts/empty-state.tsx'
import { ErrorPanel } from '../parts/error-panel.tsx'
import { SignIcon } from '../parts/icons.tsx'
import { count } from '../text/count.ts'
import { isOpenAtFirst } from './log-layout.ts'
import styles from './log-panel.module.css'
import type { Activity } from './log-tree.ts'
import { LogView } from './log-view.tsx'
import type { FeedSnapshot } from './task-feed.ts'

/** A task's log with its switches. */
export function LogPanel({ feed, task }: { feed: FeedSnapshot; task: Task }): ReactNode {
  const { tree } = feed
  const [isFollowing, setFollowing] = useState(!task.isCompleted)
  const [isVerbose, setVerbose] = useState(false)
  const [isWrapped, setWrapped] = useState(() => matchMedia('(max-width: 640px)').matches)
  const [chosen, setChosen] = useState<ReadonlyMap<string, boolean>>(new Map())

  const isOpen = (activity: Activity): boolean =>
    chosen.get(activity.id) ?? isOpenAtFirst(activity, tree.activities.size)
  const fold = (next: ReadonlyMap<string, boolean>): void => {
    setChosen(next)
    // In a log that no longer grows, folding is reading: the view stays where it is.
    if (feed.state === 'ended') setFollowing(false)
  }
  const toggle = (activity: Activity): void => fold(new Map(chosen).set(activity.id, !isOpen(activity)))
  const setAll = (open: boolean): void => {
    const all = [...tree.activities.values()].map(
      ({ id, parent }) => [id, open || parent === undefined] as const,
    )
    fold(new Map(all))
  }
  return (
    <section className={styles.panel} aria-label="Task log">
      <div className={styles.bar}>
        <Switch
          label="Follow"
          size="xs"
          checked={isFollowing}
          onChange={event => setFollowing(event.currentTarget.checked)}
        />
        <Switch
          label="Verbose"
          size="xs"
          checked={isVerbose}
          onChange={event => setVerbose(event.currentTarget.checked)}
        />
        <Switch
          label="Wrap lines"
          size="xs"
          checked={isWrapped}
          onChange={event => setWrapped(event.currentTarget.checked)}
        />
        <span className={styles.fold}>
          <Button size="compact-xs" variant="subtle" onClick={() => setAll(true)}>
            Expand all
          </Button>
          <Button size="compact-xs" variant="subtle" onClick={() => setAll(false)}>
            Collapse all
          </Button>
        </span>
        <FeedState feed={feed} />
      </div>
      {feed.state === 'failed' && tree.roots.length === 0 ? (
        <div className={styles.inset}>
          <ErrorPanel title="The log could not be loaded" error={feed.error} />
        </div>
      ) : tree.roots.length === 0 ? (
        <NoLog task={task} isOver={feed.state === 'ended'} />
      ) : (
        <LogView
          tree={tree}
          isOpen={isOpen}
          onToggle={toggle}
          isVerbose={isVerbose}
          isWrapped={isWrapped}
          isFollowing={isFollowing}
          onFollowing={setFollowing}
        />
      )}
    </section>
  )
}

/** How much there is, and whether more comes. */
function FeedState({ feed }: { feed: FeedSnapshot }): ReactNode {
  const lines = count(feed.tree.lineCount, 'line')
  if (feed.state === 'waiting' || feed.state === 'failed') {
    return (
      <span className={styles.state} data-tone="warn" role="status">
        <SignIcon sign="unplugged" />
        {feed.state === 'waiting' ? 'Connection lost, trying again' : 'The log stopped coming'} · {lines}
      </span>
    )
  }
  return (
    <span className={styles.state}>
      {feed.state === 'live' ? <span className={styles.live}>Live</span> : null}
      {feed.state === 'connecting' ? 'Connecting …' : null}
      <span>{lines}</span>
    </span>
  )
}

function NoLog({ task, isOver }: { task: Task; isOver: boolean }): ReactNode {
  if (isOver) return <EmptyState icon="task" title="This task has written no log" />
  if (task.state === 'Queued') {
    return (
      <EmptyState icon="task" title="Waiting for its turn">
        The log appears here as soon as the server starts this task.
      </EmptyState>
    )
  }
  return <EmptyState icon="task" title="Waiting for the first line" />
}
