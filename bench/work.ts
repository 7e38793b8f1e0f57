/** What the worker is asked to do, and what it answers. */

export type Timed = {
  readonly ms: number
  /** Until the first byte, or the first name, was there. */
  readonly firstMs?: number
  /** What each of many small operations took, by its kind, in the order they were done. */
  readonly eachMs?: Readonly<Record<string, readonly number[]>>
}

type Work =
  | { readonly op: 'write' | 'read'; readonly path: string; readonly sizeBytes: number }
  | {
      readonly op: 'writeMany' | 'readMany'
      readonly dir: string
      readonly names: readonly string[]
      readonly sizeBytes: number
    }
  | {
      readonly op: 'randomReads'
      readonly path: string
      readonly count: number
      readonly readBytes: number
      readonly sizeBytes: number
    }
  | {
      readonly op: 'append'
      readonly path: string
      readonly times: number
      readonly sizeBytes: number
    }
  | { readonly op: 'rename'; readonly from: string; readonly to: string }
  | { readonly op: 'makeFolder'; readonly path: string }
  | { readonly op: 'firstName'; readonly dir: string }
  | {
      /** Everything that is known of a folder, asked again and again. */
      readonly op: 'known'
      readonly dir: string
      readonly names: readonly string[]
      readonly sizeBytes: number
      readonly rounds: number
      readonly pauseMs: number
    }
  | {
      readonly op: 'program'
      readonly program: string
      readonly args: readonly string[]
      readonly linesMin?: number
    }

export type WorkRequest<Op extends Work['op'] = Work['op']> = Extract<Work, { readonly op: Op }>
export type WorkAnswer = { readonly timed: Timed } | { readonly failure: string }
