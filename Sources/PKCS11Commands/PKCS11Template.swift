import CPKCS11

/// Attributes as a module takes them (PKCS #11 v2.40 §2.5), in memory of their own for the time of one call.
struct PKCS11Template {
  private var values: [(type: CK_ATTRIBUTE_TYPE, bytes: [UInt8])] = []

  func with(_ type: CK_ATTRIBUTE_TYPE, _ flag: Bool) -> PKCS11Template { with(type, [flag ? 1 : 0]) }

  func with(_ type: CK_ATTRIBUTE_TYPE, _ number: CK_ULONG) -> PKCS11Template {
    with(type, withUnsafeBytes(of: number, Array.init))
  }

  func with(_ type: CK_ATTRIBUTE_TYPE, _ bytes: [UInt8]) -> PKCS11Template {
    var template = self
    template.values.append((type, bytes))
    return template
  }

  func withAttributes<Result>(_ body: (UnsafeMutablePointer<CK_ATTRIBUTE>?, CK_ULONG) -> Result) -> Result {
    // Each where a number may stand: modules read them in place.
    let width = MemoryLayout<CK_ULONG>.stride
    let sizes = values.map { ($0.bytes.count + width - 1) / width * width }
    var bytes = zip(values, sizes).flatMap { $0.bytes + [UInt8](repeating: 0, count: $1 - $0.bytes.count) }
    return bytes.withUnsafeMutableBytes { buffer in
      var offset = 0
      var attributes = zip(values, sizes).map { value, size in
        defer { offset += size }
        return CK_ATTRIBUTE(
          type: value.type, pValue: buffer.baseAddress.map { $0 + offset }, ulValueLen: CK_ULONG(value.bytes.count))
      }
      return attributes.withUnsafeMutableBufferPointer { body($0.baseAddress, CK_ULONG($0.count)) }
    }
  }
}
