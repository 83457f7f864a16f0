public import MusterModel

// Every enrollment writes these.

extension DeviceEnrolled: CanonicalJSON {
  public func write(to json: inout JSONWriter) {
    json.field("batch", batch)
    json.field("certificate", certificate)
    json.field("device", device)
    json.field("evidence", evidence)
    json.field("generation", number: generation)
    json.field("group", group)
    json.field("hardware", objects: hardware)
    json.field("hub", hub)
    json.field("isNew", bool: isNew)
    json.field("order", order)
    json.field("publicKey", digest: publicKey)
    json.field("ticket", ticket)
  }
}

extension BoundHardware: CanonicalJSON {
  public func write(to json: inout JSONWriter) {
    json.field("assurance", assurance.rawValue)
    json.field("hardware", hardware)
  }
}

extension DeviceEnrolled.Details: CanonicalJSON {
  public func write(to json: inout JSONWriter) {
    json.field("decision", decision)
    json.field("deviceID", deviceID)
    json.field("hardware", texts: hardware)
    json.field("source", source)
  }
}
