public import MusterModel

// Every enrollment writes these.

extension CertificateIssued: CanonicalJSON {
  public func write(to json: inout JSONWriter) {
    json.field("issued", object: issued)
    json.field("overlapUntil", overlapUntil)
    json.field("replaces", replaces)
  }
}

extension CertificateFacts: CanonicalJSON {
  public func write(to json: inout JSONWriter) {
    json.field("certificate", certificate)
    json.field("der", digest: der)
    json.field("issuerKeyID", issuerKeyID)
    json.field("notAfter", notAfter)
    json.field("notBefore", notBefore)
    json.field("profile", profile)
    json.field("publicKey", digest: publicKey)
    json.field("request", digest: request)
    json.field("serial", serial)
    json.field("shard", number: UInt64(shard))
    json.field("subject", subject)
  }
}

extension CertificateIssued.Details: CanonicalJSON {
  public func write(to json: inout JSONWriter) {
    json.field("decision", decision)
    json.field("source", source)
  }
}
