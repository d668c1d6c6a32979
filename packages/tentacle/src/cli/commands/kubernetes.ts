import { TentacleError } from '../../errors.ts'
import type { PlainCommand } from '../command.ts'

/**
 * What the agent for Kubernetes clusters has besides. This agent is none: whatever is asked for, it says so instead of
 * doing half of it.
 */
export const kubernetes: PlainCommand = {
  kind: 'plain',
  options: {},
  prepare: args => ({
    leftOver: [],
    masked: args.map(() => '…'),
    secrets: [],
    async run() {
      throw new TentacleError(
        'ERR_REFUSED',
        'This agent cannot run scripts as pods of a Kubernetes cluster, so it has none of the commands for that. Install the Kubernetes agent of your server with its Helm chart, or register a machine that reaches the cluster with register-worker.',
      )
    },
  }),
}
