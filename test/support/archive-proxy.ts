/**
 * Puts an archive in front of a server that has none: chosen objects are listed in an archive's
 * class, cannot be read or copied, and come back hours later, which is when the test says so.
 *
 * As Amazon and IBM document it; what a real implementation answers is seen with moto
 * (test/conformance/archive.test.ts).
 */
import type { Exchange, Fault, FaultProxy, ProxiedReply } from './fault-proxy.ts'
import { errorReply, withBody, xmlReply } from './faults.ts'

type Cold = { storageClass: string; isListed: boolean; isOngoing: boolean; untilMs: number }

export class ArchiveProxy {
  readonly #objects = new Map<string, Cold>()

  constructor(proxy: FaultProxy) {
    const pass: Fault = (exchange) => this.#serve(exchange)
    proxy.spoil({ fault: pass })
  }

  /** @param isListed  false: listings go on to show the class that it had before */
  freeze(key: string, storageClass = 'GLACIER', isListed = true): void {
    this.#objects.set(key, { storageClass, isListed, isOngoing: false, untilMs: 0 })
  }

  /** The copies that were asked for are there. */
  finish(untilMs = Date.now() + 86_400_000): void {
    for (const cold of this.#objects.values()) {
      if (cold.isOngoing) Object.assign(cold, { isOngoing: false, untilMs })
    }
  }

  async #serve(exchange: Exchange): Promise<void> {
    const { operation, key, headers } = exchange.request
    const source = decodeURIComponent(headers['x-amz-copy-source'] ?? '').replace(/^\/?[^/]+\//, '')
    const cold = this.#objects.get(source === '' ? key : source)
    if (operation === 'ListObjects') return exchange.send(this.#listed(await exchange.forward()))
    if (operation === 'PutObject' || operation === 'CopyObject') await this.#replace(exchange, cold)
    else if (!cold && operation === 'RestoreObject') {
      await exchange.send(errorReply(403, 'InvalidObjectState'))
    } else if (!cold) await exchange.send(await exchange.forward())
    else if (operation === 'RestoreObject') await exchange.send(await restored(cold, exchange))
    else if (operation === 'GetObject' && !isReadable(cold)) {
      await exchange.send(errorReply(403, 'InvalidObjectState'))
    } else await exchange.send(withHeaders(await exchange.forward(), headersOf(cold)))
  }

  async #replace(exchange: Exchange, source: Cold | undefined): Promise<void> {
    if (exchange.request.operation === 'CopyObject' && source && !isReadable(source)) {
      return exchange.send(errorReply(403, 'ObjectNotInActiveTierError'))
    }
    this.#objects.delete(exchange.request.key)
    await exchange.send(await exchange.forward())
  }

  #listed(reply: ProxiedReply): ProxiedReply {
    const text = reply.body.toString('utf8')
    const changed = text.replace(/<Contents>.*?<\/Contents>/gs, (entry) => {
      const key = decodeURIComponent(/<Key>(.*?)<\/Key>/s.exec(entry)?.[1] ?? '')
      const cold = this.#objects.get(key)
      if (!cold?.isListed) return entry
      const bare = entry.replace(/<StorageClass>.*?<\/StorageClass>/s, '')
      const named = `<StorageClass>${cold.storageClass}</StorageClass></Contents>`
      return bare.replace('</Contents>', named)
    })
    return withBody(reply, Buffer.from(changed))
  }
}

function isReadable({ isOngoing, untilMs }: Cold): boolean {
  return !isOngoing && untilMs > Date.now()
}

async function restored(cold: Cold, exchange: Exchange): Promise<ProxiedReply> {
  const body = (await exchange.body()).toString('utf8')
  if (!/<Days>\d+<\/Days>/.test(body) || exchange.request.headers['content-md5'] === undefined) {
    return errorReply(400, 'MalformedXML')
  }
  if (cold.isOngoing) return errorReply(409, 'RestoreAlreadyInProgress')
  if (isReadable(cold)) return { ...xmlReply(200, ''), body: Buffer.alloc(0) }
  cold.isOngoing = true
  return { ...xmlReply(202, ''), body: Buffer.alloc(0) }
}

function headersOf(cold: Cold): Record<string, string> {
  const until = `ongoing-request="false", expiry-date="${new Date(cold.untilMs).toUTCString()}"`
  const restore = cold.isOngoing ? 'ongoing-request="true"' : isReadable(cold) ? until : undefined
  return {
    'x-amz-storage-class': cold.storageClass,
    ...(restore === undefined ? {} : { 'x-amz-restore': restore }),
  }
}

function withHeaders(reply: ProxiedReply, headers: Record<string, string>): ProxiedReply {
  return { ...reply, headers: { ...reply.headers, ...headers } }
}
