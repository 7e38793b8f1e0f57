/** `pail doctor`: what is not as it must be, and what to do about it. */
import { type Check, judge } from '../doctor/judge.ts'
import { EXIT } from '../exit-codes.ts'
import { printable } from '../format.ts'
import type { World } from '../world.ts'

export async function doctor(
  command: { readonly dataDir: string; readonly json: boolean },
  world: World,
): Promise<number> {
  // Most commands look at nothing of this computer: what does is loaded when it is needed.
  const { gatherFacts } = await import('../doctor/gather.ts')
  const checks = judge(await gatherFacts(command.dataDir, world))
  if (command.json) world.print(JSON.stringify(checks, null, 2))
  else world.print(formatChecks(checks).join('\n'))
  return checks.some(({ verdict }) => verdict === 'fail') ? EXIT.system : EXIT.ok
}

function formatChecks(checks: readonly Check[]): string[] {
  return checks.flatMap(({ name, verdict, what, todo }) => [
    `${verdict.padEnd(4)}  ${printable(`${name}: ${what}`)}`,
    ...(todo === undefined ? [] : [`      ${printable(todo)}`]),
  ])
}
