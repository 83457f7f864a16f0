import Enrollment
import HTTPTypes
import KeyVault
import MusterModel
import Policy

/// `/v1/keys`: key rings, and what is done with them.
struct KeyRoutes: Sendable {
  let rooms: ServiceRooms

  var routes: [Route] { rings + states + transfers + uses }

  private static let batch = Route.Shape(bodyLimit: 1024 * 1024)

  private var rings: [Route] {
    [
      .operation(.keyList, .get, "/v1/keys", .paged) { request, caller in
        try .json(try await Inspection(rooms.instance, for: caller).keyRings(request.page()).answered())
      },
      .operation(.keyShow, .get, "/v1/keys/{name}") { request, caller in
        try .json(try await Inspection(rooms.instance, for: caller).keyRing(request.name()).answered())
      },
      .operation(.keyCreate, .post, "/v1/keys") { request, caller in
        let input: KeyRingInput = try StrictJSON.decode(request)
        return try .json(try await rooms.administration.createRing(input, by: caller).answered())
      },
    ]
  }

  private var states: [Route] {
    [
      .operation(.keyRotate, .post, "/v1/keys/{name}/rotate") { request, caller in
        try .json(try await rooms.administration.rotateRing(try request.parameter("name"), by: caller).answered())
      },
      .operation(.keyMinimum, .post, "/v1/keys/{name}/minimum") { request, caller in
        let input: RingMinima = try StrictJSON.decode(request)
        let name = try request.parameter("name")
        return try .json(try await rooms.administration.setMinima(input, of: name, by: caller).answered())
      },
      .operation(.keyMove, .post, "/v1/keys/{name}/versions/{version}/state") { request, caller in
        let input: KeyMoveInput = try StrictJSON.decode(request)
        let (name, version) = (try request.parameter("name"), try request.keyVersion())
        return try .json(
          try await rooms.administration.move(version: version, of: name, input, by: caller).answered())
      },
    ]
  }

  private var transfers: [Route] {
    [
      .operation(.keyImport, .get, "/v1/import-key") { _, caller in
        try .json(try await rooms.administration.importKey(by: caller).answered())
      },
      .operation(.keyImport, .post, "/v1/import-key") { _, caller in
        try .json(try await rooms.administration.wrappingKey(by: caller).answered())
      },
      .operation(.keyImport, .post, "/v1/keys/import") { request, caller in
        let input: KeyImportInput = try StrictJSON.decode(request)
        return try .json(try await rooms.administration.importRing(input, by: caller).answered())
      },
      .operation(.keyExport, .post, "/v1/keys/{name}/versions/{version}/export") { request, caller in
        let input: KeyExportInput = try StrictJSON.decode(request)
        let (name, version) = (try request.parameter("name"), try request.keyVersion())
        return try .json(
          try await rooms.administration.export(version: version, of: name, input, by: caller).answered())
      },
    ]
  }

  private var uses: [Route] {
    [
      items(.keyEncrypt, "encrypt", KeyUse.encrypt), items(.keyDecrypt, "decrypt", KeyUse.decrypt),
      items(.keyRewrap, "rewrap", KeyUse.rewrap), items(.keyMAC, "mac", KeyUse.mac),
      items(.keySign, "sign", KeyUse.sign), items(.keyVerify, "verify", KeyUse.verify),
      .operation(.keyDerive, .post, "/v1/keys/{name}/derive") { request, caller in
        let input: DerivationInput = try StrictJSON.decode(request)
        return try .json(try await use.derive(try request.parameter("name"), input, by: caller).answered())
      },
      .operation(.keyDataKey, .post, "/v1/keys/{name}/data-key") { request, caller in
        let input: DataKeyInput = try StrictJSON.decodeOptional(request)
        return try .json(try await use.dataKey(try request.parameter("name"), input, by: caller).answered())
      },
      .operation(.keyRandom, .post, "/v1/random") { request, caller in
        let input: RandomInput = try StrictJSON.decode(request)
        return try .json(try await use.random(input, by: caller).answered())
      },
    ]
  }

  private var use: KeyUse { KeyUse(rooms.instance) }

  private func items(
    _ operation: Policy.Operation, _ name: String,
    _ what: @escaping @Sendable (KeyUse) -> (String, [KeyItem], Caller) async throws -> Outcome<[KeyItemResult]>
  ) -> Route {
    .operation(operation, .post, "/v1/keys/{name}/" + name, KeyRoutes.batch) { request, caller in
      let input: KeyItems = try StrictJSON.decode(request)
      let results = try await what(use)(try request.parameter("name"), input.items, caller).answered()
      return try .json(KeyItemResults(results: results))
    }
  }
}

extension RoutedRequest {
  fileprivate func keyVersion() throws(Problem) -> UInt32 {
    let text = try parameter("version")
    guard let version = UInt32(text), String(version) == text, version > 0 else {
      throw .badRequest("key-version-malformed", "expected a version's number, found something else")
    }
    return version
  }
}
