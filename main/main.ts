/**
 * The app's entry: puts main together and follows Electron's events.
 *
 * Owns:  the window, the tray, the one engine link. Runs in: Electron main.
 * Never: touches a path inside a mount: the process that serves it must not wait on it.
 */
import { randomUUID } from 'node:crypto'
import { homedir } from 'node:os'
import { basename, join } from 'node:path'
import {
  app,
  type BrowserWindow,
  dialog,
  Notification,
  powerMonitor,
  protocol,
  session,
} from 'electron'
import { SystemClock } from '../engine/base/clock.ts'
import { resolveDataDir } from '../engine/mounts/data-dir.ts'
import type { EngineCall, EngineInput } from '../shared/engine-contract.ts'
import type { FoldersReceived } from '../shared/folder-roles.ts'
import { formatCount } from '../shared/sentences.ts'
import type { WindowStatus } from '../shared/window-contract.ts'
import { APP_SCHEME, serveAppFile } from './app-protocol.ts'
import { ArchiveNotices, type FileNews } from './archive-notices.ts'
import { sendEvent, serveWindow } from './bridge.ts'
import { connectToEngine } from './connect.ts'
import { createDesktop, type Desktop } from './desktop.ts'
import { Folders } from './folders.ts'
import { windowHandlers } from './handlers.ts'
import { SystemKeychain } from './keychain.ts'
import { launchDetached } from './launch.ts'
import { Leaving } from './leaving.ts'
import { StderrLog } from './log.ts'
import { installMenu } from './menu.ts'
import type { QuitAnswer, QuitQuestion } from './quit.ts'
import { SettingsFile } from './settings.ts'
import { createTray, type TrayHandle } from './tray.ts'
import { startUtilityEngine } from './utility-engine.ts'
import { confine, createWindow, denyPermissions, PAGE_URL } from './window.ts'

type Page = 'folders' | 'activity' | 'offline' | 'settings'

const dataDir = resolveDataDir(undefined, process.env)
const log = new StderrLog()

protocol.registerSchemesAsPrivileged([
  { scheme: APP_SCHEME, privileges: { standard: true, secure: true } },
])

/** Everything that exists while the app runs. */
class App {
  readonly #desktop: Desktop
  readonly #folders: Folders
  readonly #leaving: Leaving
  readonly #archiveNotices = new ArchiveNotices(new SystemClock())
  #window: BrowserWindow | undefined
  #tray: TrayHandle | undefined
  #hasToldThatItStays = false

  constructor() {
    this.#folders = new Folders({
      home: homedir(),
      platform: process.platform,
      askPerson: () => this.#askForFolder(),
      launch: launchDetached,
    })
    this.#desktop = createDesktop({
      settings: new SettingsFile(app.getPath('userData'), (path) => {
        log.write('error', 'settings/set-aside', { path })
      }),
      keychain: new SystemKeychain(),
      folders: this.#folders,
      clock: new SystemClock(),
      log,
      newId: randomUUID,
      onDidReceive: (received) => this.#tellOfFiles(received),
      onDidTellOfFiles: (news) => this.#tellOfArchive(news),
      connect: () => connectToEngine(engineWays()),
    })
    this.#leaving = new Leaving({
      status: () => this.#desktop.board.read(),
      engine: this.#desktop.supervisor,
      ask: (question) => this.#askBeforeQuit(question),
      stop: async (hurry) => {
        this.#desktop.mounts.endRestoring()
        await this.#desktop.supervisor.stop(hurry)
      },
      exit: () => app.exit(0),
    })
  }

  start(): void {
    protocol.handle(APP_SCHEME, ({ url }) => serveAppFile(join(__dirname, 'renderer'), url))
    denyPermissions(session.defaultSession)
    installMenu(process.platform)
    serveWindow(
      windowHandlers({
        ...this.#desktop,
        engine: this.#desktop.supervisor,
        folders: this.#folders,
        status: () => this.#desktop.board.read(),
        info: { version: app.getVersion(), runtime: runtimeName(), dataDir },
      }),
      (call, error) => log.write('warn', 'window/call-failed', { call, code: error.code }),
    )
    this.#desktop.board.onDidChange((status) => this.#show(status))
    this.#desktop.supervisor.start()
    this.#tray = createTray({
      show: (page) => this.showWindow(page),
      open: (dir) => this.#openFolder(dir),
      unmount: () => this.showWindow('folders'),
      pauseUploads: (isWanted) => this.#switch(isWanted ? 'uploads/pause' : 'uploads/resume', {}),
      workOffline: (isWanted) => this.#switch('network/work-offline', { isWanted }),
      quit: () => app.quit(),
    })
    // The system ends the session, or a person the terminal: no time for questions.
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.on(signal, () => void this.#leaving.stopNow())
    }
    powerMonitor.on('shutdown', () => void this.#leaving.stopNow())
    powerMonitor.on('suspend', () => this.#tellOfSleep('engine/suspend'))
    powerMonitor.on('resume', () => this.#tellOfSleep('engine/resume'))
    app.on('before-quit', (event) => {
      event.preventDefault()
      void this.#leaving.quit()
    })
    this.showWindow()
  }

  showWindow(page?: Page): void {
    this.#window ??= this.#openWindow()
    this.#window.show()
    this.#window.focus()
    if (page !== undefined) sendEvent(this.#window.webContents, 'window/show-page', { page })
  }

  #openWindow(): BrowserWindow {
    const window = createWindow(join(__dirname, 'preload.cjs'))
    window.on('close', (event) => {
      if (this.#leaving.isStopping || !this.#staysInTray()) return
      event.preventDefault()
      window.hide()
      this.#tellThatItStays()
    })
    window.on('closed', () => {
      this.#window = undefined
      if (!this.#leaving.isStopping) app.quit()
    })
    void window.loadURL(PAGE_URL)
    return window
  }

  #show(status: WindowStatus): void {
    this.#tray?.update(status)
    if (this.#window !== undefined) {
      sendEvent(this.#window.webContents, 'status/changed', status)
    }
  }

  /** The engine finds out by itself as well, a little later. */
  #tellOfSleep(call: 'engine/suspend' | 'engine/resume'): void {
    this.#desktop.supervisor.call(call, {}).catch((thrown: unknown) => {
      log.write('warn', 'engine/not-told-of-sleep', { call, error: String(thrown) })
    })
  }

  /** Folders stay mounted while the window is closed, as long as the tray brings it back. */
  #staysInTray(): boolean {
    const { engine, mounts } = this.#desktop.board.read()
    const isServing = mounts.some(({ state }) => state !== 'stopped' && state !== 'failed')
    return this.#tray !== undefined && isServing && !engine.isShared
  }

  #tellThatItStays(): void {
    if (this.#hasToldThatItStays || !Notification.isSupported()) return
    this.#hasToldThatItStays = true
    const body = 'Your folders stay mounted. Quit from the tray icon, or start Pail to come back.'
    new Notification({ title: 'Pail keeps running', body }).show()
  }

  #tellOfFiles({ dir, files }: FoldersReceived): void {
    if (!Notification.isSupported()) return
    const title = `${formatCount(files, 'new file')} in ${basename(dir)}`
    const notification = new Notification({ title, body: dir })
    notification.on('click', () => this.#openFolder(dir))
    notification.show()
  }

  #tellOfArchive(news: FileNews): void {
    const notice = this.#archiveNotices.of(news)
    if (!notice || !Notification.isSupported()) return
    const { title, body, dir } = notice
    const notification = new Notification({ title, body })
    notification.on('click', () => {
      if (dir === undefined) this.showWindow('offline')
      else this.#openFolder(dir)
    })
    notification.show()
  }

  #switch<C extends EngineCall>(call: C, input: EngineInput<C>): void {
    this.#desktop.change(call, input).catch((thrown: unknown) => {
      log.write('warn', 'tray/switch-failed', { call, error: String(thrown) })
    })
  }

  #openFolder(dir: string): void {
    this.#folders.open(dir).catch((thrown: unknown) => {
      log.write('warn', 'folder/open-failed', { error: String(thrown) })
      this.showWindow('folders')
    })
  }

  async #askForFolder(): Promise<string | undefined> {
    const options = {
      title: 'Choose an empty folder',
      buttonLabel: 'Use this folder',
      properties: ['openDirectory' as const, 'createDirectory' as const],
    }
    const answer = this.#window
      ? await dialog.showOpenDialog(this.#window, options)
      : await dialog.showOpenDialog(options)
    return answer.canceled ? undefined : answer.filePaths[0]
  }

  async #askBeforeQuit({ message, detail, buttons }: QuitQuestion): Promise<QuitAnswer> {
    this.showWindow()
    const cancelId = buttons.indexOf('Cancel')
    const options = { message, detail, buttons: [...buttons], cancelId, defaultId: 1, noLink: true }
    const { response } = await dialog.showMessageBox({ type: 'question', ...options })
    return buttons[response] ?? 'Cancel'
  }
}

function engineWays() {
  const mayStart = process.env.PAIL_ATTACH !== '1'
  const enginePath = join(__dirname, 'engine.cjs')
  return {
    dataDir,
    startEngine: mayStart ? () => startUtilityEngine({ enginePath, dataDir }) : undefined,
  }
}

function runtimeName(): string {
  return `Electron ${process.versions.electron}, Chromium ${process.versions.chrome}`
}

function run(): void {
  if (!app.requestSingleInstanceLock()) {
    app.exit(0)
    return
  }
  app.on('web-contents-created', (_event, contents) => confine(contents))
  void app.whenReady().then(() => {
    const pail = new App()
    app.on('second-instance', () => pail.showWindow())
    app.on('activate', () => pail.showWindow())
    pail.start()
  })
}

run()
