import {
  closeSync,
  type Dirent,
  fstatSync,
  fsync,
  linkSync,
  lstatSync,
  mkdirSync,
  opendirSync,
  openSync,
  readFileSync,
  readlinkSync,
  readSync,
  realpathSync,
  renameSync,
  rmdirSync,
  type Stats,
  statfsSync,
  symlinkSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import type { DirectoryEntry, EntryKind, FileLayer } from './file-layer.ts'
import { findMount } from './mount-table.ts'

/** Names that are read from a directory at a time. */
const LIST_BATCH = 1024

/** The file layer over `node:fs`. */
export const nodeFileLayer: FileLayer = {
  open: (path, flags, mode = 0o666) => openSync(path, flags, mode),
  read: (descriptor, buffer, position) => readSync(descriptor, buffer, 0, buffer.length, position ?? null),
  write: writeWhole,
  close: (descriptor) => closeSync(descriptor),
  sync: (descriptor) =>
    new Promise((resolve, reject) => {
      fsync(descriptor, (error) => (error ? reject(error) : resolve()))
    }),
  link: (existing, path) => linkSync(existing, path),
  symlink: (target, path) => symlinkSync(target, path),
  readlink: (path) => readlinkSync(path),
  rename: (from, to) => renameSync(from, to),
  unlink: (path) => unlinkSync(path),
  mkdir: (path) => void mkdirSync(path),
  rmdir: (path) => rmdirSync(path),
  kindOf: (descriptor) => kindOf(fstatSync(descriptor)),
  peek: (path) => {
    const found = lstatSync(path, { throwIfNoEntry: false })
    return found === undefined ? undefined : kindOf(found)
  },
  list: listDirectory,
  fileSystemType: (path) => statfsSync(path).type,
  mountOf: (path) => {
    try {
      return findMount(readFileSync('/proc/self/mountinfo', 'utf8'), realpathSync(path))
    } catch {
      return undefined
    }
  },
  stampOf: (descriptor) => {
    const { ino, size, mtimeNs, ctimeNs } = fstatSync(descriptor, { bigint: true })
    // The size too: what is added twice within one tick of the clock has one time.
    return `${ino} ${size} ${mtimeNs} ${ctimeNs}`
  },
  pause: (delayMs) => pause(delayMs),
}

function writeWhole(descriptor: number, text: string): void {
  const written = writeSync(descriptor, text)
  const size = Buffer.byteLength(text)
  if (written === size) return
  const bytes = Buffer.from(text)
  for (let offset = written; offset < size; ) offset += writeSync(descriptor, bytes, offset)
}

function* listDirectory(path: string): Generator<DirectoryEntry> {
  const directory = opendirSync(path, { bufferSize: LIST_BATCH })
  try {
    for (let entry = directory.readSync(); entry !== null; entry = directory.readSync()) {
      yield { name: entry.name, kind: kindOf(entry) }
    }
  } finally {
    directory.closeSync()
  }
}

function kindOf(entry: Dirent | Stats): EntryKind {
  if (entry.isDirectory()) return 'directory'
  if (entry.isFile()) return 'file'
  return entry.isSymbolicLink() ? 'symlink' : 'other'
}
