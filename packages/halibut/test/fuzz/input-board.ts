const headBytes = 64
const nameBytes = 48
const inputBytes = 8 * 1024 * 1024

/** What is shown of the input that is being tried. */
export interface ShownInput {
  readonly target: string
  readonly input: Uint8Array
  readonly forMs: number
}

/**
 * Memory that two threads see: the running one shows its input here, so that the watching one knows which input it was
 * that never ended, or ended the thread.
 */
export class InputBoard {
  static create(): SharedArrayBuffer {
    return new SharedArrayBuffer(headBytes + nameBytes + inputBytes)
  }

  readonly #length: Int32Array
  readonly #since: Float64Array
  readonly #name: Uint8Array
  readonly #input: Uint8Array

  constructor(memory: SharedArrayBuffer) {
    this.#length = new Int32Array(memory, 0, 2)
    this.#since = new Float64Array(memory, 8, 1)
    this.#name = new Uint8Array(memory, headBytes, nameBytes)
    this.#input = new Uint8Array(memory, headBytes + nameBytes, inputBytes)
  }

  show(target: string, input: Uint8Array | undefined): void {
    if (!input) {
      Atomics.store(this.#length, 0, 0)
      return
    }
    const shown = input.subarray(0, inputBytes)
    this.#name.fill(0).set(Buffer.from(target).subarray(0, nameBytes))
    this.#input.set(shown)
    this.#since[0] = Date.now()
    // Zero means that nothing is shown, so lengths are one more than they are.
    Atomics.store(this.#length, 0, shown.length + 1)
  }

  read(): ShownInput | undefined {
    const length = Atomics.load(this.#length, 0)
    if (length === 0) return undefined
    return {
      target: Buffer.from(this.#name).toString().replaceAll('\0', ''),
      input: this.#input.slice(0, length - 1),
      forMs: Date.now() - (this.#since[0] ?? 0),
    }
  }
}
