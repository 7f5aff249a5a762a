/** Looks again at tasks that ran elsewhere: which can be claimed now or have ended, and whose the others are. */
import type { ElsewhereOwner } from '@mpibatch/batch-core'
import type { Verdict } from './owners.ts'
import type { StoreSession } from './store-session.ts'
import { readTask } from './task-chain.ts'
import { judgeUnreadable } from './task-claim.ts'

/** An owner, with the position of one of its tasks in the list that was given. */
type OwnerAt = Omit<ElsewhereOwner, 'taskIndex'> & { readonly position: number }

/** Looks at the tasks of these directories; positions are those in the list. */
export async function reconsiderTasks(
  session: StoreSession,
  directories: readonly string[],
): Promise<{ readonly ready: readonly number[]; readonly owners: readonly OwnerAt[] }> {
  const ready: number[] = []
  const owners = new Map<string, OwnerAt>()
  const judge = session.owners.judgeOnce()
  for (const [position, directory] of directories.entries()) {
    const found = await lookAt(session, directory, judge)
    if (found === undefined) ready.push(position)
    else {
      const { owner, verdict } = found
      const { alive, host, decidedInMs, fault } = verdict
      owners.set(owner, {
        ...{ owner, host, alive, position },
        taskCount: (owners.get(owner)?.taskCount ?? 0) + 1,
        ...(alive || decidedInMs === undefined ? {} : { decidedInMs }),
        ...(fault === undefined ? {} : { fault }),
      })
    }
  }
  return { ready, owners: [...owners.values()] }
}

/** Who has a task; `undefined` if nobody has. */
async function lookAt(
  session: StoreSession,
  directory: string,
  judge: (instance: string) => Promise<Verdict>,
): Promise<{ readonly owner: string; readonly verdict: Verdict } | undefined> {
  const { view } = readTask(session.files, directory, 0)
  switch (view.kind) {
    case 'open':
    case 'settled':
    case 'invalid':
      return undefined
    case 'foreign':
      return { owner: 'foreign', verdict: { dead: false, alive: true, host: '' } }
    case 'unknown': {
      const verdict = judgeUnreadable(session, directory, view.slot)
      return verdict.dead ? undefined : { owner: 'unknown', verdict }
    }
    case 'claimed':
    case 'ending': {
      const verdict = await judge(view.owner)
      return verdict.dead ? undefined : { owner: view.owner, verdict }
    }
  }
}
