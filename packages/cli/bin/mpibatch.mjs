#!/usr/bin/env node
// What --debug prints names lines of the sources; finding them costs time that only those who ask for it spend.
if (process.argv.includes('--debug')) process.setSourceMapsEnabled(true)
const { main } = await import('../dist/bundle/main.js')
await main(process.argv.slice(2))
