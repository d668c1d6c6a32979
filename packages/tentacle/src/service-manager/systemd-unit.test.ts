import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { ServiceDefinition } from './service-definition.ts'
import { unitName } from './systemd-names.ts'
import { dropInText, readUnit, unitText } from './systemd-unit.ts'

const plain: ServiceDefinition = {
  instance: 'T1',
  configPath: '/etc/octopus/T1.config',
  executable: '/opt/octopus/tentacle/Tentacle',
  account: undefined,
  password: undefined,
  dependsOn: undefined,
  environment: {},
}

const commandOf = (service: Partial<ServiceDefinition>) =>
  /^ExecStart=(.*)$/m.exec(unitText({ ...plain, ...service }))?.[1]

test('tentacle 12.65: the unit is that of the original, byte by byte', () => {
  assert.equal(
    unitText({ ...plain, account: 'deploy', dependsOn: 'postgresql.service' }),
    [
      '[Unit]',
      'Description=Octopus Deploy: Tentacle deployment agent',
      'After=network.target postgresql.service',
      '',
      '[Service]',
      'Type=simple',
      'User=deploy',
      'ExecStart=/opt/octopus/tentacle/Tentacle run --instance=T1 --noninteractive',
      'Restart=always',
      '',
      '[Install]',
      'WantedBy=multi-user.target',
      '',
    ].join('\n'),
  )
})

test('words that systemd would split or replace are written so that the agent gets them as they are', () => {
  assert.equal(
    commandOf({ instance: 'a "b" 50% $HOME' }),
    '/opt/octopus/tentacle/Tentacle run "--instance=a \\"b\\" 50%% $$HOME" --noninteractive',
  )
  assert.equal(
    commandOf({
      instance: undefined,
      configPath: '/srv/my agent/T.config',
      executable: '/opt/my $x/Tentacle',
    }),
    '"/opt/my $x/Tentacle" run "--config=/srv/my agent/T.config" --noninteractive',
  )
})

test('what a unit says is read again, and units of others are told apart', () => {
  const text = unitText({ ...plain, account: 'a%b', dependsOn: 'x.service y.service' })
  assert.deepEqual(readUnit(text), { account: 'a%b', dependsOn: 'x.service y.service' })
  assert.deepEqual(readUnit(unitText(plain)), { account: 'root', dependsOn: undefined })
  assert.deepEqual(readUnit('[Service]\nExecStart="/opt/x/Tentacle" run --instance=T\n'), {
    account: undefined,
    dependsOn: undefined,
  })
  assert.equal(
    readUnit('[Unit]\nDescription=OpenBSD Secure Shell server\n[Service]\nExecStart=/usr/sbin/sshd\n'),
    undefined,
  )
})

test('a system without a usable systemd-notify gets a unit that does not wait for it', () => {
  assert.doesNotMatch(dropInText({ canNotify: false, environment: {} }), /notify|Watchdog/i)
  assert.match(
    dropInText({ canNotify: true, environment: { ROOT: '/a "b" 5%' } }),
    /^Type=notify\n[\s\S]*^Environment="ROOT=\/a \\"b\\" 5%%"$/m,
  )
})

test('units have the names of the original, and names that systemd allows whatever an instance is called', () => {
  assert.equal(unitName(undefined), 'OctopusDeploy-Tentacle')
  assert.equal(unitName('Tentacle'), 'Tentacle')
  assert.equal(unitName('Second  One'), 'Second-One')
  assert.equal(unitName('a/b'), 'ab')
  assert.equal(unitName('a@b'), 'a\\x40b')
  assert.equal(unitName('.ü'), '\\x2e\\xc3\\xbc')
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), name => {
      assert.match(unitName(name), /^[A-Za-z0-9:_.\\-]*$/)
    }),
  )
})
