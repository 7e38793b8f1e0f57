/** The one file that imports `ipcMain`: a handler per name of the contract, and no other. */
import { ipcMain, type WebContents } from 'electron'
import { type WindowEvent, type WindowHandlers, windowEvents } from '../shared/window-contract.ts'
import { WINDOW_CALLS } from '../shared/window-names.ts'
import { dispatch, type OnFailure } from './dispatch.ts'
import { isOurFrame } from './sender.ts'

export function serveWindow(handlers: WindowHandlers, onFailure: OnFailure): void {
  for (const call of WINDOW_CALLS) {
    ipcMain.handle(call, (event, input: unknown) =>
      dispatch(handlers, { call, input, sender: event.senderFrame }, onFailure),
    )
  }
}

/** Sends an event to a window, if it still shows our page. */
export function sendEvent(contents: WebContents, event: WindowEvent, value: unknown): void {
  if (contents.isDestroyed() || !isOurFrame(contents.mainFrame)) return
  contents.send(event, windowEvents[event].parse(value))
}
