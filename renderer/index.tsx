/**
 * The window's entry. Runs in: sandboxed renderer.
 *
 * Never: reaches anything outside the bridge that preload offers.
 */
import '@mantine/core/styles.css'
import '@mantine/notifications/styles.css'
import '@mantine/spotlight/styles.css'
import './global.css'
import { createRoot } from 'react-dom/client'
import { z } from 'zod'
import { App } from './app.tsx'
import { createWindowClient } from './client.ts'
import { readStyleNonce } from './nonce.ts'
import { Providers } from './providers.tsx'
import { applyStoredColorScheme } from './theme.ts'

// The content security policy refuses compiled validators.
z.config({ jitless: true })
const getStyleNonce = readStyleNonce()
applyStoredColorScheme()

const root = document.getElementById('root')
if (root !== null) {
  createRoot(root).render(
    <Providers client={createWindowClient(window.pail)} getStyleNonce={getStyleNonce}>
      <App />
    </Providers>,
  )
}
