// Every call into the C library goes through this file. Each wrapper names its C function.

internal import CPlatform
internal import Glibc
internal import SystemPackage

enum SystemCalls {
  /// Makes sure that descriptors 0, 1 and 2 are taken.
  ///
  /// Were one closed, a file of the store would get its number, and what is printed would land in
  /// it. The stand-ins refuse the use that the descriptor is meant for. The corresponding C
  /// functions are `fcntl` and `open`.
  static func occupyStandardDescriptors() {
    for descriptor: Int32 in 0...2 where fcntl(descriptor, F_GETFD) == -1 {
      // The lowest free number is this one, as all below are taken.
      _ = unsafe open("/dev/null", descriptor == 0 ? O_WRONLY : O_RDONLY)
    }
  }

  /// Leaves an address space that is limited to the data.
  ///
  /// The corresponding C functions are `getrlimit` and `mallopt`.
  static func shareHeapInLimitedSpace() { cp_share_heap_in_limited_space() }

  /// Lets a closed pipe end the program as it ends any filter, whatever the parent process chose.
  ///
  /// The corresponding C function is `signal`.
  static func endOnClosedPipe() {
    _ = signal(SIGPIPE, SIG_DFL)
  }

  /// Keeps the signals that end a program waiting until it asks for them.
  ///
  /// For the calling thread, and those that it starts. The corresponding C function is
  /// `pthread_sigmask`.
  static func holdEndingSignals() {
    var signals = endingSignals
    unsafe _ = pthread_sigmask(SIG_BLOCK, &signals, nil)
  }

  /// Lets them through again: one that waits ends the program here.
  ///
  /// The corresponding C function is `pthread_sigmask`.
  static func releaseEndingSignals() {
    var signals = endingSignals
    unsafe _ = pthread_sigmask(SIG_UNBLOCK, &signals, nil)
  }

  /// Whether one of them waits.
  ///
  /// The corresponding C function is `sigpending`.
  static var hasEndingSignal: Bool {
    var waiting = sigset_t()
    unsafe sigpending(&waiting)
    return endingSignalNumbers.contains { unsafe sigismember(&waiting, $0) == 1 }
  }

  /// Waits for one of them, for that long at most, and takes it.
  ///
  /// The corresponding C function is `sigtimedwait`.
  static func takeEndingSignal(within milliseconds: Int) -> Bool {
    var signals = endingSignals
    var time = timespec(tv_sec: milliseconds / 1000, tv_nsec: milliseconds % 1000 * 1_000_000)
    return unsafe sigtimedwait(&signals, nil, &time) > 0
  }

  private static let endingSignalNumbers = [SIGINT, SIGTERM, SIGHUP]

  private static var endingSignals: sigset_t {
    var signals = sigset_t()
    unsafe sigemptyset(&signals)
    for number in endingSignalNumbers { unsafe sigaddset(&signals, number) }
    return signals
  }

  /// The corresponding C function is `isatty`.
  static func isTerminal(_ descriptor: FileDescriptor) -> Bool { isatty(descriptor.rawValue) == 1 }

  /// The corresponding C function is `exit`.
  static func exit(_ status: Int32) -> Never { Glibc.exit(status) }

  /// The number of the first argument that is not valid UTF-8, or nil.
  ///
  /// Swift's own list of arguments has replacement characters there: a put would go to another key.
  static var firstInvalidArgument: Int? {
    for number in CommandLine.arguments.indices {
      // SAFETY: argv has an entry for each of the arguments, ended by a zero byte.
      guard let original = unsafe CommandLine.unsafeArgv[number] else { continue }
      if unsafe String(validatingCString: original) == nil { return number }
    }
    return nil
  }

  /// The corresponding C function is `fsync`.
  static func synchronize(_ file: FileDescriptor) throws(Errno) {
    while fsync(file.rawValue) != 0 {
      let cause = Errno(rawValue: errno)
      guard cause == .interrupted else { throw cause }
    }
  }

  /// Sets permissions, past the user's mask; a file system without them leaves it at that.
  ///
  /// The corresponding C function is `fchmod`.
  static func setPermissions(_ permissions: FilePermissions, of file: FileDescriptor) {
    _ = fchmod(file.rawValue, permissions.rawValue)
  }

  /// The corresponding C function is `rename`.
  static func rename(_ old: FilePath, to new: FilePath) throws(Errno) {
    let result = unsafe old.withPlatformString { old in
      unsafe new.withPlatformString { new in unsafe Glibc.rename(old, new) }
    }
    guard result == 0 else { throw Errno(rawValue: errno) }
  }

  /// The corresponding C function is `unlink`; a failure leaves the file.
  static func unlink(_ path: FilePath) {
    _ = unsafe path.withPlatformString { unsafe Glibc.unlink($0) }
  }

  /// The path without symbolic links, or nil where it leads nowhere.
  ///
  /// The corresponding C function is `realpath`.
  static func resolve(_ path: FilePath) -> FilePath? {
    unsafe path.withPlatformString { path in
      guard let resolved = unsafe realpath(path, nil) else { return nil }
      defer { unsafe free(resolved) }
      return unsafe FilePath(platformString: resolved)
    }
  }

  /// Waits for the reader of a pipe to go, for that long at most.
  ///
  /// The corresponding C function is `poll`.
  static func hasNoReader(_ descriptor: FileDescriptor, within milliseconds: Int) -> Bool {
    var entry = pollfd(fd: descriptor.rawValue, events: 0, revents: 0)
    return unsafe poll(&entry, 1, Int32(milliseconds)) > 0
  }

  /// Waits until the descriptor takes or gives bytes.
  ///
  /// The corresponding C function is `poll`.
  static func wait(for descriptor: FileDescriptor, toWrite: Bool) {
    var request = pollfd(
      fd: descriptor.rawValue,
      events: Int16(toWrite ? POLLOUT : POLLIN),
      revents: 0
    )
    _ = unsafe poll(&request, 1, -1)
  }
}

/// Runs `body` and gives its failure its type, which swift-system leaves open.
func typingErrno<R>(_ body: () throws -> R) throws(Errno) -> R {
  do { return try body() } catch let error as Errno { throw error } catch {
    preconditionFailure("a system call failed with something other than an errno: \(error)")
  }
}
