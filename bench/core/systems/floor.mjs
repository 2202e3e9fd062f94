/**
 * The floor: the least work that is still correct, for one kind of content at a time.
 *
 * It has no values but small integers, no validation, no transactions that can fail, no causal delivery, no nesting
 * and no limits. It is no product; it shows what the machine would allow.
 */
export const floor = {
  name: "floor",
  package: undefined,
  replica: (author) => new FloorReplica(author),
  load: (author, bytes) => FloorReplica.load(author, bytes),
};

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const ACT = { set: 1, remove: 2, increment: 3, add: 4, take: 5 };
/** One buffer for all that is written: nobody writes two things at once. */
let bytesOut = new Uint8Array(1 << 16);

const NO_DOT = { author: 0, counter: 0 };

class FloorReplica {
  /** Key to its latest write, removals included as long as they are younger than what they removed. */
  cells = new Map();
  /** Author to the sum of its steps and their number. */
  counts = new Map();
  /** Element to the dot that added it last. */
  elements = new Map();
  /** Author to the greatest counter seen. */
  seen = new Map();
  clock = 0;
  at = 0;

  constructor(author) {
    this.author = author;
  }

  static load(author, bytes) {
    const replica = new FloorReplica(author);
    replica.merge([bytes]);
    return replica;
  }

  set(key, value) {
    return this.write([[key, value]]);
  }

  write(entries) {
    this.at = 0;
    this.#uint(this.author);
    for (const [key, value] of entries) {
      const stamp = ++this.clock;
      if (value === undefined) this.cells.delete(key);
      else this.cells.set(key, { value, stamp, author: this.author });
      this.#byte(value === undefined ? ACT.remove : ACT.set);
      this.#text(key);
      this.#uint(stamp);
      if (value !== undefined) this.#uint(value);
    }
    return bytesOut.slice(0, this.at);
  }

  increment() {
    return this.incrementMany(1);
  }

  incrementMany(times) {
    const mine = this.counts.get(this.author) ?? { sum: 0, steps: 0 };
    this.counts.set(this.author, mine);
    this.at = 0;
    this.#uint(this.author);
    for (let i = 0; i < times; i++) {
      mine.sum += 1;
      mine.steps += 1;
      this.#byte(ACT.increment);
      this.#uint(1);
    }
    return bytesOut.slice(0, this.at);
  }

  add(element) {
    return this.addMany([element]);
  }

  addMany(elements) {
    this.at = 0;
    this.#uint(this.author);
    for (const element of elements) {
      const before = this.elements.get(element) ?? NO_DOT;
      const counter = ++this.clock;
      this.elements.set(element, { author: this.author, counter });
      this.#byte(ACT.add);
      this.#text(element);
      this.#uint(before.author);
      this.#uint(before.counter);
      this.#uint(counter);
    }
    this.seen.set(this.author, this.clock);
    return bytesOut.slice(0, this.at);
  }

  remove(element) {
    const before = this.elements.get(element);
    this.elements.delete(element);
    this.at = 0;
    this.#uint(this.author);
    this.#byte(ACT.take);
    this.#text(element);
    this.#uint(before.author);
    this.#uint(before.counter);
    return bytesOut.slice(0, this.at);
  }

  /** Plays what another replica returned. */
  apply(op) {
    this.#read(op);
    const author = this.#readUint();
    while (this.readAt < this.reading.length) {
      switch (this.reading[this.readAt++]) {
        case ACT.set: {
          const key = this.#readText();
          const stamp = this.#readUint();
          this.#put(key, this.#readUint(), stamp, author);
          break;
        }
        case ACT.increment: {
          const count = this.counts.get(author) ?? { sum: 0, steps: 0 };
          count.sum += this.#readUint();
          count.steps += 1;
          this.counts.set(author, count);
          break;
        }
        default:
          throw new Error("the floor plays sets and increments only");
      }
    }
  }

  contribution() {
    return this.save();
  }

  merge(states) {
    for (const state of states) {
      this.#read(state);
      for (let left = this.#readUint(); left > 0; left--) {
        const key = this.#readText();
        const value = this.#readUint();
        const stamp = this.#readUint();
        this.#put(key, value, stamp, this.#readUint());
      }
      for (let left = this.#readUint(); left > 0; left--) {
        const element = this.#readText();
        this.elements.set(element, { author: this.#readUint(), counter: this.#readUint() });
      }
      for (let left = this.#readUint(); left > 0; left--) {
        const author = this.#readUint();
        const theirs = { sum: this.#readUint(), steps: this.#readUint() };
        if (theirs.steps > (this.counts.get(author)?.steps ?? 0)) this.counts.set(author, theirs);
      }
    }
  }

  save() {
    this.at = 0;
    this.#uint(this.cells.size);
    for (const [key, { value, stamp, author }] of this.cells) {
      this.#text(key);
      this.#uint(value);
      this.#uint(stamp);
      this.#uint(author);
    }
    this.#uint(this.elements.size);
    for (const [element, { author, counter }] of this.elements) {
      this.#text(element);
      this.#uint(author);
      this.#uint(counter);
    }
    this.#uint(this.counts.size);
    for (const [author, { sum, steps }] of this.counts) {
      this.#uint(author);
      this.#uint(sum);
      this.#uint(steps);
    }
    return bytesOut.slice(0, this.at);
  }

  registers() {
    const values = {};
    for (const [key, { value }] of this.cells) values[key] = value;
    return values;
  }

  count() {
    let sum = 0;
    for (const count of this.counts.values()) sum += count.sum;
    return sum;
  }

  members() {
    return [...this.elements.keys()];
  }

  #put(key, value, stamp, author) {
    const held = this.cells.get(key);
    if (held === undefined) this.cells.set(key, { value, stamp, author });
    else if (stamp > held.stamp || (stamp === held.stamp && author > held.author)) {
      held.value = value;
      held.stamp = stamp;
      held.author = author;
    }
  }

  #byte(value) {
    if (this.at + 16 > bytesOut.length) this.#grow();
    bytesOut[this.at++] = value;
  }

  #uint(value) {
    if (this.at + 16 > bytesOut.length) this.#grow();
    let left = value;
    for (; left >= 128; left = Math.floor(left / 128)) bytesOut[this.at++] = (left % 128) | 128;
    bytesOut[this.at++] = left;
  }

  #text(text) {
    if (this.at + text.length * 3 + 16 > bytesOut.length) this.#grow();
    // Short texts of ASCII, which all of these are, are faster by hand than through the encoder.
    const start = this.at;
    bytesOut[this.at++] = text.length;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code > 127) return this.#wide(text, start);
      bytesOut[this.at++] = code;
    }
  }

  #wide(text, start) {
    this.at = start;
    const bytes = encoder.encode(text);
    this.#uint(bytes.length);
    bytesOut.set(bytes, this.at);
    this.at += bytes.length;
  }

  #grow() {
    const larger = new Uint8Array(bytesOut.length * 2);
    larger.set(bytesOut);
    bytesOut = larger;
  }

  #read(bytes) {
    this.reading = bytes;
    this.readAt = 0;
  }

  #readUint() {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.reading[this.readAt++];
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  }

  #readText() {
    const length = this.#readUint();
    const from = this.readAt;
    this.readAt += length;
    if (length > 24) return decoder.decode(this.reading.subarray(from, this.readAt));
    let text = "";
    for (let i = from; i < this.readAt; i++) text += String.fromCharCode(this.reading[i]);
    return text;
  }
}
