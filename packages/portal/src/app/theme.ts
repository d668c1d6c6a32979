import { createTheme, type MantineColorsTuple, Table } from '@mantine/core'

/** The accent: a calm blue-green that stays clear of the greens and blues that tell states. */
const petrol: MantineColorsTuple = [
  '#eaf5f5',
  '#d3eaeb',
  '#a8d5d7',
  '#79c0c3',
  '#52aaae',
  '#33959a',
  '#1d7f86',
  '#136b73',
  '#0e565e',
  '#094148',
]

/** Cool greys, so that text and lines sit with the accent. The dark scheme's surfaces come from `dark`. */
const gray: MantineColorsTuple = [
  '#f6f8f9',
  '#eef2f3',
  '#e1e7e9',
  '#d0d9dc',
  '#b5c1c6',
  '#8e9ea5',
  '#5f7079',
  '#465761',
  '#2d3c44',
  '#16242b',
]

const dark: MantineColorsTuple = [
  '#dde6e9',
  '#b4c2c8',
  '#93a4ab',
  '#5e6f77',
  '#3a4a52',
  '#2c3a41',
  '#202c32',
  '#172126',
  '#11191d',
  '#0c1215',
]

/** Dark enough for white words on it. */
const red: MantineColorsTuple = [
  '#fdeeec',
  '#fadbd8',
  '#f4b5af',
  '#ec8b82',
  '#e5675c',
  '#dc4a3e',
  '#c63a2f',
  '#b3261e',
  '#931d17',
  '#741510',
]

/** Shared by the application and by the build, which turns it into CSS variables. */
export const theme = createTheme({
  primaryColor: 'petrol',
  primaryShade: { light: 7, dark: 6 },
  colors: { petrol, gray, dark, red },
  fontFamily: "'IBM Plex Sans Variable', system-ui, sans-serif",
  fontFamilyMonospace: "'IBM Plex Mono', ui-monospace, 'DejaVu Sans Mono', monospace",
  headings: {
    fontFamily: "'IBM Plex Sans Variable', system-ui, sans-serif",
    fontWeight: '600',
    sizes: {
      h1: { fontSize: '1.375rem', lineHeight: '1.3' },
      h2: { fontSize: '1rem', lineHeight: '1.4' },
      h3: { fontSize: '0.9375rem', lineHeight: '1.4' },
    },
  },
  fontSizes: { xs: '0.75rem', sm: '0.8125rem', md: '0.875rem', lg: '1rem', xl: '1.125rem' },
  defaultRadius: 'sm',
  respectReducedMotion: true,
  cursorType: 'pointer',
  components: {
    Table: Table.extend({
      defaultProps: { horizontalSpacing: 16, verticalSpacing: 7, borderColor: 'var(--line)' },
    }),
  },
})
