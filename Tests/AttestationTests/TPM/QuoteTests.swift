import Crypto
import MusterTesting
import Testing

@testable import Attestation

@Suite struct QuoteTests {
  /// A quote of registers 0 and 7 of the SHA-256 bank after a start, and what is shown beside it; to be spoiled.
  struct Shown {
    var log: [UInt8]? = MadeEventLog.start().bytes
    var values: [UInt8]? = QuoteTests.values
    /// TPML_PCR_SELECTION.
    var selection = QuoteTests.selection([(0x0b, [0x81, 0, 0])])
    /// What the digest is of.
    var quoted = QuoteTests.values
    var nonce = MadeTPM.nonce

    func appraise() throws -> (appraisal: Appraisal, boot: MeasuredBoot?) {
      let key = MadeTPM.Key.attestation()
      let info = MadeTPM.Attest(
        type: 0x8018, extraData: nonce, body: selection + MadeTPM.sized(Array(SHA256.hash(data: quoted)))
      ).bytes
      return Quote(info: info, signature: try key.sign(info), pcrValues: values, eventLog: log)
        .appraise(akPublic: key.sizedArea, nonce: MadeTPM.nonce)
    }
  }

  static let values = MadeEventLog.start().value(of: 0) + MadeEventLog.start().value(of: 7)

  static func selection(_ banks: [(hash: UInt64, bits: [UInt8])]) -> [UInt8] {
    MadeTPM.number(UInt64(banks.count), 4)
      + banks.flatMap { MadeTPM.number($0.hash, 2) + [UInt8($0.bits.count)] + $0.bits }
  }

  @Test func `quoted registers are shown by their values, by the log, or by both`() throws {
    for (values, log) in [(true, true), (true, false), (false, true)] {
      var shown = Shown()
      if !values { shown.values = nil }
      if !log { shown.log = nil }
      let (appraisal, boot) = try shown.appraise()
      #expect(appraisal.codes == [], "\(values) \(log)")
      #expect(boot?.values.keys.sorted() == [0, 7] && boot?.values[7]?.bytes == MadeEventLog.start().value(of: 7))
      #expect(boot?.secureBoot == (log ? true : nil))
    }
    var bare = Shown()
    (bare.values, bare.log) = (nil, nil)
    let (appraisal, boot) = try bare.appraise()
    #expect(appraisal.isAccepted && boot == nil)
  }

  @Test func `Secure Boot is shown by register 7 where it was quoted alone`() throws {
    var shown = Shown()
    shown.selection = QuoteTests.selection([(0x0b, [0x01, 0, 0])])
    shown.quoted = Array(QuoteTests.values.prefix(32))
    shown.values = shown.quoted
    let boot = try shown.appraise().boot
    #expect(boot != nil && boot?.secureBoot == nil)
  }

  @Test func `a register that the log does not tell of is its value's alone`() throws {
    var shown = Shown()
    shown.selection = QuoteTests.selection([(0x0b, [0x81, 0x04, 0])])
    shown.quoted = QuoteTests.values + [UInt8](repeating: 5, count: 32)
    shown.values = shown.quoted
    let (appraisal, boot) = try shown.appraise()
    #expect(appraisal.codes == [] && boot?.values.keys.sorted() == [0, 7, 10] && boot?.secureBoot == true)
  }

  struct Attack: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let code: String
    let spoil: @Sendable (inout Shown) -> Void
  }

  @Test(arguments: [
    Attack(testDescription: "no register", code: "quote-empty") { $0.selection = selection([(0x0b, [0, 0, 0])]) },
    Attack(testDescription: "no bank", code: "quote-empty") { $0.selection = selection([]) },
    Attack(testDescription: "another nonce", code: "nonce-wrong") { $0.nonce = Array(2...33) },
    Attack(testDescription: "no nonce", code: "nonce-wrong") { $0.nonce = [] },
    Attack(testDescription: "other values", code: "pcr-values-wrong") { $0.values = $0.values?.reversed() },
    Attack(testDescription: "the values of other registers", code: "pcr-values-wrong") {
      $0.values = Array(QuoteTests.values.suffix(32) + QuoteTests.values.prefix(32))
    },
    Attack(testDescription: "a value too few", code: "evidence-unreadable") { $0.values?.removeLast(32) },
    Attack(testDescription: "a value that is cut", code: "evidence-unreadable") { $0.values?.removeLast() },
    Attack(testDescription: "a byte behind the values", code: "evidence-unreadable") { $0.values?.append(0) },
    Attack(testDescription: "another start's log", code: "event-log-wrong") {
      $0.log = MadeEventLog.start(secureBoot: [0]).bytes
    },
    Attack(testDescription: "another start's log and no values", code: "event-log-wrong") {
      ($0.values, $0.log) = (nil, MadeEventLog.start(secureBoot: [0]).bytes)
    },
    Attack(testDescription: "a log that lacks its last event", code: "event-log-wrong") {
      var log = MadeEventLog.start()
      log.events.remove(at: 5)
      $0.log = log.bytes
    },
    Attack(testDescription: "a log of none of the registers", code: "event-log-wrong") {
      var log = MadeEventLog.start()
      log.events.removeAll { $0.register != 4 }
      $0.log = log.bytes
    },
    Attack(testDescription: "a log with an event that is said and not measured", code: "event-log-wrong") {
      var log = MadeEventLog.start()
      log.events[2].type = MadeEventLog.noAction
      $0.log = log.bytes
    },
    Attack(testDescription: "a log that is cut", code: "evidence-unreadable") { $0.log?.removeLast() },
    Attack(testDescription: "a log of another bank, and no values", code: "evidence-unreadable") {
      ($0.values, $0.selection) = (nil, selection([(0x0c, [0x81, 0, 0])]))
    },
    Attack(testDescription: "a bank that nobody computes", code: "evidence-unreadable") {
      $0.selection = selection([(0x12, [0x81, 0, 0])])
    },
    Attack(testDescription: "more banks than there are", code: "evidence-unreadable") {
      $0.selection = selection(Array(repeating: (0x0b, [1, 0, 0]), count: 17))
    },
    Attack(testDescription: "a selection of no size", code: "evidence-unreadable") {
      $0.selection = selection([(0x0b, [])])
    },
    Attack(testDescription: "a selection of a large size", code: "evidence-unreadable") {
      $0.selection = selection([(0x0b, [1, 0, 0, 0, 0])])
    },
  ])
  func `what is shown of registers otherwise than they were quoted now is refused, and claims nothing`(
    attack: Attack
  ) throws {
    var shown = Shown()
    attack.spoil(&shown)
    let (appraisal, boot) = try shown.appraise()
    #expect(appraisal.codes.contains(attack.code) && boot == nil, "\(appraisal.codes)")
  }

  @Test func `registers by SHA-1 claim nothing`() throws {
    var shown = Shown()
    shown.selection = QuoteTests.selection([(4, [0x01, 0, 0])])
    shown.quoted = [UInt8](repeating: 1, count: 20)
    (shown.values, shown.log) = (shown.quoted, nil)
    let (appraisal, boot) = try shown.appraise()
    #expect(appraisal.isAccepted && boot == nil)
  }
}
