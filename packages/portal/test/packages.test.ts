import assert from 'node:assert/strict'
import { test } from 'node:test'
import { leftOut, openPortal } from './browser.ts'
import { fillTypical } from './fake-content.ts'

function file(name: string, size: number) {
  return { name, mimeType: 'application/zip', buffer: Buffer.alloc(size, 7) }
}

test('a package is uploaded and appears in the list', { skip: leftOut }, async t => {
  const { page, signIn } = await openPortal(t)
  await signIn('/Spaces-1/library/packages')
  await page.getByText('The feed is empty').waitFor()
  await page.locator('input[type=file]').setInputFiles(file('Acme.Web.2.0.0.zip', 300_000))
  await page.getByText(/Stored as version 2\.0\.0 of Acme\.Web/).waitFor()
  await page
    .getByRole('row', { name: /Acme\.Web/ })
    .getByRole('link', { name: 'Download Acme.Web 2.0.0' })
    .waitFor()
})

test('a version that is there already is replaced only on request', { skip: leftOut }, async t => {
  const { page, signIn, fake, expectedErrors } = await openPortal(t, { fill: fillTypical })
  expectedErrors.push(/409 \(Conflict\)/)
  await signIn('/Spaces-1/library/packages')
  await page.locator('input[type=file]').setInputFiles(file('Acme.Prices.0.9.12.zip', 5_000))
  await page.getByRole('alert').getByText('A package with the same name and version already exists').waitFor()
  await page.getByRole('button', { name: 'Replace the stored version' }).click()
  await page.getByText(/Stored as version 0\.9\.12 of Acme\.Prices/).waitFor()
  assert.deepEqual(
    fake.requests.filter(request => request.startsWith('POST /api/Spaces-1/packages')),
    [
      'POST /api/Spaces-1/packages/raw?overwriteMode=FailIfExists',
      'POST /api/Spaces-1/packages/raw?overwriteMode=OverwriteExisting',
    ],
  )
})

test('a file whose name says no version is refused with a reason', { skip: leftOut }, async t => {
  const { page, signIn, expectedErrors } = await openPortal(t)
  expectedErrors.push(/400 \(Bad Request\)/)
  await signIn('/Spaces-1/library/packages')
  await page.locator('input[type=file]').setInputFiles(file('notes.zip', 10))
  await page.getByRole('alert').getByText("'notes.zip' has no package id and version in its name.").waitFor()
})

test('a file is taken by drag and drop', { skip: leftOut }, async t => {
  const { page, signIn } = await openPortal(t)
  await signIn('/Spaces-1/library/packages')
  const data = await page.evaluateHandle(() => {
    const transfer = new DataTransfer()
    transfer.items.add(new File(['content'], 'Acme.Drop.1.0.0.zip'))
    return transfer
  })
  await page
    .getByRole('region', { name: 'Place to drop a package file' })
    .dispatchEvent('drop', { dataTransfer: data })
  await page.getByText(/Stored as version 1\.0\.0 of Acme\.Drop/).waitFor()
})

test('packages are narrowed by a part of their name; older versions fold out', { skip: leftOut }, async t => {
  const { page, signIn } = await openPortal(t, { fill: fillTypical })
  await signIn('/Spaces-1/library/packages')
  await page.getByText('2 versions').click()
  await page.getByRole('link', { name: 'Download Acme.Web 1.3.9' }).waitFor()
  await page.getByLabel('Filter packages by name').fill('price')
  await page.getByText('1 package', { exact: true }).waitFor()
  await page.getByLabel('Filter packages by name').fill('zzz')
  await page.getByText('No package has “zzz” in its name').waitFor()
})
