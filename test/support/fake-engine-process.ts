/** The engine process with the fake engine in it; bundled by `buildFakeCli`. */
import { engineMain } from '../../engine/mounts/engine-main.ts'
import { createEngine } from './fake-engine.ts'

void engineMain(createEngine)
