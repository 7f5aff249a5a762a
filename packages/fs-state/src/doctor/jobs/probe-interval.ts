/** Between two beats of the probe of step 9, milliseconds. */
export const PROBE_INTERVAL_MS = 20
