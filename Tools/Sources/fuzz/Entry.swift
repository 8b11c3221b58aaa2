// The functions that libFuzzer calls. Which target they lead to is said by the environment, so that all
// of them are one program.
//
// Invariant: the pointers that come from libFuzzer are used during the call only.

internal import CLibFuzzer
internal import FuzzTargets
internal import Glibc
internal import SystemPackage

/// The target that `FENCELINE_FUZZ_TARGET` names.
private let target: FuzzTarget = {
  let name = environment("FENCELINE_FUZZ_TARGET")
  guard let name, let target = FuzzTarget(rawValue: name) else {
    fatalError("FENCELINE_FUZZ_TARGET names no target: \(name ?? "it is not set")")
  }
  return target
}()

private func environment(_ name: String) -> String? {
  // SAFETY: the string is copied, and nothing here changes the environment.
  unsafe getenv(name).map { unsafe String(cString: $0) }
}

/// Writes files into a directory that an environment variable names, where it is set.
private func write(
  _ files: [(name: String, bytes: [UInt8])],
  toDirectoryIn variable: String
) throws {
  guard let directory = environment(variable) else { return }
  for (name, bytes) in files {
    let file = try FileDescriptor.open(
      FilePath(directory).appending(name),
      .writeOnly,
      options: [.create, .truncate],
      permissions: .ownerReadWrite
    )
    _ = try file.closeAfter { try file.writeAll(bytes) }
  }
}

/// Writes the inputs to start from where `FENCELINE_FUZZ_SEEDS` says.
@c(LLVMFuzzerInitialize)
public func initialize(
  _ count: UnsafeMutablePointer<CInt>?,
  _ arguments: UnsafeMutableRawPointer?
) -> CInt {
  do {
    let seeds = try target.seeds().enumerated().map { (name: "seed-\($0)", bytes: $1) }
    try write(seeds, toDirectoryIn: "FENCELINE_FUZZ_SEEDS")
  } catch {
    fatalError("the inputs to start from: \(error)")
  }
  return 0
}

/// Gives the target an input; its files go where `FENCELINE_FUZZ_FILES` says, to be looked at.
@c(LLVMFuzzerTestOneInput)
public func testOneInput(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
  // SAFETY: libFuzzer hands out `size` bytes for the time of the call.
  let input = unsafe Array(UnsafeBufferPointer(start: data, count: size))
  do {
    try write(target.files(of: input), toDirectoryIn: "FENCELINE_FUZZ_FILES")
    try target.check(input)
  } catch {
    fatalError("finding: \(error)")
  }
  return 0
}

/// Makes another input of one, in its place.
@c(LLVMFuzzerCustomMutator)
public func mutate(
  _ data: UnsafeMutablePointer<UInt8>?,
  _ size: Int,
  _ mostBytes: Int,
  _ seed: CUnsignedInt
) -> Int {
  let input = unsafe Array(UnsafeBufferPointer(start: data, count: size))
  var mutator = InputMutator(seed: UInt64(seed))
  let output = mutator.mutated(input, for: target, mostBytes: mostBytes) { (bytes) in
    let most = bytes.count + 16
    let count = bytes.count
    bytes += [UInt8](repeating: 0, count: 16)
    // SAFETY: libFuzzer writes to at most `most` bytes, which the array has.
    let changed = unsafe bytes.withUnsafeMutableBufferPointer {
      unsafe LLVMFuzzerMutate($0.baseAddress, count, most)
    }
    bytes.removeLast(most - changed)
  }
  return unsafe write(output, to: data, mostBytes)
}

/// Makes one input of two.
@c(LLVMFuzzerCustomCrossOver)
public func crossOver(
  _ first: UnsafePointer<UInt8>?,
  _ firstSize: Int,
  _ second: UnsafePointer<UInt8>?,
  _ secondSize: Int,
  _ output: UnsafeMutablePointer<UInt8>?,
  _ mostBytes: Int,
  _ seed: CUnsignedInt
) -> Int {
  let left = unsafe Array(UnsafeBufferPointer(start: first, count: firstSize))
  let right = unsafe Array(UnsafeBufferPointer(start: second, count: secondSize))
  var mutator = InputMutator(seed: UInt64(seed))
  let crossed = mutator.crossed(left, right, for: target, mostBytes: mostBytes)
  return unsafe write(crossed, to: output, mostBytes)
}

/// Puts bytes where libFuzzer wants them.
private func write(
  _ bytes: [UInt8],
  to output: UnsafeMutablePointer<UInt8>?,
  _ mostBytes: Int
) -> Int {
  let count = min(bytes.count, mostBytes)
  // SAFETY: there is room for `mostBytes`.
  for index in 0..<count { unsafe output?[index] = bytes[index] }
  return count
}
