/**
 * A launcher of the tests, without MPI: `process-launcher.mjs COUNT PROGRAM…` starts COUNT processes, hands SIGUSR1 on to
 * them, ends all when one of them fails, and ends with its exit code; 137 for one that was killed.
 */
import { spawn } from 'node:child_process'

const [count, program, ...words] = process.argv.slice(2)
const children = Array.from({ length: Number(count) }, () => spawn(program, words, { stdio: 'inherit' }))
process.on('SIGUSR1', () => {
  for (const child of children) child.kill('SIGUSR1')
})
for (const child of children) {
  child.once('exit', (code) => {
    if (code === 0) return
    process.exitCode ||= code ?? 137
    for (const other of children) other.kill('SIGTERM')
  })
}
