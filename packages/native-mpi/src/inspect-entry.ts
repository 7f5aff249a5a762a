/**
 * A program of its own, so that opening a library of unknown worth harms nobody: prints what it is, as JSON.
 * Argument: the library's name.
 */
import { withLibrarySettings } from './library-settings.ts'
import { loadNative } from './native.ts'

withLibrarySettings(() => {
  const found = loadNative().inspect(process.argv[2] ?? '')
  process.stdout.write(`${JSON.stringify(typeof found === 'string' ? { fault: found } : found)}\n`)
})
