/** Authors by small numbers, for columns of dots: there are few where there are many dots. */
import type { Author } from "./ids.js";

export class AuthorSlots {
  #all: Author[] = [];
  #slots: Map<Author, number> | undefined;

  at(slot: number): Author {
    return this.#all[slot]!;
  }

  slotOf(author: Author): number {
    if (this.#all[0] === author) return 0;
    this.#slots ??= new Map(this.#all.map((each, slot) => [each, slot]));
    const known = this.#slots.get(author);
    if (known !== undefined) return known;
    if (this.#all.length > 0) this.#slots.set(author, this.#all.length);
    else this.#slots = undefined;
    return this.#all.push(author) - 1;
  }

  clone(): AuthorSlots {
    const copy = new AuthorSlots();
    copy.#all = this.#all.slice();
    return copy;
  }
}
