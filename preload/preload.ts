/**
 * The one bridge between window and main. Runs sandboxed, before the page.
 *
 * Never: holds logic, or lets a name through that the contract does not have.
 */
import { contextBridge, ipcRenderer } from 'electron'
import { WINDOW_CALLS, WINDOW_EVENTS, type WindowBridge } from '../shared/window-names.ts'

const bridge: WindowBridge = {
  invoke: (name, input) => {
    if (!WINDOW_CALLS.includes(name)) return Promise.reject(new Error('unknown call'))
    return ipcRenderer.invoke(name, input)
  },
  subscribe: (name, listener) => {
    if (!WINDOW_EVENTS.includes(name)) throw new Error('unknown event')
    const onEvent = (_event: unknown, value: unknown) => listener(value)
    ipcRenderer.on(name, onEvent)
    return () => ipcRenderer.removeListener(name, onEvent)
  },
}

contextBridge.exposeInMainWorld('pail', bridge)
