// The command `kvctl`: its subcommands, and the one place where the program ends.
//
// Invariant: results go to standard output, everything else to standard error; an error is one line
// there, except for usage, where the argument parser has its own form.

internal import ArgumentParser
internal import SystemPackage

@main
struct Kvctl: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kvctl",
    abstract: "Work with Fenceline stores: crash-safe key-value stores in a directory.",
    discussion: """
      Keys and values are any bytes. A store is created by the first put or import. Commands that \
      only read change nothing, and work while another program writes to the store, after a crash \
      and in a read-only directory.

      EXAMPLES
        kvctl put notes milk 'two bottles'
        kvctl get notes milk
        kvctl list notes
        kvctl export notes notes.tsv
        kvctl import copy notes.tsv
        kvctl backup notes /mnt/backups/notes

      EXIT STATUS
        0   done
        1   no such key (get, delete, log) or namespace
        64  wrong usage
        65  damaged store or backup, newer format, or a line that can't be imported
        66  no such store, backup, input file or moment of the past
        69  not available in this build or on this machine
        73  can't create the store, the backup or the output file
        74  reading or writing failed, or no room is left
        75  another program has the store open for writing
        77  no permission
      """,
    version: "kvctl 0.1.0",
    subcommands: [
      Put.self, Get.self, Delete.self, List.self, Import.self, Export.self, Index.self,
      Log.self, Diff.self, Watch.self, Namespaces.self, Drop.self, StatCommand.self, Verify.self,
      Repair.self, Compact.self, BackupCommand.self, Restore.self,
    ]
  )

  static func main() {
    SystemCalls.occupyStandardDescriptors()
    SystemCalls.endOnClosedPipe()
    SystemCalls.shareHeapInLimitedSpace()
    let status: ExitStatus
    do {
      try runCommand()
      status = .done
    } catch let failure as Failure {
      report(failure)
      status = failure.status
    } catch {
      end(withParserMessage: error)
    }
    SystemCalls.exit(status.rawValue)
  }

  private static func runCommand() throws {
    if let number = SystemCalls.firstInvalidArgument {
      throw Failure(
        .usage,
        "argument \(number) is not UTF-8 text; keys and values that are not go with --hex"
      )
    }
    var command = try parseAsRoot()
    try command.run()
  }

  /// Ends with what the argument parser has to say: help and versions are results, all else errors.
  private static func end(withParserMessage error: any Error) -> Never {
    let status = exitCode(for: error).rawValue
    let text = fullMessage(for: error) + "\n"
    do throws(Failure) {
      var output =
        status == 0 ? Output.standard() : Output(.standardError, name: "standard error")
      try output.append(text)
      try output.flush()
    } catch {
      report(error)
      SystemCalls.exit(error.status.rawValue)
    }
    SystemCalls.exit(status)
  }

  private static func report(_ failure: Failure) {
    if let message = failure.message { say(message) }
  }

  /// Prints a line on standard error.
  static func say(_ message: String) {
    _ = try? FileDescriptor.standardError.writeAll("kvctl: \(message)\n".utf8)
  }
}
