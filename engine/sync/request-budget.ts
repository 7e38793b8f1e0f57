/**
 * How many LIST requests a connection may spend on looking by itself. Pure.
 *
 * A bucket of tokens, one for each LIST. It fills evenly over the month. What programs ask for is
 * never refused and takes tokens all the same; polling lives on what is left.
 */

/** What a free tier has in a month; docs/decisions/0012-change-detection.md. */
export const LISTS_PER_MONTH_DEFAULT = 2_000
/** Tokens saved up at most: fifty minutes of looking at one folder. */
export const TOKENS_MAX = 300
/** A folder that somebody works in is polled on credit down to here. */
export const DEBT_MAX = 300
const MONTH_MS = 30 * 24 * 3600 * 1000

export type RequestBudget = {
  readonly listsPerMonth: number
  readonly tokens: number
  /** When `tokens` was right, wall clock. */
  readonly atMs: number
}

/** `normal`: tokens are there. `credit`: only folders in use are polled. `saving`: these seldom. */
export type PollingMode = 'normal' | 'credit' | 'saving'

export function freshBudget(listsPerMonth: number, nowMs: number): RequestBudget {
  return { listsPerMonth, tokens: TOKENS_MAX, atMs: nowMs }
}

/** What time has brought. A clock that went back brings nothing, and takes nothing. */
export function refilled(budget: RequestBudget, nowMs: number): RequestBudget {
  const passedMs = Math.max(0, nowMs - budget.atMs)
  const tokens = Math.min(TOKENS_MAX, budget.tokens + (passedMs / MONTH_MS) * budget.listsPerMonth)
  return { ...budget, tokens, atMs: nowMs }
}

export function spent(budget: RequestBudget, lists: number): RequestBudget {
  return { ...budget, tokens: Math.max(-DEBT_MAX, budget.tokens - lists) }
}

export function pollingMode(budget: RequestBudget): PollingMode {
  if (budget.tokens >= 1) return 'normal'
  return budget.tokens > -DEBT_MAX ? 'credit' : 'saving'
}
