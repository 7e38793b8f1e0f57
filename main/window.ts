/**
 * The one window: sandboxed, shows our page and nothing else.
 *
 * Keeps: no navigation, no second window, no webview, no permission; closing hides it while the
 *        tray stands in for it.
 */
import { BrowserWindow, nativeImage, nativeTheme, type Session, type WebContents } from 'electron'
import { APP_ORIGIN } from './app-protocol.ts'
import { appIcon } from './icons.ts'

const WINDOW_SIZE = { width: 1100, height: 720, minWidth: 720, minHeight: 480 } as const
/** The page's own backgrounds, so that opening does not flash. */
const BACKGROUND = { light: '#ffffff', dark: '#1b1d21' } as const

export const WEB_PREFERENCES = {
  contextIsolation: true,
  sandbox: true,
  nodeIntegration: false,
  nodeIntegrationInWorker: false,
  nodeIntegrationInSubFrames: false,
  webSecurity: true,
  webviewTag: false,
  allowRunningInsecureContent: false,
  experimentalFeatures: false,
  navigateOnDragDrop: false,
  spellcheck: false,
} as const

export function createWindow(preload: string): BrowserWindow {
  const window = new BrowserWindow({
    ...WINDOW_SIZE,
    show: false,
    title: 'Pail',
    icon: nativeImage.createFromBuffer(appIcon()),
    autoHideMenuBar: true,
    backgroundColor: nativeTheme.shouldUseDarkColors ? BACKGROUND.dark : BACKGROUND.light,
    webPreferences: { ...WEB_PREFERENCES, preload },
  })
  window.once('ready-to-show', () => window.show())
  return window
}

/** For every web contents there will ever be, ours included. */
export function confine(contents: WebContents): void {
  contents.on('will-navigate', (event) => event.preventDefault())
  contents.on('will-redirect', (event) => event.preventDefault())
  contents.on('will-frame-navigate', (event) => event.preventDefault())
  contents.on('will-attach-webview', (event) => event.preventDefault())
  contents.setWindowOpenHandler(() => ({ action: 'deny' }))
}

export function denyPermissions(session: Session): void {
  session.setPermissionRequestHandler((_contents, permission, decide) => {
    decide(permission === 'clipboard-sanitized-write')
  })
  session.setPermissionCheckHandler((_contents, permission) => {
    return permission === 'clipboard-sanitized-write'
  })
  session.setDevicePermissionHandler(() => false)
}

export const PAGE_URL = `${APP_ORIGIN}/index.html`
