import MusterTesting
import Testing

@testable import Attestation

@Suite struct EventLogTests {
  @Test func `a firmware's log is read and replayed in each of its banks`() throws {
    let made = MadeEventLog.start()
    let log = try EventLog(made.bytes)
    #expect(log.events.count == made.events.count && log.banks.map(\.hash) == [4, 0x0b])
    let replay = try #require(log.replay(.sha256))
    #expect(replay.keys.sorted() == [0, 4, 7])
    for register in replay.keys { #expect(replay[register] == made.value(of: UInt32(register))) }
    #expect(log.replay(.sha1)?.keys.sorted() == [0, 4, 7] && log.replay(.sha384) == nil)
  }

  @Test func `the locality of the start is where register 0 begins, and measured by nobody`() throws {
    var made = MadeEventLog.start()
    let said = MadeEventLog.Event(0, MadeEventLog.noAction, Array("StartupLocality\0".utf8) + [3])
    made.events.insert(said, at: 0)
    let log = try EventLog(made.bytes)
    let start = [UInt8](repeating: 0, count: 31) + [3]
    let measured = made.events.filter { $0.register == 0 && $0.type != MadeEventLog.noAction }
    #expect(log.replay(.sha256)?[0] == measured.reduce(start) { TPMHash.sha256.hash($0 + $1.digest(0x0b)) })
    // Said too late it says nothing.
    made.events.append(made.events.removeFirst())
    #expect(try EventLog(made.bytes).replay(.sha256)?[0] == made.value(of: 0))
  }

  /// What is done to a log of which the reader takes nothing.
  struct Attack: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let spoil: @Sendable (MadeEventLog) -> [UInt8]

    init(_ description: String, _ spoil: @escaping @Sendable (MadeEventLog) -> [UInt8]) {
      testDescription = description
      self.spoil = spoil
    }

    /// The log with a change.
    static func changing(
      _ description: String, _ change: @escaping @Sendable (inout MadeEventLog) -> Void
    ) -> Attack {
      Attack(description) {
        var log = $0
        change(&log)
        return log.bytes
      }
    }
  }

  @Test(arguments: [
    Attack("nothing") { _ in [] },
    Attack("a byte behind it") { $0.bytes + [0] },
    Attack("the filling of the table that firmware leaves it in") { $0.bytes + [UInt8](repeating: 0xff, count: 4096) },
    Attack("more than a log may be") { $0.bytes + [UInt8](repeating: 0, count: EventLog.sizeLimit) },
    Attack.changing("a log of SHA-1 alone") { $0.signature = Array("Spec ID Event00\0".utf8) },
    Attack.changing("no banks") { $0.banks = [] },
    Attack.changing("fewer banks than it says") { $0.bankCount = 3 },
    Attack.changing("more banks than it says") { $0.bankCount = 1 },
    Attack.changing("banks without end") { $0.bankCount = .max },
    Attack.changing("a bank twice") { $0.banks = [(0x0b, 32), (0x0b, 32)] },
    Attack.changing("a bank of another size") { $0.banks = [(4, 20), (0x0b, 20)] },
    Attack.changing("an unknown bank of no size") { $0.banks = [(4, 20), (0x0b, 32), (0x99, 0)] },
    Attack.changing("an unknown bank of a large size") { $0.banks = [(4, 20), (0x0b, 32), (0x99, .max)] },
    Attack.changing("an event of a register that there is not") { $0.events[0].register = 24 },
    Attack.changing("an event with a digest too few") { $0.events[0].banks = [0x0b] },
    Attack.changing("an event with a digest twice") { $0.events[0].banks = [0x0b, 0x0b] },
    Attack.changing("an event with a digest too many") { $0.events[0].banks = [4, 0x0b, 0x0c] },
    Attack.changing("an event with a digest of no bank") { $0.events[0].banks = [4, 0x0c] },
    Attack.changing("an event with digests without end") { $0.events[0].count = .max },
    Attack.changing("an event with no digest") { $0.events[0].banks = [] },
    Attack("an event with data without end") { $0.header + $0.events[0].bytes.dropLast(9) + [255, 255, 255, 255] },
    Attack("a first event that is measured") { log in log.bytes.indices.map { $0 == 4 ? 8 : log.bytes[$0] } },
    Attack("a first event with a digest") { log in log.bytes.indices.map { $0 == 20 ? 1 : log.bytes[$0] } },
    Attack("a first event of another register") { log in log.bytes.indices.map { $0 == 0 ? 1 : log.bytes[$0] } },
  ])
  func `a log that is not whole, or says two things, is not read`(attack: Attack) {
    #expect(throws: MalformedTPM.self) { try EventLog(attack.spoil(.start())) }
  }

  @Test func `a log cut anywhere but between two events is not read`() throws {
    let log = MadeEventLog.start()
    var ends: Set<Int> = [log.header.count]
    for event in log.events { ends.insert((ends.max() ?? 0) + event.bytes.count) }
    let bytes = log.bytes
    for count in bytes.indices where !ends.contains(count) {
      #expect(throws: MalformedTPM.self, "\(count)") { try EventLog(Array(bytes.prefix(count))) }
    }
  }

  /// The events of a start, and what they show of Secure Boot.
  static let starts: [(String, [MadeEventLog.Event], Bool?)] = {
    typealias Event = MadeEventLog.Event
    let config = MadeEventLog.driverConfig
    let on = Event(7, config, MadeEventLog.variable("SecureBoot", [1]))
    let off = Event(7, config, MadeEventLog.variable("SecureBoot", [0]))
    let separator = Event(7, MadeEventLog.separator, [0, 0, 0, 0])
    func renamed(_ event: Event, _ type: UInt32) -> Event { Event(7, type, event.data) }
    return [
      ("on", [on, separator], true), ("off", [off, separator], false),
      ("a firmware without the variable", [Event(7, config, MadeEventLog.variable("SecureBoot", []))], false),
      ("neither on nor off", [Event(7, config, MadeEventLog.variable("SecureBoot", [2]))], nil),
      ("two bytes", [Event(7, config, MadeEventLog.variable("SecureBoot", [1, 0]))], nil),
      ("no event", [], nil), ("of another register", [Event(4, config, on.data)], nil),
      ("off, then on by a program", [off, separator, on], false),
      ("off under another name, then on by a program", [renamed(off, MadeEventLog.action), on], nil),
      ("on behind the end of the firmware's", [separator, on], nil),
      ("on after a debugger was", [Event(7, MadeEventLog.action, Array("UEFI Debug Mode".utf8)), on], nil),
      ("on, that was not measured", [Event(7, config, on.data, measured: off.data)], nil),
      ("on, said and not measured", [renamed(on, MadeEventLog.noAction)], nil),
      ("on, by another type", [renamed(on, MadeEventLog.separator)], nil),
      (
        "another vendor's",
        [Event(7, config, MadeEventLog.variable("SecureBoot", [1], vendor: on.data.prefix(15) + [0]))], nil
      ),
      ("another variable", [Event(7, config, MadeEventLog.variable("SecureBoo7", [1]))], nil),
      ("a variable with more behind it", [Event(7, config, on.data + [0])], nil),
      ("a variable that is cut", [Event(7, config, Array(on.data.dropLast()))], nil),
      ("a variable of no end", [Event(7, config, on.data.prefix(16) + [UInt8](repeating: 0xff, count: 16))], nil),
    ]
  }()

  @Test(arguments: starts)
  func `Secure Boot is what the first event of register 7 shows, where its digest is its data's`(
    name: String, events: [MadeEventLog.Event], shown: Bool?
  ) throws {
    #expect(try EventLog(MadeEventLog(events).bytes).secureBoot(.sha256) == shown)
  }

  @Test func `of a bank that the log has not, nothing is shown`() throws {
    #expect(try EventLog(MadeEventLog.start().bytes).secureBoot(.sha384) == nil)
  }
}
