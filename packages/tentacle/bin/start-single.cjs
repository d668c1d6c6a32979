// The main script of the single executable: `require` of its own knows nothing but Node, so the code beside the program
// is loaded by one that begins there.
const { createRequire } = require('node:module')

const [, , word, part] = process.argv
const isPart = word === '--part' && ['keeper', 'name-lookup'].includes(part)
if (isPart) process.argv.splice(2, 2)
createRequire(process.execPath)(isPart ? `./lib/${part}.cjs` : './lib/tentacle.cjs')
