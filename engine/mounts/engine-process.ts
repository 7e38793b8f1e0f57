/** Entry of the engine process: dist/engine.cjs. */
import { createEngine } from './engine.ts'
import { engineMain } from './engine-main.ts'

void engineMain(createEngine)
