// Clocks of this process that a test moves: to be imported before anything that reads them.
const { now } = Date;
const hrtime = process.hrtime;
let wallMs = 0;
let passedMs = 0;

Date.now = () => now() + wallMs + passedMs;
process.hrtime = Object.assign(
  (...args) => {
    const [seconds, nanoseconds] = hrtime(...args);
    const all = nanoseconds + (passedMs % 1000) * 1e6;
    return [seconds + Math.floor(passedMs / 1000) + Math.floor(all / 1e9), all % 1e9];
  },
  { bigint: hrtime.bigint },
);

export const clock = {
  /** Time passes. */
  advance: (ms) => void (passedMs += ms),
  /** Somebody sets the wall clock. */
  setBack: (ms) => void (wallMs -= ms),
};
