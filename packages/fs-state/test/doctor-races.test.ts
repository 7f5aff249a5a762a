import { describe, expect, it } from 'vitest'
import { temporaryDirectory } from '../../../test/support/temporary-directory.ts'
import { consumeFindings, judgeConsume } from '../src/doctor/consume-step.ts'
import { judgeRace, type RacedName, raceFindings } from '../src/doctor/exclusive-step.ts'
import { makeToken, RACE_OPERATIONS, race } from '../src/doctor/jobs/race-jobs.ts'
import type { Finding } from '../src/doctor/report.ts'

function codesOf(findings: readonly Finding[]): string[] {
  return findings.map(({ code }) => code)
}

describe('step 2, exclusive names', () => {
  const owners = ['p0', 'p1', 'p2']
  const won = { code: '' }
  const lostTo = (owner: string): { code: string; seen: string } => ({ code: 'EEXIST', seen: owner })
  const clean: RacedName = { attempts: [won, lostTo('p0'), lostTo('p0')], readings: ['p0', 'p0', 'p0'] }

  it('finds nothing where each name has one winner, whom all others read', () => {
    const race = judgeRace('link', owners, [clean, clean])
    expect(race).toMatchObject({
      names: 2,
      double: 0,
      ownerless: 0,
      wrongText: 0,
      unreadable: 0,
      oddCodes: {},
    })
    expect(raceFindings({ link: race, symlink: race, file: race, mkdir: race, move: race })).toEqual([])
  })

  it('calls two winners of one name unsafe', () => {
    const double: RacedName = { attempts: [won, won, lostTo('p1')], readings: ['p1', 'p1', 'p1'] }
    const race = judgeRace('file', owners, [clean, double])
    expect(race.double).toBe(1)
    expect(raceFindings({ file: race })).toMatchObject([{ code: 'double-winners', severity: 'unsafe' }])
  })

  it('takes whoever finds its own text for the winner, as an append does', () => {
    const replayed: RacedName = {
      attempts: [lostTo('p0'), lostTo('p0'), lostTo('p0')],
      readings: ['p0', 'p0', 'p0'],
    }
    const race = judgeRace('link', owners, [replayed])
    expect(race).toMatchObject({ double: 0, ownerless: 0, lostReplies: 1 })
    expect(raceFindings({ link: race })).toMatchObject([{ code: 'lost-replies', severity: 'note' }])
  })

  it('calls two winners unsafe also where one of them was told that it had lost', () => {
    const name: RacedName = { attempts: [won, lostTo('p1'), lostTo('p1')], readings: ['p1', 'p1', 'p1'] }
    expect(judgeRace('link', owners, [name]).double).toBe(1)
  })

  it('counts names that nobody owns, texts that are missing, texts that are wrong, and odd errors', () => {
    const names: RacedName[] = [
      { attempts: [lostTo('!ENOENT'), lostTo('?'), lostTo('?')], readings: ['?', '?', '?'] },
      { attempts: [won, lostTo('!ENOENT'), lostTo('p0')], readings: ['p0', '', 'p0'] },
      { attempts: [won, lostTo('p2'), lostTo('p0')], readings: ['p0', 'p0', 'p0'] },
      { attempts: [won, { code: 'EPERM' }, lostTo('p0')], readings: ['p0', 'p0', 'p0'] },
    ]
    const race = judgeRace('link', owners, names)
    expect(race).toMatchObject({
      double: 0,
      wrongText: 1,
      ownerless: 1,
      unreadable: 3,
      oddCodes: { EPERM: 1 },
    })
    expect(codesOf(raceFindings({ link: race }))).toEqual([
      'wrong-text',
      'ownerless-names',
      'unreadable-names',
      'odd-errors',
    ])
  })

  it('tells a file system without links from one without any way', () => {
    const refuse = judgeRace('link', owners, [
      { attempts: owners.map(() => ({ code: 'EPERM' })), readings: ['!ENOENT', '!ENOENT', '!ENOENT'] },
    ])
    expect(refuse).toMatchObject({ refused: 'EPERM', unreadable: 0 })
    const good = judgeRace('symlink', owners, [clean])
    expect(raceFindings({ link: refuse, symlink: good, file: good })).toMatchObject([
      { code: 'no-links', severity: 'note', message: /symbolic links/ },
    ])
    expect(raceFindings({ link: refuse, symlink: refuse, file: refuse })).toMatchObject([
      { code: 'no-exclusive-create', severity: 'unsafe' },
    ])
  })
})

describe.each(RACE_OPERATIONS)('names made by %s', (operation) => {
  it('have the first who makes them for their winner, and tell others whose they are', () => {
    const input = { directory: temporaryDirectory(), operation, first: 0, count: 2 }
    for (const owner of ['p0', 'p1']) makeToken({ directory: input.directory, owner })
    expect(race({ ...input, owner: 'p0' })).toEqual([{ code: '' }, { code: '' }])
    const lost = { code: 'EEXIST', ...(READ_AT_ONCE.has(operation) ? { seen: 'p0' } : {}) }
    expect(race({ ...input, owner: 'p1' })).toEqual([lost, lost])
  })
})

/** A file may be there before its text, and a directory that is made in place has none. */
const READ_AT_ONCE = new Set<string>(['link', 'symlink', 'move'])

describe('step 3, renaming', () => {
  const whole = { reads: 100, absent: 0, partial: 0, stale: 0, errors: [] }

  it('finds nothing where each name is taken by one', () => {
    const count = judgeConsume(
      [
        ['', 'ENOENT'],
        ['ENOENT', ''],
      ],
      2,
    )
    expect(count).toMatchObject({ names: 2, double: 0, ownerless: 0 })
    expect(consumeFindings({ rename: count }, whole)).toEqual([])
  })

  it('calls it unsafe if two take one name, or it is found twice', () => {
    const twice = judgeConsume([['', '']], 1)
    expect(consumeFindings({ rename: twice }, whole)).toMatchObject([
      { code: 'double-rename', severity: 'unsafe' },
    ])
    const copied = judgeConsume([['', 'ENOENT']], 2)
    expect(consumeFindings({ rename: copied }, whole)).toMatchObject([{ code: 'double-rename' }])
  })

  it('expects answers that were lost', () => {
    const lost = judgeConsume([['ENOENT', 'ENOENT']], 1)
    expect(consumeFindings({ rename: lost }, whole)).toMatchObject([
      { code: 'lost-rename', severity: 'note' },
    ])
  })

  it('calls it unsafe if nothing can be renamed, or readers see what was never written', () => {
    const none = judgeConsume([['ENOSYS', 'ENOSYS']], 1)
    expect(consumeFindings({ rename: none }, whole)).toMatchObject([
      { code: 'no-rename', severity: 'unsafe' },
    ])
    expect(consumeFindings({}, { ...whole, partial: 1 })).toMatchObject([{ severity: 'unsafe' }])
    expect(codesOf(consumeFindings({}, { ...whole, absent: 1, stale: 1, errors: ['EIO'] }))).toEqual([
      'briefly-absent',
      'stale-handles',
      'reading-fails',
    ])
  })
})
