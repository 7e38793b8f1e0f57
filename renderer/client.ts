/** Calls to main, typed by the contract. A failure arrives as a value and leaves as a `PailError`. */
import { PailError } from '../shared/errors.ts'
import { WireErrorSchema } from '../shared/model.ts'
import {
  type WindowCall,
  type WindowInput,
  type WindowOutput,
  type WindowStatus,
  windowCalls,
  windowEvents,
} from '../shared/window-contract.ts'
import type { WindowBridge } from '../shared/window-names.ts'

export type ShownPage = (typeof windowEvents)['window/show-page']['_zod']['output']['page']

export interface WindowClient {
  call<C extends WindowCall>(name: C, input: WindowInput<C>): Promise<WindowOutput<C>>
  onDidChangeStatus(listener: (status: WindowStatus) => void): () => void
  onShowPage(listener: (page: ShownPage) => void): () => void
}

export function createWindowClient(bridge: WindowBridge): WindowClient {
  return {
    async call(name, input) {
      const value = unwrap(await bridge.invoke(name, input))
      return windowCalls[name].output.parse(value) as WindowOutput<typeof name>
    },
    onDidChangeStatus(listener) {
      return bridge.subscribe('status/changed', (value) => {
        listener(windowEvents['status/changed'].parse(value))
      })
    },
    onShowPage(listener) {
      return bridge.subscribe('window/show-page', (value) => {
        listener(windowEvents['window/show-page'].parse(value).page)
      })
    },
  }
}

function unwrap(reply: unknown): unknown {
  if (typeof reply === 'object' && reply !== null && 'ok' in reply) {
    if (reply.ok === true && 'value' in reply) return reply.value
    const error = WireErrorSchema.safeParse('error' in reply ? reply.error : undefined)
    if (error.success) throw PailError.fromWire(error.data)
  }
  throw new PailError('internal/bug', 'malformed reply')
}
