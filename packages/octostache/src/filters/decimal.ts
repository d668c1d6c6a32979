/** A number by its decimal digits, so that formatting it never passes through binary fractions. */
export interface Decimal {
  readonly negative: boolean
  /** Digits before the point, without leading zeros; empty for none. */
  readonly whole: string
  /** Digits after the point, trailing zeros kept. */
  readonly fraction: string
}

const decimalText = /^\s*([-+]?)(\d[\d,]*)?(?:\.(\d*))?\s*$/

/** Reads what .NET reads as a decimal in the invariant culture: sign, digits with commas, a point, no exponent. */
export function parseDecimal(text: string): Decimal | undefined {
  const [, sign, whole = '', fraction = ''] = decimalText.exec(text) ?? []
  if (sign === undefined || whole + fraction === '') return undefined
  const digits = whole.replaceAll(',', '').replace(/^0+/, '')
  return { negative: sign === '-' && /[1-9]/.test(digits + fraction), whole: digits, fraction }
}

/** The exact digits of a double, as far as doubles reach. */
export function decimalOfDouble(value: number): Decimal {
  const [whole = '', fraction = ''] =
    Math.abs(value) < 1e21 ? Math.abs(value).toFixed(60).split('.') : [BigInt(Math.abs(value)).toString()]
  return { negative: value < 0, whole: whole.replace(/^0+/, ''), fraction: fraction.replace(/0+$/, '') }
}

/** Rounds half away from zero to that many digits after the point; missing digits are filled with zeros. */
export function roundDecimal(value: Decimal, places: number): Decimal {
  const { whole, fraction } = value
  if (fraction.length <= places) return { ...value, fraction: fraction.padEnd(places, '0') }
  const kept = `0${whole}${fraction.slice(0, places)}`
  const digits = (fraction[places] ?? '0') >= '5' ? increment(kept) : kept
  const split = digits.length - places
  return withoutNegativeZero({
    negative: value.negative,
    whole: digits.slice(0, split).replace(/^0+/, ''),
    fraction: digits.slice(split),
  })
}

/** Moves the point: `places` > 0 multiplies by ten that often. */
export function shiftDecimal(value: Decimal, places: number): Decimal {
  const digits = value.whole + value.fraction
  const point = value.whole.length + places
  const padded = digits.padEnd(point, '0').padStart(digits.length - Math.min(0, point), '0')
  const at = Math.max(0, point)
  return {
    negative: value.negative,
    whole: padded.slice(0, at).replace(/^0+/, ''),
    fraction: padded.slice(at),
  }
}

/** Digits in groups of three. */
export function groupDigits(whole: string): string {
  return whole.replace(/\B(?=(?:\d{3})+$)/g, ',')
}

function increment(digits: string): string {
  return (BigInt(digits) + 1n).toString().padStart(digits.length, '0')
}

function withoutNegativeZero(value: Decimal): Decimal {
  return value.negative && !/[1-9]/.test(value.whole + value.fraction) ? { ...value, negative: false } : value
}
