/** Step 2: processes make the same names at the same time; each name must have one winner. */
import type { DoctorContext } from './context.ts'
import { JOB_MS_MAX, makeStepDirectory } from './context.ts'
import { RACE_OPERATIONS, type RaceAttempt, type RaceOperation } from './jobs/race-jobs.ts'
import type { Finding, StepOutcome } from './report.ts'

const NAMES_MAX = 1000
/** Names between two starts of all processes at the same time. */
const BATCH = 20
const OPERATION_BUDGET_MS = 1000
/** Errors with which a file system says that it has no such operation. */
const REFUSALS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EXDEV', 'EINVAL'])

/** What all processes say of a name. */
export interface RacedName {
  /** By process, in the order of `owners`. */
  readonly attempts: readonly RaceAttempt[]
  /** What each process read there when all had tried. */
  readonly readings: readonly string[]
}

/** What came of an operation. */
export interface RaceJudgement {
  readonly names: number
  /** Set if the file system has no such operation: the error's code. */
  readonly refused: string | null
  /** Names that several processes believe to have made. */
  readonly double: number
  /** Names that nobody believes to have made, although they are there. */
  readonly ownerless: number
  /** Names at which somebody read another text than the winner's. */
  readonly wrongText: number
  /** Readings of losers that failed or were empty when all had ended. */
  readonly unreadable: number
  /** Names whose winner was told that it had lost, and found its own text there. */
  readonly lostReplies: number
  /** Codes that losers got instead of EEXIST, with their number. */
  readonly oddCodes: Readonly<Record<string, number>>
}

/** Lets all processes make the same names. */
export async function checkExclusiveCreate(context: DoctorContext): Promise<StepOutcome> {
  const { agents } = context
  const directory = await makeStepDirectory(context, 'race')
  const owners = agents.map(({ name }) => name)
  for (const agent of agents) await agent.ask('makeToken', { directory, owner: agent.name }, JOB_MS_MAX)
  const measured: Partial<Record<RaceOperation, RaceJudgement>> = {}
  for (const operation of RACE_OPERATIONS) {
    const end = performance.now() + OPERATION_BUDGET_MS
    const names: RacedName[] = []
    while (names.length < NAMES_MAX && (names.length === 0 || performance.now() < end)) {
      const batch = { directory, operation, first: names.length, count: BATCH }
      const attempts = await Promise.all(
        agents.map((agent) => agent.ask('race', { ...batch, owner: agent.name }, JOB_MS_MAX)),
      )
      const readings = await Promise.all(agents.map((agent) => agent.ask('readRaced', batch, JOB_MS_MAX)))
      for (let index = 0; index < BATCH; index += 1) {
        names.push({
          attempts: attempts.map((tried) => tried[index] ?? { code: 'ENOANSWER' }),
          readings: readings.map((read) => read[index] ?? '!ENOANSWER'),
        })
      }
    }
    measured[operation] = judgeRace(operation, owners, names)
  }
  const counts = RACE_OPERATIONS.map(
    (operation) => `${measured[operation]?.names ?? 0} as a ${WORDS[operation]}`,
  )
  const tested: Finding = {
    code: 'tested',
    severity: 'ok',
    message: `${agents.length} processes tried to make the same names: ${counts.join(', ')}.`,
  }
  return {
    findings: [tested, ...raceFindings(measured)],
    measured: { processes: agents.length, ...measured },
  }
}

/** Counts what came of an operation. */
export function judgeRace(
  operation: RaceOperation,
  owners: readonly string[],
  names: readonly RacedName[],
): RaceJudgement {
  const counts = { double: 0, ownerless: 0, wrongText: 0, unreadable: 0, lostReplies: 0 }
  const oddCodes: Record<string, number> = {}
  const hasText = operation !== 'mkdir'
  for (const { attempts, readings } of names) {
    const winners = attempts.flatMap(({ code, seen }, index) => {
      const owner = owners[index]
      const told = code === ''
      const text = seen ?? (operation === 'file' ? readings[index] : undefined)
      // As an append does: who is told that the name is taken reads it, and knows its own text.
      const own = code === 'EEXIST' && text === owner
      if (own) counts.lostReplies += 1
      return owner !== undefined && (told || own) ? [owner] : []
    })
    if (winners.length > 1) counts.double += 1
    const texts = [...readings, ...attempts.flatMap(({ seen }) => seen ?? [])]
    const readable = texts.filter((text) => text !== '' && !text.startsWith('!'))
    const [winner] = winners
    if (winner === undefined && texts.some((text) => !text.startsWith('!'))) counts.ownerless += 1
    if (hasText) counts.unreadable += texts.length - readable.length
    if (hasText && winners.length === 1 && readable.some((text) => text !== winner)) counts.wrongText += 1
    for (const { code } of attempts)
      if (code !== '' && code !== 'EEXIST') oddCodes[code] = (oddCodes[code] ?? 0) + 1
  }
  const codes = new Set(names.flatMap(({ attempts }) => attempts.map(({ code }) => code)))
  const [only] = codes
  const refused = codes.size === 1 && only !== undefined && REFUSALS.has(only) ? only : null
  if (refused !== null) return { names: names.length, refused, ...EMPTY }
  return { names: names.length, refused, ...counts, oddCodes }
}

const EMPTY = { double: 0, ownerless: 0, wrongText: 0, unreadable: 0, lostReplies: 0, oddCodes: {} }

/** What the counts mean. */
export function raceFindings(races: Partial<Record<RaceOperation, RaceJudgement>>): readonly Finding[] {
  const findings: Finding[] = []
  for (const operation of RACE_OPERATIONS) {
    const race = races[operation]
    if (race !== undefined) findings.push(...findingsOf(operation, race))
  }
  const media = (['link', 'symlink', 'file'] as const).filter((medium) => races[medium]?.refused === null)
  if (media.length === 0) {
    findings.push({
      code: 'no-exclusive-create',
      severity: 'unsafe',
      message: 'Neither links, symbolic links nor files can be made here under a name that must be free.',
      advice: 'Put only the outputs of tasks there, and keep the task root elsewhere.',
    })
  } else if (races.link?.refused != null) {
    findings.push({
      code: 'no-links',
      severity: 'note',
      message: `Links are refused (${races.link.refused}), so events are made as ${media[0] === 'symlink' ? 'symbolic links' : 'files'}: a task costs 2 inodes more.`,
    })
  }
  return findings
}

const WORDS: Readonly<Record<RaceOperation, string>> = {
  link: 'link',
  symlink: 'symbolic link',
  file: 'file',
  mkdir: 'directory',
  move: 'directory that was moved there',
}

function findingsOf(operation: RaceOperation, race: RaceJudgement): readonly Finding[] {
  const word = WORDS[operation]
  const findings: Finding[] = []
  if (race.double > 0) {
    findings.push({
      code: 'double-winners',
      severity: 'unsafe',
      message: `Of ${race.names} names, ${race.double} were each made by several processes, as a ${word} that must not exist: two instances would both have the same task.`,
      advice: 'Keep the task root on another file system; outputs of tasks may lie here.',
    })
  }
  if (race.wrongText > 0) {
    findings.push({
      code: 'wrong-text',
      severity: 'unsafe',
      message: `At ${race.wrongText} of ${race.names} names somebody read another text than that of the process that had made it, as a ${word}.`,
      advice: 'Keep the task root on another file system; outputs of tasks may lie here.',
    })
  }
  if (race.ownerless > 0) {
    findings.push({
      code: 'ownerless-names',
      severity: 'degraded',
      message: `${race.ownerless} of ${race.names} names exist as a ${word}, although everybody was told that somebody else had made them.`,
      advice: 'Tasks to which this happens are left alone until --steal-running.',
    })
  }
  if (race.unreadable > 0) {
    findings.push({
      code: 'unreadable-names',
      severity: 'note',
      message: `${race.unreadable} readings of names that others had just made as a ${word} showed nothing: caches are behind.`,
    })
  }
  const odd = Object.entries(race.oddCodes)
  if (odd.length > 0) {
    findings.push({
      code: 'odd-errors',
      severity: 'degraded',
      message: `Making a ${word} failed with ${odd.map(([code, count]) => `${code} (${count} times)`).join(', ')} instead of EEXIST.`,
      advice: 'Runs may end with that error; run the same line again.',
    })
  }
  if (race.lostReplies > 0) {
    findings.push({
      code: 'lost-replies',
      severity: 'note',
      message: `${race.lostReplies} times a process was told that a name was taken, and it was its own (${word}); the store recognises that.`,
    })
  }
  return findings
}
