/** The engine behind its API. */
import { PailError } from '../../shared/errors.ts'
import type { Engine, EngineOptions } from './engine-api.ts'

export async function createEngine(_options: EngineOptions): Promise<Engine> {
  throw new PailError('internal/not-implemented', 'the engine')
}
