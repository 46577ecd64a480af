const { HC_FAULT_FACTOR, HC_FAULT_SEED, HC_FAULT_REPORT } = process.env;

/** How much the fault suites try, set by the environment; without it, what fits into every run of the tests. */
export const campaign = {
  /** Multiplies the rounds. */
  factor: Number(HC_FAULT_FACTOR ?? 1),
  /** Of the first round. */
  seed: Number(HC_FAULT_SEED ?? 20261122),
  /** Whether the suites write what they have measured to stderr. */
  isReported: HC_FAULT_REPORT !== undefined,
} as const;
