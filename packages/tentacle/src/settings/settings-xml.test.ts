import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { DOMParser } from '@xmldom/xmldom'
import fc from 'fast-check'
import { TentacleError } from '../errors.ts'
import { emptySettingsXml, parseSettingsXml, writeSettingsXml } from './settings-xml.ts'
import { forbiddenPattern } from './xml-reader.ts'

const parse = (text: string) => parseSettingsXml(Buffer.from(text), 'the file')

describe('settings files', () => {
  test('tentacle 12.18: are written with byte order mark, namespaces, sorted keys and two blanks of indent', () => {
    const text = writeSettingsXml([
      { key: 'alpha', value: '' },
      { key: 'Tentacle.Services.PortNumber', value: '10933' },
      { key: 'Octopus.Home', value: '/home/<t> & "more"' },
    ])
    assert.equal(
      text,
      '\uFEFF<?xml version="1.0" encoding="utf-8"?>\n' +
        '<octopus-settings xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema">\n' +
        '  <set key="Octopus.Home">/home/&lt;t&gt; &amp; "more"</set>\n' +
        '  <set key="Tentacle.Services.PortNumber">10933</set>\n' +
        '  <set key="alpha" />\n' +
        '</octopus-settings>',
    )
  })

  test('tentacle 12.18: give back every key and value that XML can hold', () => {
    const text = fc.string({ unit: 'grapheme' }).filter(isXmlText)
    const entries = fc.uniqueArray(fc.record({ key: text, value: text }, { noNullPrototype: true }), {
      selector: entry => entry.key,
    })
    fc.assert(
      fc.property(entries, written => {
        const read = parse(writeSettingsXml(written))
        assert.deepEqual(read.toSorted(byKey), written.toSorted(byKey))
      }),
    )
  })

  test('mean to us what they mean to another XML reader', () => {
    // The other one takes U+0085 and U+2028 for ends of lines, as XML 1.1 has it; settings files are XML 1.0.
    const text = fc
      .string({ unit: 'grapheme' })
      .filter(each => isXmlText(each) && !/[\u0085\u2028]/.test(each))
    fc.assert(
      fc.property(text, text, (key, value) => {
        const written = writeSettingsXml([{ key, value }])
        const document = new DOMParser().parseFromString(written.slice(1), 'text/xml')
        const element = document.getElementsByTagName('set')[0]
        assert.equal(element?.getAttribute('key'), key)
        assert.equal(element?.textContent, value)
      }),
    )
  })

  for (const [what, text, expected] of [
    ['the file of a new instance', emptySettingsXml, []],
    ['an empty root element', '<octopus-settings />', []],
    [
      'comments and instructions',
      '<!-- a --><octopus-settings><?x y?><set key="a">1<!-- b -->2</set></octopus-settings>',
      [['a', '12']],
    ],
    ['CDATA', '<octopus-settings><set key="a"><![CDATA[<&]]></set></octopus-settings>', [['a', '<&']]],
    [
      'numeric references',
      '<octopus-settings><set key="a&#x41;&#66;">&#x1F680;</set></octopus-settings>',
      [['aAB', '🚀']],
    ],
    [
      'single quotes and blanks in tags',
      "<octopus-settings ><set  key = 'a' >x</set ></octopus-settings >",
      [['a', 'x']],
    ],
    [
      'other elements and attributes',
      '<octopus-settings><get key="a"/><set other="1" key="b">x</set></octopus-settings>',
      [['b', 'x']],
    ],
    [
      'elements inside a value',
      '<octopus-settings><set key="a">x<b>y</b>z</set></octopus-settings>',
      [['a', 'xz']],
    ],
    [
      'Windows line ends',
      '<octopus-settings>\r\n<set key="a">x\r\ny</set>\r\n</octopus-settings>',
      [['a', 'x\ny']],
    ],
  ] as const) {
    test(`may have ${what}`, () => {
      assert.deepEqual(
        parse(text),
        expected.map(([key, value]) => ({ key, value })),
      )
    })
  }

  test('may be UTF-16, which Windows editors write', () => {
    const text = '\uFEFF<octopus-settings><set key="a">ż</set></octopus-settings>'
    assert.deepEqual(parseSettingsXml(Buffer.from(text, 'utf16le'), 'x'), [{ key: 'a', value: 'ż' }])
    assert.deepEqual(parseSettingsXml(Buffer.from(text, 'utf16le').swap16(), 'x'), [{ key: 'a', value: 'ż' }])
  })

  for (const [what, text, where] of [
    ['text that is no XML', 'not xml at all', 'line 1, column 1'],
    ['a file that ends in a tag', '<octopus-settings><set key=', 'line 1, column 28'],
    ['a file that ends in an element', '<octopus-settings>\n<set key="a">', 'line 2, column 14'],
    ['elements that cross', '<octopus-settings><set key="a"></octopus-settings></set>', 'column'],
    ['a document type', '<!DOCTYPE a [<!ENTITY b "c">]><octopus-settings/>', 'document type'],
    ['an unknown reference', '<octopus-settings><set key="a">&nbsp;</set></octopus-settings>', '&nbsp;'],
    ['a reference to nothing', '<octopus-settings><set key="a">&#0;</set></octopus-settings>', '&#0;'],
    ['two roots', '<octopus-settings/><octopus-settings/>', 'after the root'],
    ['another root', '<configuration/>', "'configuration'"],
    ['an attribute twice', '<octopus-settings><set key="a" key="b"/></octopus-settings>', 'twice'],
    [
      'a control character',
      '<octopus-settings><set key="a">\u0001</set></octopus-settings>',
      'line 1, column 32',
    ],
    ['a thousand nested elements', `<octopus-settings>${'<a>'.repeat(1000)}`, 'nested'],
  ] as const) {
    test(`with ${what} are refused, and it is said where`, () => {
      assert.throws(
        () => parse(text),
        (error: unknown) =>
          error instanceof TentacleError &&
          error.code === 'ERR_SETTINGS_DAMAGED' &&
          error.message.includes(where),
      )
    })
  }

  test('that are damaged anywhere are read or refused, never anything else', () => {
    const whole = writeSettingsXml([
      { key: 'a', value: 'x & y' },
      { key: 'b', value: '' },
    ])
    fc.assert(
      fc.property(
        fc.nat(whole.length),
        fc.nat(whole.length),
        fc.string({ maxLength: 3 }),
        (from, length, insert) => {
          try {
            parse(whole.slice(0, from) + insert + whole.slice(from + length))
          } catch (error) {
            assert.ok(error instanceof TentacleError, String(error))
          }
        },
      ),
    )
  })

  test('are read in the encoding that their first line names, if it agrees with ASCII', () => {
    const text =
      '<?xml version="1.0" encoding="ISO-8859-1"?><octopus-settings><set key="a">ü</set></octopus-settings>'
    assert.deepEqual(parseSettingsXml(Buffer.from(text, 'latin1'), 'x'), [{ key: 'a', value: 'ü' }])
    const claimed = text.replace('ISO-8859-1', 'UTF-16')
    assert.deepEqual(parseSettingsXml(Buffer.from(claimed), 'x'), [{ key: 'a', value: 'ü' }])
  })

  test('that are not text are refused', () => {
    assert.throws(() => parseSettingsXml(Buffer.from([0x3c, 0xff, 0xff]), 'x'), /not valid UTF-8/)
  })

  test('cannot hold control characters, and say so before anything is lost', () => {
    assert.throws(() => writeSettingsXml([{ key: 'a', value: 'x\u0000y' }]), /'a'.*U\+0000/)
  })
})

function isXmlText(text: string): boolean {
  return !forbiddenPattern.test(text)
}

function byKey(a: { key: string }, b: { key: string }): number {
  return a.key < b.key ? -1 : 1
}
