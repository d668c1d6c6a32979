import { formatDate } from './date-format.ts'
import { parseDate } from './date-value.ts'
import { type Decimal, decimalOfDouble, parseDecimal } from './decimal.ts'
import { formatDouble, parseDouble } from './dotnet-double.ts'
import type { Filter, FilterTable } from './filter-table.ts'
import { formatNumber } from './number-format.ts'

/** `Format format` tries a number and then a date; `Format type format` takes the input as that type. */
const format: Filter = (input, options) => {
  if (input === undefined || options.length === 0 || options.length > 2) return undefined
  const [first = '', second] = options
  if (second !== undefined) return formatAs(first, input, second)
  const number = parseDecimal(input)
  return number === undefined ? formatAsDate(input, first) : formatNumber(number, 'decimal', first)
}

function formatAs(type: string, input: string, format: string): string | undefined {
  switch (type.toLowerCase()) {
    case 'int':
    case 'int32': {
      const number = parseInteger(input)
      return number === undefined ? undefined : formatNumber(number, 'integer', format)
    }
    case 'double': {
      const number = parseDouble(input)
      return number === undefined ? undefined : formatAsDouble(number, format)
    }
    case 'decimal': {
      const number = parseDecimal(input)
      return number === undefined ? undefined : formatNumber(number, 'decimal', format)
    }
    case 'date':
    case 'datetime':
    case 'datetimeoffset':
      return formatAsDate(input, format)
    default:
      return undefined
  }
}

function formatAsDate(input: string, format: string): string | undefined {
  const date = parseDate(input)
  return date === undefined ? undefined : formatDate(date, format)
}

function formatAsDouble(number: number, format: string): string | undefined {
  if (/^[gr]0?$/i.test(format)) return formatDouble(number)
  return Number.isFinite(number)
    ? formatNumber(decimalOfDouble(number), 'double', format)
    : formatDouble(number)
}

function parseInteger(text: string): Decimal | undefined {
  if (!/^\s*[-+]?\d{1,10}\s*$/.test(text)) return undefined
  const value = Number(text)
  return value >= -2_147_483_648 && value <= 2_147_483_647 ? parseDecimal(text) : undefined
}

export const formatFilters: FilterTable = { format }
