import type { Communicator } from '@mpibatch/batch-core'
import type { GroupPeers, MemberWord } from '../run/group-members.ts'

/**
 * Lets the members of a group that run in processes of their own tell each other how their commands ended: each tells
 * all others, once per task, in the order of the tasks.
 */
export function messagesBetween(group: Communicator): GroupPeers {
  const others = Array.from({ length: group.size }, (_, rank) => rank).filter((rank) => rank !== group.rank)
  return {
    exchange: async (own, onTrouble) => {
      const sent = own.then((word) =>
        Promise.all(others.map((destination) => group.send(word, { destination }))),
      )
      const heard = others.map(async (source) => {
        const { data } = await group.receive<MemberWord>({ source })
        if (data !== 'done') onTrouble()
        return data
      })
      const [words] = await Promise.all([Promise.all(heard), sent])
      return words
    },
  }
}
