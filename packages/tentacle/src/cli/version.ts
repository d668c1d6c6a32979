import product from '../../package.json' with { type: 'json' }

/**
 * The release of the original whose behaviour this agent has. Servers read it in health checks (`TentacleVersion`) and
 * refuse or offer to replace agents that are older than what they need, so it is what counts for them.
 */
export const compatibleVersion = '9.2.0'

/** That, with the version of this product as build metadata (SemVer 2.0.0, 10), which no comparison looks at. */
export const informationalVersion = `${compatibleVersion}+open.${product.version}`
