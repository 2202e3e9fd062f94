/** The elements of a list: what they hold and where they stand. An element has the number of its insert's position. */
import type { Stamp } from "./clock.js";
import type { Undo } from "./crdt.js";
import { beyond, compareDots, type Dots, hasDot } from "./dots.js";
import type { Dot } from "./ids.js";
import type { Place } from "./place.js";
import { NONE, type Position, Positions } from "./positions.js";
import type { Value } from "./value.js";

/** A move that no other one has replaced. */
export interface Standing {
  readonly dot: Dot;
  readonly stamp: Stamp;
}

/** The order in which moves win. */
export function standingFirst(a: Standing, b: Standing): number {
  return b.stamp - a.stamp || compareDots(b.dot, a.dot);
}

/** What is kept of a list: the tree of positions, and the elements that stand at them. */
export class ListState {
  readonly positions = new Positions();
  /** Of each position: the value of its element, undefined if it has none (any more). */
  readonly #values: (Value | undefined)[] = [];
  /** Of each position: the element that stands there, NONE if none does. */
  readonly #elements: Position[] = [];
  /** The moves of elements that were moved, the last one first. Never changed in place. */
  readonly #standings = new Map<Position, readonly Standing[]>();

  /** How many elements there are. */
  get size(): number {
    return this.positions.order.shown;
  }

  /** The element at an index that is there. O(log n). */
  elementAt(index: number): Position {
    return this.#elements[this.positions.order.at(index)]!;
  }

  /** Whether an element of this number is there. */
  isElement(position: Position): boolean {
    return this.#values[position] !== undefined;
  }

  /** The element that stands at a position, NONE if none does. */
  elementOn(position: Position): Position {
    return this.#elements[position] ?? NONE;
  }

  /** The value of an element. */
  valueOf(element: Position): Value {
    return this.#values[element]!;
  }

  /** The moves of an element that no other one has replaced, the last one first; none if it was never moved. */
  standings(element: Position): readonly Standing[] {
    return this.#standings.get(element) ?? NO_STANDINGS;
  }

  /** Where an element stands. O(log n). */
  positionOf(element: Position): Position {
    const standing = this.standings(element)[0];
    return standing === undefined ? element : this.positions.find(standing.dot);
  }

  /** All elements in the order in which they stand. O(n). */
  inOrder(): Position[] {
    const elements: Position[] = [];
    for (const position of this.positions.order) {
      const element = this.#elements[position]!;
      if (element !== NONE) elements.push(element);
    }
    return elements;
  }

  /** The values in their order. O(size). */
  shown(): Value[] {
    return this.inOrder().map((element) => this.#values[element]!);
  }

  /** The inserts of all elements. O(positions). */
  *elements(): Generator<Dot> {
    for (let element = 0; element < this.#values.length; element++) {
      if (this.isElement(element)) yield this.positions.dotOf(element);
    }
  }

  /** Plays an insert. */
  insert(dot: Dot, place: Place, value: Value, undo?: Undo): void {
    const element = this.#addPosition(dot, place, undo);
    if (element !== NONE) this.put(element, value, NO_STANDINGS, undo);
  }

  /** Plays a move, in place of those that its author had seen. */
  move(standing: Standing, place: Place, dot: Dot, replaces: Dots, undo?: Undo): void {
    // The position is made also where the element is gone: others may stand beside it.
    if (this.#addPosition(standing.dot, place, undo) === NONE) return;
    const element = this.positions.find(dot);
    if (!this.isElement(element)) return;
    const left = this.standings(element).filter((other) => !hasDot(replaces, other.dot));
    this.stand(element, [standing, ...left].sort(standingFirst), undo);
  }

  /** Nothing happens if it is no element. O(log n). */
  delete(element: Position, undo?: Undo): void {
    const value = this.#values[element];
    if (value === undefined) return;
    const standings = this.standings(element);
    this.#remove(element);
    undo?.push(() => this.put(element, value, standings));
  }

  /** Plays a deletion of all that its author had seen. O(size). */
  deleteUpTo(upTo: Dots, undo?: Undo): void {
    for (let element = 0; element < this.#values.length; element++) {
      if (this.isElement(element) && beyond([this.positions.dotOf(element)], upTo).length === 0) {
        this.delete(element, undo);
      }
    }
  }

  /** Makes an element of a position that has none. */
  put(element: Position, value: Value, standings: readonly Standing[], undo?: Undo): void {
    this.#values[element] = value;
    this.#stand(element, standings);
    undo?.push(() => this.#remove(element));
  }

  /** Has an element stand where the first of these moves has put it. */
  stand(element: Position, standings: readonly Standing[], undo?: Undo): void {
    const before = this.standings(element);
    this.#show(element, false);
    this.#stand(element, standings);
    undo?.push(() => this.stand(element, before));
  }

  /** Makes the positions of another list that are missing; gives, for each of the other's, the one here. */
  adopt(from: ListState): Position[] {
    const here = this.positions.join(from.positions);
    while (this.#values.length < this.positions.count) this.#grow();
    return here;
  }

  /** A list that has the same and shares nothing that changes. O(size). */
  clone(): ListState {
    const copy = new ListState();
    // The copy has the same positions in the same order, hence under the same numbers.
    copy.adopt(this);
    this.#values.forEach((value, element) => {
      if (value !== undefined) copy.put(element, value, this.standings(element));
    });
    return copy;
  }

  /** Makes a position and nothing on it; NONE if it cannot be. */
  addPosition(dot: Dot, place: Place): Position {
    return this.#addPosition(dot, place, undefined);
  }

  #addPosition(dot: Dot, place: Place, undo: Undo | undefined): Position {
    const position = this.positions.add(dot, place);
    if (position === NONE) return NONE;
    this.#grow();
    undo?.push(() => {
      this.positions.removeLast();
      this.#values.pop();
      this.#elements.pop();
    });
    return position;
  }

  #grow(): void {
    this.#values.push(undefined);
    this.#elements.push(NONE);
  }

  #stand(element: Position, standings: readonly Standing[]): void {
    if (standings.length > 0) this.#standings.set(element, standings);
    else this.#standings.delete(element);
    this.#show(element, true);
  }

  #remove(element: Position): void {
    this.#show(element, false);
    this.#standings.delete(element);
    this.#values[element] = undefined;
  }

  #show(element: Position, isShown: boolean): void {
    const position = this.positionOf(element);
    this.#elements[position] = isShown ? element : NONE;
    this.positions.order.show(position, isShown);
  }
}

const NO_STANDINGS: readonly Standing[] = Object.freeze([]);
