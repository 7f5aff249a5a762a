/** Everything that a process of the doctor can be asked to do, by name. */
import { consume, countNames, makeSources, readFor, replaceFor } from './consume-jobs.ts'
import { countLinks, linkAcross, timeMedia, timeSync } from './cost-jobs.ts'
import { beatWhileBlocked } from './heartbeat-jobs.ts'
import { dropLock, holdLock, tryLock } from './lock-jobs.ts'
import { inspectFileSystem, makeDirectory, readClocks, readMarker } from './machine-jobs.ts'
import { makeToken, race, readRaced } from './race-jobs.ts'
import { inspectTree } from './tree-jobs.ts'
import { changeVisibly, prepareVisibility, primeVisibility, watchVisibility } from './visibility-jobs.ts'
import { makeWorkDirectory, removeWorkDirectory } from './work-directory-jobs.ts'

/** See the top of this file. */
export interface Jobs {
  readonly beatWhileBlocked: typeof beatWhileBlocked
  readonly changeVisibly: typeof changeVisibly
  readonly consume: typeof consume
  readonly countLinks: typeof countLinks
  readonly countNames: typeof countNames
  readonly dropLock: typeof dropLock
  readonly holdLock: typeof holdLock
  readonly inspectFileSystem: typeof inspectFileSystem
  readonly inspectTree: typeof inspectTree
  readonly linkAcross: typeof linkAcross
  readonly makeDirectory: typeof makeDirectory
  readonly makeSources: typeof makeSources
  readonly makeToken: typeof makeToken
  readonly makeWorkDirectory: typeof makeWorkDirectory
  readonly prepareVisibility: typeof prepareVisibility
  readonly primeVisibility: typeof primeVisibility
  readonly race: typeof race
  readonly readClocks: typeof readClocks
  readonly readFor: typeof readFor
  readonly readMarker: typeof readMarker
  readonly readRaced: typeof readRaced
  readonly removeWorkDirectory: typeof removeWorkDirectory
  readonly replaceFor: typeof replaceFor
  readonly timeMedia: typeof timeMedia
  readonly timeSync: typeof timeSync
  readonly tryLock: typeof tryLock
  readonly watchVisibility: typeof watchVisibility
}

/** The code of each job. */
export const JOBS: Jobs = {
  beatWhileBlocked,
  changeVisibly,
  consume,
  countLinks,
  countNames,
  dropLock,
  holdLock,
  inspectFileSystem,
  inspectTree,
  linkAcross,
  makeDirectory,
  makeSources,
  makeToken,
  makeWorkDirectory,
  prepareVisibility,
  primeVisibility,
  race,
  readClocks,
  readFor,
  readMarker,
  readRaced,
  removeWorkDirectory,
  replaceFor,
  timeMedia,
  timeSync,
  tryLock,
  watchVisibility,
}

/** Name of a job. */
export type JobName = keyof Jobs

/** What a job is given. */
export type JobInput<N extends JobName> = Parameters<Jobs[N]>[0]

/** What a job gives back. */
export type JobResult<N extends JobName> = Awaited<ReturnType<Jobs[N]>>
