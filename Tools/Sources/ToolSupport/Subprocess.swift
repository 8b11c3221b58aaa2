// Child processes: started with their output where it is wanted, asked for, killed by their number.

internal import Glibc
package import SystemPackage

/// A child of this process.
package struct Subprocess {
  /// Its number.
  package let pid: Int32

  /// How a child ended.
  package enum End: Sendable {
    case exited(Int32)
    case signalled(Int32)
  }

  /// Starts a program.
  ///
  /// - Parameters:
  ///   - arguments: the program's path first.
  ///   - output: a file for the standard output; nil for this process's own.
  ///   - errors: the same for the standard error.
  /// - Throws: `Errno` where it can't be started.
  package init(_ arguments: [String], output: FilePath? = nil, errors: FilePath? = nil) throws {
    var actions = unsafe posix_spawn_file_actions_t()
    unsafe posix_spawn_file_actions_init(&actions)
    defer { unsafe _ = posix_spawn_file_actions_destroy(&actions) }
    for (descriptor, path) in [(STDOUT_FILENO, output), (STDERR_FILENO, errors)] {
      guard let path else { continue }
      let flags = O_WRONLY | O_CREAT | O_TRUNC
      unsafe posix_spawn_file_actions_addopen(&actions, descriptor, path.string, flags, 0o600)
    }
    // SAFETY: the copies of the arguments live until they are freed behind the call.
    var pointers = unsafe arguments.map { unsafe strdup($0) } + [nil]
    defer { for index in unsafe pointers.indices { unsafe free(pointers[index]) } }
    var pid: pid_t = 0
    let status = unsafe posix_spawn(&pid, arguments[0], &actions, nil, &pointers, environ)
    guard status == 0 else { throw Errno(rawValue: status) }
    self.pid = pid
  }

  /// How it ended, or nil while it runs; to be asked until it has.
  package func end(waiting: Bool) -> End? {
    var status: Int32 = 0
    while true {
      let result = unsafe waitpid(pid, &status, waiting ? 0 : WNOHANG)
      if result == -1, errno == EINTR { continue }
      guard result == pid else { return nil }
      let signal = status & 0x7f
      return signal == 0 ? .exited((status >> 8) & 0xff) : .signalled(signal)
    }
  }

  /// Ends it.
  package func kill() { _ = Glibc.kill(pid, SIGKILL) }
}
