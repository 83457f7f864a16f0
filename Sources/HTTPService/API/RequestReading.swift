import Enrollment
import HTTPTypes
import MusterModel

// What routes read from paths, queries and fields.

extension RoutedRequest {
  /// `limit` 1 to 1000 and `after`.
  func page() throws(Problem) -> PageRequest {
    let limit = try query.number("limit", in: PageRequest.limits) ?? 100
    guard let page = PageRequest(limit: limit, after: query["after"]) else {
      throw .badRequest("parameter-malformed", "expected after as the page before gave it")
    }
    return page
  }

  func deviceID(_ text: String) throws(Problem) -> DeviceID {
    guard let id = DeviceID(text) else {
      throw .badRequest("device-id-malformed", "expected a device ID (\(DeviceID.rule))")
    }
    return id
  }

  func name(_ text: String) throws(Problem) -> RecordName {
    guard let name = RecordName(text) else {
      throw .badRequest("name-malformed", "expected a name (\(RecordName.rule))")
    }
    return name
  }

  func deviceFilter() throws -> DeviceFilter {
    do throws(Refusal) {
      return try DeviceFilter(group: query["group"], hub: query["hub"], batch: query["batch"])
    } catch {
      throw Problem(error)
    }
  }

  func batch(_ text: String) throws(Problem) -> RecordID {
    guard let batch = RecordID(text), batch.kind == .batch else {
      throw .badRequest("batch-malformed", "expected batch=bat_…, a batch's record ID")
    }
    return batch
  }

  func rollover() throws(Problem) -> RecordID {
    guard let rollover = RecordID(try parameter("rollover")), rollover.kind == .rollover else {
      throw .badRequest("rollover-malformed", "expected rol_…, a rollover's record ID")
    }
    return rollover
  }

  func deviceID() throws(Problem) -> DeviceID { try deviceID(try parameter("id")) }
  func name() throws(Problem) -> RecordName { try name(try parameter("name")) }

  func certificateName() throws(Problem) -> CertificateName {
    guard let name = CertificateName(try parameter("certificate")) else {
      throw .badRequest("certificate-malformed", "expected a serial, a SHA-256 fingerprint or a record ID")
    }
    return name
  }
}
