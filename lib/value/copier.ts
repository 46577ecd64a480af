import { MAX_NAME_LENGTH } from './name-trie.js';
import { copyValue, isPlain } from './capture.js';

/** Copies a value of the cache's own. @internal */
export type Copier = (value: unknown) => unknown;

/** With more, the common way has to do: fields are data under names of their own. */
const MAX_PLANS = 1000;
/** Fields of one object that hold objects. */
const MAX_STEPS = 32;

let plans = 0;

/** How objects are copied of which the same fields hold the same kinds of objects. */
class Plan {
  #copier: Copier | undefined;
  /** The plan for one more field; most have one successor. */
  #field: string | undefined;
  #inner: Plan | undefined;
  #next: Plan | undefined;
  #others: Map<string, Map<Plan, Plan>> | undefined;

  constructor(
    private readonly steps: readonly (readonly [field: string, inner: Plan])[],
    /** JavaScript that copies what the expression names. */
    readonly code: (expression: string) => string | undefined,
    copier?: Copier,
  ) {
    this.#copier = copier;
  }

  get copier(): Copier {
    return (this.#copier ??= this.#compile());
  }

  with(field: string, inner: Plan): Plan {
    if (field === this.#field && inner === this.#inner) return this.#next ?? COMMON;
    const known = this.#others?.get(field)?.get(inner);
    return known ?? this.#add(field, inner);
  }

  #add(field: string, inner: Plan): Plan {
    const isData = field.length > MAX_NAME_LENGTH;
    if (isData || plans === MAX_PLANS || this.steps.length === MAX_STEPS) return COMMON;
    plans++;
    const next = new Plan([...this.steps, [field, inner]], () => undefined);
    if (this.#next === undefined) {
      this.#field = field;
      this.#inner = inner;
      this.#next = next;
      return next;
    }
    this.#others ??= new Map();
    const others = this.#others.get(field) ?? new Map<Plan, Plan>();
    this.#others.set(field, others.set(inner, next));
    return next;
  }

  /** Each plan has code of its own, so that V8 knows the hidden classes that come there: half the time. */
  #compile(): Copier {
    const { steps } = this;
    const copiers = steps.map(([, { copier }]) => copier);
    const lines = steps.map(([field, inner], i) => {
      const name = `copy[${JSON.stringify(field)}]`;
      return `${name} = ${inner.code(name) ?? `copiers[${i}](${name})`};`;
    });
    const body = `return (value) => { const copy = { ...value }; ${lines.join(' ')} return copy; };`;
    try {
      // oxlint-disable-next-line no-new-func
      return (new Function('copiers', body) as (inner: Copier[]) => Copier)(copiers);
    } catch {
      // Code from strings may be forbidden (--disallow-code-generation-from-strings).
      return copyValue;
    }
  }
}

const COMMON = new Plan([], () => undefined, copyValue);
const LIST = new Plan(
  [],
  (list) => `${list}.slice()`,
  (list) => (list as unknown[]).slice(),
);
const FLAT = new Plan(
  [],
  (object) => `{ ...${object} }`,
  (object) => ({ ...(object as object) }),
);

/**
 * What copies this value, and others that are built like it, without looking for objects in each of its fields.
 *
 * @param value an object of the cache's own, which never changes
 * @internal
 */
export function copierOf(value: unknown): Copier {
  return planOf(value).copier;
}

function planOf(value: unknown): Plan {
  if (Array.isArray(value)) {
    for (const item of value as readonly unknown[]) if (isObject(item)) return COMMON;
    return LIST;
  }
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
