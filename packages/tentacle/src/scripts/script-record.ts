import { systemCode } from '../errors.ts'
import type { NewEntry } from '../script-log/log-entry.ts'
import type { OutputLog, ProgressChange } from '../script-log/output-log.ts'
import { type ScriptState, writeState } from '../workspaces/script-state.ts'
import type { ScriptWorkspace } from '../workspaces/script-workspace.ts'
import type { ScriptParts } from './script-parts.ts'

export interface ScriptRecordOptions {
  readonly parts: Pick<ScriptParts, 'clock' | 'log'>
  readonly workspace: ScriptWorkspace
  readonly log: OutputLog
  readonly state: ScriptState
}

/** What is written down of a script while it lives: its log, which has what counts, and its state file. */
export class ScriptRecord {
  readonly #parts: ScriptRecordOptions['parts']
  readonly #workspace: ScriptWorkspace
  readonly log: OutputLog
  #state: ScriptState

  constructor({ parts, workspace, log, state }: ScriptRecordOptions) {
    this.#parts = parts
    this.#workspace = workspace
    this.log = log
    this.#state = state
  }

  get state(): ScriptState {
    return this.#state
  }

  /** Adds to the log, together with what the script has reached. Throws when that cannot be written. */
  append(entries: readonly NewEntry[], change: ProgressChange): void {
    this.log.append(entries, change, this.#parts.clock.now())
  }

  /** Adds to the log what the script does not depend on. */
  tell(entries: readonly NewEntry[], change: ProgressChange = {}): void {
    this.#try('The log cannot be written', () => this.append(entries, change))
  }

  /**
   * Changes the state.
   *
   * @param isKept whether the state file is to have it, too
   */
  save(change: Partial<ScriptState>, isKept = true): void {
    this.#state = { ...this.#state, ...change }
    if (!isKept) return
    this.#try('The state cannot be stored', () => {
      try {
        writeState(this.#workspace.folder, this.#workspace.control, this.#state)
      } catch (error) {
        // A script may delete its own folder, and a caller may complete it.
        if (systemCode(error) !== 'ENOENT') throw error
      }
    })
  }

  close(): void {
    this.#try('The log cannot be closed', () => this.log.close())
  }

  #try(failure: string, act: () => void): void {
    try {
      act()
    } catch (error) {
      this.#parts.log.warn(`${this.#workspace.folder}: ${failure}`, error)
    }
  }
}
