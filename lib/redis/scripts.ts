import type { Script } from './script.js';
import { ACQUIRE_LEASE } from './scripts/acquire-lease.js';
import { BEGIN, BUMP, FENCE } from './scripts/bump.js';
import { CANCEL_WAIT } from './scripts/cancel-wait.js';
import { EXPIRE, INCREMENT, TOUCH } from './scripts/change.js';
import { CLAIM, IS_CURRENT, KEEP_CLAIM } from './scripts/claim.js';
import { COLLECT_GRANTS } from './scripts/collect-grants.js';
import { ENROL } from './scripts/enrol.js';
import { EXTEND_LEASE } from './scripts/extend-lease.js';
import { FORGET_LEASES } from './scripts/forget-leases.js';
import { MARK_LEASES } from './scripts/mark-leases.js';
import { PROMOTE_WAITERS } from './scripts/promote-waiters.js';
import { LIST_LEASES, ONE_LEASE } from './scripts/read-leases.js';
import { FORCE_RELEASE_LEASE, RELEASE_LEASE } from './scripts/release-lease.js';
import { REMOVE_MANY } from './scripts/remove-many.js';
import { REMOVE } from './scripts/remove.js';
import { RIGHTS } from './scripts/rights.js';
import { BEGIN_RUN, FINISH_RUN } from './scripts/run.js';
import { CHECK_FENCE, STORE } from './scripts/store.js';
import { SWEEP } from './scripts/sweep.js';
import { RESET_THROTTLE, THROTTLE } from './scripts/throttle.js';

/** All scripts. Each connection loads them before it is used. @internal */
export const SCRIPTS: readonly Script[] = [
  RIGHTS,
  ENROL,
  STORE,
  CHECK_FENCE,
  REMOVE,
  TOUCH,
  EXPIRE,
  INCREMENT,
  CLAIM,
  IS_CURRENT,
  KEEP_CLAIM,
  BUMP,
  BEGIN,
  FENCE,
  REMOVE_MANY,
  SWEEP,
  ACQUIRE_LEASE,
  EXTEND_LEASE,
  RELEASE_LEASE,
  FORCE_RELEASE_LEASE,
  PROMOTE_WAITERS,
  CANCEL_WAIT,
  COLLECT_GRANTS,
  ONE_LEASE,
  LIST_LEASES,
  FORGET_LEASES,
  MARK_LEASES,
  THROTTLE,
  RESET_THROTTLE,
  BEGIN_RUN,
  FINISH_RUN,
];
