import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { expandLink } from './links.ts'

describe('links of the server', () => {
  for (const [template, values, link] of [
    ['/api', {}, '/api'],
    ['/api/{spaceId}', { spaceId: 'Spaces-1' }, '/api/Spaces-1'],
    ['/api/machines{/id}{?skip,name}', {}, '/api/machines'],
    ['/api/machines{/id}{?skip,name}', { id: 'all', name: 'a b&c' }, '/api/machines/all?name=a%20b%26c'],
    ['/api/machines{?name}', { name: 'x', thumbprint: 'y' }, '/api/machines?name=x'],
    ['/api/machines{?name,ids}', { ids: 'a,b', name: 'x' }, '/api/machines?name=x&ids=a%2Cb'],
    ['~/api{/id}', { id: 'ü' }, '~/api/%C3%BC'],
  ] as const) {
    test(`${template} becomes ${link}`, () => assert.equal(expandLink(template, values), link))
  }
})
