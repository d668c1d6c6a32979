import { VariableNode } from '../variables/variable-tree.ts'

/** Where names are looked up: the loops that are running, innermost first, and then the variables. */
export interface Scope {
  readonly names: VariableNode
  readonly parent: Scope | undefined
}

/** One item of an `each`: what its name stands for. */
export interface LoopItem {
  readonly node: VariableNode
}

/** The scope of one turn of a loop: the item under its name, and the counters under Octopus.Template.Each. */
export function loopScope(
  parent: Scope,
  variable: string,
  item: LoopItem,
  position: { index: number; count: number },
): Scope {
  const names = new VariableNode()
  names.addName(variable, item.node)
  const counters = names.addName('Octopus').addName('Template').addName('Each')
  const bool = (value: boolean) => new VariableNode(value ? 'True' : 'False', true)
  counters.addName('Index', new VariableNode(String(position.index), true))
  counters.addName('First', bool(position.index === 0))
  counters.addName('Last', bool(position.index === position.count - 1))
  return { names, parent }
}

/** The items of a text: those of a JSON array, the members of a JSON object, or else the pieces between commas. */
export function textItems(
  values: readonly { readonly text: string; readonly member?: string }[],
): LoopItem[] {
  return values.map(({ text, member }) => {
    const node = new VariableNode(text, true)
    if (member !== undefined) {
      node.addName('Key', new VariableNode(text, true))
      node.addName('Value', new VariableNode(member, true))
    }
    return { node }
  })
}
