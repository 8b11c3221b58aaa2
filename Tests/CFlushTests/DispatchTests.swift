import CFlush
import CFlushTestSupport
import Glibc
import Testing

/// Sets an environment variable, before the copy core reads it: only in a process of its own.
private func force(_ variable: String, _ value: String) {
  unsafe setenv(variable, value, 1)
}

@Suite("Choosing a core")
struct DispatchTests {
  @Test("A core is what its name says", arguments: CoreName.all)
  func names(name: CoreName) throws {
    let core = try name.core
    #expect(core.copyName == name.copy)
    #expect(core.flushName == name.flush)
    #expect(core.policy == name.policy.value)
    #expect(core.reachesPersistence == !["none", "cvac"].contains(name.flush))
  }

  @Test("The plain core has neither flush nor promise")
  func plain() throws {
    let core = try #require(Core.plain)
    #expect(core.policy == FL_POLICY_PLAIN)
    #expect(core.flushName == "none")
    #expect(!core.reachesPersistence)
    #expect(Core.selected(FL_POLICY_PLAIN) == core)
  }

  @Test("A set that can't bypass the cache is strict under either policy")
  func genericIsStrict() throws {
    let core = try #require(Core.named("generic", nil, FL_POLICY_TRUSTING))
    #expect(core.policy == FL_POLICY_STRICT)
  }

  @Test("There is no core by a name that means nothing")
  func unknownNames() {
    #expect(Core.named("mmx", nil, FL_POLICY_STRICT) == nil)
    #expect(Core.named(nil, "wbinvd", FL_POLICY_STRICT) == nil)
    #expect(Core.named("avx2", "clwb", FL_POLICY_PLAIN) == nil)
    #expect(Core.named(nil, nil, fl_policy(rawValue: 9)) == nil)
    #expect(Core.selected(fl_policy(rawValue: 9)) == nil)
  }

  @Test("The environment forces a core")
  func forcedCore() async {
    await #expect(processExitsWith: .success) {
      force("FENCELINE_COPY", "generic")
      force("FENCELINE_FLUSH", "none")
      force("FENCELINE_POLICY", "trusting")
      let core = try #require(Core.selected(FL_POLICY_AUTO))
      #expect(core.copyName == "generic")
      #expect(core.flushName == "none")
      #expect(core.policy == FL_POLICY_STRICT)
    }
    await #expect(processExitsWith: .success) {
      force("FENCELINE_POLICY", "plain")
      let core = try #require(Core.selected(FL_POLICY_STRICT))
      #expect(core.policy == FL_POLICY_PLAIN)
    }
  }

  @Test(
    "A forced choice that does not exist gives no core, rather than another one",
    arguments: ["FENCELINE_COPY", "FENCELINE_FLUSH", "FENCELINE_POLICY"]
  )
  func forcedUnknown(variable: String) async {
    await #expect(processExitsWith: .success) { [variable = variable as String] in
      force(variable, "nothing")
      #expect(Core.selected(FL_POLICY_STRICT) == nil)
      #expect(Core.selected(FL_POLICY_PLAIN) == nil)
      #expect(Core.plain?.policy == FL_POLICY_PLAIN)
    }
  }

  @Test("The environment forces a checksum implementation, where it exists")
  func forcedChecksum() async {
    await #expect(processExitsWith: .success) {
      force("FENCELINE_CRC", "software")
      #expect(checksumName == "software")
      #expect(unsafe fl_crc32c(0, "123456789", 9) == 0xE306_9283)
    }
    await #expect(processExitsWith: .success) {
      force("FENCELINE_CRC", "nothing")
      #expect(checksumName != "nothing")
      #expect(unsafe fl_crc32c(0, "123456789", 9) == 0xE306_9283)
    }
  }
}
