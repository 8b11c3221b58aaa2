// The lock of a store's directory, which belongs to one process: a child made by fork() loses it, or
// the store would stay locked as long as the child lives.

internal import CPlatform
internal import Glibc
internal import SystemPackage

/// A lock on a file, held from init to deinit.
struct DirectoryLock: ~Copyable {
  private let descriptor: Int32
  private let forkSlot: Int32
  private let generation = cp_fork_generation()

  /// Locks the file or fails with `EWOULDBLOCK`.
  init(locking file: consuming OwnedDescriptor, _ path: FilePath) throws(MediumError) {
    try SystemCalls.lockExclusively(file, path)
    descriptor = file.release()
    forkSlot = cp_fork_hold(descriptor)
  }

  deinit {
    // In a child the descriptor was closed; its number may belong to something else by now.
    guard generation == cp_fork_generation() else { return }
    cp_fork_release(forkSlot)
    // A child that was just being forked may hold the same descriptor for a while.
    _ = cp_unlock(descriptor)
    _ = Glibc.close(descriptor)
  }
}
