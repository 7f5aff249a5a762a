import { once } from 'node:events'
import { EXIT_CODE } from '../exit-code.ts'
import { parseCount } from '../input/count.ts'
import { startLiveServer } from '../serve/live-server.ts'
import { readPageFiles } from '../serve/page-files.ts'
import type { Command } from './command.ts'
import { parseArguments } from './parse-arguments.ts'
import { onlyRoot } from './task-root.ts'

/** `mpibatch serve [ROOT] [--port N] [--allow-actions]`: the live page, until it is interrupted. */
export const serveCommand: Command = {
  async run(argv) {
    const { words, values } = await parseArguments(argv, {
      usage: 'serve [ROOT]',
      options: {
        port: {
          type: 'string',
          requiresArg: true,
          describe: 'listen on this port; one that is free if left out',
        },
        'allow-actions': { type: 'boolean', describe: 'let the page open tasks again: retry and recover' },
      },
    })
    const root = onlyRoot(words)
    const port =
      typeof values.port === 'string' ? parseCount(values.port, { what: '--port', min: 1, max: 65535 }) : 0
    const ending = new AbortController()
    const interrupted = endOf('SIGINT', EXIT_CODE.interrupted, ending.signal)
    const terminated = endOf('SIGTERM', EXIT_CODE.terminated, ending.signal)
    const server = await startLiveServer(root, {
      ...{ port, pages: readPageFiles() },
      allowActions: values['allow-actions'] === true,
      onMessage: say,
    })
    process.stdout.write(`${server.url}\n`)
    if (process.env.SSH_CONNECTION !== undefined)
      say(
        `on your own machine: ssh -L ${server.port}:127.0.0.1:${server.port} to here, then open the link there.`,
      )
    say('whoever has this link can read the logs of all tasks. Ctrl-C ends it.')
    const exitCode = await Promise.race([interrupted, terminated])
    ending.abort()
    // What a page has asked for may wait for signs of life for minutes; it is given up, as by any other kill.
    setTimeout(() => process.exit(exitCode), 500).unref()
    await server.close()
    return exitCode
  },
}

async function endOf(signal: NodeJS.Signals, exitCode: number, ended: AbortSignal): Promise<number> {
  await once(process, signal, { signal: ended }).catch(() => undefined)
  return exitCode
}

function say(text: string): void {
  process.stderr.write(`mpibatch: ${text}\n`)
}
