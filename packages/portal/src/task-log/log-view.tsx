import {
  type ReactNode,
  type RefObject,
  type UIEvent,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
} from 'react'
import { followedBottom, type Layout, layOut, rowsBetween } from './log-layout.ts'
import { LogRow } from './log-row.tsx'
import type { Activity, LogTree } from './log-tree.ts'
import styles from './log-view.module.css'

/** What is drawn beyond the window's edges, in pixels, so that scrolling shows no gaps. */
const overscan = 400
/** How far from the end still counts as being at the end. */
const nearEnd = 4

/** The parts of a row beside the text, in columns: the time and the level's sign, with the padding of the row. */
const columnsBesideText = 14
const columnsBesideTextNarrow = 5

/** The part of the log that fits the window. A hundred thousand lines cost as much as a hundred. */
export function LogView({
  tree,
  isOpen,
  onToggle,
  isVerbose,
  isWrapped,
  isFollowing,
  onFollowing,
}: {
  tree: LogTree
  isOpen: (activity: Activity) => boolean
  onToggle: (activity: Activity) => void
  isVerbose: boolean
  isWrapped: boolean
  isFollowing: boolean
  onFollowing: (on: boolean) => void
}): ReactNode {
  const scroller = useRef<HTMLElement>(null)
  const { width, height, columns } = useMeasures(scroller)
  const [scrollTop, setScrollTop] = useState(0)
  const besideText = width < 560 ? columnsBesideTextNarrow : columnsBesideText
  const wrapColumns = isWrapped && columns > 0 ? columns - besideText : undefined
  // The tree changes in place, so the layout is made anew each time; its cost grows with the activities only.
  const layout = layOut(tree.roots, { isOpen, verbose: isVerbose, wrapColumns })
  const place = useFollowing(scroller, layout, isFollowing)

  function onScroll({ currentTarget }: UIEvent<HTMLElement>): void {
    const at = currentTarget.scrollTop
    setScrollTop(at)
    const moved = at - place.current
    place.current = at
    if (isFollowing && moved < -nearEnd) onFollowing(false)
    const isAtEnd = at + currentTarget.clientHeight >= layout.height - nearEnd
    if (!isFollowing && moved > 0 && isAtEnd) onFollowing(true)
  }

  const rows = rowsBetween(layout, scrollTop - overscan, scrollTop + height + overscan)
  return (
    <section
      className={styles.scroller}
      ref={scroller}
      onScroll={onScroll}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a part that scrolls must be reachable without a mouse
      tabIndex={0}
      aria-label="Log lines"
    >
      <div className={styles.page} style={{ height: layout.height }}>
        {rows.map(row => (
          <LogRow
            key={row.key}
            row={row}
            isOpen={row.kind === 'head' && isOpen(row.block.activity)}
            isWrapped={isWrapped}
            onToggle={onToggle}
          />
        ))}
      </div>
    </section>
  )
}

/** Keeps the followed end in sight. Answers the place that the view was last put to, or scrolled to. */
function useFollowing(
  scroller: RefObject<HTMLElement | null>,
  layout: Layout,
  isFollowing: boolean,
): RefObject<number> {
  const place = useRef(0)
  useLayoutEffect(() => {
    const element = scroller.current
    if (!element || !isFollowing) return
    element.scrollTop = Math.max(0, followedBottom(layout) - element.clientHeight)
    place.current = element.scrollTop
  })
  return place
}

interface Measures {
  readonly width: number
  readonly height: number
  /** Characters that fit side by side. */
  readonly columns: number
}

function useMeasures(scroller: RefObject<HTMLElement | null>): Measures {
  const [measures, setMeasures] = useState<Measures>({ width: 0, height: 600, columns: 0 })
  useEffect(() => {
    const element = scroller.current
    if (!element) return
    const measure = () => {
      const { clientWidth: width, clientHeight: height } = element
      setMeasures({ width, height, columns: Math.floor(width / characterWidth(element)) })
    }
    const observer = new ResizeObserver(measure)
    observer.observe(element)
    void document.fonts.ready.then(measure)
    return () => observer.disconnect()
  }, [scroller])
  return measures
}

function characterWidth(element: HTMLElement): number {
  const sample = document.createElement('span')
  sample.className = styles.sample ?? ''
  sample.textContent = '0'.repeat(100)
  element.append(sample)
  const { width } = sample.getBoundingClientRect()
  sample.remove()
  return width > 0 ? width / 100 : 8
}
