/** A queue of events by time: a binary heap. Of two at one time, either may come first. */
export class Events {
  readonly #times: number[] = [];
  readonly #whats: number[] = [];

  /** Infinity when there is none. */
  get nextAt(): number {
    return this.#times[0] ?? Number.POSITIVE_INFINITY;
  }

  /** @param what any integer; its meaning is the caller's */
  push(at: number, what: number): void {
    let child = this.#times.length;
    this.#times.push(at);
    this.#whats.push(what);
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (this.#times[parent]! <= at) break;
      this.#move(parent, child);
      child = parent;
    }
    this.#times[child] = at;
    this.#whats[child] = what;
  }

  /** Takes out the earliest; there must be one. */
  pop(): number {
    const first = this.#whats[0]!;
    const at = this.#times.pop()!;
    const what = this.#whats.pop()!;
    const size = this.#times.length;
    if (size === 0) return first;
    let parent = 0;
    for (;;) {
      let child = 2 * parent + 1;
      if (child >= size) break;
      if (child + 1 < size && this.#times[child + 1]! < this.#times[child]!) child += 1;
      if (this.#times[child]! >= at) break;
      this.#move(child, parent);
      parent = child;
    }
    this.#times[parent] = at;
    this.#whats[parent] = what;
    return first;
  }

  #move(from: number, to: number): void {
    this.#times[to] = this.#times[from]!;
    this.#whats[to] = this.#whats[from]!;
  }
}
