import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { slicePage, toPage } from './paging.ts'

test('following Page.Next gives every item once, with the filters of the request, and then ends', () => {
  fc.assert(
    fc.property(fc.nat(60), fc.integer({ min: 1, max: 40 }), (count, take) => {
      const all = Array.from({ length: count }, (_item, index) => index)
      const seen: number[] = []
      let address: string | undefined =
        `/api/Spaces-1/machines?roles=web%20server&roles=db&take=${take}&apikey=API-SECRET`
      for (let pages = 0; address !== undefined; pages++) {
        assert.ok(pages <= count + 1)
        const query: URLSearchParams = new URL(address, 'http://x').searchParams
        assert.deepEqual(query.getAll('roles'), ['web server', 'db'])
        const page = { skip: Number(query.get('skip') ?? 0), take: Number(query.get('take')) }
        const answer: ReturnType<typeof toPage<number, number>> = toPage(
          { address },
          'Number',
          slicePage(all, page),
          page,
          item => item,
        )
        assert.equal(answer.TotalResults, count)
        assert.equal(JSON.stringify(answer.Links).includes('SECRET'), false)
        seen.push(...answer.Items)
        address = answer.Links['Page.Next']
      }
      assert.deepEqual(seen, all)
    }),
  )
})

test('"everything" as the size of a page is one page', () => {
  const page = { skip: 0, take: 2_147_483_647 }
  const answer = toPage({ address: '/api/spaces' }, 'Space', slicePage(['a'], page), page, item => item)
  assert.deepEqual(
    [
      answer.NumberOfPages,
      answer.LastPageNumber,
      answer.ItemsPerPage,
      Object.keys(answer.Links).includes('Page.Next'),
    ],
    [1, 0, 2_147_483_647, false],
  )
})
