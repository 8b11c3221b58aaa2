// Every image of the journal's tail: what a commit, a sync or a close leaves when it is cut short.

import CrashLab
import Fenceline
import Testing

@Suite("The tail of the journal, in every state that a crash can leave")
struct TailTests {
  @Test("One buffered put, then a sync", arguments: CopyPolicy.allCases)
  func bufferedPut(policy: CopyPolicy) throws {
    let report = try explore("buffered put", policy) {
      try $0.open()
      try $0.put("key", "value")
      try $0.sync()
    }
    #expect(report.sampledPoints == 0)
  }

  @Test("Buffered puts that share lines, then a sync", arguments: CopyPolicy.allCases)
  func sharedLines(policy: CopyPolicy) throws {
    try explore("shared lines", policy) {
      try $0.open()
      try $0.put("a", "1")
      try $0.put("b", "22")
      try $0.put("a", "333")
      try $0.sync()
      try $0.put("c", "after the sync")
      try $0.sync()
    }
  }

  @Test(
    "Durable puts of one to four lines",
    arguments: CopyPolicy.allCases,
    [0, 1, 30, 44, 60, 107, 110, 165, 200]
  )
  func durablePut(policy: CopyPolicy, length: Int) throws {
    try explore("durable put of \(length)", policy) {
      $0.recoveriesPerKind = 0
      $0.model.exhaustiveLimit = 1 << 9
      $0.model.samplesPerKind = 16
    } _: {
      try $0.open()
      try $0.put(bytes("key"), value(length), .durable)
      if length < 110 { try $0.put(bytes("key"), value(length / 2, 2), .durable) }
    }
  }

  @Test("Words that arrive on their own, all subsets of a durable put")
  func streamedWords() throws {
    // One whole line: 8 words, 2^8 images.
    let report = try explore("streamed put", .trusting) {
      $0.recoveriesPerKind = 0
    } _: {
      try $0.open()
      try $0.put(bytes("key"), value(41), .durable)
    }
    #expect(report.sampledPoints == 0)
    #expect(report.images >= 1 << 8)
  }

  @Test("Overwrites and deletes", arguments: CopyPolicy.allCases)
  func overwritesAndDeletes(policy: CopyPolicy) throws {
    try explore("overwrites and deletes", policy) {
      try $0.open()
      try $0.put("a", "old", .durable)
      try $0.put("a", "new")
      try $0.delete("a")
      try $0.put("b", "1")
      try $0.sync()
      try $0.delete("b", .durable)
    }
  }

  @Test("A transaction of two to four records", arguments: CopyPolicy.allCases, [2, 3, 4])
  func transactions(policy: CopyPolicy, count: Int) throws {
    for durability in [Durability.buffered, .durable] {
      try explore("transaction of \(count), \(durability)", policy) {
        $0.model.exhaustiveLimit = 1 << 10
        $0.model.samplesPerKind = 24
      } _: {
        try $0.open()
        try $0.put("x", "before", .durable)
        var changes: [Workload.Change] = (1..<count).map {
          (bytes("k\($0)"), bytes("value \($0)"))
        }
        changes.append((bytes("x"), nil))
        try $0.transaction(changes, durability)
        try $0.sync()
      }
    }
  }

  @Test("A value of more than 64 KiB", arguments: CopyPolicy.allCases)
  func largeValue(policy: CopyPolicy) throws {
    try explore("large value", policy) {
      $0.recoveriesPerKind = 0
      $0.model.exhaustiveLimit = 256
      $0.model.samplesPerKind = 8
    } _: {
      try $0.open()
      try $0.put("small", "1", .durable)
      try $0.put(bytes("large"), value(65_600))
      try $0.sync()
    }
  }

  @Test("A close", arguments: CopyPolicy.allCases)
  func close(policy: CopyPolicy) throws {
    try explore("close", policy) {
      try $0.open()
      try $0.put("a", "1")
      try $0.close()
    }
  }

  @Test("Writing again after a close, and another close", arguments: CopyPolicy.allCases)
  func reopen(policy: CopyPolicy) throws {
    try explore("reopen", policy) {
      try $0.open()
      try $0.put("a", "1")
      try $0.close()
      try $0.open()
      try $0.put("a", "2")
      try $0.put("b", "3", .durable)
      try $0.close()
    }
  }

  /// A transaction of several records, torn behind its first one, was once taken for damage: the
  /// pad behind the close record did not count as accepted, so the journal seemed to end before the
  /// point that the close mark names.
  @Test("A transaction as the first write after a close", arguments: CopyPolicy.allCases)
  func transactionAfterClose(policy: CopyPolicy) throws {
    try explore("transaction after a close", policy) {
      $0.maximumRecoveries = 3
    } _: {
      try $0.open()
      try $0.put("a", "1")
      try $0.close()
      try $0.open()
      try $0.transaction([(bytes("a"), bytes("2")), (bytes("b"), bytes("3"))])
      try $0.sync()
    }
  }

  @Test("One thread writes, another syncs", arguments: CopyPolicy.allCases)
  func twoThreads(policy: CopyPolicy) throws {
    try explore("two threads", policy) { workload in
      try workload.open()
      try workload.onNewThread { try workload.put("a", "1") }
      try workload.onNewThread {
        try workload.put("b", "2")
        try workload.sync()
      }
      try workload.onNewThread { try workload.put("a", "3") }
      try workload.onNewThread { try workload.put("c", "4", .durable) }
      try workload.onNewThread { try workload.delete(bytes("a")) }
      try workload.onNewThread { try workload.close() }
    }
  }

  @Test("Lines that arrive torn into words", arguments: CopyPolicy.allCases)
  func tornLines(policy: CopyPolicy) throws {
    try explore("torn lines", policy) {
      $0.model.tearsLines = true
      $0.model.exhaustiveLimit = 1 << 8
      $0.model.samplesPerKind = 16
    } _: {
      try $0.open()
      try $0.put("a", "1")
      try $0.sync()
      try $0.put("a", "2", .durable)
      try $0.close()
      try $0.open()
      try $0.put("b", "3", .durable)
      try $0.close()
    }
  }
}
