// A file that is there completely or not at all.
//
// The bytes go into a temporary file beside the target, are made durable, and take the target's
// name at the end. Devices and pipes can't be replaced (nobody wants a plain file in the place of
// /dev/null): they are written to directly. A symbolic link stays, its target is replaced.

internal import SystemPackage

/// A file that is being written.
struct OutputFile: ~Copyable {
  /// What messages call it.
  let name: String
  /// Where the bytes go.
  let descriptor: FileDescriptor
  /// What will be replaced; nil for devices and pipes.
  private let target: FilePath?
  private let temporary: FilePath?
  /// Whether there is a file of that name, which may be worth more than an incomplete new one.
  let isReplacing: Bool

  /// Opens the file for writing under a temporary name.
  static func create(_ path: FilePath) throws(Failure) -> OutputFile {
    do throws(Errno) { return try open(path) } catch {
      throw Failure(error, on: path.string, isCreating: true)
    }
  }

  private static func open(_ path: FilePath) throws(Errno) -> OutputFile {
    let target = SystemCalls.resolve(path) ?? path
    let existing = try? Stat(target)
    switch existing?.type {
    case nil, .regular: break
    case .directory: throw .isDirectory
    default:
      let descriptor = try typingErrno { try FileDescriptor.open(target, .writeOnly) }
      return OutputFile(
        name: path.string,
        descriptor: descriptor,
        target: nil,
        temporary: nil,
        isReplacing: false
      )
    }
    guard let lastName = target.lastComponent else { throw .isDirectory }
    let suffix = String(UInt64.random(in: 0 ... .max), radix: 16)
    let temporary = target.removingLastComponent().appending(".\(lastName.string).\(suffix).tmp")
    // An old file's permissions stay; a new one gets what the user's mask leaves.
    let permissions = existing?.permissions ?? FilePermissions(rawValue: 0o666)
    let descriptor = try typingErrno {
      try FileDescriptor.open(
        temporary,
        .writeOnly,
        options: [.create, .exclusiveCreate, .noFollow],
        permissions: permissions
      )
    }
    if existing != nil { SystemCalls.setPermissions(permissions, of: descriptor) }
    return OutputFile(
      name: path.string,
      descriptor: descriptor,
      target: target,
      temporary: temporary,
      isReplacing: existing != nil
    )
  }

  /// Gives the file its name; it is durable then.
  ///
  /// - Parameter suffix: added to the name, for what is not to replace a file that is there.
  /// - Throws: what the system reports; no file of the name has appeared or changed then.
  consuming func publish(suffix: String = "") throws(Failure) {
    guard let target, let temporary else { return }
    do throws(Errno) {
      try SystemCalls.synchronize(descriptor)
      try typingErrno { try descriptor.close() }
      try SystemCalls.rename(temporary, to: FilePath(target.string + suffix))
      let directory = target.removingLastComponent()
      let opened = try typingErrno {
        try FileDescriptor.open(directory.isEmpty ? "." : directory, .readOnly)
      }
      try SystemCalls.synchronize(opened)
    } catch {
      SystemCalls.unlink(temporary)
      throw Failure(error, on: name, isCreating: true)
    }
  }

  /// Leaves everything as it was before.
  consuming func discard() {
    if let temporary { SystemCalls.unlink(temporary) }
  }
}
