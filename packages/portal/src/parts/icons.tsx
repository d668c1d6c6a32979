import type { ReactNode } from 'react'
import type { Sign } from '../text/states.ts'
import styles from './icons.module.css'

const signs: Record<Sign, ReactNode> = {
  tick: (
    <>
      <circle cx="8" cy="8" r="6.25" />
      <path d="m5.2 8.2 2 2 3.6-4.2" />
    </>
  ),
  cross: (
    <>
      <circle cx="8" cy="8" r="6.25" />
      <path d="m5.8 5.8 4.4 4.4m0-4.4-4.4 4.4" />
    </>
  ),
  warning: (
    <>
      <path d="M8 2 1.9 13.2h12.2L8 2Z" />
      <path d="M8 6.4v3.1M8 11.4v.1" />
    </>
  ),
  spin: (
    <>
      <circle cx="8" cy="8" r="6" className={styles.track} />
      <path d="M8 2a6 6 0 0 1 6 6" />
    </>
  ),
  clock: (
    <>
      <circle cx="8" cy="8" r="6.25" />
      <path d="M8 4.6V8l2.2 1.6" />
    </>
  ),
  stop: (
    <>
      <circle cx="8" cy="8" r="6.25" />
      <path d="m3.8 3.8 8.4 8.4" />
    </>
  ),
  question: (
    <>
      <circle cx="8" cy="8" r="6.25" />
      <path d="M6.2 6.5c0-1 .8-1.7 1.8-1.7s1.8.7 1.8 1.6c0 1.2-1.8 1.3-1.8 2.7M8 11.3v.1" />
    </>
  ),
  skip: (
    <>
      <circle cx="8" cy="8" r="6.25" />
      <path d="M5.4 5.6 8.2 8l-2.8 2.4M10.6 5.6v4.8" />
    </>
  ),
  unplugged: (
    <>
      <path d="M1.6 6.6a9.4 9.4 0 0 1 4-2.3M14.4 6.6a9.4 9.4 0 0 0-4.6-2.5M4.2 9.4a5.6 5.6 0 0 1 3-1.5M11.8 9.4l-.7-.5M8 12.6v.1" />
      <path d="m2.6 2.2 10.8 11.6" />
    </>
  ),
}

/** The names of the signs that are not states. */
export type Glyph =
  | 'dashboard'
  | 'target'
  | 'task'
  | 'script'
  | 'package'
  | 'plug'
  | 'menu'
  | 'close'
  | 'user'
  | 'search'
  | 'download'
  | 'upload'
  | 'copy'
  | 'chevron'
  | 'health'
  | 'key'
  | 'sun'

const glyphs: Record<Glyph, ReactNode> = {
  dashboard: <path d="M2.2 2.2h5v5h-5zM8.8 2.2h5v5h-5zM2.2 8.8h5v5h-5zM8.8 8.8h5v5h-5z" />,
  target: (
    <>
      <path d="M2 3h12v4.2H2zM2 8.8h12V13H2z" />
      <path d="M4.6 5.1v.1M4.6 10.9v.1M7 5.1h4.4M7 10.9h4.4" />
    </>
  ),
  task: <path d="m2 4 1.2 1.2L5.4 3M7.6 4.2H14M2 8.6l1.2 1.2 2.2-2.2M7.6 8.8H14M2.6 13h.1M7.6 13H14" />,
  script: (
    <>
      <path d="M1.8 2.6h12.4v10.8H1.8z" />
      <path d="m4.4 6 2 2-2 2M8.2 10.4h3.4" />
    </>
  ),
  package: <path d="M8 1.8 13.8 5v6.2L8 14.4l-5.8-3.2V5L8 1.8ZM2.4 5.1 8 8.2l5.6-3.1M8 8.2v6" />,
  plug: <path d="M5.4 1.8v3.4M10.6 1.8v3.4M3.6 5.2h8.8v2a4.4 4.4 0 0 1-8.8 0v-2ZM8 11.6v2.6" />,
  menu: <path d="M2 4h12M2 8h12M2 12h12" />,
  close: <path d="m3.6 3.6 8.8 8.8m0-8.8-8.8 8.8" />,
  user: (
    <>
      <circle cx="8" cy="5.4" r="2.9" />
      <path d="M2.6 14c.5-2.9 2.6-4.4 5.4-4.4s4.9 1.5 5.4 4.4" />
    </>
  ),
  search: (
    <>
      <circle cx="7" cy="7" r="4.6" />
      <path d="m10.4 10.4 3.4 3.4" />
    </>
  ),
  download: <path d="M8 2v8m-3.2-3L8 10.2 11.2 7M2.4 13.6h11.2" />,
  upload: <path d="M8 10.4V2.2M4.8 5.2 8 2l3.2 3.2M2.4 13.6h11.2" />,
  copy: <path d="M5.4 5.4V2.2h8.4v8.4h-3.2M2.2 5.4h8.4v8.4H2.2z" />,
  chevron: <path d="m5.6 3.4 4.8 4.6-4.8 4.6" />,
  health: <path d="M1.6 8h3l1.6-4.2 3.2 8.4L11.2 8h3.2" />,
  key: (
    <>
      <circle cx="5" cy="8" r="2.9" />
      <path d="M7.9 8h6.3M12 8v2.6" />
    </>
  ),
  sun: (
    <>
      <circle cx="8" cy="8" r="2.8" />
      <path d="M8 1.4v1.8M8 12.8v1.8M1.4 8h1.8M12.8 8h1.8M3.3 3.3l1.3 1.3M11.4 11.4l1.3 1.3M12.7 3.3l-1.3 1.3M4.6 11.4l-1.3 1.3" />
    </>
  ),
}

/** A sign beside a word; it says nothing to a screen reader, because the word does. */
export function Icon({ name, size = 16 }: { name: Glyph; size?: number }): ReactNode {
  return <Drawing size={size}>{glyphs[name]}</Drawing>
}

/** The sign of a state, in the colour of the text around it. */
export function SignIcon({ sign, size = 16 }: { sign: Sign; size?: number }): ReactNode {
  return (
    <Drawing size={size} {...(sign === 'spin' ? { className: styles.spin } : {})}>
      {signs[sign]}
    </Drawing>
  )
}

function Drawing({
  size,
  className = '',
  children,
}: {
  size: number
  className?: string | undefined
  children: ReactNode
}): ReactNode {
  return (
    <svg
      className={`${styles.icon} ${className}`}
      width={size}
      height={size}
      viewBox="0 0 16 16"
      aria-hidden="true"
      focusable="false"
    >
      {children}
    </svg>
  )
}
