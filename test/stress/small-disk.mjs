/** A file system of its own that can be filled up: a small ext4 in a file, or a memory disk. Needs root. */
import { spawnSync } from 'node:child_process'
import {
  closeSync,
  mkdirSync,
  openSync,
  rmSync,
  statfsSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

const MEGABYTE = 1 << 20
/** How often the space that others give back is taken again. */
const REFILL_MS = 20

function run(program, ...argv) {
  const { error, status, stderr } = spawnSync(program, argv, { encoding: 'utf8' })
  if (status !== 0)
    throw new Error(`"${[program, ...argv].join(' ')}" failed: ${error?.message ?? stderr.trim()}`)
}

/** See the top of this file. */
export class SmallDisk {
  /** Where it is mounted. */
  directory

  constructor(directory) {
    this.directory = directory
  }

  /**
   * Makes and mounts a file system.
   *
   * @param {'ext4' | 'tmpfs'} kind
   * @param {{ place: string, sizeMegabytes: number, inodeCount: number }} options
   */
  static mount(kind, { place, sizeMegabytes, inodeCount }) {
    const directory = join(place, 'disk')
    mkdirSync(directory, { recursive: true })
    if (kind === 'tmpfs') {
      run(
        'mount',
        '-t',
        'tmpfs',
        '-o',
        `size=${sizeMegabytes}m,nr_inodes=${inodeCount}`,
        'mpibatch-stress',
        directory,
      )
    } else {
      const image = join(place, 'image')
      writeFileSync(image, '')
      truncateSync(image, sizeMegabytes * MEGABYTE)
      run('mkfs.ext4', '-q', '-F', '-m', '0', '-N', String(inodeCount), image)
      run('mount', '-o', 'loop', image, directory)
    }
    return new SmallDisk(directory)
  }

  /** Bytes that are free. */
  get freeBytes() {
    const { bavail, bsize } = statfsSync(this.directory)
    return bavail * bsize
  }

  /** Keeps the file system full for so long, then gives the space back. */
  async fill(durationMs) {
    const path = join(this.directory, 'filler')
    const end = performance.now() + durationMs
    const descriptor = openSync(path, 'w')
    try {
      while (performance.now() < end) {
        this.#fillUp(descriptor)
        await pause(REFILL_MS)
      }
    } finally {
      closeSync(descriptor)
      rmSync(path)
    }
  }

  #fillUp(descriptor) {
    for (const size of [MEGABYTE, 4096]) {
      const block = Buffer.alloc(size)
      try {
        while (writeSync(descriptor, block) === size);
      } catch (error) {
        if (error.code !== 'ENOSPC') throw error
      }
    }
  }

  /** Takes it away, with all that is on it. */
  unmount() {
    run('umount', this.directory)
  }
}
