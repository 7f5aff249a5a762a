import { MPIBATCH, runToEnd } from '../run.mjs'

/** How long the program takes to say its version, beside Node that does nothing. */
export const row = {
  name: 'start-up',
  title: '`mpibatch --version`',
  sizes: { rounds: 30 },
  small: { rounds: 2 },
  measure() {
    const milliseconds = (words) => 1000 * runToEnd(words).seconds
    const ours = {
      who: 'mpibatch --version',
      unit: 'ms',
      run() {
        return milliseconds([...MPIBATCH, '--version'])
      },
    }
    const node = { who: 'node -e 0', unit: 'ms', run: () => milliseconds([process.execPath, '-e', '0']) }
    return {
      ways: [ours, node],
      wants: [{ text: 'mpibatch --version / node -e 0', of: [ours, node], atMost: 1.5 }],
    }
  },
}
