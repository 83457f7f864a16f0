import MusterModel
import Testing

@Suite struct DeviceIDTests {
  @Test(arguments: ["a", "meter-7", "A_b-9", String(repeating: "x", count: 64)])
  func `a well-formed device ID is kept as it is`(text: String) {
    #expect(DeviceID(text)?.text == text)
  }

  @Test(arguments: [
    "", "-a", "a-", "_a", "a.b", "a b", "a/b", "a\n", "a\0", "é", "а", String(repeating: "x", count: 65),
  ])
  func `anything else is refused, never cleaned up`(text: String) {
    #expect(DeviceID(text) == nil)
  }
}

@Suite struct HardwareIDTests {
  @Test(arguments: [
    ("mac:AA-BB-CC-00-11-22", "mac:aabbcc001122"), ("mac:aa:bb:cc:00:11:22", "mac:aabbcc001122"),
    ("cpu-serial:00000000E4B1C9D2", "cpu-serial:00000000e4b1c9d2"), ("cpu-serial:SN-7.a", "cpu-serial:SN-7.a"),
    ("imei:490154203237518", "imei:490154203237518"),
    ("dmi-uuid:4C4C4544-0043-3010-8052-B4C04F564231", "dmi-uuid:4c4c4544-0043-3010-8052-b4c04f564231"),
  ])
  func `each kind has one canonical form`(text: String, canonical: String) throws {
    #expect(try HardwareID.parse(text).get().description == canonical)
  }

  @Test(arguments: [
    "mac:000000000000", "mac:ffffffffffff", "cpu-serial:0", "cpu-serial:Default-string", "registration:Unknown",
    "dmi-uuid:03000200-0400-0500-0006-000700080009", "tpm-ek:\(String(repeating: "0", count: 64))",
  ])
  func `a maker's placeholder names no board`(text: String) {
    guard case .failure(.placeholder) = HardwareID.parse(text) else {
      Issue.record("expected a placeholder, found \(HardwareID.parse(text))")
      return
    }
  }

  @Test(arguments: [
    "", "mac", "mac:", "serial:1", "mac:aa:bb:cc:00:11", "mac:aa:bb-cc:00:11:22", "imei:490154203237519",
    "cpu-serial:a/b", "cpu-serial:a b", "tpm-ek:abc", "idevid:abc.1", "MAC:aabbcc001122",
  ])
  func `what is no hardware ID is refused`(text: String) {
    #expect(throws: HardwareID.Refusal.self) { try HardwareID.parse(text).get() }
  }
}

@Suite struct RecordIDTests {
  @Test func `a record ID reads what it writes, in its one form alone`() throws {
    let id = RecordID(.device, UUIDv7(at: Timestamp(milliseconds: 1_700_000_000_000)))
    #expect(RecordID(id.description) == id)
    #expect(id.description.hasPrefix("dev_") && id.description.utf8.count == 30)
    #expect(RecordID(id.description.uppercased()) == nil)
    #expect(RecordID(id.description + "0") == nil)
    #expect(RecordID(id.description.replacing("0", with: "o")) == nil)
  }

  @Test(arguments: RecordID.Kind.allCases) func `a record ID is its kind and Crockford's base 32 of its bytes`(
    kind: RecordID.Kind
  ) {
    for milliseconds in [0, 1, 1_700_000_000_000, 1 << 48 - 1] as [Int64] {
      let uuid = UUIDv7(at: Timestamp(milliseconds: milliseconds))
      let id = RecordID(kind, uuid)
      #expect(id.description == kind.rawValue + "_" + Crockford.encode(uuid.bytes, letterCase: .lower))
      #expect(
        RecordID(id.description) == id && UUIDv7(bytes: uuid.bytes) == uuid && uuid.time.milliseconds == milliseconds)
    }
    #expect(RecordID("dev_8" + String(repeating: "0", count: 25)) == nil)
    #expect(RecordID("dev_") == nil && RecordID("") == nil)
  }

  @Test func `record IDs sort by time`() {
    let ids = (0..<50).map { RecordID(.device, UUIDv7(at: Timestamp(milliseconds: 1_700_000_000_000 + $0 * 7))) }
    #expect(ids.map(\.description) == ids.map(\.description).sorted())
  }
}
