/**
 * What a local disk passes of pjdfstest and Pail does not, each case with its reason.
 *
 * Keeps: only what object storage cannot hold stands here. A case that passes after all makes the
 *        run fail, so that the table cannot outlive its reasons.
 */

export type Misses = { readonly reason: string; readonly cases: string }

const MISSES: readonly Misses[] = [
  {
    reason: 'a bucket holds no pipes, sockets and devices: the case begins by making one (EPERM)',
    cases: `
      chmod::change_perm::block chmod::change_perm::char chmod::change_perm::fifo
      chmod::change_perm::socket chmod::enotdir_component::block chmod::enotdir_component::char
      chmod::enotdir_component::fifo chmod::enotdir_component::socket
      chmod::failed_chmod_unchanged_ctime::block chmod::failed_chmod_unchanged_ctime::char
      chmod::failed_chmod_unchanged_ctime::fifo chmod::failed_chmod_unchanged_ctime::socket
      chmod::update_ctime::block chmod::update_ctime::char chmod::update_ctime::fifo
      chmod::update_ctime::socket chown::enotdir_component::block chown::enotdir_component::char
      chown::enotdir_component::fifo chown::enotdir_component::socket
      chown::lchown::enotdir_component::block chown::lchown::enotdir_component::char
      chown::lchown::enotdir_component::fifo chown::lchown::enotdir_component::socket
      link::changed_ctime_success::block link::changed_ctime_success::char
      link::changed_ctime_success::fifo link::changed_ctime_success::socket
      link::eexist_dest_exists::block link::eexist_dest_exists::char
      link::eexist_dest_exists::fifo link::eexist_dest_exists::socket
      link::enotdir_component_either::block link::enotdir_component_either::char
      link::enotdir_component_either::fifo link::enotdir_component_either::socket
      link::remove_link::block link::remove_link::char link::remove_link::fifo
      link::remove_link::socket link::share_metadata::block link::share_metadata::char
      link::share_metadata::fifo link::share_metadata::socket link::unchanged_ctime_fails::block
      link::unchanged_ctime_fails::char link::unchanged_ctime_fails::fifo
      link::unchanged_ctime_fails::socket mkdir::eexist_file_exists::block
      mkdir::eexist_file_exists::char mkdir::eexist_file_exists::fifo
      mkdir::eexist_file_exists::socket mkdir::enotdir_component::block
      mkdir::enotdir_component::char mkdir::enotdir_component::fifo
      mkdir::enotdir_component::socket mkfifo::changed_time_fields_success
      mkfifo::eexist_file_exists::block mkfifo::eexist_file_exists::char
      mkfifo::eexist_file_exists::fifo mkfifo::eexist_file_exists::socket
      mkfifo::enotdir_component::block mkfifo::enotdir_component::char
      mkfifo::enotdir_component::fifo mkfifo::enotdir_component::socket
      mkfifo::permission_bits_from_mode mkfifo::uid_gid_eq_euid_egid
      mknod::changed_time_fields_success mknod::changed_times_success::block
      mknod::changed_times_success::char mknod::device_files::block mknod::device_files::char
      mknod::eexist_file_exists::block mknod::eexist_file_exists::char
      mknod::eexist_file_exists::fifo mknod::eexist_file_exists::socket
      mknod::enotdir_comp_char_block::block mknod::enotdir_comp_char_block::char
      mknod::enotdir_comp_char_block::fifo mknod::enotdir_comp_char_block::socket
      mknod::enotdir_component::block mknod::enotdir_component::char
      mknod::enotdir_component::fifo mknod::enotdir_component::socket
      mknod::permission_bits_from_mode mknod::privileged::eexist_file_exists::block
      mknod::privileged::eexist_file_exists::char mknod::privileged::eexist_file_exists::fifo
      mknod::privileged::eexist_file_exists::socket mknod::uid_gid_eq_euid_egid
      open::eexist_file_exists::block open::eexist_file_exists::char
      open::eexist_file_exists::fifo open::eexist_file_exists::socket open::fifo_nonblock_wronly
      open::socket_error rename::changed_ctime_success::block rename::changed_ctime_success::char
      rename::changed_ctime_success::fifo rename::changed_ctime_success::socket
      rename::eexist_enotempty_to_non_empty::block rename::eexist_enotempty_to_non_empty::char
      rename::eexist_enotempty_to_non_empty::fifo rename::eexist_enotempty_to_non_empty::socket
      rename::eisdir_to_dir_from_not_dir::block rename::eisdir_to_dir_from_not_dir::char
      rename::eisdir_to_dir_from_not_dir::fifo rename::eisdir_to_dir_from_not_dir::socket
      rename::enotdir_component_either::block rename::enotdir_component_either::char
      rename::enotdir_component_either::fifo rename::enotdir_component_either::socket
      rename::enotdir_from_dir_to_not_dir::block rename::enotdir_from_dir_to_not_dir::char
      rename::enotdir_from_dir_to_not_dir::fifo rename::enotdir_from_dir_to_not_dir::socket
      rename::preserve_metadata::block rename::preserve_metadata::char
      rename::preserve_metadata::fifo rename::preserve_metadata::socket
      rename::to_multiply_linked::block rename::to_multiply_linked::char
      rename::to_multiply_linked::fifo rename::to_multiply_linked::socket
      rename::unchanged_ctime_failed::block rename::unchanged_ctime_failed::char
      rename::unchanged_ctime_failed::fifo rename::unchanged_ctime_failed::socket
      rmdir::eexist_enotempty_non_empty_dir::block rmdir::eexist_enotempty_non_empty_dir::char
      rmdir::eexist_enotempty_non_empty_dir::fifo rmdir::eexist_enotempty_non_empty_dir::socket
      rmdir::enotdir_component::block rmdir::enotdir_component::char
      rmdir::enotdir_component::fifo rmdir::enotdir_component::socket
      symlink::create_symlink::block symlink::create_symlink::char symlink::create_symlink::fifo
      symlink::eexist_file_exists::block symlink::eexist_file_exists::char
      symlink::eexist_file_exists::fifo symlink::eexist_file_exists::socket
      symlink::enotdir_component::block symlink::enotdir_component::char
      symlink::enotdir_component::fifo symlink::enotdir_component::socket
      truncate::enotdir_component::block truncate::enotdir_component::char
      truncate::enotdir_component::fifo truncate::enotdir_component::socket
      unlink::enotdir_component::block unlink::enotdir_component::char
      unlink::enotdir_component::fifo unlink::enotdir_component::socket unlink::remove_type::block
      unlink::remove_type::char unlink::remove_type::fifo unlink::remove_type::socket
      unlink::unchanged_ctime_failed::block unlink::unchanged_ctime_failed::char
      unlink::unchanged_ctime_failed::fifo unlink::unchanged_ctime_failed::socket
      unlink::update_ctime_success::block unlink::update_ctime_success::char
      unlink::update_ctime_success::fifo unlink::update_ctime_success::socket
      unlink::update_mtime_ctime_success_folder::block
      unlink::update_mtime_ctime_success_folder::char
      unlink::update_mtime_ctime_success_folder::fifo
      unlink::update_mtime_ctime_success_folder::socket utimensat::changes_timestamps::block
      utimensat::changes_timestamps::char utimensat::changes_timestamps::fifo
      utimensat::changes_timestamps::socket
    `,
  },
  {
    reason: 'an object has one key: the case begins by making a hard link (EPERM)',
    cases: `
      link::changed_ctime_success::regular link::link_count_max link::remove_link::regular
      link::share_metadata::regular rename::preserve_metadata::regular
      rename::to_multiply_linked::regular unlink::unchanged_ctime_failed::regular
      unlink::update_ctime_success::regular
    `,
  },
]

/** The reason of each case, by its name. */
export function casesOf(misses: readonly Misses[]): ReadonlyMap<string, string> {
  return new Map(
    misses.flatMap(({ reason, cases }) =>
      cases
        .trim()
        .split(/\s+/)
        .map((name) => [name, reason] as const),
    ),
  )
}

/** The reason of each case that may fail, by the case's name. */
export const EXPECTED_MISSES = casesOf(MISSES)
