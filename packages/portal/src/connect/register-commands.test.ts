import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { quote, type Registration, registrationSteps } from './register-commands.ts'

const registration: Registration = {
  style: 'listening',
  serverUrl: 'https://deploy.example.test/octopus',
  thumbprint: '5FD2C1A7B9E04D3388A16C0F9B7E21D45C3A9F60',
  apiKey: 'API-ABC',
  space: undefined,
  name: 'web01',
  environment: 'Production',
  roles: ['web', 'edge'],
  commsPort: 10943,
  listenPort: 10933,
}

/** The words that a shell makes of a command. `sudo` and command substitution are taken out first. */
function wordsOf(command: string): string[] {
  const plain = command
    .replace(/^sudo Tentacle/, 'printf "%s\\n"')
    .replace(/\$\(hostname[^)]*\)/g, 'this-host')
  return execFileSync('sh', ['-c', plain], { encoding: 'utf8' }).trimEnd().split('\n')
}

function commandOf(part: Partial<Registration>, word: string): string {
  const found = registrationSteps({ ...registration, ...part })
    .flatMap(({ command }) => command.split(/\n(?=sudo )/))
    .find(command => command.includes(` ${word} `))
  assert.ok(found, `a step has ${word}`)
  return found
}

test('a listening Tentacle trusts this server and registers its own port', () => {
  assert.deepEqual(wordsOf(commandOf({}, 'configure')), [
    'configure',
    '--instance',
    'Tentacle',
    '--app',
    '/home/Octopus/Applications',
    '--port',
    '10933',
    '--noListen',
    'False',
    '--reset-trust',
    '--trust',
    registration.thumbprint,
  ])
  const register = wordsOf(commandOf({}, 'register-with'))
  assert.deepEqual(register.slice(-6), [
    '--comms-style',
    'TentaclePassive',
    '--publicHostName',
    'this-host',
    '--tentacle-comms-port',
    '10933',
  ])
  assert.deepEqual(
    register.filter((_, at) => register[at - 1] === '--role'),
    ['web', 'edge'],
  )
  assert.ok(!register.includes('--space'))
})

test('a polling Tentacle opens no port and asks the port for Tentacles', () => {
  assert.ok(wordsOf(commandOf({ style: 'polling' }, 'configure')).includes('True'))
  const register = wordsOf(commandOf({ style: 'polling', commsPort: 20943 }, 'register-with'))
  assert.deepEqual(register.slice(-4), ['--comms-style', 'TentacleActive', '--server-comms-port', '20943'])
})

test('a space that is not the default one is named', () => {
  const register = wordsOf(commandOf({ space: 'Team A' }, 'register-with'))
  assert.equal(register[register.indexOf('--space') + 1], 'Team A')
})

test('what is not filled in yet is a word that stands out', () => {
  const register = wordsOf(commandOf({ apiKey: '', environment: '', roles: [], name: '' }, 'register-with'))
  for (const word of ['API-YOUR-KEY', 'ENVIRONMENT', 'ROLE', 'this-host'])
    assert.ok(register.includes(word), word)
})

test('a shell reads every quoted value as it was', () => {
  for (const value of ['plain', 'two words', "it's", '$HOME', '`id`', 'a"b', '*', 'ü', '-x', 'a\\b', '']) {
    const read = execFileSync('sh', ['-c', `printf %s ${quote(value)}`], { encoding: 'utf8' })
    assert.equal(read, value)
  }
})
