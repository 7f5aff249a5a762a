const { openBatch } = await import(process.argv[2])
const batch = await openBatch({ root: null, tasks: ['a', 'b'], communicator: null })
await batch.run(() => undefined)
await batch.close()
