import {
  convertCssVariables,
  DEFAULT_THEME,
  defaultCssVariablesResolver,
  mergeMantineTheme,
} from '@mantine/core'
import react from '@vitejs/plugin-react'
import { defineConfig, type Plugin } from 'vite'
import { theme } from './src/app/theme.ts'

const themeModule = 'virtual:theme-variables.css'

/**
 * Writes the theme's CSS variables into the style sheet at build time. The component library would put them into a
 * `<style>` element at run time, which the server's content security policy forbids.
 */
function themeVariables(): Plugin {
  return {
    name: 'theme-variables',
    resolveId: id => (id === themeModule ? `\0${themeModule}` : undefined),
    load(id) {
      if (id !== `\0${themeModule}`) return undefined
      const merged = mergeMantineTheme(DEFAULT_THEME, theme)
      return convertCssVariables(defaultCssVariablesResolver(merged), ':root')
    },
  }
}

export default defineConfig({
  // Every address in the built files is relative: index.html carries the one <base> that the server adapts.
  base: './',
  plugins: [react(), themeVariables()],
  build: {
    target: 'es2023',
    // Small files stay files: data: addresses would need a wider content security policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1000,
    license: { fileName: 'licenses.md' },
  },
  server: { proxy: { '/api': process.env.PORTAL_SERVER ?? 'http://localhost:8080' } },
})
