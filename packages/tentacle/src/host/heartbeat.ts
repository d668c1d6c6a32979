/** The file in the home whose time of change shows that the agent is alive. */
export const heartbeatFileName = 'livez.heartbeat'
