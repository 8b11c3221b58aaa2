// What all tests here share.

import CrashLab
import Glibc
import Testing

/// For everything random; `FENCELINE_CRASH_SEED` takes a printed one back.
let seed: UInt64 = {
  if let text = unsafe getenv("FENCELINE_CRASH_SEED"),
    let seed = UInt64(unsafe String(cString: text))
  {
    return seed
  }
  return UInt64.random(in: 1 ... .max)
}()

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

/// `count` bytes that look like nothing else.
func value(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7 | 1) } }
