import { Button, type ButtonProps } from '@mantine/core'
import { createLink } from '@tanstack/react-router'
import type { AnchorHTMLAttributes, ReactNode, Ref } from 'react'
import styles from './link.module.css'

type AnchorParts = AnchorHTMLAttributes<HTMLAnchorElement> & { ref?: Ref<HTMLAnchorElement> }

/** A link inside the portal that reads as text. */
export const TextLink = createLink(
  ({ className, ...rest }: AnchorParts): ReactNode => (
    <a className={`${styles.link} ${className ?? ''}`} {...rest} />
  ),
)

/** A link inside the portal that looks like a button. */
export const ButtonLink = createLink(
  ({ ref, ...rest }: AnchorParts & ButtonProps): ReactNode => <Button component="a" ref={ref} {...rest} />,
)
