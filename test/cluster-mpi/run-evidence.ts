/** What a run over the nodes has left in its root, read by the machine that carries them. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Bed } from '../cluster/bed.ts'
import type { TaskEvidence } from '../cluster/evidence.ts'

/** What is wrong with tasks that are to be DONE after one claim each, as sentences. */
export function faultsOfSingleClaims(tasks: readonly TaskEvidence[]): string[] {
  return tasks.flatMap(({ name, state, events }) => {
    const [claim, result] = events
    const isGood =
      state === 'DONE\n' &&
      events.length === 2 &&
      claim?.kind === 'CLAIM' &&
      result?.kind === 'DONE' &&
      claim.instance === result.instance
    const history = events.map(({ kind, instance }) => `${kind} by ${instance}`).join(', ')
    return isGood ? [] : [`${name}: its state is ${JSON.stringify(state)}, its events: ${history}`]
  })
}

/** Number of tasks that the instances of each host have brought to their end. */
export function tasksByHost(bed: Bed, root: string, tasks: readonly TaskEvidence[]): Record<string, number> {
  const hosts = hostsOfInstances(bed, root)
  const counts: Record<string, number> = {}
  for (const { name, events } of tasks) {
    const host = hosts.get(events.at(-1)?.instance ?? '')
    if (host === undefined) throw new Error(`${name} was ended by an instance that is not known.`)
    counts[host] = (counts[host] ?? 0) + 1
  }
  return counts
}

/** The host of each instance of a root: each rank is one. */
export function hostsOfInstances(bed: Bed, root: string): Map<string, string> {
  const place = bed.sharedPath(root, '.mpibatch/i')
  return new Map(
    readdirSync(place).map((instance) => {
      const { host } = JSON.parse(readFileSync(join(place, instance, 'info.json'), 'utf8'))
      return [instance, host]
    }),
  )
}
