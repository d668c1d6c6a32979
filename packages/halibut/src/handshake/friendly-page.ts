import type { FriendlyPage } from '../runtime/halibut.ts'

/** What a web browser sees when nobody chose a page. */
export const defaultFriendlyPage: FriendlyPage = { html: '<html><body><p>Hello!</p></body></html>' }

/**
 * The answer to anything that does not begin with `MX` (docs/wire/halibut.md, "Friendly page"). The length counts
 * UTF-16 units and two empty lines follow, as health probes have always seen it; the connection is closed after it.
 */
export function renderFriendlyPage({ html, headers = {} }: FriendlyPage): Buffer {
  const lines = [
    'HTTP/1.0 200 OK',
    'Content-Type: text/html; charset=utf-8',
    `Content-Length: ${html.length}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    '',
    html,
    '',
    '',
  ]
  return Buffer.from(lines.join('\r\n'), 'utf8')
}
