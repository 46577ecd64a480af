import { copyValue, isPlain } from './capture.js';

/** Copies a value that the cache owns. @internal */
export type Copier = (value: unknown) => unknown;

/** A field that holds an object, and the function that copies that object. */
type Step = readonly [field: string, copy: Copier];

/** Beyond this many plans, the common copier is used: such field names are data. */
const MAX_PLANS = 1000;
/** Limits on the fields of one object that hold objects, and on the length of their names: beyond them, names are data too. */
const MAX_STEPS = 32;
const MAX_NAME_LENGTH = 64;

let plans = 0;

/** How to copy objects whose same fields hold the same kinds of objects. */
class Plan {
  readonly #next = new Map<string, Map<Plan, Plan>>();

  constructor(
    readonly copier: Copier,
    private readonly steps: readonly Step[] = [],
  ) {}

  /** The plan for one more field. */
  with(field: string, inner: Plan): Plan {
    return this.#next.get(field)?.get(inner) ?? this.#add(field, inner);
  }

  #add(field: string, inner: Plan): Plan {
    const isData = field.length > MAX_NAME_LENGTH;
    if (isData || plans === MAX_PLANS || this.steps.length === MAX_STEPS) return COMMON;
    plans++;
    const steps: Step[] = [...this.steps, [field, inner.copier]];
    const next = new Plan(copierThrough(steps), steps);
    const others = this.#next.get(field) ?? new Map<Plan, Plan>();
    this.#next.set(field, others.set(inner, next));
    return next;
  }
}

/** Unrolled for one step and for two, which most values have: this takes half the time of the loop. */
function copierThrough(steps: readonly Step[]): Copier {
  const [first, second] = steps;
  if (first === undefined) return copyFlat;
  const [a, copyA] = first;
  if (second === undefined) {
    return (value) => {
      const copy: Record<string, unknown> = { ...(value as object) };
      copy[a] = copyA(copy[a]);
      return copy;
    };
  }
  const [b, copyB] = second;
  if (steps.length === 2) {
    return (value) => {
      const copy: Record<string, unknown> = { ...(value as object) };
      copy[a] = copyA(copy[a]);
      copy[b] = copyB(copy[b]);
      return copy;
    };
  }
  return (value) => {
    const copy: Record<string, unknown> = { ...(value as object) };
    for (const [field, copyField] of steps) copy[field] = copyField(copy[field]);
    return copy;
  };
}

const copyFlat: Copier = (object) => ({ ...(object as object) });

const COMMON = new Plan(copyValue);
const LIST = new Plan((list) => (list as unknown[]).slice());
const FLAT = new Plan(copyFlat);

/**
 * Returns a function that copies this value and others of its shape, without looking for objects in each field.
 *
 * @param value an object that the cache owns and that never changes
 * @internal
 */
export function copierOf(value: unknown): Copier {
  return planOf(value).copier;
}

function planOf(value: unknown): Plan {
  if (Array.isArray(value)) return value.some(isObject) ? COMMON : LIST;
  if (!isPlain(value)) return COMMON;
  let plan: Plan = FLAT;
  for (const name in value) {
    const field = value[name];
    if (isObject(field) && Object.hasOwn(value, name)) plan = plan.with(name, planOf(field));
    if (plan === COMMON) return COMMON;
  }
  return plan;
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}
