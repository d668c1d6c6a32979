import { formatDate } from './date-format.ts'
import { addMilliseconds, localDate, parseDate, utcDate } from './date-value.ts'
import { parseDouble } from './dotnet-double.ts'
import type { Filter, FilterTable } from './filter-table.ts'

function nowFilter(utc: boolean): Filter {
  return (input, [format = 'O', ...rest], { now }) => {
    if (input !== undefined || rest.length > 0) return undefined
    return formatDate(utc ? utcDate(now()) : localDate(now()), format)
  }
}

function addFilter(unitMs: number): Filter {
  return (input, [amount, ...rest]) => {
    const date = input === undefined ? undefined : parseDate(input)
    const count = amount === undefined ? undefined : parseDouble(amount)
    if (date === undefined || count === undefined || rest.length > 0) return undefined
    const later = addMilliseconds(date, count * unitMs)
    return later === undefined ? undefined : formatDate(later, 'O')
  }
}

export const dateFilters: FilterTable = {
  nowdate: nowFilter(false),
  nowdateutc: nowFilter(true),
  adddays: addFilter(86_400_000),
  addhours: addFilter(3_600_000),
}
