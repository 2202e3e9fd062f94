/** Web Locks as far as slots use them, for a Node that has none: exclusive, by name, given back when the holder is done. */
export class FakeLocks {
  private readonly held = new Set<string>();

  async request(
    name: string,
    _options: { ifAvailable: true },
    task: (lock: { readonly name: string } | null) => Promise<void> | undefined,
  ): Promise<void> {
    if (this.held.has(name)) return await task(null);
    this.held.add(name);
    try {
      await task({ name });
    } finally {
      this.held.delete(name);
    }
  }

  async query(): Promise<{ held: { name: string }[] }> {
    return { held: [...this.held].map((name) => ({ name })) };
  }
}
