import type { Writable } from 'node:stream'
import { styleText } from 'node:util'

type Style = Parameters<typeof styleText>[0]

/** Where the walk is told. Colours only where the stream is a terminal and the user did not switch them off. */
export interface Terminal {
  /** A stage of the walk begins. */
  stage(title: string): void
  /** A plain line below a stage. */
  line(text: string): void
  /** A line that a machine printed while it worked. */
  output(machine: string, text: string, category: string): void
  /** Something to look at at the end: a name and its value. */
  fact(name: string, value: string): void
  warn(text: string): void
  blank(): void
}

const machineStyles: readonly Style[] = ['cyan', 'magenta', 'blue', 'green']

const categoryStyles: Readonly<Record<string, Style>> = {
  Highlight: 'bold',
  Warning: 'yellow',
  Error: 'red',
  Fatal: 'red',
  Verbose: 'gray',
  Wait: 'yellow',
}

/** Text of another machine must not steer this terminal: control characters other than colours' are dropped. */
function withoutControls(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: removing them is the purpose
  return text.replace(/[\u0000-\u0008\u000b-\u001a\u001c-\u001f\u007f]|\u001b(?!\[[0-9;]*m)/g, '')
}

export function createTerminal(stream: Writable): Terminal {
  const styled = (style: Style, text: string): string => styleText(style, text, { stream })
  const print = (text: string): void => {
    stream.write(`${text}\n`)
  }
  const styles = new Map<string, Style>()
  const styleOf = (machine: string): Style => {
    const known = styles.get(machine) ?? machineStyles[styles.size % machineStyles.length] ?? 'cyan'
    styles.set(machine, known)
    return known
  }
  return {
    stage: title => print(`\n${styled('bold', `▸ ${title}`)}`),
    line: text => print(`  ${text}`),
    output: (machine, text, category) => {
      const style = categoryStyles[category]
      const shown = withoutControls(text)
      print(`  ${styled(styleOf(machine), machine.padEnd(18))} ${style ? styled(style, shown) : shown}`)
    },
    fact: (name, value) => print(`  ${styled('gray', name.padEnd(14))} ${value}`),
    warn: text => print(styled('yellow', `! ${text}`)),
    blank: () => print(''),
  }
}
