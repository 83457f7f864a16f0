import ServiceAnswers

extension DeviceCertificate {
  /// nil before the enrollment.
  static func read(_ folder: StateFolder) throws -> DeviceCertificate? {
    try folder.read(.certificate).map { try DeviceCertificate(pem: $0) }
  }
}
