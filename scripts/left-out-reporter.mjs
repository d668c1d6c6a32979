/** A reporter for node's test runner that lists, one JSON line each, the tests that were skipped and why. */
export default async function* leftOut(source) {
  for await (const event of source) {
    if ((event.type === 'test:pass' || event.type === 'test:fail') && event.data.skip !== undefined) {
      const reason = typeof event.data.skip === 'string' ? event.data.skip : 'no reason given'
      yield `${JSON.stringify({ name: event.data.name, file: event.data.file, reason })}\n`
    }
  }
}
