/**
 * A reporter for node's test runner that notes, one JSON line each, what `npm test` tells at its end: the tests that
 * were skipped and why, and how long each file took.
 */
export default async function* facts(source) {
  for await (const { type, data } of source) {
    if ((type === 'test:pass' || type === 'test:fail') && data.skip !== undefined) {
      const reason = typeof data.skip === 'string' ? data.skip : 'no reason given'
      yield `${JSON.stringify({ kind: 'left out', name: data.name, file: data.file, reason })}\n`
    } else if (type === 'test:summary' && data.file !== undefined) {
      yield `${JSON.stringify({ kind: 'file', file: data.file, milliseconds: data.duration_ms })}\n`
    }
  }
}
