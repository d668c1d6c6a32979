/**
 * Fills a link of the server (RFC 6570, of which servers use `{name}`, `{/name}` and `{?a,b}`): variables without a
 * value are dropped, and values that the template does not name are not sent
 * (docs/wire/tentacle-registration.md 2).
 */
export function expandLink(template: string, values: Readonly<Record<string, string>> = {}): string {
  return template.replaceAll(/\{([/?]?)([^{}]*)\}/g, (_, operator: string, names: string) => {
    const given = names
      .split(',')
      .map(name => name.trim())
      .flatMap(name =>
        values[name] === undefined ? [] : [{ name, value: encodeURIComponent(values[name]) }],
      )
    if (operator === '/') return given.map(({ value }) => `/${value}`).join('')
    if (operator === '?')
      return given.length === 0 ? '' : `?${given.map(({ name, value }) => `${name}=${value}`).join('&')}`
    return given.map(({ value }) => value).join(',')
  })
}
