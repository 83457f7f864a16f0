import Enrollment
import Foundation
import HTTPTypes
import MusterModel

@testable import HTTPService

let httpTargets = [
  FuzzTarget("est-body", upTo: 1024, estBody),
  FuzzTarget("basic-credentials", upTo: 512, basicCredentials),
  FuzzTarget("request-target", upTo: 1024, requestTarget),
  FuzzTarget("json-body", upTo: 2048, jsonBody),
  FuzzTarget("header-fields", upTo: 256, headerFields),
]

private func takes(_ read: () throws -> Void) throws -> Bool {
  do {
    try read()
    return true
  } catch let problem as Problem {
    try requirePlain(problem.detail ?? problem.code)
    return false
  }
}

/// What was decoded encodes to what was sent, line breaks apart.
@Sendable private func estBody(_ bytes: [UInt8]) throws -> Bool {
  try takes {
    let der = try ESTBody.request(bytes, headers: [.contentType: "application/pkcs10"])
    let sent = bytes.filter { $0 != UInt8(ascii: "\r") && $0 != UInt8(ascii: "\n") }
    try require(!der.isEmpty && Data(der).base64EncodedData().elementsEqual(sent), "expected the same base64 again")
  }
}

/// What was sent may hold a code: every refusal is the same.
@Sendable private func basicCredentials(_ bytes: [UInt8]) throws -> Bool {
  guard let read = try? BasicCredentials.read(text(bytes)) else {
    let usual = Result { () throws(Problem) in try BasicCredentials.read("").map(\.deviceID) }
    let found = Result { () throws(Problem) in try BasicCredentials.read(text(bytes)).map(\.deviceID) }
    try require(found == usual, "expected one refusal for all, found \(found)")
    return false
  }
  let pair = Array("\(read.deviceID):".utf8) + read.code.withUnsafeBytes { Array($0) }
  let again = try BasicCredentials.read("Basic " + Data(pair).base64EncodedString())
  try require(
    again?.deviceID == read.deviceID && again?.code.isEqual(to: read.code) == true, "expected the same pair again")
  return true
}

/// A path that was taken apart and is put together, every byte of it escaped, is the same path; no segment climbs, and
/// nothing that fills a place can be read as two.
@Sendable private func requestTarget(_ bytes: [UInt8]) throws -> Bool {
  try takes {
    let target = try RequestTarget(text(bytes))
    let segments = target.path.segments
    for segment in segments {
      try require(segment != "." && segment != "..", "expected no dot segment")
      let isPlain = segment.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f }
      try require(isPlain, "expected no control character in \(segment.debugDescription)")
    }
    let escaped = segments.map { "/" + $0.utf8.map { "%" + Hex.encode([$0]) }.joined() }.joined()
    if escaped.utf8.count <= RequestTarget.limit {
      try require(try RequestTarget(escaped).path == target.path, "expected the same path again")
    }
    for places in patterns.compactMap({ $0.match(target.path) }) {
      try require(!places.values.contains { $0.utf8.contains(UInt8(ascii: "/")) }, "expected one segment in a place")
    }
    let limit: Int? = try target.query.number("limit", in: PageRequest.limits)
    try require(limit.map(PageRequest.limits.contains) ?? true, "expected a number in its range")
  }
}

private let patterns = [
  "/v1/devices/{id}", "/v1/devices/{id}/history", "/crl/{issuer}.crl", "/crl/{issuer}/{shard}.crl",
]
.map(PathPattern.init)

/// Each body that the API takes: what was read says the same when it is written and read again.
@Sendable private func jsonBody(_ bytes: [UInt8]) throws -> Bool {
  try bodies.map { try $0(Data(bytes)) }.contains(true)
}

private let bodies: [@Sendable (Data) throws -> Bool] = [
  body(EnrollmentRoutes.Input.self), body(TicketInput.self), body(GroupInput.self), body(HardwareInput.self),
  body(OperatorInput.self), body(HubInput.self), body(ReasonInput.self), body(UnsealInput.self),
  body(RekeyInput.self),
]

private func body<Value: Codable & Sendable>(_: Value.Type) -> @Sendable (Data) throws -> Bool {
  { data in
    try takes {
      let value: Value = try StrictJSON.decode(data)
      let written = try json(value)
      let again: Value = try StrictJSON.decode(written)
      try require(try json(again) == written, "expected the same \(Value.self) again")
    }
  }
}

private func json(_ value: some Encodable) throws -> Data {
  let encoder = JSONEncoder()
  encoder.outputFormatting = .sortedKeys
  return try encoder.encode(value)
}

/// A key or a tag is taken as it was sent.
@Sendable private func headerFields(_ bytes: [UInt8]) throws -> Bool {
  var headers: HTTPFields = [:]
  headers[.idempotencyKey] = text(bytes)
  headers[.ifMatch] = text(bytes)
  let isKey = try takes {
    guard let key = try IdempotencyKey.read(headers) else { return }
    try require(isSame(key.text, headers[.idempotencyKey] ?? ""), "expected the key as it was sent")
  }
  let isTag = try takes {
    guard let version = try EntityTag.ifMatch(headers) else { return }
    try require(isSame(EntityTag.text(version), headers[.ifMatch] ?? ""), "expected the tag as it was sent")
  }
  return isKey || isTag
}
