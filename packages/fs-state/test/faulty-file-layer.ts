import type { FileLayer } from '../src/file-layer.ts'
import { nodeFileLayer } from '../src/node-file-layer.ts'

/** A call of the file layer, as a test sees it. */
export interface FileCall {
  readonly name: keyof FileLayer
  /** The path that the call is about: the new one for `link` and `rename`; that of the descriptor for the others. */
  readonly path: string
  /** Counts all calls, from 0. */
  readonly number: number
}

/** What becomes of a call: an error code instead of it, or after it has taken effect. */
export type Fault = { readonly code: string; readonly after?: boolean } | undefined

/** A file layer that fails where a test wants it to. */
export function faultyFileLayer(
  choose: (call: FileCall) => Fault,
): FileLayer & { readonly calls: FileCall[] } {
  const calls: FileCall[] = []
  const paths = new Map<number, string>()

  function run<T>(name: keyof FileLayer, path: string, call: () => T): T {
    const made = { name, path, number: calls.length }
    calls.push(made)
    const fault = choose(made)
    if (fault === undefined) return call()
    const error = Object.assign(new Error(`${fault.code}: made by the test, ${name} '${path}'`), {
      code: fault.code,
    })
    if (fault.after !== true) throw error
    call()
    throw error
  }
  const at = (descriptor: number): string => paths.get(descriptor) ?? ''
  const real = nodeFileLayer
  return {
    calls,
    open: (path, flags, mode) => {
      const descriptor = run('open', path, () => real.open(path, flags, mode))
      paths.set(descriptor, path)
      return descriptor
    },
    read: (descriptor, buffer, position) =>
      run('read', at(descriptor), () => real.read(descriptor, buffer, position)),
    write: (descriptor, text) => run('write', at(descriptor), () => real.write(descriptor, text)),
    close: (descriptor) => real.close(descriptor),
    sync: async (descriptor) => await run('sync', at(descriptor), () => real.sync(descriptor)),
    link: (existing, path) => run('link', path, () => real.link(existing, path)),
    symlink: (target, path) => run('symlink', path, () => real.symlink(target, path)),
    readlink: (path) => run('readlink', path, () => real.readlink(path)),
    rename: (from, to) => run('rename', to, () => real.rename(from, to)),
    unlink: (path) => run('unlink', path, () => real.unlink(path)),
    mkdir: (path) => run('mkdir', path, () => real.mkdir(path)),
    rmdir: (path) => run('rmdir', path, () => real.rmdir(path)),
    kindOf: (descriptor) => real.kindOf(descriptor),
    peek: (path) => real.peek(path),
    list: (path) => run('list', path, () => real.list(path)),
    fileSystemType: (path) => real.fileSystemType(path),
    mountOf: (path) => real.mountOf(path),
    stampOf: (descriptor) => real.stampOf(descriptor),
    pause: (delayMs) => real.pause(delayMs),
  }
}
