/**
 * One call of the window, from untrusted value to reply. Knows no Electron.
 *
 * Keeps: input and output are parsed by the contract; failures travel as values, because Electron
 *        keeps only the message of an error that a handler throws.
 */
import type { Reply } from '../shared/engine-contract.ts'
import { PailError } from '../shared/errors.ts'
import { type WindowCall, type WindowHandlers, windowCalls } from '../shared/window-contract.ts'
import { isOurFrame, type SenderFrame } from './sender.ts'

export type OnFailure = (call: WindowCall, error: PailError) => void

export async function dispatch(
  handlers: WindowHandlers,
  request: { readonly call: WindowCall; readonly input: unknown; readonly sender: SenderFrame },
  onFailure: OnFailure,
): Promise<Reply<unknown>> {
  const { call, input, sender } = request
  try {
    if (!isOurFrame(sender)) throw new PailError('input/invalid', 'foreign sender')
    const value = await run(handlers, call, input)
    return { ok: true, value: windowCalls[call].output.parse(value) }
  } catch (thrown) {
    const error = PailError.from(thrown)
    onFailure(call, error)
    return { ok: false, error: error.toWire() }
  }
}

function run<C extends WindowCall>(handlers: WindowHandlers, call: C, input: unknown) {
  const parsed = windowCalls[call].input.safeParse(input)
  if (!parsed.success) {
    const places = parsed.error.issues.map((issue) => issue.path.join('.')).join(', ')
    throw new PailError('input/invalid', `refused: ${places}`)
  }
  return handlers[call](parsed.data as Parameters<WindowHandlers[C]>[0])
}
