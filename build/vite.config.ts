/** Bundles the window into dist/renderer: files of our own origin, nothing inline. */
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

export default defineConfig({
  root: join(root, 'renderer'),
  base: '/',
  plugins: [react()],
  build: {
    outDir: join(root, 'dist/renderer'),
    emptyOutDir: true,
    // The Chromium of the oldest Electron that runs the app.
    target: 'chrome130',
    assetsInlineLimit: 0,
    // Its polyfill would fetch, which the content security policy refuses.
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 1500,
  },
})
