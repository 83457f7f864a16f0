import HTTPTypes

extension HTTPFields {
  /// The value of a field that stands there once; nil where it does not, or more often.
  func single(_ name: HTTPField.Name) -> String? {
    let values = self[values: name]
    return values.count == 1 ? values[0] : nil
  }

  /// How many bytes of body are announced (RFC 9110 §8.6).
  var announcedLength: Int? { single(.contentLength).flatMap { Int($0) } }
}
