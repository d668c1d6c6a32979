import { customNumber } from './custom-number-format.ts'
import { type Decimal, groupDigits, roundDecimal, shiftDecimal } from './decimal.ts'

/** The kinds of numbers that .NET formats differently. */
export type NumberKind = 'integer' | 'double' | 'decimal'

/**
 * Formats a number with a .NET format string in the invariant culture; `undefined` for a format that this kind of
 * number does not have. One letter with up to two digits is a standard format, all else a custom one.
 */
export function formatNumber(value: Decimal, kind: NumberKind, format: string): string | undefined {
  const standard = /^([a-z])(\d{0,2})$/i.exec(format)
  if (standard === null) return customNumber(value, format)
  const [, letter = '', digits = ''] = standard
  const precision = digits === '' ? undefined : Number(digits)
  return standardNumber(value, kind, { letter, precision })
}

interface StandardFormat {
  readonly letter: string
  readonly precision: number | undefined
}

function standardNumber(
  value: Decimal,
  kind: NumberKind,
  { letter, precision }: StandardFormat,
): string | undefined {
  const sign = value.negative ? '-' : ''
  switch (letter.toUpperCase()) {
    case 'C': {
      const money = `¤${fixed(value, precision ?? 2, true)}`
      return value.negative ? `(${money})` : money
    }
    case 'D':
      return kind === 'integer' ? sign + (value.whole || '0').padStart(precision ?? 1, '0') : undefined
    case 'E':
      return sign + scientific(value, precision ?? 6, { letter, exponentDigits: 3 })
    case 'F':
      return signed(value, precision ?? 2, false)
    case 'G':
      return sign + general(value, kind, precision, letter === 'g' ? 'e' : 'E')
    case 'N':
      return signed(value, precision ?? 2, true)
    case 'P':
      return `${signed(shiftDecimal(value, 2), precision ?? 2, true)} %`
    case 'R':
      return kind === 'decimal' ? undefined : sign + general(value, kind, undefined, 'E')
    case 'X':
      return kind === 'integer' ? hexadecimal(value, precision ?? 1, letter === 'x') : undefined
    default:
      return undefined
  }
}

function signed(value: Decimal, places: number, grouped: boolean): string {
  const rounded = roundDecimal(value, places)
  return (rounded.negative ? '-' : '') + fixed(value, places, grouped)
}

function fixed(value: Decimal, places: number, grouped: boolean): string {
  const { whole, fraction } = roundDecimal(value, places)
  const digits = grouped ? groupDigits(whole || '0') : whole || '0'
  return places === 0 ? digits : `${digits}.${fraction}`
}

function scientific(
  value: Decimal,
  places: number,
  style: { letter: string; exponentDigits: number },
): string {
  const digits = value.whole + value.fraction
  const leading = digits.search(/[1-9]/)
  let exponent = leading < 0 ? 0 : value.whole.length - 1 - leading
  let mantissa = roundDecimal(shiftDecimal(value, -exponent), places)
  if (mantissa.whole.length > 1) {
    exponent += 1
    mantissa = roundDecimal(shiftDecimal(value, -exponent), places)
  }
  const power = String(Math.abs(exponent)).padStart(style.exponentDigits, '0')
  const fraction = places === 0 ? '' : `.${mantissa.fraction}`
  return `${mantissa.whole || '0'}${fraction}${style.letter}${exponent < 0 ? '-' : '+'}${power}`
}

/** The shorter of fixed and scientific; a decimal without precision keeps every digit that it was written with. */
function general(value: Decimal, kind: NumberKind, precision: number | undefined, letter: string): string {
  if (precision === undefined || precision === 0) {
    const fraction = kind === 'decimal' ? value.fraction : value.fraction.replace(/0+$/, '')
    return (value.whole || '0') + (fraction === '' ? '' : `.${fraction}`)
  }
  const digits = (value.whole + value.fraction).replace(/^0+/, '')
  if (digits === '') return '0'
  const exponent = value.whole.length > 0 ? value.whole.length - 1 : -(value.fraction.search(/[1-9]/) + 1)
  if (exponent >= precision || exponent < -5) {
    const [mantissa = '', power = ''] = scientific(value, precision - 1, { letter, exponentDigits: 2 }).split(
      letter,
    )
    return `${mantissa.includes('.') ? mantissa.replace(/\.?0+$/, '') : mantissa}${letter}${power}`
  }
  const text = fixed(value, Math.max(0, precision - 1 - exponent), false)
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text
}

function hexadecimal(value: Decimal, digits: number, isLower: boolean): string {
  const number = BigInt(value.whole || '0')
  const bits = number > 0x7fffffffn ? 64 : 32
  const hex = (value.negative ? BigInt.asUintN(bits, -number) : number).toString(16).padStart(digits, '0')
  return isLower ? hex : hex.toUpperCase()
}
