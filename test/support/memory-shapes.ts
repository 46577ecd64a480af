import { Shapes, type ShapeDefinition } from '../../lib/value/shapes.js';

/** Shapes that are kept in memory, by as many readers and writers as a test wants. */
export class MemoryShapes {
  readonly definitions: ShapeDefinition[] = [];
  /** Reasons to refuse a new one. */
  isFull = false;
  asked = 0;

  reader(): Shapes {
    return new Shapes({
      load: () => this.definitions,
      add: (names) => {
        this.asked++;
        const known = this.definitions.find((each) => each.names.join('\0') === names.join('\0'));
        if (known !== undefined || this.isFull) return known?.id;
        const id = this.definitions.length + 1;
        this.definitions.push({ id, names });
        return id;
      },
    });
  }
}
