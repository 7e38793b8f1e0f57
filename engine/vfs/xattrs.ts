/**
 * Extended attributes of one mount: which names there are, and how much they may hold.
 *
 * Keeps: what programs on desktops set as a matter of course (`user.*`, `com.apple.*` and whatever
 *        else has no meaning to the system) succeeds; what the system would act upon is refused.
 * Never: asks the network. `user.pail.*` is computed, never stored.
 */
import { PailError } from '../../shared/errors.ts'
import { isSystemXattr, VIRTUAL_PREFIX } from '../sync/s3fs-xattrs.ts'
import { editXattr } from '../sync/tree-attributes.ts'
import type { MountVfsParts } from './mount-parts.ts'
import type { NodeId, XattrMode } from './vfs.ts'

/** Limits of Linux for one attribute, and for the list of all names (linux/limits.h). */
export const XATTR_NAME_BYTES_MAX = 255
export const XATTR_VALUE_BYTES_MAX = 65_536
export const XATTR_LIST_BYTES_MAX = 65_536
/** Values of one file together. */
export const XATTR_FILE_BYTES_MAX = 1024 * 1024

/** Linux asks for it before the first write to a file: nothing of it is ever stored. */
const CAPABILITY = 'security.capability'

export class MountXattrs {
  readonly #parts: MountVfsParts

  constructor(parts: MountVfsParts) {
    this.#parts = parts
  }

  /** @throws PailError `vfs/no-attribute`, `vfs/unsupported` */
  get(id: NodeId, name: string): Uint8Array {
    if (name === CAPABILITY) throw new PailError('vfs/no-attribute', name)
    refuseSystemName(name)
    const value = name.startsWith(VIRTUAL_PREFIX)
      ? this.#virtual(id, name)
      : this.#parts.tree.xattrs.get(id, name)
    if (value === undefined) throw new PailError('vfs/no-attribute', name)
    return value
  }

  list(id: NodeId): readonly string[] {
    const { tree, virtualXattrs } = this.#parts
    const virtual = virtualXattrs?.list(tree.node(id)) ?? []
    return [...tree.xattrs.names(id), ...virtual]
  }

  /**
   * @throws PailError `vfs/attribute-too-large`, `vfs/attributes-full`, `vfs/range` for a name that
   *         is too long, `vfs/unsupported`, `vfs/not-permitted`, and by `mode`
   */
  async set(id: NodeId, name: string, value: Uint8Array, mode: XattrMode): Promise<void> {
    refuseReserved(name)
    const nameBytes = Buffer.byteLength(name)
    if (nameBytes > XATTR_NAME_BYTES_MAX) throw new PailError('vfs/range', `${nameBytes} bytes`)
    if (value.length > XATTR_VALUE_BYTES_MAX) {
      throw new PailError('vfs/attribute-too-large', `${value.length} bytes`)
    }
    const { tree, origin } = this.#parts
    const used = tree.xattrs.usage(id, name)
    if (used.nameBytes + nameBytes + 1 > XATTR_LIST_BYTES_MAX) {
      throw new PailError('vfs/attributes-full', `${used.nameBytes} bytes of names`)
    }
    if (used.valueBytes + value.length > XATTR_FILE_BYTES_MAX) {
      throw new PailError('vfs/attributes-full', `${used.valueBytes} bytes`)
    }
    await editXattr(tree, id, { name, value, mode }, origin)
  }

  async remove(id: NodeId, name: string): Promise<void> {
    refuseReserved(name)
    const { tree, origin } = this.#parts
    await editXattr(tree, id, { name, value: undefined, mode: 'set' }, origin)
  }

  #virtual(id: NodeId, name: string): Uint8Array | undefined {
    const { tree, virtualXattrs } = this.#parts
    const text = virtualXattrs?.get(tree.node(id), name)
    return text === undefined ? undefined : Buffer.from(text)
  }
}

function refuseSystemName(name: string): void {
  if (isSystemXattr(name)) throw new PailError('vfs/unsupported', name)
}

function refuseReserved(name: string): void {
  refuseSystemName(name)
  if (name.startsWith(VIRTUAL_PREFIX)) throw new PailError('vfs/not-permitted', name)
}
