/** An endpoint asked once, with keys that are not kept. */
import type { EngineParsed } from '../../shared/engine-contract.ts'
import { S3ObjectService } from '../s3/s3-object-store.ts'
import type { EngineOptions } from './engine-api.ts'

export async function withService<T>(
  { clock, log }: Pick<EngineOptions, 'clock' | 'log'>,
  access: EngineParsed<'buckets/list'>,
  work: (service: S3ObjectService) => Promise<T>,
): Promise<T> {
  const service = new S3ObjectService({ ...access, clock, log })
  try {
    return await work(service)
  } finally {
    service.close()
  }
}
