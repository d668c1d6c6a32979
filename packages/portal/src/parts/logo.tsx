import type { ReactNode } from 'react'

/** The product's sign: one server that holds its machines by lines of their own. */
export function Logo({ size = 28 }: { size?: number }): ReactNode {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect width="32" height="32" rx="7" fill="#126a72" />
      <path
        d="M16 11.5v3.2c0 3.6-8 2-8 6.3M16 14.7c0 3.6 8 2 8 6.3M16 13v8"
        fill="none"
        stroke="#fff"
        strokeWidth="2.4"
        strokeLinecap="round"
      />
      <circle cx="16" cy="8.6" r="3.4" fill="#fff" />
      <g fill="#8fd6d8">
        <circle cx="8" cy="23.4" r="2.7" />
        <circle cx="16" cy="23.4" r="2.7" />
        <circle cx="24" cy="23.4" r="2.7" />
      </g>
    </svg>
  )
}
