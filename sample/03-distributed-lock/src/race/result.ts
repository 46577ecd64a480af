/** What a race has shown. */
export interface RaceResult {
  /** In a few words. */
  summary: string;
  /** What must not happen, and did: one line each. */
  violations: string[];
}
