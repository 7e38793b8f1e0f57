/** The tray icon: the verdict at a glance, and the few actions that need no window. */
import { Menu, type MenuItemConstructorOptions, nativeImage, Tray } from 'electron'
import type { WindowStatus } from '../shared/window-contract.ts'
import { trayIcon } from './icons.ts'
import { trayModel } from './tray-model.ts'
import { trayVerdict } from './verdict.ts'

/** The icons are drawn at twice their size, for dense screens. */
const TRAY_SCALE = { scaleFactor: 2 } as const

export type TrayActions = {
  readonly show: (page?: 'folders' | 'activity' | 'settings') => void
  readonly open: (dir: string) => void
  readonly unmount: (dir: string) => void
  readonly pauseUploads: (isWanted: boolean) => void
  readonly workOffline: (isWanted: boolean) => void
  readonly quit: () => void
}

export type TrayHandle = { readonly update: (status: WindowStatus) => void }

/** @returns undefined where the desktop has no tray */
export function createTray(actions: TrayActions): TrayHandle | undefined {
  const tray = newTray()
  if (tray === undefined) return undefined
  tray.on('click', () => actions.show())
  let shown = ''
  return {
    update: (status) => {
      const model = trayModel(status)
      const key = JSON.stringify(model)
      // A menu that is replaced while it is open closes on some desktops.
      if (key === shown) return
      shown = key
      tray.setImage(nativeImage.createFromBuffer(trayIcon(trayVerdict(status)), TRAY_SCALE))
      tray.setToolTip(model.tooltip)
      tray.setContextMenu(Menu.buildFromTemplate(template(model, actions)))
    },
  }
}

function newTray(): Tray | undefined {
  try {
    return new Tray(nativeImage.createFromBuffer(trayIcon('idle'), TRAY_SCALE))
  } catch {
    return undefined
  }
}

function template(
  model: ReturnType<typeof trayModel>,
  actions: TrayActions,
): MenuItemConstructorOptions[] {
  const mounts = model.mounts.map(({ label, dir }) => ({
    label,
    submenu: [
      { label: 'Open folder', click: () => actions.open(dir) },
      { label: 'Unmount…', click: () => actions.unmount(dir) },
    ],
  }))
  return [
    { label: model.tooltip, click: () => actions.show('activity') },
    ...model.transfers.map((label) => ({ label, enabled: false })),
    { type: 'separator' },
    ...mounts,
    ...(mounts.length > 0 ? [{ type: 'separator' as const }] : []),
    {
      label: 'Pause uploads',
      type: 'checkbox',
      checked: model.isPaused,
      click: ({ checked }) => actions.pauseUploads(checked),
    },
    {
      label: 'Work offline',
      type: 'checkbox',
      checked: model.isWorkingOffline,
      click: ({ checked }) => actions.workOffline(checked),
    },
    { type: 'separator' },
    { label: 'Show Pail', click: () => actions.show() },
    { label: 'Settings', click: () => actions.show('settings') },
    { type: 'separator' },
    { label: 'Quit Pail', click: actions.quit },
  ]
}
