import { type ChildProcess, spawn } from 'node:child_process'
import { afterEach, describe, expect, it } from 'vitest'
import { restoreLauncherDescriptor } from '../src/launcher-descriptor.ts'

const never = {
  adoptDescriptor: (): number => {
    throw new Error('nobody has it')
  },
}

describe("the launcher's descriptor", () => {
  const before = process.env.PMI_FD

  afterEach(() => {
    if (before === undefined) delete process.env.PMI_FD
    else process.env.PMI_FD = before
  })

  it('is nobody’s business where the launcher uses none, or it is here', async () => {
    delete process.env.PMI_FD
    restoreLauncherDescriptor(never)
    // Node makes sockets of the pipes to a child.
    const child: ChildProcess = spawn('cat', { stdio: ['pipe', 'pipe', 'ignore'] })
    const { fd } = (child.stdin as unknown as { readonly _handle: { readonly fd: number } })._handle
    process.env.PMI_FD = String(fd)
    restoreLauncherDescriptor(never)
    expect(process.env.PMI_FD).toBe(String(fd))
    child.stdin?.end()
    await new Promise((resolve) => child.once('exit', resolve))
  })

  it('that is nowhere leads to a sentence with what to start instead', () => {
    process.env.PMI_FD = '999999'
    expect(() => restoreLauncherDescriptor(never)).toThrow(
      /by descriptor 999999, .* node_modules\/\.bin\/mpibatch run/,
    )
  })
})
