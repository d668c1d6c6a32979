import { ServerError } from '../errors.ts'
import type { Json, JsonObject } from '../model/task.ts'

/** Reads the arguments of a new task: names without regard to case, null as "not given", problems collected. */
export interface ArgumentReader {
  /** Text; null when not given or blank. */
  text(name: string): string | null
  /** One of these words, without regard to case; null when not given. */
  word<const T extends readonly string[]>(name: string, words: T): T[number] | null
  /** A list of texts without blanks and repetitions; empty when not given. */
  list(name: string): readonly string[]
  flag(name: string): boolean
  /** A time span such as `00:05:00`, in milliseconds. */
  timeSpan(name: string, defaultMs: number): number
  /** Adds a problem that was found otherwise. */
  problem(text: string): void
  /** Throws `ERR_INVALID_INPUT` when there were problems. */
  end(): void
}

const timeSpanForm = /^(?:(\d{1,5})\.)?(\d{1,2}):(\d{2}):(\d{2})(?:\.\d{1,7})?$/

function parseTimeSpan(text: string): number | undefined {
  const match = timeSpanForm.exec(text.trim())
  if (match === null) return undefined
  const [, days = '0', hours = '0', minutes = '0', seconds = '0'] = match
  return (((Number(days) * 24 + Number(hours)) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1_000
}

/** Makes a reader. */
export function readArguments(given: JsonObject): ArgumentReader {
  const byName = new Map<string, Json>(
    Object.entries(given).map(([name, value]) => [name.toLowerCase(), value]),
  )
  const problems: string[] = []
  const value = (name: string): Json => byName.get(name.toLowerCase()) ?? null

  function text(name: string): string | null {
    const found = value(name)
    if (found === null || (typeof found === 'string' && found.trim() === '')) return null
    if (typeof found === 'string') return found
    problems.push(`${name} must be a text.`)
    return null
  }

  return {
    text,
    word(name, words) {
      const found = text(name)
      if (found === null) return null
      const word = words.find(known => known.toLowerCase() === found.trim().toLowerCase())
      if (word === undefined) problems.push(`${name} is '${found}'; it must be one of: ${words.join(', ')}.`)
      return word ?? null
    },
    list(name) {
      const found = value(name)
      if (found === null) return []
      const items = Array.isArray(found) ? found : [found]
      const texts = items.filter(item => typeof item === 'string')
      if (texts.length < items.length) problems.push(`${name} must be a list of texts.`)
      return [...new Set(texts.map(item => item.trim()).filter(item => item !== ''))]
    },
    flag(name) {
      const found = value(name)
      if (typeof found === 'string') return found.trim().toLowerCase() === 'true'
      if (found !== null && typeof found !== 'boolean') problems.push(`${name} must be true or false.`)
      return found === true
    },
    timeSpan(name, defaultMs) {
      const found = text(name)
      if (found === null) return defaultMs
      const ms = parseTimeSpan(found)
      if (ms === undefined) problems.push(`${name} is '${found}', which is not a time span such as 00:05:00.`)
      else if (ms === 0) problems.push(`${name} must be longer than nothing.`)
      return ms ?? defaultMs
    },
    problem(problem) {
      problems.push(problem)
    },
    end() {
      if (problems.length === 0) return
      throw new ServerError('ERR_INVALID_INPUT', 'The task cannot be made as it was asked for.', { problems })
    },
  }
}
