// What is weighed, not timed.

/// A number that the driver finds out beside its times.
enum Quantity: String, Codable, CaseIterable {
  case spaceLoaded = "space-loaded"
  case spaceDurable = "space-durable"
  case spaceOverwritten = "space-overwritten"
  case spaceSettled = "space-settled"
  case memoryPoints = "memory-points"
  case memoryOrdered = "memory-ordered"
  case memoryPeak = "memory-peak"
  case streamWrite = "stream-write"
  case streamRead = "stream-read"

  var title: String {
    switch self {
    case .spaceLoaded: "space after load"
    case .spaceDurable: "space of durable puts"
    case .spaceOverwritten: "space after overwriting"
    case .spaceSettled: "space after settling"
    case .memoryPoints: "memory after gets"
    case .memoryOrdered: "memory with order"
    case .memoryPeak: "memory at most"
    case .streamWrite: "streamed writes"
    case .streamRead: "streamed reads"
    }
  }

  var unit: String {
    switch self {
    case .spaceLoaded, .spaceDurable, .spaceOverwritten, .spaceSettled: "x key+value"
    case .memoryPoints, .memoryOrdered, .memoryPeak: "B a key"
    case .streamWrite, .streamRead: "GB/s"
    }
  }
}
