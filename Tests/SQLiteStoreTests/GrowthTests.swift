import DeviceRegistry
import Enrollment
import Foundation
import GRDBSQLite
import HubAccess
import Ledger
import MusterModel
import MusterTesting
import Policy
import Synchronization
import Testing

@testable import SQLiteStore

/// What is looked up costs the same in a large fleet as in a small one. What is counted is SQLite's own work, the steps of
/// its machine: a search in an index takes as many at any size, and whatever reads a table to its end takes more.
@Suite struct GrowthTests {
  private static let (small, large) = (100, 1500)

  struct Question: Sendable, CustomTestStringConvertible {
    let testDescription: String
    /// How many things it found.
    let ask: @Sendable (Snapshot, GrowingFleet) throws -> Int

    init(_ name: String, _ ask: @escaping @Sendable (Snapshot, GrowingFleet) throws -> Int) {
      testDescription = name
      self.ask = ask
    }
  }

  static let questions = [
    Question("device by ID") { try $0.device($1.first.deviceID) == nil ? 0 : 1 },
    Question("device as it is shown") { try $0.deviceDetail($1.first.deviceID, in: .instance) == nil ? 0 : 1 },
    Question("hardware by its ID") { try $0.hardware($1.first.hardwareID) == nil ? 0 : 1 },
    Question("certificate by serial") {
      try $0.certificateSummary(.serial(Hex.encode($1.first.serial))) == nil ? 0 : 1
    },
    Question("certificate by fingerprint") {
      try $0.certificateSummary(.fingerprint($1.first.facts.der)) == nil ? 0 : 1
    },
    Question("ticket by its code") { snapshot, _ in try snapshot.ticket(code: GrowingFleet.code(1)) == nil ? 0 : 1 },
    Question("page of devices") { snapshot, _ in try snapshot.devices(page, DeviceFilter(), in: .instance).rows.count },
    Question("page of one group's devices") {
      try $0.devices(page, DeviceFilter(group: $1.name), in: .instance).rows.count
    },
    Question("page of some groups' devices") { try $0.devices(page, DeviceFilter(), in: $1.scope).rows.count },
    Question("page of some groups' tickets") { try $0.tickets(page, at: Units.time, in: $1.scope).rows.count },
    Question("page of certificates") { snapshot, _ in try snapshot.certificates(page, of: nil, in: .instance).rows.count
    },
    Question("page of some groups' certificates") {
      try $0.certificates(page, of: nil, in: $1.scope).rows.count
    },
    Question("page of hardware") { snapshot, _ in try snapshot.hardware(page, in: .instance).rows.count },
    Question("issuers, as a start reads them") { snapshot, _ in try snapshot.issuers().count },
    Question("lists, as a start reads them") { snapshot, _ in try snapshot.publishedCRLs().count + 1 },
    Question("trust anchors") { snapshot, _ in try snapshot.trustAnchors(of: nil).count },
    Question("a hub's page of its devices") {
      try HubDeviceReading($0, hub: $1.hub, at: Units.time).page(after: -1, limit: 20).count
    },
  ]

  private static let page = PageRequest(limit: 20)!

  @Test func `whatever is looked up costs no more among many devices than among few`() async throws {
    let fleet = try await GrowingFleet()
    try await fleet.grow(to: GrowthTests.small)
    let few = try fleet.steps(of: GrowthTests.questions)
    try await fleet.grow(to: GrowthTests.large)
    let many = try fleet.steps(of: GrowthTests.questions)
    await fleet.close()
    for (question, (few, many)) in zip(GrowthTests.questions, zip(few, many)) {
      #expect(few.found > 0 && few.found == many.found, "\(question.testDescription)")
      #expect(many.steps <= few.steps * 5 / 4, "\(question.testDescription): \(few.steps), then \(many.steps) steps")
    }
  }

  @Test func `what a start reads of the ledger does not grow with it`() async throws {
    let fleet = try await GrowingFleet()
    try await fleet.grow(to: GrowthTests.small)
    let few = try fleet.stepsToOpen()
    try await fleet.grow(to: GrowthTests.large)
    let many = try fleet.stepsToOpen()
    await fleet.close()
    // At most 255 events, and 255 tiles of each of the levels that there are: each some ten steps.
    #expect(few > 0 && many < 10_000, "\(few), then \(many) steps")
  }

  @Test func `a scan of a table is found by this count`() async throws {
    let fleet = try await GrowingFleet()
    let scan = [
      Question("scan") { snapshot, _ in
        Int(try snapshot.db.number("SELECT count(*) FROM device WHERE generation > 0"))
      }
    ]
    try await fleet.grow(to: GrowthTests.small)
    let few = try fleet.steps(of: scan)[0].steps
    try await fleet.grow(to: GrowthTests.large)
    let many = try fleet.steps(of: scan)[0].steps
    await fleet.close()
    #expect(many > few * 10)
  }
}

/// A store with a group that grows beside a group of a few, both of one hub, and a ticket for every device.
final class GrowingFleet: Sendable {
  let first = GrowingFleet.enrollment(0, Units.id(.group))
  let hub = Units.id(.hub)
  let name = Units.name("large")
  private let few = Units.id(.group)
  private let test: TestFolder
  private let store: FolderStore
  private let size = Mutex(0)

  var scope: GroupScope { .groups([first.group!, few]) }

  static func code(_ number: Int) -> Digest { Units.digest("code \(number)") }

  init() async throws {
    test = try TestFolder()
    store = try test.create()
    let units = try [
      Units.instance(), Units.group(name, first.group!), GrowingFleet.group("few", few),
      Units.hub(Units.name("hub"), hub, groups: [first.group!, few]), first.unit(),
    ]
    for unit in units { _ = try await store.commit(unit) }
    // Enough for a page, before the first count.
    try await commit(1..<25, in: few)
  }

  func grow(to count: Int) async throws {
    let from = size.withLock { size in
      defer { size = count }
      return size
    }
    try await commit((1000 + from)..<(1000 + count), in: first.group!)
  }

  private func commit(_ numbers: Range<Int>, in group: RecordID) async throws {
    let units = try numbers.flatMap { number in
      let issued = TicketIssued(
        ticket: Units.id(.ticket), isSwap: false, device: nil, group: group, expires: Units.time + .seconds(3600))
      let ticket = try Units.event(
        issued, on: [issued.ticket],
        .init(
          deviceID: Units.deviceID("D\(number)"), hardware: Units.hardwareID(number), code: GrowingFleet.code(number)))
      return [UnitOfWork(events: [ticket]), try GrowingFleet.enrollment(number, group).unit()]
    }
    for outcome in await store.commit(units) { _ = try outcome.get() }
  }

  /// A group with a trust anchor.
  private static func group(_ name: String, _ group: RecordID) throws -> UnitOfWork {
    let anchor = Attachment([1, 2, 3])
    let added = GroupAdded(group: group, profile: nil, hub: nil, trustAnchors: [anchor.digest])
    return UnitOfWork(events: [
      try Units.event(added, on: [group], .init(name: Units.name(name)), attachments: [anchor])
    ])
  }

  private static func enrollment(_ number: Int, _ group: RecordID) -> TestEnrollment {
    TestEnrollment(
      deviceID: Units.deviceID("D\(number)"), hardwareID: Units.hardwareID(number), group: group)
  }

  func close() async { await store.close() }

  /// How many steps each question takes on a connection that has its statements ready, and what it finds.
  func steps(of questions: [GrowthTests.Question]) throws -> [(found: Int, steps: Int)] {
    let db = try Connection(path: test.folder.database, .readOnly)
    return try db.withSnapshot { snapshot in
      let snapshot = try snapshot.get()
      return try questions.map { question in
        _ = try question.ask(snapshot, self)
        return try db.countingSteps { try question.ask(snapshot, self) }
      }
    }
  }

  /// How many steps it takes to have the checked tree.
  func stepsToOpen() throws -> Int {
    let db = try Connection(path: test.folder.database, .readOnly)
    return try db.countingSteps { Int(try StoredTree(db: db).checked(test.signer.verifier, noted: nil).size) }.steps
  }
}

extension Connection {
  /// Counts the steps of SQLite's machine (https://www.sqlite.org/c3ref/progress_handler.html, asked after every one).
  func countingSteps(_ body: () throws -> Int) rethrows -> (found: Int, steps: Int) {
    var steps = 0
    return try withUnsafeMutablePointer(to: &steps) { counter in
      let count: @convention(c) (UnsafeMutableRawPointer?) -> Int32 = { counter in
        counter?.assumingMemoryBound(to: Int.self).pointee += 1
        return 0
      }
      sqlite3_progress_handler(handle, 1, count, counter)
      defer { sqlite3_progress_handler(handle, 0, nil, nil) }
      return (try body(), counter.pointee)
    }
  }
}
