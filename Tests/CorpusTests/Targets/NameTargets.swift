import DeviceRegistry
import Foundation
import KeyVault
import Ledger
import MusterModel

let nameTargets = [
  FuzzTarget("hardware-id", upTo: 320, hardwareID),
  FuzzTarget("hardware-pattern", upTo: 320, hardwarePattern),
  FuzzTarget("names", upTo: 320, names),
  FuzzTarget("codes", upTo: 320, codes),
  FuzzTarget("encodings", upTo: 256, encodings),
]

/// The canonical form is a fixed point: it parses to itself, and as JSON too.
@Sendable private func hardwareID(_ bytes: [UInt8]) throws -> Bool {
  switch HardwareID.parse(text(bytes)) {
  case .failure(let refusal):
    try requirePlain(refusal)
    return false
  case .success(let id):
    try require(HardwareID.parse(id.description) == .success(id), "expected \(id) to be read as itself")
    try require(
      id.description.utf8.allSatisfy { (0x21...0x7e).contains($0) && $0 != UInt8(ascii: "/") },
      "expected \(id) to fit a path")
    let coded = try? JSONDecoder().decode(HardwareID.self, from: JSONEncoder().encode(id))
    try require(coded == id, "expected \(id) to be coded as itself")
    return true
  }
}

/// A pattern is its own text, and matches what begins with it and nothing of another kind.
@Sendable private func hardwarePattern(_ bytes: [UInt8]) throws -> Bool {
  guard let pattern = HardwarePattern(text(bytes)) else { return false }
  try require(isSame(pattern.description, text(bytes)), "expected \(pattern) to be written as it was read")
  if case .success(let id) = HardwareID.parse(pattern.kind, pattern.prefix), isSame(id.value, pattern.prefix) {
    try require(pattern.matches(id), "expected \(pattern) to match \(id)")
  }
  return true
}

/// Names are never cleaned up: what is read is what was written, byte by byte.
@Sendable private func names(_ bytes: [UInt8]) throws -> Bool {
  let text = text(bytes)
  let read: [String?] = [
    DeviceID(text)?.description, RecordName(text)?.description, TrustDomain(text)?.description,
    RecordID(text)?.description, LedgerOrigin(text)?.description,
  ]
  for name in read.compactMap(\.self) {
    try require(isSame(name, text), "expected \(text.debugDescription) as it was read, found \(name.debugDescription)")
  }
  guard let time = Timestamp(text) else { return read.contains { $0 != nil } }
  let full = text.utf8.count == 24 ? text : text.dropLast() + ".000Z"
  try require(isSame(time.description, full), "expected the time \(full), found \(time)")
  return true
}

/// A code that was read is shown in one form, which is read as the same.
@Sendable private func codes(_ bytes: [UInt8]) throws -> Bool {
  var read = false
  if let code = TicketCode(SecretBytes(copying: bytes)) {
    try require(TicketCode(code.text)?.text.isEqual(to: code.text) == true, "expected the same ticket code again")
    read = true
  }
  switch RecoveryCode.parse(SecretBytes(copying: bytes)) {
  case .failure(let refusal): try requirePlain(refusal)
  case .success(let code):
    guard case .success(let again) = RecoveryCode.parse(code.text), again.text.isEqual(to: code.text) else {
      throw BrokenInvariant(description: "expected the same recovery code again")
    }
    read = true
  }
  return read
}

/// Each value has one encoding, but for the case of hexadecimal digits.
@Sendable private func encodings(_ bytes: [UInt8]) throws -> Bool {
  let text = text(bytes)
  let (base64, hex) = (Base64URL.decode(text), Hex.decode(text))
  if let base64 { try require(isSame(Base64URL.encode(base64), text), "expected the same base64url again") }
  if let hex { try require(isSame(Hex.encode(hex), text.lowercased()), "expected the same digits again") }
  for count in [5, 10, 16, 20] {
    guard let decoded = Crockford.decode(text, count: count) else { continue }
    try require(decoded.count == count, "expected \(count) bytes, found \(decoded.count)")
    let again = Crockford.decode(Crockford.encode(decoded), count: count)
    try require(again == decoded, "expected the same \(count) bytes again")
  }
  try require(Base64URL.decode(Base64URL.encode(bytes)) == bytes, "expected any bytes to be coded in base64url")
  try require(Crockford.decode(Crockford.encode(bytes), count: bytes.count) == bytes, "expected any bytes to be coded")
  return base64 != nil || hex != nil
}
