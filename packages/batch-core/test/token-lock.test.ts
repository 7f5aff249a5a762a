import { describe, expect, it } from 'vitest'
import type { Communicator } from '../src/communicator.ts'
import { ClosedError, LockNotHeldError, RankLostError, TimeoutError, UsageError } from '../src/errors.ts'
import { createMessageCommunicator } from '../src/message-communicator.ts'
import { createSoloCommunicator } from '../src/solo-communicator.ts'
import { createLoopback, createLoopbackTransports } from '../src/testing/index.ts'
import { TokenLock } from '../src/token-lock.ts'

/** Resolves when all events that are under way now have been handled. */
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

function onAll<T>(
  ranks: readonly Communicator[],
  run: (communicator: Communicator) => Promise<T>,
): Promise<T[]> {
  return Promise.all(ranks.map(run))
}

async function lockPair(): Promise<[TokenLock, TokenLock]> {
  const [first, second] = await onAll(createLoopback(2), (communicator) => TokenLock.create(communicator))
  if (first === undefined || second === undefined) throw new Error('Two ranks gave fewer than two locks')
  return [first, second]
}

describe('a token lock', () => {
  it('works on one rank alone', async () => {
    const lock = await TokenLock.create(createSoloCommunicator())
    await lock.acquire()
    expect(lock.held).toBe(true)
    await lock.release()
    expect(lock.held).toBe(false)
    expect(await lock.withLock(() => 'result')).toBe('result')
    await lock.close()
  })

  it('serves several callers of one rank in the order of their calls', async () => {
    const [lock, other] = await lockPair()
    const order: number[] = []
    await other.acquire()
    const callers = [0, 1, 2, 3].map((caller) =>
      lock.withLock(async () => {
        await nextTurn()
        order.push(caller)
      }),
    )
    await other.release()
    await Promise.all(callers)
    expect(order).toEqual([0, 1, 2, 3])
    await Promise.all([lock.close(), other.close()])
  })

  it('is released when the function under it throws', async () => {
    const [lock, other] = await lockPair()
    await expect(lock.withLock(() => Promise.reject(new Error('inside')))).rejects.toThrow('inside')
    const released = lock.withLock(async () => {
      await lock.release()
      throw new Error('behind the lock')
    })
    await expect(released).rejects.toThrow('behind the lock')
    expect(lock.held).toBe(false)
    await other.acquire()
    await other.release()
    await Promise.all([lock.close(), other.close()])
  })

  it('is not released by a rank that does not hold it', async () => {
    const [lock, other] = await lockPair()
    await expect(lock.release()).rejects.toThrow(LockNotHeldError)
    await other.acquire()
    const waiting = lock.acquire()
    await expect(lock.release()).rejects.toThrow(LockNotHeldError)
    await other.release()
    await waiting
    await lock.release()
    await Promise.all([lock.close(), other.close()])
  })

  it('lets a caller give up after its timeout, and passes the token on that comes later', async () => {
    const [lock, other] = await lockPair()
    await other.acquire()
    await expect(lock.acquire({ timeoutMs: 1 })).rejects.toThrow(TimeoutError)
    await other.release()
    await other.acquire()
    expect(lock.held).toBe(false)
    await other.release()
    await lock.acquire()
    await lock.release()
    await Promise.all([lock.close(), other.close()])
  })

  it('gives the place of a caller that gave up to the next caller on its rank', async () => {
    const [lock, other] = await lockPair()
    await other.acquire()
    const controller = new AbortController()
    const first = lock.acquire({ signal: controller.signal })
    const second = lock.acquire()
    const third = other.release().then(() => other.acquire())
    controller.abort(new Error('not needed any more'))
    await expect(first).rejects.toThrow('not needed any more')
    await second
    await lock.release()
    await third
    await other.release()
    await Promise.all([lock.close(), other.close()])
  })

  it('refuses limits that can not be, and a signal that has aborted, without taking a place', async () => {
    const lock = await TokenLock.create(createSoloCommunicator())
    await expect(lock.acquire({ timeoutMs: -1 })).rejects.toThrow(UsageError)
    await expect(lock.acquire({ signal: AbortSignal.abort(new Error('before')) })).rejects.toThrow('before')
    await lock.acquire()
    await lock.release()
    await lock.close()
  })

  it('does not take the token of another lock over the same ranks', async () => {
    await onAll(createLoopback(3), async (communicator) => {
      const locks = [await TokenLock.create(communicator), await TokenLock.create(communicator)]
      const [first, second] = locks
      if (communicator.rank === 0) await first?.acquire()
      await communicator.barrier()
      // The first lock is held, and the second goes round all ranks nevertheless.
      for (let round = 0; round < 10; round += 1) await second?.withLock(nextTurn)
      await communicator.barrier()
      if (communicator.rank === 0) await first?.release()
      await first?.withLock(nextTurn)
      for (const lock of locks) await lock.close()
    })
  })

  it('works on a part of the ranks while the others do something else', async () => {
    let counter = 0
    await onAll(createLoopback(4), async (communicator) => {
      const part = await communicator.split({ color: communicator.rank < 3 ? 0 : undefined })
      if (part === undefined) return
      const lock = await TokenLock.create(part)
      for (let round = 0; round < 20; round += 1) {
        await lock.withLock(async () => {
          const before = counter
          await nextTurn()
          counter = before + 1
        })
      }
      await lock.close()
      await part.close()
    })
    expect(counter).toBe(60)
  })

  it('refuses to be closed by its holder, and everything after close', async () => {
    const lock = await TokenLock.create(createSoloCommunicator())
    await lock.acquire()
    await expect(lock.close()).rejects.toThrow(UsageError)
    await lock.release()
    await lock.close()
    await expect(lock.acquire()).rejects.toThrow(ClosedError)
    await expect(lock.release()).rejects.toThrow(LockNotHeldError)
    await expect(lock.close()).resolves.toBeUndefined()
  })

  it('ends the callers that wait when it is closed', async () => {
    const [lock, other] = await lockPair()
    await other.acquire()
    const waiting = expect(lock.acquire()).rejects.toThrow(ClosedError)
    const closing = lock.close()
    await waiting
    await other.release()
    await Promise.all([closing, other.close()])
  })

  it('fails for the ranks behind a holder that ended', async () => {
    const transports = createLoopbackTransports(2)
    const locks = await onAll(transports.map(createMessageCommunicator), (communicator) =>
      TokenLock.create(communicator),
    )
    await locks[1]?.acquire()
    const waiting = [locks[0]?.acquire(), locks[0]?.acquire()]
    const failures = waiting.map((one) => expect(one).rejects.toThrow(RankLostError))
    transports[1]?.lose()
    await Promise.all(failures)
    await expect(locks[0]?.acquire()).rejects.toThrow(RankLostError)
  })
})
