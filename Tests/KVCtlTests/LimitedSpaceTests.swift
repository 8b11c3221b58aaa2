// kvctl in address spaces that end somewhere: the answer, or an error of one line; never the end that
// Swift's runtime makes of an allocation that fails.

import Testing

@Suite
struct LimitedSpaceTests {
  /// The story: a backup reads the newest segment from a copy.
  ///
  /// Memory for the array of its records was
  /// asked for before the copy took its own, so between the two nothing was left for the array, and Swift
  /// ended the process: by SIGABRT, or by SIGSEGV where not even its last words found memory.
  @Test
  func `A backup is made or refused in an address space of any size`() throws {
    let workplace = try Workplace()
    let value = [UInt8](repeating: 7, count: 4_000_000)
    #expect(try workplace.kvctl("put", "store", "large", "-", input: value).status == 0)

    // From what the program itself takes: its stack, the command line's parser and the output's buffer.
    let outcome = try workplace.shell(
      """
      export SWIFT_BACKTRACE=enable=no
      limit=20000
      until (ulimit -v $limit && kvctl --version) >version 2>&1; do limit=$((limit + 1000)); done
      limit=$((limit + 4000))
      end=$((limit + 28000))
      while [ $limit -lt $end ]; do
        rm -rf backup
        (ulimit -c 0; ulimit -v $limit && exec kvctl backup store backup) >output 2>errors
        echo $? $limit $(head -n 1 errors)
        limit=$((limit + 1000))
      done
      """
    )
    var statuses: Set<Substring> = []
    for line in outcome.text.split(separator: "\n") {
      guard let status = line.split(separator: " ").first else { continue }
      #expect(status == "0" || status == "74", "\(line)")
      statuses.insert(status)
    }
    #expect(statuses == ["0", "74"], "\(outcome.text)")
  }
}
