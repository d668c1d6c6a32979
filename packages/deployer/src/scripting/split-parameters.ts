/**
 * Takes a line of parameters apart for programs that are started without a shell: blanks separate, single quotes keep
 * everything, in double quotes `\"` and `\\` stand for the character.
 */
export function splitParameters(text: string): string[] {
  const words: string[] = []
  let word: string | undefined
  let quote = ''
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at] ?? ''
    const next = text[at + 1]
    if (quote === '' && /\s/.test(character)) {
      if (word !== undefined) words.push(word)
      word = undefined
    } else if (character === quote) {
      quote = ''
    } else if (quote === '' && (character === '"' || character === "'")) {
      quote = character
      word ??= ''
    } else if (character === '\\' && quote === '"' && (next === '"' || next === '\\')) {
      word = (word ?? '') + next
      at += 1
    } else {
      word = (word ?? '') + character
    }
  }
  return word === undefined ? words : [...words, word]
}
