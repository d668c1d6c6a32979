import { Marked } from 'marked'
import type { FilterTable } from './filter-table.ts'
import { plain } from './text-filters.ts'

const marked = new Marked({ gfm: true, async: false })

/** HTML of a Markdown text with tables, strike-through and bare links, ended by one more line break. */
function toHtml(text: string): string | undefined {
  const html = marked.parse(text)
  return typeof html === 'string' ? `${html}\n` : undefined
}

export const markdownFilters: FilterTable = { markdown: plain(toHtml), markdowntohtml: plain(toHtml) }
