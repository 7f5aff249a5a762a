/** What figures were taken on. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, release, tmpdir, totalmem } from 'node:os'

/** Type of the file system that a directory is on, from the mount that is the longest beginning of its path. */
function fileSystemOf(directory) {
  const { stdout } = spawnSync('df', ['--output=fstype', directory], { encoding: 'utf8' })
  return stdout?.trim().split('\n').at(-1) ?? 'unknown'
}

/** The commit that is checked out. */
function gitCommit() {
  const { stdout } = spawnSync('git', ['rev-parse', '--short', 'HEAD'], {
    cwd: import.meta.dirname,
    encoding: 'utf8',
  })
  return stdout?.trim() ?? 'unknown'
}

/** Machine, versions and date. */
export function machineFacts(peers) {
  const { version } = JSON.parse(
    readFileSync(new URL('../packages/cli/package.json', import.meta.url), 'utf8'),
  )
  return {
    date: new Date().toISOString().slice(0, 16).replace('T', ' '),
    machine: {
      processor: cpus()[0]?.model.trim() ?? 'unknown',
      cores: availableParallelism(),
      memoryGib: Math.round(totalmem() / 2 ** 30),
      kernel: `Linux ${release()}`,
      directory: tmpdir(),
      fileSystem: fileSystemOf(tmpdir()),
    },
    versions: {
      mpibatch: `${version} (${gitCommit()})`,
      node: process.versions.node,
      ...Object.fromEntries(Object.entries(peers).map(([name, peer]) => [name, peer.version ?? 'not here'])),
    },
  }
}
