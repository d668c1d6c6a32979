/** `count(1, 'target')` is "1 target", `count(3, 'target')` is "3 targets". Irregular plurals are given. */
export function count(number: number, one: string, many = `${one}s`): string {
  return `${formatNumber(number)} ${number === 1 ? one : many}`
}

/** Groups digits by a narrow blank: 100 000. */
export function formatNumber(number: number): string {
  return String(number).replace(/\B(?=(\d{3})+$)/g, '\u202f')
}
