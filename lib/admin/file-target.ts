import { checkedTags } from '../cache/factory-context.js';
import { systemClock } from '../common/clock.js';
import { NotPrimaryError, StorageLostError } from '../common/errors.js';
import { expiresAtFor } from '../common/expiry.js';
import { assertKey, assertNamespace } from '../common/keys.js';
import { systemRandom } from '../common/random.js';
import { SOURCE_META_KEY } from '../cluster/replica/replica-meta.js';
import { readSuperseded } from '../cluster/failover/takeover.js';
import type { ChangesPage, ListedEntry, ListingPage } from '../engine/listing.js';
import { LeaseKind } from '../engine/lease.js';
import type { LockInfo } from '../locks/lock-factory.js';
import type { DeadLetterInfo } from '../node/hyper-cache-node.js';
import { existingFile } from './stopped-node.js';
import { FileListing } from '../sqlite/file-listing.js';
import { toStorageError } from '../sqlite/sqlite-error.js';
import { Storage } from '../sqlite/storage.js';
import { whenFree } from '../sqlite/when-free.js';
import { captureValue } from '../value/capture.js';
import { encodeValue } from '../value/codec.js';
import { deadLettersIn } from './dead-letters.js';
import { FileWriter } from './file-writer.js';
import type { Expired, Namespace, Target, TargetWrite } from './target.js';

const DEFAULT_NAMESPACE = 'default';
/** The patience while the process that writes to the file replaces it, in ms. */
const PATIENCE = { timeoutMs: 5000 };
/** The largest value that any node may accept. */
const MAX_VALUE_BYTES = 256 * 1024 * 1024;
const MAX_LOCKS = 10_000;

/**
 * The directory of a node, running or stopped. Reads open its file for reading only. Writes come from one more process in
 * addition to those of the node, and only a primary's file accepts them.
 *
 * @internal
 */
export class FileTarget implements Target {
  readonly #reader: Storage;
  readonly #listing: FileListing;
  #writer: FileWriter | undefined;

  private constructor(
    private readonly directory: string,
    path: string,
  ) {
    this.#reader = new Storage({
      path,
      fullSync: false,
      clock: systemClock,
      random: systemRandom,
      isReadOnly: true,
    });
    this.#listing = new FileListing(this.#reader, systemClock);
  }

  /**
   * @param directory the `sqlitePath` of the node
   * @throws {HC_STORAGE_OPEN | HC_STORAGE_FOREIGN | HC_SCHEMA_NEWER | HC_STORAGE_BUSY | HC_NATIVE_MODULE}
   */
  static async open(directory: string): Promise<FileTarget> {
    const target = new FileTarget(directory, existingFile(directory));
    try {
      await whenFree(() => target.#reader.open(), PATIENCE);
    } catch (error) {
      throw toStorageError(error);
    }
    return target;
  }

  async stats(): Promise<Record<string, unknown>> {
    const { historyId, epoch } = this.#file;
    const isReplica = this.#isReplica;
    const namespaces = this.#listing.namespaces();
    return {
      role: isReplica ? 'secondary' : 'primary',
      historyId,
      epoch,
      revision: this.#reader.revision,
      oldestChange: this.#reader.changes.oldest(),
      entries: namespaces.reduce((sum, { entries }) => sum + entries, 0),
      namespaces: Object.fromEntries(namespaces.map(({ name, entries }) => [name, entries])),
      ...this.#reader.size(),
      walBytes: this.#reader.walBytes(),
      ...(isReplica ? {} : { locksHeld: this.#leases().length }),
    };
  }

  async namespaces(): Promise<readonly { name: string; entries: number }[]> {
    void this.#file;
    return this.#listing.namespaces();
  }

  async page(request: Parameters<Target['page']>[0]): Promise<ListingPage> {
    void this.#file;
    return this.#listing.page({ ...request, namespace: nameOf(request.namespace) });
  }

  async find(namespace: Namespace, key: string): Promise<ListedEntry | undefined> {
    assertKey(key);
    void this.#file;
    return this.#listing.find(nameOf(namespace), key);
  }

  async store(namespace: Namespace, writes: readonly TargetWrite[]): Promise<void> {
    const commands = writes.map(({ key, value, ttl, tags }) => {
      assertKey(key);
      return {
        kind: 'set' as const,
        namespace: nameOf(namespace),
        key,
        value: encodeValue(captureValue(value, MAX_VALUE_BYTES)),
        expiresAt: expiresAtFor(ttl, 0, systemClock),
        tags: checkedTags(tags),
      };
    });
    await this.#write().store(commands);
  }

  async delete(namespace: Namespace, key: string): Promise<boolean> {
    assertKey(key);
    const command = { kind: 'delete', namespace: nameOf(namespace), key } as const;
    return (await this.#write().run(command)).deleted;
  }

  async deletePrefix(namespace: Namespace, prefix: string): Promise<number> {
    assertKey(prefix, 'prefix');
    return this.#write().remove({
      kind: 'deletePrefix',
      namespace: nameOf(namespace),
      prefix,
      step: undefined,
    });
  }

  async deleteTag(namespace: Namespace, tag: string): Promise<number> {
    assertKey(tag, 'tag');
    return this.#write().remove({
      kind: 'deleteTag',
      namespace: nameOf(namespace),
      tag,
      step: undefined,
    });
  }

  async clear(namespace: Namespace): Promise<number> {
    const command = { kind: 'clear', namespace: nameOf(namespace) } as const;
    return (await this.#write().run(command)).deleted;
  }

  async expire(given: Namespace, what: Expired): Promise<number> {
    const namespace = nameOf(given);
    if ('key' in what) {
      assertKey(what.key);
      const { expired } = await this.#write().run({ kind: 'expire', namespace, key: what.key });
      return expired ? 1 : 0;
    }
    if ('prefix' in what) {
      assertKey(what.prefix, 'prefix');
      const { prefix } = what;
      return this.#write().remove({ kind: 'expirePrefix', namespace, prefix, step: undefined });
    }
    assertKey(what.tag, 'tag');
    const { tag } = what;
    return this.#write().remove({ kind: 'expireTag', namespace, tag, step: undefined });
  }

  async locks(): Promise<LockInfo[]> {
    this.#assertPrimary();
    const now = systemClock.monotonic();
    return this.#leases().map(({ kind, name, owner, token, expiresAt }) => ({
      kind: kind === LeaseKind.Lock ? 'lock' : 'semaphore',
      name,
      owner,
      token,
      remaining: Math.max(0, expiresAt - now),
    }));
  }

  async releaseLock(name: string): Promise<boolean> {
    assertKey(name, 'name');
    const writer = this.#write();
    let released = false;
    for (const kind of [LeaseKind.Lock, LeaseKind.Semaphore]) {
      const { done } = await writer.run({ kind: 'forceReleaseLease', lease: { kind, name } });
      released ||= done;
    }
    return released;
  }

  async head(): Promise<number> {
    void this.#file;
    return this.#listing.head();
  }

  async changes(after: number, limit: number): Promise<ChangesPage> {
    void this.#file;
    return this.#listing.changes(after, limit);
  }

  async deadLetters(limit: number): Promise<DeadLetterInfo[]> {
    return deadLettersIn(this.directory, limit);
  }

  close(): void {
    this.#writer?.close();
    this.#reader.close();
  }

  /** The opened file, as long as it is still the node's. */
  get #file(): Storage {
    if (!this.#reader.isUnlinked()) return this.#reader;
    throw new StorageLostError(
      `${this.#reader.path} was deleted or replaced while it was read.`,
      'Run the command again.',
    );
  }

  get #isReplica(): boolean {
    return this.#file.readMeta(SOURCE_META_KEY) !== undefined;
  }

  #leases(): ReturnType<Storage['leases']['list']> {
    return this.#file.leases.list(systemClock.monotonic(), MAX_LOCKS);
  }

  #assertPrimary(): void {
    if (!this.#isReplica) return;
    throw new NotPrimaryError(
      `${this.#reader.path} is the replica of a secondary: writes and locks belong to the primary.`,
      'Give --path the sqlitePath of the primary, or --url the address of any node.',
    );
  }

  #write(): FileWriter {
    if (this.#writer !== undefined) return this.#writer;
    this.#assertPrimary();
    const superseded = readSuperseded(this.#reader);
    if (superseded !== undefined) throw superseded;
    const writer = new FileWriter(this.#reader.path);
    try {
      writer.open();
    } catch (error) {
      throw toStorageError(error);
    }
    this.#writer = writer;
    return writer;
  }
}

/** @throws {HC_ARGUMENT_INVALID} */
function nameOf(namespace: Namespace = DEFAULT_NAMESPACE): string {
  assertNamespace(namespace);
  return namespace;
}
