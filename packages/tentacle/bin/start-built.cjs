// Starts the built agent. This file is plain, so that an old Node can say what is wrong with it.
const neededVersion = 24

if (Number.parseInt(process.versions.node, 10) < neededVersion) {
  process.stderr.write(
    `Tentacle needs Node ${neededVersion} or later, and this is ${process.versions.node}. Install it, or use a build that brings its own.\n`,
  )
  process.exitCode = 100
} else {
  require('./tentacle.cjs')
}
