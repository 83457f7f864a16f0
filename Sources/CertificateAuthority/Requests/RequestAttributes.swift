import SwiftASN1

/// The attributes of a request (RFC 2986 §4.1). Of them Muster reads the extensions that are asked for (RFC 2985
/// §5.4.2); the others are allowed, and mean nothing.
enum RequestAttributes {
  /// Throws `MalformedDER` unless the attributes are a sorted SET OF without repetition.
  static func extensions(_ node: ASN1Node) throws -> [CertificateExtension] {
    let attributes = try node.members(.context(0), limit: CertificateRequest.attributeLimit, "the attributes")
    for (attribute, next) in zip(attributes, attributes.dropFirst()) {
      guard attribute.encodedBytes.lexicographicallyPrecedes(next.encodedBytes) else {
        throw MalformedDER(expected: "attributes in ascending order (X.690 §11.6)", found: "another")
      }
    }
    var seen: Set<ArraySlice<UInt8>> = []
    var requested: [CertificateExtension] = []
    for attribute in attributes {
      let (type, values) = try read(attribute)
      guard seen.insert(type).inserted else {
        throw MalformedDER(expected: "each attribute once", found: "\(dotted(type)) twice")
      }
      if type.elementsEqual(OID.extensionRequest) { requested = try requestedExtensions(values) }
    }
    return requested
  }

  private static func read(_ attribute: ASN1Node) throws -> (ArraySlice<UInt8>, [ASN1Node]) {
    var fields = try Fields(of: attribute, "an attribute")
    let type = try fields.take("its type").objectIdentifier("an attribute")
    let values = try fields.take("its values").members(.set, limit: CertificateRequest.attributeLimit, "an attribute")
    try fields.end()
    guard !values.isEmpty else { throw MalformedDER(expected: "a value in an attribute", found: "none") }
    return (type, values)
  }

  private static func requestedExtensions(_ values: [ASN1Node]) throws -> [CertificateExtension] {
    guard values.count == 1 else {
      throw MalformedDER(expected: "one list of extensions", found: "\(values.count)")
    }
    return try CertificateExtension.list(values[0])
  }
}
