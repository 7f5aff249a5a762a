import { afterEach, beforeEach, expect, it, vi } from 'vitest'

beforeEach(() => {
  vi.stubEnv('UCX_MEM_EVENTS', 'yes')
  vi.stubEnv('UCX_ERROR_SIGNALS', undefined)
})

afterEach(() => {
  vi.unstubAllEnvs()
  vi.resetModules()
})

/** The module as a new process has it. */
async function loadSettings(): Promise<typeof import('../src/library-settings.ts')> {
  return await import('../src/library-settings.ts')
}

it('keeps UCX away from memory and signals before a library is opened', async () => {
  const { withLibrarySettings } = await loadSettings()
  const seen: unknown[] = []
  withLibrarySettings(() => seen.push(process.env.UCX_MEM_EVENTS, process.env.UCX_ERROR_SIGNALS))
  expect(seen).toEqual(['no', ''])
})

it('gives tasks what the user had set, also after libraries were opened twice', async () => {
  const { withLibrarySettings, withoutLibrarySettings } = await loadSettings()
  withLibrarySettings(() => undefined)
  withLibrarySettings(() => undefined)
  const { UCX_MEM_EVENTS, UCX_ERROR_SIGNALS, KEPT } = withoutLibrarySettings({ ...process.env, KEPT: '1' })
  expect([UCX_MEM_EVENTS, UCX_ERROR_SIGNALS, KEPT]).toEqual(['yes', undefined, '1'])
})

it('changes no environment where no library was opened', async () => {
  const { withoutLibrarySettings } = await loadSettings()
  expect(withoutLibrarySettings({ UCX_MEM_EVENTS: 'yes' })).toEqual({ UCX_MEM_EVENTS: 'yes' })
})
