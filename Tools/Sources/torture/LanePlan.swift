// What one lane is to do, as the program that starts it says.

import SystemPackage

struct LanePlan {
  /// The directory of its own.
  var place: FilePath
  var seed: UInt64
  var kills: Int
  /// Instead of a number of kills.
  var seconds: Int?
  var kvctl: String?
  var mutant: String?

  var store: FilePath { place.appending("store") }
  var board: FilePath { place.appending("board") }
}
