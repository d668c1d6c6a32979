import type { SettingEntry } from './settings-xml.ts'

/**
 * The settings of one file: keys are compared without case and keep the spelling that they were first written in;
 * keys that nobody here knows stay as they are (docs/wire/tentacle-settings.md 3).
 */
export class SettingsDocument {
  readonly #entries = new Map<string, SettingEntry>()

  constructor(entries: Iterable<SettingEntry> = []) {
    for (const { key, value } of entries) this.set(key, value)
  }

  /** The stored text; an empty text when the element is empty; `undefined` when there is no such key. */
  get(key: string): string | undefined {
    return this.#entries.get(key.toLowerCase())?.value
  }

  set(key: string, value: string): void {
    const id = key.toLowerCase()
    this.#entries.set(id, { key: this.#entries.get(id)?.key ?? key, value })
  }

  entries(): IterableIterator<SettingEntry> {
    return this.#entries.values()
  }
}
