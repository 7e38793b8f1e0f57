/**
 * Changes to a request of the SDK between building and signing it.
 */
import { createHash } from 'node:crypto'

/** The part of a command that is needed to add a step; every command of the SDK fits. */
type Editable = {
  readonly middlewareStack: {
    add(middleware: Middleware, options: { step: 'build'; priority: 'low'; name: string }): void
  }
}
type Step = (args: StepArguments) => Promise<never>
type StepArguments = { readonly input: never; request: unknown }
type Middleware = (next: Step) => Step

type BuiltRequest = {
  headers: Record<string, string>
  query: Record<string, string>
  body?: unknown
}

export function withQuery<C>(command: C, query: Readonly<Record<string, string>>): C {
  return edited(command, (request) => Object.assign(request.query, query))
}

/** An MD5 of the body in place of the SDK's newer checksums, which older servers refuse. */
export function withContentMd5<C>(command: C): C {
  return edited(command, (request) => {
    for (const name of Object.keys(request.headers)) {
      if (/^x-amz-(sdk-)?checksum-/i.test(name)) delete request.headers[name]
    }
    const body = typeof request.body === 'string' ? request.body : ''
    request.headers['content-md5'] = createHash('md5').update(body).digest('base64')
  })
}

function edited<C>(command: C, edit: (request: BuiltRequest) => void): C {
  const middleware: Middleware = (next) => (args) => {
    edit(args.request as BuiltRequest)
    return next(args)
  }
  // The SDK types each command's steps by its own input and output; this step looks at neither.
  const { middlewareStack } = command as unknown as Editable
  middlewareStack.add(middleware, { step: 'build', priority: 'low', name: 'pailEdit' })
  return command
}
