import type { ProcessStarter } from './process-starter.ts'

/** Opens the faster way to start processes that works here: the addon's, else Node's own. */
export async function openProcessStarter(): Promise<ProcessStarter> {
  const { NativeProcessStarter } = await import('./native-process-starter.ts')
  return NativeProcessStarter.open() ?? (await openPortableStarter())
}

/** Opens the way that works everywhere. */
export async function openPortableStarter(): Promise<ProcessStarter> {
  const { PortableProcessStarter } = await import('./portable-process-starter.ts')
  return await PortableProcessStarter.open()
}
