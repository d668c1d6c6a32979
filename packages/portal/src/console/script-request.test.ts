import assert from 'node:assert/strict'
import { test } from 'node:test'
import { emptyForm, formFromTask, missingParts, type ScriptForm, scriptTask } from './script-request.ts'

const form: ScriptForm = { ...emptyForm, body: 'echo hi', machineIds: ['Machines-1'] }

test('a script for chosen targets names them and nothing else', () => {
  assert.deepEqual(scriptTask('Spaces-1', form), {
    Name: 'AdHocScript',
    Description: 'Script from the console',
    SpaceId: 'Spaces-1',
    Arguments: {
      TargetType: 'Machines',
      MachineIds: ['Machines-1'],
      EnvironmentIds: null,
      TargetRoles: null,
      Syntax: 'Bash',
      ScriptBody: 'echo hi',
    },
  })
})

test('a script for environments does not carry targets that were chosen before', () => {
  const task = scriptTask('Spaces-1', {
    ...form,
    by: 'environments',
    environmentIds: ['Environments-1'],
    roles: ['web'],
  })
  assert.equal(task.Arguments.MachineIds, null)
  assert.deepEqual(task.Arguments.EnvironmentIds, ['Environments-1'])
  assert.deepEqual(task.Arguments.TargetRoles, ['web'])
})

test('line ends of Windows do not reach bash', () => {
  assert.equal(scriptTask('Spaces-1', { ...form, body: 'a\r\nb' }).Arguments.ScriptBody, 'a\nb')
})

test('what is missing is said for each field', () => {
  assert.deepEqual(missingParts(form), {})
  assert.deepEqual(Object.keys(missingParts({ ...form, body: ' \n' })), ['body'])
  assert.deepEqual(Object.keys(missingParts({ ...form, machineIds: [] })), ['targets'])
  assert.deepEqual(Object.keys(missingParts({ ...form, by: 'environments' })), ['targets'])
  assert.deepEqual(missingParts({ ...form, by: 'environments', roles: ['web'] }), {})
})

test('a task that ran before fills the form again', () => {
  const task = scriptTask('Spaces-1', { ...form, description: 'Say hi' })
  assert.deepEqual(formFromTask('Say hi', task.Arguments), { ...form, description: 'Say hi' })
})

test('arguments that another client wrote in camelCase fill the form too', () => {
  const filled = formFromTask('x', { scriptBody: 'ls', environmentIds: ['Environments-2'], machineIds: null })
  assert.deepEqual(filled, {
    ...emptyForm,
    description: 'x',
    by: 'environments',
    body: 'ls',
    environmentIds: ['Environments-2'],
  })
})
