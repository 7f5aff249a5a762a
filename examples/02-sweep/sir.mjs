/**
 * The SIR model of an epidemic (Kermack and McKendrick, 1927) in fractions of the population:
 *
 *   S' = -beta S I      I' = beta S I - gamma I      R' = gamma I
 *
 * integrated with the Dormand-Prince pair of orders 5 and 4, whose difference chooses the step.
 */

/** Stages of the Dormand-Prince pair; the last row gives the solution of order 5. */
const STAGES = [
  [],
  [1 / 5],
  [3 / 40, 9 / 40],
  [44 / 45, -56 / 15, 32 / 9],
  [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729],
  [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656],
  [35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84],
]
/** Weights of order 5 less those of order 4: the error of a step. */
const ERROR_WEIGHTS = [71 / 57600, 0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40]

const TOLERANCE = 1e-10
const STEP_DAYS_MAX = 1

function derivative([s, i], { beta, gamma }) {
  const infections = beta * s * i
  return [-infections, infections - gamma * i]
}

/** One trial step: the new state, and the size of its error against the tolerance. */
function trialStep(state, step, parameters) {
  const slopes = []
  let next = state
  for (const weights of STAGES) {
    next = state.map((value, k) => value + step * weights.reduce((sum, w, j) => sum + w * slopes[j][k], 0))
    slopes.push(derivative(next, parameters))
  }
  const errors = state.map((_, k) => step * ERROR_WEIGHTS.reduce((sum, w, j) => sum + w * slopes[j][k], 0))
  return { next, error: Math.max(...errors.map(Math.abs)) / TOLERANCE }
}

/**
 * Follows an epidemic.
 *
 * @param {{beta: number, gamma: number, infected: number, days: number}} parameters - Rates per day, the fraction
 *   infected at the start, and how long to look.
 * @returns The highest fraction infected at once and its day, the fraction infected in all, and the steps it took.
 */
export function simulate({ beta, gamma, infected, days }) {
  let state = [1 - infected, infected]
  let [day, step, steps] = [0, 0.01, 0]
  let peak = { day: 0, infected }
  while (day < days) {
    step = Math.min(step, STEP_DAYS_MAX, days - day)
    const { next, error } = trialStep(state, step, { beta, gamma })
    if (error <= 1) {
      day += step
      state = next
      steps += 1
      if (state[1] > peak.infected) peak = { day, infected: state[1] }
    }
    step *= Math.min(5, Math.max(0.2, 0.9 * error ** -0.2))
  }
  return {
    reproductionNumber: beta / gamma,
    peakInfected: peak.infected,
    peakDay: peak.day,
    attackRate: 1 - state[0],
    steps,
  }
}
