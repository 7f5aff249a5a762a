/** Parameters of all property tests here: a fixed seed, so that a failure comes back; fast-check prints it. */
export const PROPERTY = { seed: 20_261_121, numRuns: 500, verbose: 1 } as const
