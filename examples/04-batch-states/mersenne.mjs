/**
 * Which Mersenne numbers 2^p - 1 are prime? A task per prime p up to a limit. Those that a small factor rules out begin
 * DONE; the others get the test of Lucas and Lehmer. All ranks have all answers at the end.
 *
 *   mpibatch run -j 4 examples/04-batch-states/mersenne.mjs          on four threads
 *   node examples/04-batch-states/mersenne.mjs 2300 10               up to p = 2300, for ten seconds at most
 */
import { setImmediate } from 'node:timers/promises'
import { openBatch } from 'mpibatch'

const [, , limit = '1300', seconds = '600'] = process.argv
/** Largest factor of 2^p - 1 that is looked for before anything runs. */
const FACTOR_MAX = 1_000_000
/** Steps of the test after which whoever waits gets a turn: messages, the clock, an interrupt. */
const SLICE = 200

/** The primes up to a limit, by the sieve of Eratosthenes. */
function primesUpTo(max) {
  const isComposite = new Uint8Array(max + 1)
  const primes = []
  for (let candidate = 2; candidate <= max; candidate += 1) {
    if (isComposite[candidate] === 1) continue
    primes.push(candidate)
    for (let multiple = candidate ** 2; multiple <= max; multiple += candidate) isComposite[multiple] = 1
  }
  return primes
}

/** 2^exponent modulo a number below 2^26, so that no product is rounded. */
function powerOfTwo(exponent, modulus) {
  let power = 1
  for (const bit of exponent.toString(2)) power = (power * power * (bit === '1' ? 2 : 1)) % modulus
  return power
}

/** The smallest factor of 2^p - 1 up to the limit, if it has one; Euler: any factor is 2kp + 1. */
function smallFactor(p) {
  for (let factor = 2 * p + 1; factor <= FACTOR_MAX && factor < 2 ** p - 1; factor += 2 * p) {
    if (powerOfTwo(p, factor) === 1) return factor
  }
  return undefined
}

/** The test of Lucas and Lehmer: s -> s² - 2, p - 2 times from 4, leaves 0 modulo 2^p - 1 if that is prime. */
async function isMersennePrime(p, signal) {
  if (p === 2) return true
  const exponent = BigInt(p)
  const mersenne = (1n << exponent) - 1n
  let s = 4n
  for (let step = 1; step <= p - 2; step += 1) {
    s = s * s - 2n
    // Modulo 2^p - 1 the bits above p are worth as much as those below.
    while (s > mersenne) s = (s & mersenne) + (s >> exponent)
    if (s === mersenne) s = 0n
    if (step % SLICE === 0) await setImmediate()
    signal.throwIfAborted()
  }
  return s === 0n
}

const exponents = primesUpTo(Number(limit))
const batch = await openBatch({
  root: null,
  tasks: exponents.map((p) => ({ name: `M${p}`, values: { p } })),
  initialStates: exponents.map((p) => (smallFactor(p) === undefined ? 'OPEN' : 'DONE')),
  interrupt: AbortSignal.timeout(1000 * Number(seconds)),
})
const { rank } = batch.communicator
const ruledOut = (await batch.states()).filter((state) => state === 'DONE').length
// Before that nobody ends a task.
await batch.communicator.barrier()

if (rank === 0) batch.on('progress', ({ DONE }) => console.error(`${DONE} of ${exponents.length} are known`))
const results = await batch.map((task) => isMersennePrime(task.values.p, task.signal))
await batch.close()

if (rank === 0) {
  const primes = exponents.filter((_, index) => results[index].ok && results[index].value)
  const tested = results.filter(({ ok }) => ok).length
  const open = results.filter(({ ok, state }) => !ok && state === 'OPEN')
  for (const p of primes)
    console.log(`2^${p} - 1 is prime, with ${String((1n << BigInt(p)) - 1n).length} digits`)
  console.log(
    `${exponents.length} exponents: ${ruledOut} ruled out by a factor, ${tested} tested, ${open.length} left`,
  )
}
