import {
  capturePortable,
  decodeValue,
  encodeValue,
  isPortableJson,
  isShaped,
  isSmallJson,
  toPortableJson,
  toShaped,
  type StoredValue,
} from '../value/codec.js';
import type { Random } from '../common/random.js';
import {
  definitionFromText,
  definitionToText,
  Shapes,
  type ShapeDefinition,
  type ShapeStore,
} from '../value/shapes.js';
import type { CapturedValue } from '../value/capture.js';
import { ChangeKind, type ChangeLog } from './change-log.js';
import type { ShapeTable } from './shape-table.js';

/** What is used of the storage. */
interface Host {
  readonly shapes: ShapeTable;
  readonly changes: ChangeLog;
  nextRevision(): number;
  transaction<T>(body: () => T): T;
}

/** Ids that are left out after a file was lost: other processes may have given some in it that this one never saw. */
const ID_LEAP_BYTES = 3;

/**
 * How values stand in the rows of one file: small ones without the names of their fields. Between nodes values travel
 * as {@link encodeValue} makes them, but for the rows of the feed, which brings the shapes first.
 *
 * @internal
 */
export class StoredValues implements ShapeStore {
  readonly #shapes = new Shapes(this);
  #idFloor = 0;
  /** Why the shapes could not be read, until it is told. */
  #failure: unknown;

  constructor(
    private readonly host: Host,
    private readonly random: Random,
  ) {}

  encode(captured: CapturedValue): StoredValue {
    if (!isSmallJson(captured)) return encodeValue(captured);
    try {
      return toShaped(captured.value, this.#shapes);
    } catch {
      // It is written with its names. Should the file be the cause, that write tells, or a read.
      this.#failure = undefined;
      return encodeValue(captured);
    }
  }

  /**
   * A copy of the caller's own.
   *
   * @throws {HC_VALUE_UNREADABLE}
   * @throws SQLite's error when its shape cannot be read
   */
  decode(stored: StoredValue): unknown {
    try {
      return decodeValue(stored, this.#shapes);
    } catch (error) {
      const cause = this.#failure ?? error;
      this.#failure = undefined;
      throw cause;
    }
  }

  /** As another node understands it that does not have the shapes. What is damaged stays so, for its reader to tell. */
  toPortable(stored: StoredValue): StoredValue {
    if (!isShaped(stored)) return stored;
    try {
      return toPortableJson(this.decode(stored));
    } catch {
      return stored;
    }
  }

  /** The other way round; what is no value stays as it is, for its reader to tell. */
  fromPortable(value: StoredValue): StoredValue {
    if (!isPortableJson(value)) return value;
    try {
      return this.encode(capturePortable(value));
    } catch {
      return value;
    }
  }

  /** As it stands in the change log. Inside a transaction, in which the change is logged. */
  adopt(logged: string): void {
    const definition = definitionFromText(logged);
    const { shapes } = this.host;
    if (!shapes.has(definition)) shapes.put(definition);
  }

  /** All that this process knows of. */
  definitions(): readonly ShapeDefinition[] {
    return this.#shapes.definitions();
  }

  /**
   * Those of a file that was lost: writes that wait here were encoded by them. What another process has begun in the new
   * file stays as it is.
   */
  carryOver(definitions: readonly ShapeDefinition[]): void {
    if (definitions.length > 0) this.host.transaction(() => this.#putMissing(definitions));
    const last = Math.max(0, ...definitions.map(({ id }) => id));
    this.#idFloor = last + 1 + Number.parseInt(this.random.hex(ID_LEAP_BYTES), 16);
  }

  /** The file is another one, or says otherwise. */
  forget(): void {
    this.#shapes.forget();
  }

  load(): readonly ShapeDefinition[] {
    try {
      return this.host.shapes.all();
    } catch (error) {
      this.#failure = error;
      throw error;
    }
  }

  add(names: readonly string[]): number | undefined {
    try {
      return this.host.transaction(() => {
        const { shapes } = this.host;
        const known = shapes.idOf(names);
        if (known !== undefined || shapes.isFull) return known;
        const id = Math.max(shapes.lastId(), this.#idFloor) + 1;
        shapes.put({ id, names });
        this.#log({ id, names });
        return id;
      });
    } catch {
      // The value is written with its names. Should the file be the cause, that write tells.
      return undefined;
    }
  }

  #putMissing(definitions: readonly ShapeDefinition[]): void {
    const { shapes } = this.host;
    const taken = new Set(shapes.all().map(({ id }) => id));
    for (const definition of definitions) {
      if (taken.has(definition.id)) continue;
      shapes.put(definition);
      this.#log(definition);
    }
  }

  #log(definition: ShapeDefinition): void {
    const { changes } = this.host;
    changes.append(this.host.nextRevision(), 0, ChangeKind.Shape, definitionToText(definition));
  }
}
